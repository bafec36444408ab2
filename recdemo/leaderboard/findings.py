"""What the leaderboard says, in sentences read off its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from recdemo.core.figures import METRICS
from recdemo.leaderboard import intervals
from recdemo.leaderboard.table import Row, figure_of, is_baseline


def leader(rows: Sequence[Row], name: str) -> str:
    """Who is first, and with what.

    Args:
        rows: best first, all with the figure or the first at least.
        name: of the figure.
    """
    best, figure = rows[0], figure_of(rows[0], name)
    assert figure is not None  # a figure is offered only where a row has it
    value = f"{METRICS[name].title} {figure.mean:.4f}"
    if len(rows) == 1:
        return f"{best.title}, the only one measured so, reaches {value}"
    baseline = ", and is a baseline: nobody trained it" if is_baseline(best) else ""
    return f"{best.title} leads with {value}{baseline}"


def leeway(rows: Sequence[Row], name: str) -> str:
    """How far other test users alone could move the first row's figure, and who is as near as that; empty where no
    interval is known.

    Args:
        rows, name: as in `leader`.
    """
    margin, first = intervals.margin_of(rows[0], name), figure_of(rows[0], name)
    if not margin or first is None:
        return ""
    near = [
        row.title
        for row in rows[1:]
        if (other := figure_of(row, name)) and abs(first.mean - other.mean) <= margin
    ]
    level = f", which leaves it level with {', '.join(near)}" if near else ""
    return f"A different sample of test users alone could move the leader’s figure by up to ±{margin:.4f}{level}."


def speed(table: pd.DataFrame, name: str, front: Sequence[int]) -> str:
    """What a faster answer costs.

    Half of the time counts as faster: a smaller lead may be noise. Popularity does not, for it answers everybody alike.

    Args:
        table: as `recdemo.leaderboard.table.as_frame` returns it, each row timed and measured.
        name: of the figure.
        front: places of the unbeaten, as `intervals.pareto` gives them.
    """
    unbeaten = table.loc[list(front)]
    best = unbeaten.iloc[-1]
    quick = 2 * unbeaten["milliseconds"] <= best["milliseconds"]
    fast = unbeaten[quick & (unbeaten["model"] != "popularity")]
    if len(fast):
        near = fast.iloc[-1]
        return (
            f"{near['title']} is {abs(best[name] - near[name]):.4f} behind the best of these, in "
            f"{near['milliseconds']:.1f} instead of {best['milliseconds']:.1f} ms"
        )
    if len(front) == 1:
        return f"{best['title']} is both the best of these and the fastest"
    return f"{best['title']} is the best of these; no model that knows the visitor is twice as fast"


def calibration(errors: Mapping[str, float]) -> str:
    """How far chances are off.

    Args:
        errors: as `intervals.calibration_error` gives them, by title; the first is spoken of, the others beside it.
    """
    (first, error), *others = errors.items()
    beside = [f"{title}’s by {100 * other:.1f}" for title, other in others]
    return ", ".join([f"{first}’s chances are off by {100 * error:.1f} points on average", *beside])


def groups(table: pd.DataFrame, title: str, name: str) -> str:
    """For whom a model does best and worst, and whether chance alone may have made the gap.

    Args:
        table: as `intervals.slices` returns it, one row at least.
        title: of the model.
        name: of the figure.
    """
    metric = METRICS[name]
    best, worst, chance = intervals.extremes(table, metric.better)
    if len(table) == 1:
        return (
            f"{metric.title} {best['value']:.3f} for “{best['group']}”, the only group large enough"
        )
    verdict = ""
    if chance is not None:
        more = abs(best["value"] - worst["value"]) > chance
        verdict = ", more than chance would make" if more else ", which chance may have made"
    return (
        f"{title} does best for “{best['group']}”, worst for “{worst['group']}”: {metric.title} "
        f"{best['value']:.3f} and {worst['value']:.3f}{verdict}"
    )
