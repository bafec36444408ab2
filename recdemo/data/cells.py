"""One cell of a person's own file, read as what it stands for.

Each function takes a text and answers with a value. What cannot be used raises a `FaultError`, whose words go on
from the value; what MovieLens merely has no code for is None, unknown.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Sequence

from recdemo.core.vocabulary import GENDERS, GENRES, OCCUPATIONS
from recdemo.data.choices import Scale
from recdemo.data.dates import date_reader, has_an_order, order_of
from recdemo.data.marks import Said, said_reader
from recdemo.data.movielens import OCCUPATION_WORDS, OLDEST, age_group
from recdemo.data.titles import split_title

SAID = said_reader(())
YEARS = range(1870, 2101)
MAX_MOVIE_ID = 10_000_000

_BOUNDS: dict[Scale, tuple[float, float]] = {
    "1-5": (1, 5),
    "0.5-5": (0.5, 5),
    "0-10": (0, 10),
    "1-10": (0.5, 10),
    "0-100": (0, 100),
    "1-100": (1, 100),
    "thumbs": (1, 3),
}
_DATE = re.compile(r"([12][0-9]{3})-[0-9]{1,2}-[0-9]{1,2}")
_THUMBS = {1: 1.0, 2: 4.0, 3: 5.0}
NOT_RATED = (0, -1)  # as several sites write it
YES = {"1", "1.0", "yes", "y", "true", "like", "liked", "likes", "love", "loved", "+", "+1"}
NO = {"0", "0.0", "no", "n", "false", "dislike", "disliked", "dislikes", "hate", "hated", "-", "-1"}
EMPTY = {"", "na", "n/a", "nan", "null", "none", "-", "?", "unknown", "<na>"}
_NOBODY = EMPTY - {"-", "?", "unknown"}
_EPOCH = datetime.datetime(1970, 1, 1)
MILLISECONDS = 1e11  # as seconds, the year 5138


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
    date = _DATE.match(text)
    value = number(date[1] if date else text)
    if value is None or value not in YEARS:
        raise FaultError(
            f"is not a year from {YEARS[0]} to {YEARS[-1]}; correct it, or leave it empty"
        )
    return int(value)


def stars(text: str, scale: Scale, said: Said = SAID) -> float | None:
    """0.5 to 5 stars; None where nothing was rated.

    A text that tells its own scale, such as ``4/5`` or ``★★★½``, is read by that.
    """
    word = text.casefold()
    if scale == "listed":
        count = number(text)
        return 5.0 if count is None or count > 0 else None
    if scale == "like" and word in YES | NO:
        return 5.0 if word in YES else 1.0
    if word in EMPTY:
        return None
    if itself := said(text):
        return _of_its_own_scale(*itself)
    if scale == "like":
        raise FaultError("is neither yes nor no; write 1 or 0, or choose another scale")
    value = number(text)
    if value is None:
        raise FaultError("is not a number; correct it, or choose another column or scale")
    low, high = _BOUNDS[scale]
    if low > 0 and value in NOT_RATED:
        return None
    if not low <= value <= high:
        raise FaultError(f"is outside {low:g} to {high:g}; correct it, or choose another scale")
    if scale == "thumbs":
        return _THUMBS.get(int(value), 4.0)
    return value if high == 5 else _to_stars(value, high)


def _of_its_own_scale(value: float, top: float) -> float | None:
    if not 0 <= value <= top:
        raise FaultError("is more than all; correct it")
    if top == 1:  # a word
        return max(1.0, 5 * value)
    if value == 0:
        return None
    return max(0.5, value) if top == 5 else _to_stars(value, top)


def _to_stars(value: float, top: float) -> float:
    return round(1 + 4 * value / top, 6)


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


def time_reader(texts: Sequence[str]) -> tuple[str, Callable[[str], float | None]]:
    """What reads some times as numbers that grow with time, and a sentence where their writing is unsure.

    Numbers are taken as they are, but for milliseconds among seconds; a time that is not given is None.
    """
    given = [text for text in texts if text.casefold() not in EMPTY]
    read = date_reader(given)
    turned = any(map(has_an_order, given))
    order = "month/day/year" if order_of(given) == "mdy" else "day/month/year"

    def parse(text: str) -> float | None:
        if text.casefold() in EMPTY:
            return None
        value = number(text)
        if value is not None:
            while abs(value) >= MILLISECONDS:
                value /= 1000
            return value
        time = read(text)
        if time is None:
            raise FaultError("is not a time; write one such as 2024-05-31, or choose no time")
        return (time - _EPOCH).total_seconds()

    return (f"Dates are read as {order}." if turned else ""), parse
