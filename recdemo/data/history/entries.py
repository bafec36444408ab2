"""One film of a person's export, as its source wrote it: what it is called, when it was watched, what was thought of it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from recdemo.core.wording import counted
from recdemo.data.dataset import DataError

MAX_BYTES = 20_000_000  # of a file, and of all that a zip is read of
MAX_LINES = 100_000
SAMPLE = 50  # dates of a column that are tried before it is given up
IMDB_ID = re.compile(r"tt(\d{5,10})")
SUPPORTED = (
    "Letterboxd (any of its CSV files, or the whole zip), IMDb, Netflix, Trakt, Douban, Goodreads, MovieLens, any table with a "
    'column "Title", or lines such as "Heat (1995)"'
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an export.

    Args:
        title: as written; empty where only an id is known.
        year: of release; None unknown.
        imdb_id: the number of ``tt0133093``; None unknown.
        movie_id: a MovieLens id; None unknown.
        mark: what was thought of it, 0 (the worst the source can say) to 1; None where nothing was said.
        when: it was watched, or else rated; None unknown.
    """

    title: str
    year: int | None = None
    imdb_id: int | None = None
    movie_id: int | None = None
    mark: float | None = None
    when: datetime.datetime | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """What a file said.

    Args:
        source: who makes such files, for people.
        entries: in the order of the file.
        notes: what was left out, one sentence each.
        liked_from: marks from here on mean "liked", unless another border is chosen.
        disliked_to: marks up to here mean "disliked"; what lies between is just watched.
        person: whose lines these are, where the file holds several people's.
        people: all who are in it, most lines first.
    """

    source: str
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()
    liked_from: float = 0.7
    disliked_to: float = 0.5
    person: str = ""
    people: tuple[str, ...] = ()
    tells_when: bool = False  # its dates are those of watching, not of writing it down


def checked(export: Export) -> Export:
    """Without episodes of series; what is left must be something."""
    series = [
        entry for entry in export.entries if entry.year is None and _SERIES.search(entry.title)
    ]
    notes = export.notes
    if series:
        notes += (f"Left out: {counted(len(series), 'episode')} of series.",)
        kept = set(map(id, series))
        export = replace(export, entries=tuple(e for e in export.entries if id(e) not in kept))
    if not export.entries:
        why = " ".join(notes) or "It has a header, and no line below it."
        raise DataError(f"no film is in the file. {why} Read are: {SUPPORTED}")
    return replace(export, notes=notes)


def year_in(text: str) -> int | None:
    """The first year of a film that a text names."""
    found = re.search(r"\b(18[89]\d|19\d\d|20\d\d)\b", text)
    return int(found[1]) if found else None


def mark_reader(texts: Sequence[str], scale: float | None = None) -> Callable[[str], float | None]:
    """What reads the ratings of one column as marks from 0 to 1.

    Knows numbers (out of 5, 10 or 100, whichever holds the largest), ``4/5``, ``80%``, stars (``★★★½``) and words for
    thumbs. Zero, and what says nothing, is None: no source lets people give nothing at all.

    Args:
        texts: the whole column.
        scale: the highest number of the source; None to find out.
    """
    if scale is None:
        numbers = [value for text in texts if (value := _number(text)) is not None]
        if numbers and set(numbers) <= {0.0, 1.0}:  # liked or not
            return lambda text: {"0": 0.1, "1": 1.0}.get(text.strip().removesuffix(".0"))
        scale = _scale(numbers)

    def read(text: str) -> float | None:
        text = text.strip(" ()").replace("⭐", "★")
        word = text.casefold()
        if word in _WORDS:
            return _WORDS[word]
        out_of = _OUT_OF.fullmatch(text)
        if out_of:
            value, top = (float(part.replace(",", ".")) for part in out_of.groups())
            return value / top if 0 < value <= top else None
        if text.endswith("%"):
            value = _number(text[:-1]) or 0.0
            return value / 100 if 0 < value <= 100 else None
        if stars := text.count("★"):
            return min(1.0, (stars + 0.5 * ("½" in text)) / 5)
        number = _number(text)
        return None if number is None or not 0 < number <= scale else number / scale

    return read


def _scale(numbers: Sequence[float]) -> float:
    """The highest mark there may be: 5, 10 or 100. A few above 10 are slips."""
    if sum(number > 10 for number in numbers) * 10 > len(numbers):
        return 100.0
    return 10.0 if any(number > 5 for number in numbers) else 5.0


def date_reader(texts: Sequence[str]) -> Callable[[str], datetime.datetime | None]:
    """What reads the dates of one column: in whichever way most of them are written, and the others in theirs.

    Of day and month that could be either, the order is taken in which the column runs steadily; else the American one.
    """
    given = [text.strip() for text in texts if text.strip()]
    if not any(map(_plain_date, given[:SAMPLE])) and not any(map(_named_month, given[:SAMPLE])):
        return lambda text: None
    orders = {way: [_numeric_date(text, way) for text in given] for way in ("mdy", "dmy")}
    best = max(orders, key=lambda way: (sum(map(bool, orders[way])), _steady(orders[way])))

    def read(text: str) -> datetime.datetime | None:
        text = text.strip()
        return _plain_date(text, best) or _named_month(text)

    return read


def decoded(raw: bytes, name: str) -> str:
    """The text of a file: UTF-8, UTF-16 with a mark, or else Windows' western letters.

    Raises:
        DataError: it is not text.
    """
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", errors="replace")
    if b"\0" in raw[:4096]:
        raise DataError(f"{name} is not a text file; export your history as CSV, JSON or zip")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


_NUMBER = re.compile(r"[0-9]{1,6}(?:[.,][0-9]{1,20})?")
_OUT_OF = re.compile(r"([0-9]{1,3}(?:[.,][0-9]+)?)\s*(?:/|out of|von|sur|de)\s*([0-9]{1,3})", re.I)
_WORDS = {
    **dict.fromkeys(("thumbs up", "up", "like", "liked", "love", "loved", "yes", "true", "👍", "♥", "❤", "❤️"), 1.0),
    **dict.fromkeys(("thumbs down", "down", "dislike", "disliked", "hate", "hated", "no", "false", "👎"), 0.1),
    **dict.fromkeys(("力荐", "推荐"), 1.0),
    "还行": 0.6,
    **dict.fromkeys(("较差", "很差"), 0.3),
}  # fmt: skip
_DATE = re.compile(r"(\d{1,4})[/.\-](\d{1,2})[/.\-](\d{1,4})(?:[ T,]+(\d{1,2}):(\d{2}).*)?")
_NAMED = (
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d-%b-%Y",
    "%a %b %d %Y",
    "%Y年%m月%d日",
)
_CTIME = "%a %b %d %H:%M:%S %Y"


def _number(text: str) -> float | None:
    text = text.strip()
    return float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None


def _plain_date(text: str, order: str = "mdy") -> datetime.datetime | None:
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


def _numeric_date(text: str, order: str) -> datetime.datetime | None:
    found = _DATE.fullmatch(text.strip())
    if not found:
        return None
    first, second, third = (int(part) for part in found.groups()[:3])
    if len(found[1]) == 4:
        year, month, day = first, second, third
    else:
        year = third + (0 if third > 99 else 2000 if third < 70 else 1900)
        month, day = (first, second) if order == "mdy" else (second, first)
    try:
        return datetime.datetime(year, month, day, int(found[4] or 0), int(found[5] or 0))
    except ValueError:
        return None


def _named_month(text: str) -> datetime.datetime | None:
    for pattern in (*_NAMED, _CTIME):
        try:
            return datetime.datetime.strptime(text, pattern)
        except ValueError:
            continue
    return None


def _steady(times: Sequence[datetime.datetime | None]) -> float:
    """Share of neighbours that run the way most do."""
    given = [time for time in times if time]
    if len(given) < 2:
        return 0.0
    rising = sum(a <= b for a, b in pairwise(given))
    return max(rising, len(given) - 1 - rising) / (len(given) - 1)


_SERIES = re.compile(
    r":\s*(?:season|series|staffel|saison|temporada|stagione|seizoen|시즌|第\s*\d+\s*季|limited series|miniseries|episode \d|"
    r"book \d|volume \d|chapter (?:\d|one|two|three))",
    re.IGNORECASE,
)
