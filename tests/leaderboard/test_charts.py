"""The charts of the leaderboard hold its figures, at the right places."""

from __future__ import annotations

import pytest
from leaderboard_rows import row, sliced

from recdemo.charts import leaderboard as charts
from recdemo.core.report import Bin
from recdemo.leaderboard import intervals, published
from recdemo.leaderboard.table import Figure, as_frame


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


@pytest.mark.parametrize(("beside", "named"), [(5.0, True), (15.0, False)])
def test_a_label_does_not_cover_another_model(beside: float, named: bool) -> None:
    """The label of the front stands left of its point: of c, where 15 ms is, and 5 ms is not."""
    speeds, values = [1.0, 20.0, 40.0, beside, 1000.0], [0.7, 0.8, 0.85, 0.801, 0.71]
    rows = [
        row(name, mean=value, milliseconds=speed)
        for name, value, speed in zip(["a", "c", "b", "d", "e"], values, speeds, strict=True)
    ]
    table = as_frame(rows)
    _, dots = charts.speed(table, "auc", [0, 1, 2], "e").data
    assert (dots.text[1] == "C") is named


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
