"""Cells of a person's own table: marks, dates, ids, and what is said of people."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from recdemo.core.vocabulary import AGES
from recdemo.data import cells
from recdemo.data.choices import Scale


@pytest.mark.parametrize(
    ("scale", "text", "stars"),
    [
        ("1-5", "4", 4),
        ("1-5", "3,5", 3.5),
        ("1-5", "+5.0", 5),
        ("1-5", ".4e1", 4),
        ("0.5-5", "0.5", 0.5),
        ("0-10", "10", 5),
        ("0-10", "0", 1),
        ("0-10", "7.5", 4),
        ("0-10", "5", 3),
        ("like", "Yes", 5),
        ("like", "0", 1),
        ("like", "TRUE", 5),
        ("like", "disliked", 1),
        ("like", "👎", 1),
        ("like", "J'aime", 5),
        ("1-5", "4/5", 4),
        ("1-5", "★★★★½", 4.5),
        ("1-5", "★★★☆☆", 3),
        ("1-5", "8/10", 4.2),
        ("1-5", "80 %", 4.2),
        ("1-5", "3 out of 4", 4),
        ("1-5", "♥", 5),
        ("1-5", "4 stars", 4),
        ("1-5", "4.5★", 4.5),
        ("1-5", "4.5/5.0", 4.5),
        ("like", "Thumbs-Up!", 5),
        ("1-5", "4,0 von 5 Sternen", 4),
        ("like", "+1", 5),
        ("1-5", "bad", 1.5),
        ("0-100", "0", 1),
        ("1-100", "75", 4),
        ("1-10", "7.5", 4),
        ("thumbs", "1", 1),
        ("thumbs", "2", 4),
        ("listed", "13883", 5),
        ("listed", "play", 5),
        ("1-5", "", None),
        ("1-5", "0", None),
        ("1-10", "-1", None),
        ("1-5", "0/5", None),
        ("listed", "0", None),
    ],
)
def test_ratings_become_stars(scale: Scale, text: str, stars: float | None) -> None:
    assert cells.stars(text, scale) == stars


@pytest.mark.parametrize(
    ("read", "values"),
    [
        (cells.gender, {"f": "F", "Female": "F", "M": "M", "man": "M", "x": None, "": None}),
        (
            cells.age,
            {"1": 1, "17": 1, "18": 18, "24,5": 18, "56": 56, "99": 56, "0": None, "old": None},
        ),
        (
            cells.occupation,
            {"0": 0, "20": 20, "21": None, "Writer": 20, "healthcare": 6, "none": None},
        ),
        (
            cells.genres,
            {"drama|Sci-Fi": ("Drama", "Sci-Fi"), "Children, War": ("Children's", "War")},
        ),
        (cells.title, {"Heat (1995)": ("Heat", 1995), "Matrix, The": ("The Matrix", None)}),
        (cells.title, {"1984": ("1984", None), "Odd (0001)": ("Odd", None)}),
        (cells.year, {"1995": 1995, "1995.0": 1995, "1995-12-15": 1995, "": None, "n/a": None}),
    ],
)
def test_other_cells(read: Callable[[str], Any], values: dict[str, Any]) -> None:
    assert {text: read(text) for text in values} == values


def test_the_age_groups_are_those_of_movielens() -> None:
    assert {code: cells.age(str(code)) for code in AGES} == {code: code for code in AGES}


@pytest.mark.parametrize(
    ("texts", "note"),
    [
        (["5", "4e2", "-1"], ""),
        (["2024-05-31", "2024-05-31T10:00:00Z", "2024-06-01 08:30"], ""),
        (["31.05.2024", "1.6.2024 08:30"], ""),
        (["31/05/2024", "01/06/2024"], "Dates are read as day/month/year."),
        (["05/31/2024", "06/01/2024"], "Dates are read as month/day/year."),
        (["5/31/24", "6/1/24"], "Dates are read as month/day/year."),
        (["2024/05/31", "2024/06/01"], ""),
        (["31 May 2024", "June 1st, 2024"], ""),
        (["Fri May 31 10:00:00 2024", "Sat Jun  1 10:00:00 2024"], ""),
        (["31 мая 2024", "1 июня 2024"], ""),
        (["2024年5月31日", "2024. 6. 1."], ""),
        (["1717113600", "1717200000000"], ""),
        (["2024-05-31", "", "n/a", "1717200000"], ""),
    ],
)
def test_times_in_every_writing(texts: list[str], note: str) -> None:
    found, read = cells.time_reader(texts)
    assert found == note
    if texts[0] != "5":
        days = [
            datetime.date.fromordinal(int(719163 + seconds // 86400))
            for text in texts
            if (seconds := read(text)) is not None
        ]
        assert days[0] == datetime.date(2024, 5, 31)
        assert days[-1] == datetime.date(2024, 6, 1)
    with pytest.raises(cells.FaultError, match="is not a time; write one such as 2024-05-31"):
        read("yesterday")
