"""Front, calibration, margins and slices of a leaderboard, counted again by hand."""

from __future__ import annotations

import numpy as np
import pytest
from leaderboard_rows import row, sliced

from recdemo.core.report import Bin, Report
from recdemo.leaderboard import intervals


@pytest.mark.parametrize("better", [1, -1])
def test_nobody_beats_the_front_and_somebody_beats_the_rest(better: int) -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        speed = rng.integers(1, 8, 12).tolist()
        value = rng.integers(1, 8, 12).tolist()
        front = intervals.pareto(speed, value, better)

        def beaten(i: int, speed: list[int] = speed, value: list[int] = value) -> bool:
            return any(
                speed[j] <= speed[i]
                and better * value[j] >= better * value[i]
                and (speed[j], value[j]) != (speed[i], value[i])
                for j in range(12)
            )

        assert [speed[i] for i in front] == sorted({speed[i] for i in front})
        assert {(speed[i], value[i]) for i in front} == {
            (speed[i], value[i]) for i in range(12) if not beaten(i)
        }


def test_calibration_error_weighs_bins_by_their_size() -> None:
    bins = [Bin(count=30, predicted=0.2, liked=0.3), Bin(count=10, predicted=0.9, liked=0.6)]
    assert intervals.calibration_error(bins) == pytest.approx((30 * 0.1 + 10 * 0.3) / 40)
    report = Report(slices={}, calibration=bins)
    assert intervals.liked_share(row(report=report)) == pytest.approx((30 * 0.3 + 10 * 0.6) / 40)
    assert intervals.liked_share(row()) == 0.5


def test_margins_hold_the_truth_95_times_in_100() -> None:
    """Users drawn again and again: a hit rate, a gain per user between 0 and 1, an AUC of two bells."""
    from scipy.stats import norm
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    draws = 1000
    hits = rng.random((draws, 200)) < 0.25
    gains = hits / np.log2(rng.integers(1, 11, hits.shape) + 1)
    for name, values, truth in (
        ("hr@10", hits, 0.25),
        ("ndcg@10", gains, 0.25 * (1 / np.log2(np.arange(1, 11) + 1)).mean()),
    ):
        means = values.mean(1)
        held = [
            abs(m - truth) <= intervals.margin(name, m, 200)  # type: ignore[operator]
            for m in means
        ]
        assert np.mean(held) > 0.93, name
        assert name != "hr@10" or np.mean(held) < 0.97, "for a share it is exact"
    truth = norm.cdf(1 / 2**0.5)
    held = []
    for _ in range(300):
        liked = np.arange(120) < 30
        auc = roc_auc_score(liked, rng.normal(size=120) + liked)
        margin = intervals.margin("auc", auc, 120, 0.25)
        assert margin == pytest.approx(1.96 * (auc * (1 - auc) / 30) ** 0.5)
        held.append(abs(auc - truth) <= margin)
    assert np.mean(held) >= 0.95


def test_what_has_no_bound_has_no_margin() -> None:
    for name in ("log_loss", "rmse", "mse", "coverage"):
        assert intervals.margin(name, 0.5, 100) is None
    assert intervals.margin("auc", 0.8, 100, 1.0) is None
    assert intervals.margin_of(row(), "auc") is None, "nobody says how many were asked"


def test_slices_are_named_and_keep_the_order_of_the_codes() -> None:
    table = intervals.slices(sliced(), "occupation", "auc")
    assert table["group"].tolist() == ["Other or not specified", "Programmer"]
    assert table["count"].tolist() == [50, 60]
    assert table["value"].tolist() == [0.6, 0.9]
    assert table["margin"].tolist() == pytest.approx(
        [1.96 * (0.24 / 20) ** 0.5, 1.96 * (0.09 / 24) ** 0.5]
    )
    assert intervals.slices(sliced(), "age", "auc").empty
    assert intervals.slices(sliced(), "gender", "log_loss").empty
    assert intervals.slices(row(), "gender", "auc").empty
    assert intervals.asked(sliced()) == 400
    assert intervals.margin_of(sliced(), "auc") == intervals.margin("auc", 0.8, 400, 0.4)


def test_the_extremes_of_two_groups_are_judged_as_one_pair() -> None:
    table = intervals.slices(sliced(), "gender", "auc")
    best, worst, chance = intervals.extremes(table, 1)
    assert (best["group"], worst["group"]) == ("Male", "Female")
    assert chance == pytest.approx(float(np.hypot(*table["margin"])), rel=1e-4)
    best, worst, _ = intervals.extremes(table, -1)
    assert (best["group"], worst["group"]) == ("Female", "Male")
    assert intervals.extremes(table[:1], 1)[2] is None
    assert intervals.extremes(table.assign(margin=np.nan), 1)[2] is None


def test_equal_groups_seldom_look_unequal() -> None:
    import pandas as pd

    rng = np.random.default_rng(1)
    found = []
    for _ in range(400):
        value = rng.binomial(100, 0.3, 21) / 100
        margin = [intervals.margin("hr@10", v, 100) for v in value]
        table = pd.DataFrame({"group": range(21), "value": value, "margin": margin})
        best, worst, chance = intervals.extremes(table, 1)
        found.append(best["value"] - worst["value"] > chance)
    assert np.mean(found) < 0.07
