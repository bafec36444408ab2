"""Slopes and margins: what is drawn, read back."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recdemo.answers.drop import Drop
from recdemo.charts.counterfactual import margins, slopes

RANKS = [(1, 2), (2, 1), (3, 3), (4, 37), (5, None), (9, 4), (1200, 5), (None, 6)]


def changes_of(ranks: list[tuple[int | None, int | None]]) -> pd.DataFrame:
    before, after = (pd.array(column, dtype="Int64") for column in zip(*ranks, strict=True))
    return pd.DataFrame(
        {
            "movie_id": range(len(ranks)),
            "title": [f"Film {i} (1999)" for i in range(len(ranks))],
            "rank_before": before,
            "rank_after": after,
            "score_before": 0.5,
            "score_after": 0.4,
        }
    )


def test_slopes_join_each_film_s_ranks() -> None:
    figure = slopes(changes_of(RANKS), k=5)
    drawn = {}
    lines, points = figure.data[:4], figure.data[4:]
    for line, ends in zip(lines, points, strict=True):
        for i in range(0, len(ends.x), 2):
            j = i // 2 * 3
            assert list(line.x[j : j + 3]) == [*ends.x[i : i + 2], None] == [0, 1, None]
            assert list(line.y[j : j + 2]) == list(ends.y[i : i + 2])
            drawn[ends.customdata[i].split("<br>")[0]] = (*ends.text[i : i + 2], ends.name)
    assert drawn == {
        "Film 0 (1999)": ("1", "2", "falls"),
        "Film 1 (1999)": ("2", "1", "rises"),
        "Film 2 (1999)": ("3", "3", "same place"),
        "Film 3 (1999)": ("4", "37", "falls"),
        "Film 4 (1999)": ("5", "–", "watched"),
        "Film 5 (1999)": ("9", "4", "rises"),
        "Film 6 (1999)": ("1200", "5", "rises"),
        "Film 7 (1999)": ("–", "6", "watched"),
    }


def test_slopes_keep_labels_apart_and_films_below_the_list_in_order() -> None:
    figure = slopes(changes_of(RANKS), k=5)
    for side in (0, 1):
        places = [
            note.y for note in figure.layout.annotations if note.xref != "paper" and note.x == side
        ]
        assert np.diff(sorted(places)).min() > 0.7
    places = {
        (rank, side): place
        for ends in figure.data[4:]
        for rank, side, place in zip(ends.text, ends.x, ends.y, strict=True)
    }
    assert places["1", 0] == 1
    assert 5 < places["9", 0] < places["1200", 0] < places["–", 0]
    assert places["37", 1] < places["–", 1]


def test_a_long_title_takes_two_lines_with_its_year(small_films: pd.DataFrame) -> None:
    films = changes_of([(1, 1)]).assign(
        title="The Long and Winding Title of a Film Nobody Remembers (1968)"
    )
    label = next(note.text for note in slopes(films, k=5).layout.annotations if "Long" in note.text)
    assert label.endswith("(1968)")
    assert label.count("<br>") == 1


def test_margins_start_from_all_films() -> None:
    drop = Drop(7, 10, 1, tried=1, margin=1.5, alone=((3, -0.2), (4, 1.9)))
    figure = margins(drop, {3: "Three (1990)", 4: "Four (1991)"}, "stars")
    assert [(*line.x, line.y[0]) for line in figure.data] == [
        (1.5, -0.2, "Three (1990)"),
        (1.5, 1.9, "Four (1991)"),
    ]
    assert figure.layout.xaxis.title.text == "lead over rank 11 (stars)"
