"""Rows of a made-up leaderboard."""

from __future__ import annotations

from typing import Any

from recdemo.core.figures import MAIN
from recdemo.core.report import Bin, Report
from recdemo.leaderboard.table import Figure, Row


def row(model: str = "fm", objective: str = "like", mean: float = 0.8, **changes: Any) -> Row:
    values: dict[str, Any] = {
        "model": model,
        "title": model.upper(),
        "family": "Fields and their pairs",
        "objective": objective,
        "split": "order",
        "figures": {MAIN[objective]: Figure(mean=mean)},  # type: ignore[index]
        "seeds": [0],
        "parameters": 10,
        "kilobytes": 20,
        "train_seconds": 30.0,
        "samples_per_second": 40.0,
        "milliseconds": 5.0,
        "report": None,
        "data": "Made up",
        "simulated": False,
        "date": "2000-01-01",
        "command": f"python -m recdemo train {model}",
    }
    return Row(**values | changes)


def sliced() -> Row:
    slices = {
        "gender": {"F": {"count": 100.0, "auc": 0.7}, "M": {"count": 300.0, "auc": 0.8}},
        "occupation": {"12": {"count": 60.0, "auc": 0.9}, "0": {"count": 50.0, "auc": 0.6}},
    }
    bins = [Bin(count=400, predicted=0.5, liked=0.4)]
    return row("din", report=Report(slices=slices, calibration=bins))
