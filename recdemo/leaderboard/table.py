"""How all models stand: what ``leaderboard.json`` says, read without torch, and what can be read off it.

`recdemo.leaderboard.build` writes the file. Intervals are bounds: a figure that is a mean of values between 0
and 1 over n users has a variance of at most m (1 − m) / n, and an AUC over n films liked and k not liked one of at
most A (1 − A) / min(n, k) (Birnbaum and Klose, Annals of Mathematical Statistics, 1957).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, Field, FiniteFloat, model_validator

from recdemo.core.errors import CheckpointError
from recdemo.core.figures import MAIN, METRICS
from recdemo.core.report import Faithfulness, Report
from recdemo.core.vocabulary import Objective, Split
from recdemo.models import CARDS

FILE = "leaderboard.json"
# Kinds of `Report.faithfulness` that speak for a model as a whole.
ATTENTION = ("weights", "pairs", "terms")


class Figure(BaseModel):
    """A metric over the seeds that were trained: mean, and sample deviation where there are two or more."""

    mean: FiniteFloat
    deviation: FiniteFloat | None = None


class Row(BaseModel):
    """One model, trained for one objective and measured under one split."""

    model: str
    title: str
    family: str
    objective: Objective
    split: Split
    figures: dict[str, Figure]
    seeds: list[int] = Field(min_length=1)
    parameters: int
    kilobytes: int | None  # of the weights, where they are shipped
    train_seconds: FiniteFloat
    samples_per_second: FiniteFloat | None
    # Shortest answer to one visitor over the whole catalogue, one thread.
    milliseconds: FiniteFloat | None
    report: Report | None  # slices, calibration, coverage, of the first seed
    data: str
    simulated: bool
    date: str
    command: str

    @model_validator(mode="after")
    def _has_what_decides(self) -> Row:
        if MAIN[self.objective] not in self.figures:
            raise ValueError(f"{self.model} for {self.objective!r} has no {MAIN[self.objective]}")
        return self


class Leaderboard(BaseModel):
    """``leaderboard.json``."""

    date: str
    versions: dict[str, str]
    rows: list[Row]


def read_leaderboard(base: Path) -> Leaderboard:
    """Read ``leaderboard.json``.

    Raises:
        CheckpointError: missing, or not such a file.
    """
    path = base / FILE
    try:
        return Leaderboard.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        first = " ".join(str(error).splitlines()[:3])
        raise CheckpointError(
            f"{path} is not a leaderboard ({first}); make it with 'python -m recdemo leaderboard'"
        ) from error


def figure_of(row: Row, name: str) -> Figure | None:
    """A figure of a row, coverage among them; None where it has not been measured."""
    if name == "coverage":
        coverage = row.report.coverage if row.report else None
        return None if coverage is None else Figure(mean=coverage)
    return row.figures.get(name)


def best_first(rows: Sequence[Row], name: str | None = None) -> list[Row]:
    """Rows by one figure, that of their question where none is named; rows without it last."""

    def place(row: Row) -> tuple[bool, float]:
        metric = name or MAIN[row.objective]
        figure = figure_of(row, metric)
        return figure is None, 0.0 if figure is None else -METRICS[metric].better * figure.mean

    return sorted(rows, key=place)


def is_baseline(row: Row) -> bool:
    """Whether a row's model is counted or solved in seconds, for others to be held against (`Card.baseline`)."""
    return row.model in CARDS and CARDS[row.model].baseline


def below(rows: Sequence[Row], name: str) -> list[tuple[Row, list[Row]]]:
    """What every trained model should be better than, and which are not.

    Args:
        rows: of one question and split.
        name: of the figure.

    Returns:
        The best of the baselines that read a visitor, then popularity, as far as they are among the rows; each with the
        trained models that are worse, best first.
    """
    ranked = [row for row in best_first(rows, name) if figure_of(row, name)]
    formulas = [row for row in ranked if is_baseline(row) and row.model != "popularity"]
    floors = formulas[:1] + [row for row in ranked if row.model == "popularity"]
    trained = [row for row in ranked if not is_baseline(row)]
    return [
        (floor, [row for row in trained if ranked.index(row) > ranked.index(floor)])
        for floor in floors
    ]


def below_in_words(rows: Sequence[Row], name: str, most: int | None = None) -> list[str]:
    """`below` as sentences, one for each baseline.

    Args:
        rows, name: as there.
        most: so many models are named at most, the best and the worst of them; None for all.
    """
    trained = sum(not is_baseline(row) and figure_of(row, name) is not None for row in rows)
    said = []
    for floor, worse in below(rows, name):
        figure = figure_of(floor, name)
        assert figure is not None
        what = (
            "which knows nothing of the visitor"
            if floor.model == "popularity"
            else f"a formula solved in {max(floor.train_seconds, 1):,.0f} s"
        )
        which = f"{floor.title} ({METRICS[name].title} {figure.mean:.4f}), {what}"
        if not trained:
            continue
        if not worse:
            said.append(
                f"{'Every' if trained > 1 else 'The one'} trained model ranks above {which}."
            )
            continue
        titles = [row.title for row in worse]
        if most and len(titles) > most:
            titles = [*titles[: most - 1], f"{len(titles) - most} more", titles[-1]]
        listed = " and ".join(filter(None, [", ".join(titles[:-1]), titles[-1]]))
        verb = "ranks" if len(worse) == 1 else "rank"
        said.append(f"{len(worse)} of {trained} trained models {verb} below {which}: {listed}.")
    return said


def seeds_in_words(rows: Sequence[Row]) -> str:
    """Which seeds stand behind the figures of rows: ``seed 0``, or which of them have more."""
    counted = Counter(tuple(row.seeds) for row in rows)

    def named(seeds: tuple[int, ...]) -> str:
        listed = ", ".join(map(str, seeds))
        return f"seed {listed}" if len(seeds) == 1 else f"mean of seeds {listed}"

    if len(counted) == 1:
        return named(next(iter(counted)))
    return ", ".join(f"{named(seeds)} for {counted[seeds]}" for seeds in sorted(counted, key=len))


def faithfulness_of(row: Row) -> Faithfulness | None:
    """How far what a row's model shows tells what mattered, as a whole: its weights, or else its last layer, nearest to
    the answer; None where it shows, or measured, none."""
    found = (row.report and row.report.faithfulness) or {}
    layers = [kind for kind in found if kind.startswith("layer") and "," not in kind]
    kinds = [kind for kind in (*ATTENTION, *reversed(layers), *found) if kind in found]
    return found[kinds[0]] if kinds else None


def as_frame(rows: Sequence[Row]) -> pd.DataFrame:
    """Rows as a frame, one column per figure that any row has, each followed by its deviation.

    Returns:
        Columns ``model``, ``title``, ``family``, ``baseline``, the figures in the order of `METRICS` with
        ``± figure`` where some row has several seeds, ``seeds`` (as ``0, 1, 2``), ``split``, ``faithfulness`` where some
        row's is measured, ``parameters``, ``kilobytes``, ``train_seconds``, ``samples_per_second``, ``milliseconds``,
        ``command``.
    """
    names = [name for name in METRICS if any(figure_of(row, name) for row in rows)]
    lines: list[dict[str, Any]] = []
    for row in rows:
        line: dict[str, Any] = {
            "model": row.model,
            "title": row.title,
            "family": row.family,
            "baseline": is_baseline(row),
        }
        for name in names:
            figure = figure_of(row, name)
            line[name] = figure and figure.mean
            line[f"± {name}"] = figure and figure.deviation
        faithfulness = faithfulness_of(row)
        line |= {
            "seeds": ", ".join(map(str, row.seeds)),
            "split": row.split,
            "faithfulness": faithfulness and faithfulness.mean,
        }
        for cost in ("parameters", "kilobytes", "train_seconds", "samples_per_second"):
            line[cost] = getattr(row, cost)
        lines.append(line | {"milliseconds": row.milliseconds, "command": row.command})
    found = pd.DataFrame(lines)
    optional = [*(f"± {name}" for name in names), "faithfulness"]
    return found.drop(columns=[column for column in optional if found[column].isna().all()])
