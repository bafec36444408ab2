"""The dates people and programs write: ISO, seconds and milliseconds, with slashes in either order, with names of months."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal

Order = Literal["mdy", "dmy"]
_ORDERS: tuple[Order, ...] = ("mdy", "dmy")  # of two that read as much, the first
SAMPLE = 50  # dates of a column that are tried before it is given up


def date_reader(texts: Sequence[str]) -> Callable[[str], datetime.datetime | None]:
    """What reads the dates of one column: in whichever way most of them are written, and the others in theirs."""
    given = [text.strip() for text in texts if text.strip()]
    if not any(
        _plain_date(text, way) or _named_month(text) for text in given[:SAMPLE] for way in _ORDERS
    ):
        return lambda text: None
    order = order_of(given)

    def read(text: str) -> datetime.datetime | None:
        text = text.strip()
        return _plain_date(text, order) or _named_month(text)

    return read


def order_of(texts: Sequence[str]) -> Order:
    """Of day and month that could be either, the order in which the column runs steadily; else the American one."""
    orders = {way: [_numeric_date(text, way) for text in texts] for way in _ORDERS}
    return max(orders, key=lambda way: (sum(map(bool, orders[way])), _steady(orders[way])))


def has_an_order(text: str) -> bool:
    """Whether day and month of a date may change places."""
    found = _DATE.fullmatch(text.strip())
    return found is not None and len(found[1]) < 4 and not (text.count(".") and "/" not in text)


_CLOCK = r"(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([AaPp])?\.?(?:[Mm]\.?)?.*)?"
_DATE = re.compile(r"(\d{1,4})[/.\-] ?(\d{1,2})[/.\-] ?(\d{1,4})\.?" + _CLOCK)
_CJK = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]?" + _CLOCK)
_HOURS = re.compile(r"\b(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap])?", re.IGNORECASE)


def _plain_date(text: str, order: Order = "mdy") -> datetime.datetime | None:
    return _iso(text) or _epoch(text) or _numeric_date(text, order)


def _iso(text: str) -> datetime.datetime | None:
    try:
        time = datetime.datetime.fromisoformat(text)
        return time.astimezone(datetime.UTC).replace(tzinfo=None) if time.tzinfo else time
    except (ValueError, OverflowError):
        return None


def _epoch(text: str) -> datetime.datetime | None:
    found = re.fullmatch(r"([0-9]{9,13})(?:\.[0-9]*)?", text)
    if not found:
        return None
    seconds = int(found[1]) / (1000 if len(found[1]) > 11 else 1)
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).replace(tzinfo=None)


def _numeric_date(text: str, order: Order) -> datetime.datetime | None:
    text = text.strip()
    if found := _CJK.fullmatch(text):
        year, month, day = (int(part) for part in found.groups()[:3])
        return _moment(year, month, day, found.groups()[3:])
    found = _DATE.fullmatch(text)
    if not found:
        return None
    first, second, third = (int(part) for part in found.groups()[:3])
    if len(found[1]) == 4:
        year, month, day = first, second, third
    else:
        year = third + (0 if third > 99 else 2000 if third < 70 else 1900)
        month, day = (first, second) if order == "mdy" else (second, first)
    return _moment(year, month, day, found.groups()[3:])


def _named_month(text: str) -> datetime.datetime | None:
    """A date with the name of its month, wherever it stands: ``1 Mar 2024``, ``Sat Mar  2 10:00:00 2024``, ``1er mars 2024``."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    words = re.findall(r"[^\W\d_]+", "".join(c for c in folded if not unicodedata.combining(c)))
    month = next((found for word in words[::-1] if (found := _MONTHS.get(word[:3]))), None)
    clock = _HOURS.search(text)
    rest = text.replace(clock[0], " ") if clock else text
    years = re.findall(r"(?<!\d)\d{4}(?!\d)", rest)
    days = re.findall(r"(?<!\d)\d{1,2}(?=\D|$)", rest)
    if not month or len(text) > 60:
        return None
    if not years and len(days) == 2:  # 1-Mar-24
        years = [f"{2000 + int(days[1]) - (100 if int(days[1]) > 69 else 0)}"]
    if not years or not days:
        return None
    return _moment(int(years[0]), month, int(days[0]), clock.groups() if clock else ())


def _moment(
    year: int, month: int, day: int, clock: Sequence[str | None]
) -> datetime.datetime | None:
    hour, minute, second, half = (*clock, *[None] * 4)[:4]
    hours = int(hour or 0)
    if half and hours <= 12:
        hours = hours % 12 + (12 if half in "pP" else 0)
    try:
        return datetime.datetime(year, month, day, hours, int(minute or 0), int(second or 0))
    except ValueError:
        return None


def _steady(times: Sequence[datetime.datetime | None]) -> float:
    """Share of neighbours that run the way most do."""
    given = [time for time in times if time]
    if len(given) < 2:
        return 0.0
    rising = sum(a <= b for a, b in pairwise(given))
    return max(rising, len(given) - 1 - rising) / (len(given) - 1)


# How months begin, without accents, in English, German, French, Spanish, Italian, Portuguese, Dutch and Russian.
_NAMES = (
    "jan ene gen янв",
    "feb fev фев",
    "mar mrz maa maerz мар",
    "apr avr abr апр",
    "may mai maj mag mei маи мая",
    "jun juin giu июн",
    "jul juil lug июл",
    "aug aou ago авг",
    "sep set сен",
    "oct okt out ott окт",
    "nov ноя",
    "dec dez dic дек",
)
_MONTHS = {name[:3]: month for month, names in enumerate(_NAMES, 1) for name in names.split()}
