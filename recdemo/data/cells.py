"""One cell of a person's own file, read as what it stands for.

Each function takes a text and answers with a value. What cannot be used raises a `FaultError`, whose words go on
from the value; what MovieLens merely has no code for is None, unknown.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Sequence
from typing import Literal

from recdemo.core.vocabulary import GENDERS, GENRES, OCCUPATIONS
from recdemo.data.movielens import OCCUPATION_WORDS, OLDEST, age_group
from recdemo.data.titles import split_title

YEARS = range(1870, 2101)
MAX_MOVIE_ID = 10_000_000

Scale = Literal["1-5", "0.5-5", "0-10", "like"]
SCALES: dict[Scale, str] = {
    "1-5": "1 to 5 stars",
    "0.5-5": "half a star to 5 stars",
    "0-10": "0 to 10, read as 1 to 5 stars",
    "like": "liked or not, read as 5 stars or 1",
}
_BOUNDS = {"1-5": (1, 5), "0.5-5": (0.5, 5), "0-10": (0, 10)}
YES = {"1", "1.0", "yes", "y", "true", "like", "liked", "likes", "love", "loved", "+"}
NO = {"0", "0.0", "no", "n", "false", "dislike", "disliked", "dislikes", "hate", "hated", "-", "-1"}
EMPTY = {"", "na", "n/a", "nan", "null", "none", "-", "?", "unknown", "<na>"}
_NOBODY = EMPTY - {"-", "?", "unknown"}
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][-+]?[0-9]{1,4})?").fullmatch


class FaultError(Exception):
    """What is wrong with a value, and the way out."""


def given(text: str) -> str:
    """The text itself, if it stands for somebody or something."""
    if text.casefold() in _NOBODY:
        raise FaultError("stands for nobody and nothing; write who or what is meant")
    return text


def movie_id(text: str) -> int:
    """A MovieLens id."""
    value = number(text)
    if value is None or value % 1 or not 1 <= value <= MAX_MOVIE_ID:
        raise FaultError(
            "is not a MovieLens id; write a whole number such as 260, or choose a column of titles"
        )
    return int(value)


def title(text: str) -> tuple[str, int | None]:
    """A natural title, and the year that may stand in parentheses at its end."""
    name, released = split_title(given(text))
    if not name:
        raise FaultError("is not a title; write one such as Heat (1995)")
    return name, released if released in YEARS else None


def year(text: str) -> int | None:
    """A year of release, or None."""
    if text.casefold() in EMPTY:
        return None
    value = number(text)
    if value is None or value not in YEARS:
        raise FaultError(
            f"is not a year from {YEARS[0]} to {YEARS[-1]}; correct it, or leave it empty"
        )
    return int(value)


def stars(text: str, scale: Scale) -> float:
    """0.5 to 5 stars."""
    if scale == "like":
        word = text.casefold()
        if word not in YES | NO:
            raise FaultError("is neither yes nor no; write 1 or 0, or choose another scale")
        return 5.0 if word in YES else 1.0
    value = number(text)
    if value is None:
        raise FaultError("is not a number; correct it, or choose another column or scale")
    low, high = _BOUNDS[scale]
    if not low <= value <= high:
        raise FaultError(f"is outside {low:g} to {high:g}; correct it, or choose another scale")
    return round(1 + 0.4 * value, 6) if scale == "0-10" else value


def number(text: str) -> float | None:
    """A number with a point or a comma before its decimals; None where there is none, or no end to it."""
    if not _NUMBER(text):
        return None
    value = float(text.replace(",", "."))
    return value if math.isfinite(value) else None


def gender(text: str) -> str | None:
    """F, M or None."""
    word = text.casefold()
    named = {name.casefold(): code for code, name in GENDERS.items()}
    known = {code.casefold(): code for code in GENDERS} | named | {"woman": "F", "man": "M"}
    return known.get(word)


def age(text: str) -> int | None:
    """The age group of an age in years, or of its own code."""
    value = number(text)
    if value is None or not 1 <= value <= OLDEST:
        return None
    return age_group(value)


def occupation(text: str) -> int | None:
    """The code of a MovieLens-1M code or name, or of a MovieLens-100K word."""
    value = number(text)
    if value is not None:
        return int(value) if value in OCCUPATIONS else None
    if text.casefold() in EMPTY:
        return None
    named = {name.casefold(): code for code, name in OCCUPATIONS.items()}
    return (OCCUPATION_WORDS | named).get(text.casefold())


def genres(text: str) -> tuple[str, ...]:
    """Those of the genres named that MovieLens-1M knows."""
    known = {genre.casefold(): genre for genre in GENRES} | {"children": "Children's"}
    words = [word.strip().casefold() for word in re.split(r"[|,;]", text)]
    return tuple(dict.fromkeys(known[word] for word in words if word in known))


def time_reader(texts: Sequence[str]) -> tuple[str, Callable[[str], float]]:
    """How most of some times are written, and what reads such times as numbers that grow with time."""
    ways: dict[str, Callable[[str], float | None]] = {
        "numbers": number,
        "2024-05-31": _iso_time,
        "31.05.2024": lambda text: _dated(text, "%d.%m.%Y"),
        "day/month/year": lambda text: _dated(text, "%d/%m/%Y"),
        "month/day/year": lambda text: _dated(text, "%m/%d/%Y"),
    }
    read = {way: sum(parse(text) is not None for text in texts) for way, parse in ways.items()}
    written = max(read, key=lambda way: read[way])

    def parse(text: str) -> float:
        time = ways[written](text)
        if time is None:
            example = "as numbers" if written == "numbers" else f"as {written}"
            raise FaultError(
                f"is not written {example}, as other times are; correct it, or choose no time"
            )
        return time

    return written, parse


def _iso_time(text: str) -> float | None:
    try:
        time = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return ((time if time.tzinfo else time.replace(tzinfo=datetime.UTC)) - _EPOCH).total_seconds()


def _dated(text: str, pattern: str) -> float | None:
    day, _, clock = text.partition(" ")
    try:
        date = datetime.datetime.strptime(day, pattern).date()
        time = datetime.time.fromisoformat(clock.strip()) if clock else datetime.time()
    except ValueError:
        return None
    return (
        datetime.datetime.combine(date, time.replace(tzinfo=datetime.UTC)) - _EPOCH
    ).total_seconds()
