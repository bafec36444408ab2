"""Which column of a person's own file means what, and a guess at it from names and values."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import pandas as pd

from recdemo.core.errors import DataError
from recdemo.data.cells import EMPTY, MILLISECONDS, NO, NOT_RATED, YES, number
from recdemo.data.choices import ROLES, Choices, Ids, Scale
from recdemo.data.columns import named, plain
from recdemo.data.dates import date_reader
from recdemo.data.limits import LOOKED_AT
from recdemo.data.marks import highest, said_reader
from recdemo.data.table import Table

_SAMPLE = 1_000  # values of a column that are looked at
_LONG_AGO = 1e8  # seconds: what is later is a time, and no mark
_ITEM = re.compile(r"B0[0-9A-Z]{8}|[0-9]{9}[0-9X]")  # Amazon's and the book trade's
_NO_ITEM = re.compile(r"(user|review|rating|row|session|order|device|record|transaction|line)s?id$")


@dataclass(frozen=True, slots=True)
class Mapping:
    """The column for each thing a data set knows; None where the file has none.

    Args:
        user: who rated.
        movie_id: the film, by MovieLens-1M id, or by any id where the films are the file's own.
        title: the film's title, a year in parentheses at its end or not; goes before `movie_id`.
        year: of release; goes before the year in the title.
        rating: as `scale` says; a count or None where whatever is listed is liked.
        scale: key of `recdemo.data.choices.SCALES`.
        time: when it was rated, a number or a date; left out, the order of the rows is taken.
        gender: F, M, female, male.
        age: in years, or a MovieLens age group.
        occupation: MovieLens-1M code or name, or MovieLens-100K word.
        genres: MovieLens names, joined by ``|`` or commas; read where the films are the file's own.
        ids: "ml-1m" where a person says so of `movie_id`; else its name and values decide whether they are believed.
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
    ids: Ids = ""

    @property
    def columns(self) -> dict[str, str]:
        """Column of each role that has one."""
        roles = [field.name for field in fields(self) if field.name not in ("scale", "ids")]
        return {role: column for role in roles if (column := getattr(self, role))}

    def chosen(self, choices: Choices, table: Table) -> Mapping:
        """This mapping as somebody corrects it; the scale is guessed again where another column holds the ratings.

        Raises:
            DataError: a column is given to a role that there is not.
        """
        unknown = sorted(set(choices.columns) - set(ROLES))
        if unknown:
            raise DataError(
                f"{unknown[0]!r} is nothing a column can say; use one of {', '.join(ROLES)}"
            )
        taken = set(choices.columns.values())
        columns: dict[str, Any] = {
            role: None if column in taken else column for role, column in self.columns.items()
        }
        columns |= {role: column or None for role, column in choices.columns.items()}
        said = "rating" in choices.columns
        scale = choices.scale or (scale_of(table, columns["rating"]) if said else self.scale)
        return Mapping(**columns, scale=scale, ids=choices.ids)


def read_by_values(table: Table, mapping: Mapping) -> list[str]:
    """The columns that a mapping reads as what their names do not say, as ``column 1 as user``."""
    columns = [*table.frame.columns]
    also = {"title": "other title", "rating": "count"}
    return [
        f"{column} as {role}"
        for role, column in mapping.columns.items()
        if column not in [*named(columns, role), *named(columns, also.get(role, role))]
    ]


def guess_mapping(table: Table) -> Mapping:
    """The mapping that the names of the columns, and a look at their values, suggest."""
    columns = [*table.frame.columns]
    found: dict[str, Any] = {}

    def first(candidates: Sequence[str], fits: Callable[[pd.Series], bool]) -> str | None:
        free = (column for column in candidates if column not in found.values())
        return next((column for column in free if fits(table.frame[column])), None)

    reviews = {*map(plain, columns)} & {"asin", "parentasin"}  # whose title is the review's
    found["user"] = first(named(columns, "user"), _anything)
    titles = [] if reviews else [*named(columns, "title"), *named(columns, "other title")]
    found["title"] = first(titles, _is_no_number)
    if not found["user"] and found["title"]:
        people = [column for column in columns if plain(column) in ("name", "id")]
        found["user"] = first(people, _repeats)
    found["movie_id"] = first(named(columns, "movie_id"), _anything) or first(
        _items(columns), _repeats
    )
    for role, fits in _FITS.items():
        found[role] = first(named(columns, role), fits)
    if not table.header:
        found |= _by_values(table)
    counts = first(named(columns, "count"), _anything)
    if not found["rating"] and counts:
        return Mapping(**found | {"rating": counts}, scale="listed")
    found["rating"] = found["rating"] or first(columns, _speaks_for_itself)
    if not found["rating"] and not first(columns, _could_be_marks):
        return Mapping(**found, scale="listed")
    rating = found["rating"]
    return Mapping(**found, scale=scale_of(table, rating) if rating else "1-5")


def scale_of(table: Table, column: str | None) -> Scale:
    """How the ratings of a column seem to be written; without one, whatever is listed is liked."""
    if column is None:
        return "listed"
    if column not in table.frame:
        return "1-5"
    if plain(column) == "thumbsvalue":
        return "thumbs"
    texts = table.frame[column]
    words = [text for text in _sample(texts) if text.casefold() not in EMPTY - {"-"}]
    if words and all(word.casefold() in YES | NO for word in words):
        return "like"
    said = said_reader(words)
    if words and all((found := said(word)) is not None and found[1] == 1 for word in words):
        return "like" if all(said(word) in ((1.0, 1.0), (0.1, 1.0)) for word in words) else "1-5"
    numbers = [value for word in words if (value := number(word)) is not None]
    if any(value > 100 for value in numbers):
        return "listed" if sum(value > 100 for value in numbers) * 10 > len(numbers) else "0-100"
    top = highest(numbers)
    if top > 5:
        zeros = any(value in NOT_RATED for value in numbers)
        if top == 10:
            return "1-10" if zeros else "0-10"
        return "1-100" if zeros else "0-100"
    return "0.5-5" if any(0 < value < 1 for value in numbers) else "1-5"


# What values tell


def _sample(texts: pd.Series) -> list[str]:
    """Some values of a column, from all over it."""
    values = texts.unique()
    return [*values[:: max(1, len(values) // _SAMPLE)]]


def _mostly(texts: pd.Series, true: Callable[[str], bool]) -> bool:
    sample = [text for text in _sample(texts) if text.casefold() not in EMPTY]
    return sum(map(true, sample)) * 2 > len(sample)


def _anything(texts: pd.Series) -> bool:
    return True


def _repeats(texts: pd.Series) -> bool:
    """Not the number of a row."""
    return not texts.is_unique


def _is_no_number(texts: pd.Series) -> bool:
    return not _mostly(texts, lambda text: number(text) is not None)


def _is_rating(texts: pd.Series) -> bool:
    said = said_reader(_sample(texts))

    def is_mark(text: str) -> bool:
        return number(text) is not None or bool(said(text)) or text.casefold() in YES | NO

    return _mostly(texts, is_mark) or not (texts != "").any()


def _speaks_for_itself(texts: pd.Series) -> bool:
    """Marks that are nothing else, such as 4/5 and ★★★, and no words, which may be said of other things."""
    said = said_reader(_sample(texts))

    def is_mark(text: str) -> bool:
        found = said(text)
        return found is not None and found[1] != 100 and not (found[1] == 1 and text.isascii())

    return _mostly(texts, is_mark) and bool((texts != "").any())


def _could_be_marks(texts: pd.Series) -> bool:
    """Numbers up to 100, more than one, some of them repeated."""
    sample = [number(text) for text in _sample(texts) if text]
    numbers = [value for value in sample if value is not None and 0 <= value <= 100]
    return len(numbers) == len(sample) > 1 and not texts.is_unique


def _is_time(texts: pd.Series) -> bool:
    sample = [text for text in _sample(texts)[:LOOKED_AT] if text.casefold() not in EMPTY]
    read = date_reader(sample)
    known = sum(number(text) is not None or read(text) is not None for text in sample)
    return known * 2 > len(sample)


def _is_year(texts: pd.Series) -> bool:
    return _mostly(texts, lambda text: bool(re.search(r"\b(1[89]|20)\d\d\b", text)))


_FITS: dict[str, Callable[[pd.Series], bool]] = {
    "rating": _is_rating,
    "time": _is_time,
    "year": _is_year,
    **dict.fromkeys(("gender", "age", "occupation", "genres"), _anything),
}


def _items(columns: Sequence[str]) -> list[str]:
    """Columns that look like ids of something, a bare ``id`` last."""
    ids = [column for column in columns if plain(column.rpartition(".")[2]).endswith("id")]
    bare = [column for column in ids if plain(column) == "id"]
    return [
        column for column in ids if column not in bare and not _NO_ITEM.search(plain(column))
    ] + bare


def _by_values(table: Table) -> dict[str, str | None]:
    """Columns without names: who, what, how much and when, in the order in which data sets are written."""
    frame = table.frame
    columns = [name for name in frame.columns if (frame[name] != "").mean() > 0.5]
    useful = [name for name in columns if frame[name].nunique() > 1 or len(frame) == 1]
    times = [  # a number in the first place is somebody's, however large
        name
        for name in columns
        if name != columns[0] and (_mostly(frame[name], _is_late) or _is_date(frame[name]))
    ]
    marks = [
        name
        for name in columns
        if name not in [*columns[:2], *times]
        and (_speaks_for_itself(frame[name]) or _is_half_steps(frame[name]))
    ]
    numbers = [name for name in useful if not _is_no_number(frame[name])]
    things = [name for name in columns if name not in marks + times]
    values = {name: frame[name].nunique() for name in things}
    # Who comes first, or second: behind what they rated, or the number of the row.
    people = [name for name in things if values[name] <= max(1, 0.9 * len(frame))]
    user = next((name for name in people if name in columns[:2]), None)
    others = [name for name in things if name in useful and name != user]
    if user is None or not others or not (marks or times or numbers):
        return {}
    behind = [name for name in others if columns.index(name) > columns.index(user)]
    item = (behind or others)[0]
    if len(frame) > 2 * values[user] * values[item]:
        return {}  # more rows than everybody could give to everything
    if _mostly(frame[user], lambda text: bool(_ITEM.fullmatch(text))):
        user, item = item, user
    role = "title" if frame[item].str.contains(" ").any() else "movie_id"
    return {
        "user": user,
        role: item,
        "rating": next((name for name in marks if name != item), None),
        "time": next((name for name in times if name != user), None),
    }


def _is_late(text: str) -> bool:
    value = number(text)
    return value is not None and _LONG_AGO <= value < MILLISECONDS * 1e6


def _is_date(texts: pd.Series) -> bool:
    return _is_no_number(texts) and _is_time(texts)


HALF_STEPS = 21  # from 0 to 10


def _is_half_steps(texts: pd.Series) -> bool:
    """Numbers in half steps from 0 to 10, not all zero."""
    values = [number(text) for text in _sample(texts) if text]
    return (
        len(values) <= HALF_STEPS
        and any(values)
        and all(value is not None and 0 <= value <= 10 and value * 2 % 1 == 0 for value in values)
    )
