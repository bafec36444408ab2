"""One film of a person's export, as its source wrote it: what it is called, when it was watched, what was thought of it."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, replace

from recdemo.core.errors import DataError
from recdemo.core.wording import counted

MAX_BYTES = 8_000_000  # of a file, and of all that a zip is read of: a page asks for it again at every click
MAX_LINES = 100_000
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
        raise DataError(f"no film is in the file. {why} What can be read: {SUPPORTED}")
    return replace(export, notes=notes)


def year_in(text: str) -> int | None:
    """The first year of a film that a text names."""
    found = re.search(r"\b(18[89]\d|19\d\d|20\d\d)\b", text)
    return int(found[1]) if found else None


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


_SERIES = re.compile(
    r":\s*(?:season|series|staffel|saison|temporada|stagione|seizoen|시즌|第\s*\d+\s*季|limited series|miniseries|episode \d|"
    r"book \d|volume \d|chapter (?:\d|one|two|three))",
    re.IGNORECASE,
)
