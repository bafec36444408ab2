"""What is read off the leaderboard: order, front, calibration and margins, counted again by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recdemo.charts import leaderboard as charts
from recdemo.core.errors import CheckpointError
from recdemo.core.figures import MAIN, METRICS
from recdemo.core.report import Bin, Faithfulness, Report
from recdemo.leaderboard import intervals, published
from recdemo.leaderboard.table import (
    FILE,
    Figure,
    Row,
    as_frame,
    below,
    below_in_words,
    best_first,
    faithfulness_of,
    figure_of,
    is_baseline,
    read_leaderboard,
    seeds_in_words,
)
from recdemo.models import CARDS

ROOT = Path(__file__).resolve().parents[2]


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


def test_the_shipped_leaderboard_is_one() -> None:
    board = read_leaderboard(ROOT / "checkpoints")
    stated = json.loads((ROOT / "checkpoints" / FILE).read_text())
    assert json.loads(board.model_dump_json(exclude_unset=True)) == stated
    for entry in board.rows:
        names = [name for name in METRICS if figure_of(entry, name)]
        assert set(entry.figures) <= set(names)


@pytest.mark.parametrize(
    "damage",
    [
        None,
        "",
        "{",
        "[]",
        '{"date": "", "versions": {}}',
        row().model_dump_json().replace('"auc"', '"luck"'),
        row().model_dump_json().replace("0.8", "NaN"),
        row().model_dump_json().replace("[0]", "[]"),
    ],
)
def test_what_is_no_leaderboard_is_named_with_the_way_out(
    tmp_path: Path, damage: str | None
) -> None:
    if damage is not None:
        text = damage
        if '"model"' in damage:
            text = '{"date": "2000-01-01", "versions": {}, "rows": [' + damage + "]}"
        (tmp_path / FILE).write_text(text)
    with pytest.raises(CheckpointError, match="python -m recdemo leaderboard") as error:
        read_leaderboard(tmp_path)
    assert str(tmp_path / FILE) in str(error.value)


def test_the_best_come_first_and_the_unmeasured_last() -> None:
    likes = [row("a", mean=0.7), row("b", mean=0.9), row("c", mean=0.8)]
    assert [r.model for r in best_first(likes)] == ["b", "c", "a"]
    stars = [row("a", "rating", 0.9), row("b", "rating", 0.8)]
    assert [r.model for r in best_first(stars)] == ["b", "a"]
    covered = [
        row("a", "next", report=None),
        row("b", "next", report=Report(slices={}, coverage=0.1)),
        row("c", "next", report=Report(slices={}, coverage=0.4)),
    ]
    assert [r.model for r in best_first(covered, "coverage")] == ["c", "b", "a"]


def test_the_table_shows_deviations_where_there_are_some() -> None:
    figures = {
        "auc": Figure(mean=0.8, deviation=0.01),
        "log_loss": Figure(mean=0.5),
    }
    rows = [row("din", figures=figures, seeds=[0, 1, 2]), row("fm", mean=0.7), row("popularity")]
    table = as_frame(rows)
    assert [name for name in table if name.removeprefix("± ") in METRICS] == [
        "auc",
        "± auc",
        "log_loss",
    ]
    assert table["auc"].tolist() == [0.8, 0.7, 0.8]
    assert table["± auc"].tolist() == pytest.approx([0.01, np.nan, np.nan], nan_ok=True)
    assert table["log_loss"].tolist() == pytest.approx([0.5, np.nan, np.nan], nan_ok=True)
    assert table["seeds"].tolist() == ["0, 1, 2", "0", "0"]
    assert table["split"].tolist() == ["order"] * 3
    assert table["baseline"].tolist() == [False, False, True]
    assert "faithfulness" not in table, "nobody's is measured"
    assert table["command"].tolist() == [r.command for r in rows]


def with_formulas(patch: pytest.MonkeyPatch) -> None:
    """Two of the models below as if they were solved, not trained."""
    for key in ("pooling", "mf"):
        patch.setitem(CARDS, key, replace(CARDS[key], baseline=True))


def ranked(**means: float) -> list[Row]:
    return [row(key, "next", mean, train_seconds=5.0) for key, mean in means.items()]


def test_no_trained_model_is_below_a_formula_without_its_being_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_formulas(monkeypatch)
    rows = ranked(fm=0.05, din=0.2, pooling=0.15, popularity=0.06, afm=0.1, mf=0.12)
    found = below(rows, "ndcg@10")
    assert [(floor.model, [r.model for r in worse]) for floor, worse in found] == [
        ("pooling", ["afm", "fm"]),  # the best of the formulas
        ("popularity", ["fm"]),
    ]
    assert below_in_words(rows, "ndcg@10") == [
        "2 of 3 trained models rank below POOLING (NDCG@10 0.1500), a formula solved in 5 s: AFM and FM.",
        "1 of 3 trained models ranks below POPULARITY (NDCG@10 0.0600), which knows nothing of the visitor: FM.",
    ]
    rows = ranked(din=0.2, pooling=0.15, afm=0.16)
    assert below_in_words(rows, "ndcg@10") == [
        "Every trained model ranks above POOLING (NDCG@10 0.1500), a formula solved in 5 s."
    ]
    assert below_in_words(ranked(din=0.2), "ndcg@10") == []
    assert below_in_words(ranked(popularity=0.2), "ndcg@10") == []


def test_less_is_better_where_it_is() -> None:
    rows = [row(key, "rating", mean) for key, mean in (("fm", 0.9), ("popularity", 1.0))]
    assert "Every trained" not in below_in_words(rows, "rmse")[0]
    assert "The one trained model ranks above" in below_in_words(rows, "rmse")[0]
    rows = [row(key, "rating", mean) for key, mean in (("fm", 1.1), ("popularity", 1.0))]
    assert "1 of 1 trained models ranks below" in below_in_words(rows, "rmse")[0]


def test_many_below_are_named_by_the_best_and_the_worst() -> None:
    rows = ranked(popularity=0.5, fm=0.4, din=0.3, afm=0.2, mf=0.15, bst=0.1)
    assert below_in_words(rows, "ndcg@10", most=3)[0].endswith(": FM, DIN, 2 more and BST.")
    assert below_in_words(rows, "ndcg@10", most=5)[0].endswith(": FM, DIN, AFM, MF and BST.")


def test_what_is_counted_or_solved_is_a_baseline_and_fm_is_none() -> None:
    assert is_baseline(row("popularity"))
    assert not is_baseline(row("fm"))
    assert not is_baseline(row("nobody"))


def test_seeds_are_said_in_words() -> None:
    one, three = row(), row(seeds=[0, 1, 2])
    assert seeds_in_words([one, one]) == "seed 0"
    assert seeds_in_words([three]) == "mean of seeds 0, 1, 2"
    assert seeds_in_words([three, one, one]) == "seed 0 for 2, mean of seeds 0, 1, 2 for 1"


def faithful(**means: float) -> Row:
    found = {
        kind.replace("_", " "): Faithfulness(mean=mean, users=9) for kind, mean in means.items()
    }
    return row("bst", report=Report(slices={}, faithfulness=found))


def test_a_model_s_faithfulness_is_that_of_its_weights_as_a_whole() -> None:
    for made, mean in (
        (faithful(head_1=0.1, weights=0.5), 0.5),
        (faithful(pairs=0.3), 0.3),
        (faithful(layer_1=0.2, layer_2=0.4), 0.4),
    ):
        found = faithfulness_of(made)
        assert found is not None
        assert found.mean == mean
    assert faithfulness_of(faithful()) is None
    assert faithfulness_of(row()) is None
    table = as_frame([faithful(weights=0.5), row()])
    assert table["faithfulness"].tolist() == pytest.approx([0.5, np.nan], nan_ok=True)


def test_what_is_published_is_of_our_figures_with_a_source_and_best_first() -> None:
    assert published.beside("next", "order") == published.beside("like", "order") == ()
    assert published.beside("next", "last", "mrr") == ()
    for goal, split, name in (("next", "last", "ndcg@10"), ("rating", "random", "rmse")):
        found = published.beside(goal, split, name)  # type: ignore[arg-type]
        assert len(found) >= 3
        values = [METRICS[name].better * one.figures[name] for one in found]
        assert values == sorted(values, reverse=True)
        for one in found:
            assert set(one.figures) <= set(METRICS)
            assert one.url.startswith("https://")
            assert one.source


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


def sliced() -> Row:
    slices = {
        "gender": {"F": {"count": 100.0, "auc": 0.7}, "M": {"count": 300.0, "auc": 0.8}},
        "occupation": {"12": {"count": 60.0, "auc": 0.9}, "0": {"count": 50.0, "auc": 0.6}},
    }
    bins = [Bin(count=400, predicted=0.5, liked=0.4)]
    return row("din", report=Report(slices=slices, calibration=bins))


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


def test_the_ranking_draws_each_model_and_each_baseline() -> None:
    rows = [
        row("din", figures={"auc": Figure(mean=0.82, deviation=0.002)}, seeds=[0, 1]),
        row("popularity", mean=0.8),
    ]
    figure = charts.ranking(rows, "auc", [rows[1], row("fm", mean=0.74)], "din")
    dots = figure.data[0]
    assert list(dots.x) == [0.82, 0.8]
    assert list(dots.y) == ["DIN", "POPULARITY"]
    assert list(dots.error_x.array) == [0.002, 0.0]
    assert dots.error_x.visible
    assert list(dots.marker.symbol) == ["circle", "diamond"]
    assert dots.marker.color[0] != dots.marker.color[1]
    assert [line.x0 for line in figure.layout.shapes] == [0.8, 0.74]
    assert [note.text for note in figure.layout.annotations] == ["POPULARITY", "FM"]


def test_what_is_in_print_stands_hollow_below_a_line_and_ranks_nobody() -> None:
    rows = [row("din", "next", 0.16), row("fm", "next", 0.15)]
    printed = published.beside("next", "last", "ndcg@10")
    figure = charts.ranking(rows, "ndcg@10", [], "din", printed)
    ours, theirs = figure.data
    assert list(ours.y) == ["DIN", "FM"]
    assert list(theirs.x) == [None, *(one.figures["ndcg@10"] for one in printed)]
    assert theirs.marker.symbol == "circle-open"
    assert [one.source for one in printed] == list(theirs.customdata[1:])
    (line,) = figure.layout.shapes
    assert line.y0 == len(rows), "after the last of ours"


def test_the_front_is_a_line_and_the_far_are_left_out_of_the_picture() -> None:
    values = [0.80, 0.81, 0.82, 0.805, 0.815, 0.5]
    speeds = [3.0, 5.0, 9.0, 20.0, 30.0, 0.1]
    rows = [
        row(name, mean=value, milliseconds=speed)
        for name, value, speed in zip("abcdef", values, speeds, strict=True)
    ]
    table = as_frame(rows)
    front = intervals.pareto(speeds, values, 1)
    assert [rows[i].model for i in front] == ["f", "a", "b", "c"]
    assert table[charts.out_of_picture(table, "auc")]["model"].tolist() == ["f"]
    line, dots = charts.speed(table, "auc", front, "e").data
    assert list(line.x) == [0.1, 3.0, 5.0, 9.0]
    assert list(dots.x) == speeds
    assert list(dots.y) == values
    assert [text for text in dots.text if text] == ["A", "B", "C", "E"]
    low, high = charts.speed(table, "auc", front, "e").layout.yaxis.range
    assert 0.5 < low < 0.8
    assert high > 0.82


def test_where_less_is_better_up_is_still_better() -> None:
    rows = [row("a", "rating", 0.9), row("b", "rating", 0.8, milliseconds=9.0)]
    table = as_frame(rows)
    figure = charts.speed(table, "rmse", intervals.pareto([5.0, 9.0], [0.9, 0.8], -1), "a")
    low, high = figure.layout.yaxis.range
    assert low > 0.9
    assert high < 0.8


def test_one_model_alone_can_be_drawn() -> None:
    rows = [row("a")]
    assert charts.speed(as_frame(rows), "auc", [0], "b").data[1].text[0] == "A"
    assert len(charts.ranking(rows, "auc", [], "b").data[0].x) == 1


def test_groups_stand_beside_those_of_the_other_model() -> None:
    table = intervals.slices(sliced(), "gender", "auc")
    other, mine = charts.groups(table, "auc", "DIN", table.assign(value=0.5), "Popularity").data
    assert (mine.name, other.name) == ("DIN", "Popularity")
    assert list(mine.x) == [0.7, 0.8]
    assert list(other.x) == [0.5, 0.5]
    assert list(mine.y) == list(other.y) == ["Female · 100", "Male · 300"]
    assert list(mine.error_x.array) == pytest.approx(table["margin"].tolist())
    assert len(charts.groups(table, "auc", "DIN", None, "").data) == 1


def test_calibration_curves_hold_their_bins() -> None:
    bins = [Bin(count=9, predicted=0.2, liked=0.3), Bin(count=9, predicted=0.7, liked=0.6)]
    diagonal, curve = charts.calibration({"DIN": bins}).data
    assert list(diagonal.x) == list(diagonal.y)
    assert (list(curve.x), list(curve.y), curve.name) == ([0.2, 0.7], [0.3, 0.6], "DIN")
