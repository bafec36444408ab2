"""What the leaderboard says: planted figures whose finding is known."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from recdemo.core.report import Report
from recdemo.leaderboard import findings
from recdemo.leaderboard.intervals import margin_of
from recdemo.leaderboard.table import Figure, Row


def row(title: str, mean: float | None, model: str = "din", users: int = 0) -> Row:
    figures = {"ndcg@10": Figure(mean=0.1)}
    if mean is not None:
        figures["hr@10"] = Figure(mean=mean)
    report = Report(slices={"gender": {"F": {"count": users}}}) if users else None
    facts: dict[str, Any] = dict.fromkeys(("kilobytes", "samples_per_second", "milliseconds"))
    facts |= dict.fromkeys(("family", "data", "date", "command"), "")
    return Row(
        model=model, title=title, objective="next", split="order", figures=figures, seeds=[0], parameters=1,
        train_seconds=1.0, report=report, simulated=False, **facts,
    )  # fmt: skip


def test_the_leader_is_named_with_its_figure() -> None:
    best = row("DIN", 0.25)
    assert findings.leader([best, row("BST", 0.2)], "hr@10") == "DIN leads with HR@10 0.2500"
    assert findings.leader([best], "hr@10") == "DIN, the only one measured so, reaches HR@10 0.2500"
    counted = findings.leader([row("Popularity", 0.3, "popularity"), best], "hr@10")
    assert counted == "Popularity leads with HR@10 0.3000, and is a baseline: nobody trained it"


def test_level_are_those_within_the_margin_of_the_leader() -> None:
    best = row("DIN", 0.25, users=400)
    margin = margin_of(best, "hr@10")
    assert margin is not None
    others = [row("near", 0.25 - 0.9 * margin), row("far", 0.25 - 1.1 * margin), row("none", None)]
    said = findings.leeway([best, *others], "hr@10")
    assert f"±{margin:.4f}, which leaves it level with near." in said
    assert "level" not in findings.leeway([best, others[1]], "hr@10")
    assert findings.leeway([row("DIN", 0.25), *others], "hr@10") == ""


@pytest.mark.parametrize(
    ("milliseconds", "models", "front", "said"),
    [
        ((2.0, 5.0, 20.0), "abc", [0, 1, 2], "B is 0.0300 behind the best of these, in 5.0 instead of 20.0 ms"),
        ((2.0, 5.0, 20.0), "abc", [2], "C is both the best of these and the fastest"),
        ((2.0, 15.0, 20.0), ("popularity", "b", "c"), [0, 1, 2],
         "C is the best of these; no model that knows the visitor is twice as fast"),
        ((2.0, 10.0, 20.0), ("popularity", "b", "c"), [0, 1, 2],
         "B is 0.0300 behind the best of these, in 10.0 instead of 20.0 ms"),
    ],
)  # fmt: skip
def test_the_price_of_speed(milliseconds, models, front, said) -> None:
    table = pd.DataFrame(
        {"model": list(models), "title": list("ABC"), "milliseconds": milliseconds, "hr@10": [0.1, 0.2, 0.23]}
    )  # fmt: skip
    assert findings.speed(table, "hr@10", front) == said


def test_calibration_speaks_of_the_first_and_sets_others_beside_it() -> None:
    assert findings.calibration({"FM": 0.012}) == "FM’s chances are off by 1.2 points on average"
    both = findings.calibration({"FM": 0.012, "AFM": 0.2})
    assert both == "FM’s chances are off by 1.2 points on average, AFM’s by 20.0"


def groups(*values: float, margin: float | None) -> pd.DataFrame:
    names = ["one", "two", "three"][: len(values)]
    table = pd.DataFrame({"group": names, "count": 100, "value": values, "margin": margin})
    return table.astype({"margin": float})


def test_groups_best_and_worst_with_what_chance_may_do() -> None:
    wide, narrow = groups(0.3, 0.1, 0.2, margin=0.2), groups(0.3, 0.1, 0.2, margin=0.02)
    said = "FM does best for “one”, worst for “two”: AUC 0.300 and 0.100"
    assert findings.groups(wide, "FM", "auc") == f"{said}, which chance may have made"
    assert findings.groups(narrow, "FM", "auc") == f"{said}, more than chance would make"
    assert findings.groups(groups(0.3, 0.1, margin=None), "FM", "auc") == said
    loss = findings.groups(groups(0.3, 0.1, margin=None), "FM", "log_loss")
    assert loss.startswith("FM does best for “two”, worst for “one”")
    alone = findings.groups(groups(0.3, margin=0.1), "FM", "auc")
    assert alone == "AUC 0.300 for “one”, the only group large enough"
