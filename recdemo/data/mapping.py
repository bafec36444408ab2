"""Which column of a person's own file means what, and a guess at it from names and values."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields

import pandas as pd

from recdemo.data.cells import EMPTY, NO, YES, Scale, number
from recdemo.data.table import SHOWN, Table


@dataclass(frozen=True, slots=True)
class Mapping:
    """The column for each thing a data set knows; None where the file has none.

    Args:
        user: who rated.
        movie_id: the film, by MovieLens-1M id, or by any id where the films are the file's own.
        title: the film's title, a year in parentheses at its end or not; goes before `movie_id`.
        year: of release; goes before the year in the title.
        rating: as `scale` says.
        scale: key of `recdemo.data.cells.SCALES`.
        time: when it was rated, a number or a date; left out, the order of the rows is taken.
        gender: F, M, female, male.
        age: in years, or a MovieLens age group.
        occupation: MovieLens-1M code or name, or MovieLens-100K word.
        genres: MovieLens names, joined by ``|`` or commas; read where the films are the file's own.
    """

    user: str | None = None
    movie_id: str | None = None
    title: str | None = None
    year: str | None = None
    rating: str | None = None
    scale: Scale = "1-5"
    time: str | None = None
    gender: str | None = None
    age: str | None = None
    occupation: str | None = None
    genres: str | None = None

    @property
    def columns(self) -> dict[str, str]:
        """Column of each role that has one."""
        roles = [field.name for field in fields(self) if field.name != "scale"]
        return {role: column for role in roles if (column := getattr(self, role))}


# Names that people and programs give to columns, without spaces, case and punctuation.
_NAMES = {
    "user": "userid user users username viewer viewerid member memberid customer customerid person personid "
    "reviewer account uid who",
    "movie_id": "movieid filmid movielensid itemid mid id",
    "title": "title movietitle filmtitle movie film movies item name",
    "year": "year releaseyear movieyear filmyear released",
    "rating": "rating ratings stars score rate yourrating myrating grade liked like likes opinion value",
    "time": "timestamp time datetime date ratedat watchedat watcheddate daterated ratingdate created createdat "
    "unixtime ts day",
    "gender": "gender sex",
    "age": "age agegroup userage",
    "occupation": "occupation job profession",
    "genres": "genres genre",
}


def guess_mapping(table: Table) -> Mapping:
    """The mapping that the names of the columns, and a look at their values, suggest."""
    plain = {
        re.sub(r"[^a-z0-9]", "", column.casefold()): column
        for column in reversed(table.frame.columns)
    }
    found = {
        role: next((plain[name] for name in names.split() if name in plain), None)
        for role, names in _NAMES.items()
    }
    title = found["title"]
    if title and _mostly(table.frame[title], lambda text: number(text) is not None):
        found["movie_id"], found["title"] = found["movie_id"] or title, None
    rating = found["rating"]
    return Mapping(**found, scale=_guess_scale(table.frame[rating]) if rating else "1-5")


def _guess_scale(texts: pd.Series) -> Scale:
    words = [
        text.casefold() for text in texts.unique()[: SHOWN * 50] if text.casefold() not in EMPTY
    ]
    if words and all(word in YES | NO for word in words):
        return "like"
    numbers = [value for word in words if (value := number(word)) is not None]
    if numbers and 5 < max(numbers) <= 10:
        return "0-10"
    return "0.5-5" if numbers and 0.5 <= min(numbers) < 1 else "1-5"


def _mostly(texts: pd.Series, true: Callable[[str], bool]) -> bool:
    sample = texts.unique()[: SHOWN * 10]
    return sum(map(true, sample)) * 2 > len(sample)
