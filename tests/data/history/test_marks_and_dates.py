"""Marks on any scale and dates in any order, read by what else stands in their column."""

from __future__ import annotations

import datetime

import pytest

from recdemo.data.dates import date_reader
from recdemo.data.marks import mark_reader


@pytest.mark.parametrize(
    ("texts", "marks"),
    [
        (["5", "0.5", "4"], [1.0, 0.1, 0.8]),
        (["1", "0", ""], [1.0, 0.1, None]),
        (["10", "7", "1"], [1.0, 0.7, 0.1]),
        (["8", "9", *["7"] * 20, "85"], [0.8, 0.9, *[0.7] * 20, None]),  # a slip
        (["8.33333333", "1"], [0.833333333, 0.1]),
        (["⭐⭐⭐⭐", "(5/5)"], [0.8, 1.0]),
        (["100", "64", "0"], [1.0, 0.64, None]),
        (["4/5", "7/10", "9/5"], [0.8, 0.7, None]),
        (["★★★★★", "★★½", "★"], [1.0, 0.5, 0.2]),
        (["3,5", "", "n/a"], [0.7, None, None]),
        (["Liked", "thumbs down", "❤"], [1.0, 0.1, 1.0]),
        (["❤️❤️❤️", "♥"], [0.6, 0.2]),
        (["★★★☆☆", "★★★★★★★☆☆☆"], [0.6, 0.7]),
        (["👍🏽", "👎", "нравится", "不喜欢"], [1.0, 0.1, 1.0, 0.1]),
        (["90 %", "10%", "0%"], [0.9, 0.1, None]),
    ],
)
def test_marks(texts: list[str], marks: list[float | None]) -> None:
    assert list(map(mark_reader(texts), texts)) == pytest.approx(marks)


@pytest.mark.parametrize(
    ("texts", "last"),
    [
        (["2024-01-02", "2024-01-03T10:00:00Z"], datetime.datetime(2024, 1, 3, 10)),
        (["1/13/24", "1/2/24"], datetime.datetime(2024, 1, 2)),
        (["13/1/24", "1/2/24"], datetime.datetime(2024, 2, 1)),
        (["1/3/24", "1/4/24", "1/5/24", "2/1/24"], datetime.datetime(2024, 2, 1)),
        (["13/1/24", "14/1/24"], datetime.datetime(2024, 1, 14)),
        (["3.1.2024", "14.1.2024", "1.2.2024"], datetime.datetime(2024, 2, 1)),
        (["2021/11/30"], datetime.datetime(2021, 11, 30)),
        (["1 Mar 2024"], datetime.datetime(2024, 3, 1)),
        (["Mar 1, 2024"], datetime.datetime(2024, 3, 1)),
        (["12/31/99", "1/1/00"], datetime.datetime(2000, 1, 1)),
        (["1/1/00", "12/31/99"], datetime.datetime(1999, 12, 31)),
        (["1704067200.0"], datetime.datetime(2024, 1, 1)),
        (["1704067200"], datetime.datetime(2024, 1, 1)),
        (["1704067200000"], datetime.datetime(2024, 1, 1)),
        (["Mon Jan  1 10:00:00 2024"], datetime.datetime(2024, 1, 1, 10)),
        (["Posted November 5, 2011."], datetime.datetime(2011, 11, 5)),
        (["1 марта 2024"], datetime.datetime(2024, 3, 1)),
        (["1er mai 2024"], datetime.datetime(2024, 5, 1)),
        (["3. März 2024, 10:30"], datetime.datetime(2024, 3, 3, 10, 30)),
        (["mar. 5 nov. 2024"], datetime.datetime(2024, 11, 5)),
        (["11/13/2019 9:05:58 PM"], datetime.datetime(2019, 11, 13, 21, 5, 58)),
        (["2024年3月1日"], datetime.datetime(2024, 3, 1)),
        (["2024. 3. 1."], datetime.datetime(2024, 3, 1)),
        (["0001-01-01T00:00:00+14:00"], datetime.datetime(1, 1, 1)),
        (["soon"], None),
    ],
)
def test_dates(texts: list[str], last: datetime.datetime | None) -> None:
    assert date_reader(texts)(texts[-1]) == last
