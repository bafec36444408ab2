"""How sure a figure is, for whom, and against what it costs.

Intervals are bounds: a figure that is a mean of values between 0 and 1 over n users has a variance of at most
m (1 − m) / n, and an AUC over n films liked and k not liked one of at most A (1 − A) / min(n, k) (Birnbaum and Klose,
Annals of Mathematical Statistics, 1957).
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import pandas as pd

from recdemo.core.figures import METRICS
from recdemo.core.report import Bin
from recdemo.core.vocabulary import GROUPS
from recdemo.leaderboard.table import Row, figure_of

NORMAL_95 = 1.96  # standard errors to either side that hold 95% of a normal distribution


def pareto(speed: Sequence[float], value: Sequence[float], better: int) -> list[int]:
    """Places of those that nobody beats in both, fastest first: each further one is slower and better.

    Args:
        speed: milliseconds, less is better.
        value: a figure.
        better: 1 where more of it is better, -1 where less is.
    """
    front: list[int] = []
    for i in sorted(range(len(speed)), key=lambda i: (speed[i], -better * value[i])):
        if not front or better * value[i] > better * value[front[-1]]:
            front.append(i)
    return front


def calibration_error(bins: Sequence[Bin]) -> float:
    """How far the predicted and the observed share of likes are apart, mean over all predictions."""
    total = sum(part.count for part in bins)
    return sum(part.count * abs(part.predicted - part.liked) for part in bins) / total


def margin(name: str, mean: float, count: float, liked: float = 0.5) -> float | None:
    """Half the width of an interval that holds the figure of all such users, 95 times in 100 or more.

    Args:
        name: of a metric.
        mean: the figure.
        count: users (`next`) or ratings (`like`) it was measured on, taken as independent.
        liked: share of the ratings that are likes, for an AUC.

    Returns:
        None for a figure that has no upper bound, such as the log-loss.
    """
    if not METRICS[name].is_share:
        return None
    number = count * min(liked, 1 - liked) if name == "auc" else count
    return None if number <= 0 else NORMAL_95 * float(mean * (1 - mean) / number) ** 0.5


def margin_of(row: Row, name: str) -> float | None:
    """`margin` of a row's figure; None too where its report does not say how many were asked."""
    figure, size = figure_of(row, name), asked(row)
    if figure is None or size is None:
        return None
    return margin(name, figure.mean, size, liked_share(row))


def asked(row: Row) -> int | None:
    """How many users (`next`) or ratings the figures rest on; None where the report does not say."""
    groups = row.report.slices.get("gender", {}) if row.report else {}
    return int(sum(group["count"] for group in groups.values())) or None


def liked_share(row: Row) -> float:
    """Share of the test ratings that are likes; a half where the report does not say."""
    bins = row.report.calibration if row.report else []
    total = sum(part.count for part in bins)
    return sum(part.count * part.liked for part in bins) / total if total else 0.5


def slices(row: Row, field: str, name: str) -> pd.DataFrame:
    """A figure for each group of users.

    Args:
        row: measured in detail.
        field: gender, age or occupation.
        name: of a metric; groups that have no such figure are left out.

    Returns:
        Columns ``group`` (name), ``count`` (users for `next`, else ratings), ``value``, ``margin`` (see
        `margin`; NaN where there is none), in the order of the codes.
    """
    share = liked_share(row)
    found = [
        {
            "group": title,
            "count": int(group["count"]),
            "value": group[name],
            "margin": margin(name, group[name], group["count"], share),
        }
        for code, title in GROUPS[field].items()
        if row.report and name in (group := row.report.slices.get(field, {}).get(code, {}))
    ]
    frame = pd.DataFrame(found, columns=["group", "count", "value", "margin"])
    return frame.astype({"margin": float})


def extremes(table: pd.DataFrame, better: int) -> tuple[pd.Series, pd.Series, float | None]:
    """The groups a model serves best and worst, and a gap between them that chance would seldom make.

    Args:
        table: as `slices` returns it, not empty.
        better: 1 where more of the figure is better, -1 where less is.

    Returns:
        Two rows of the table, and a gap that the best and the worst of as many equal groups exceed 5 times in
        100 at most (Bonferroni's bound over all pairs); None where there is no margin.
    """
    ordered = table.sort_values("value", ascending=better < 0, kind="stable")
    best, worst = ordered.iloc[0], ordered.iloc[-1]
    if table["margin"].isna().any() or len(table) < 2:
        return best, worst, None
    pairs = len(table) * (len(table) - 1) / 2
    wider = NormalDist().inv_cdf(1 - 0.025 / pairs) / NORMAL_95
    return best, worst, float(wider * (best["margin"] ** 2 + worst["margin"] ** 2) ** 0.5)
