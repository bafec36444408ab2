"""Files in which people carry their history from one place to another, recognised by what is in them, never by their names.

Letterboxd, IMDb, Netflix, Trakt, Douban, Goodreads, MovieLens' own columns, any table with a column of titles, and pasted
lines "Title (Year)".
"""

from __future__ import annotations

import io
import json
import re
import struct
import zlib
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from recdemo.core.errors import DataError
from recdemo.core.wording import counted
from recdemo.data.dates import date_reader
from recdemo.data.history.entries import (
    IMDB_ID,
    MAX_BYTES,
    MAX_LINES,
    SUPPORTED,
    Entry,
    Export,
    checked,
    decoded,
    year_in,
)
from recdemo.data.history.tables import from_table
from recdemo.data.marks import mark_reader
from recdemo.data.titles import split_title

LONGEST = 300  # letters of a line that can be a film and what was thought of it
_ZIP = b"PK\x03\x04"


def read_export(raw: bytes, name: str = "the file", person: str = "") -> Export:
    """What a person exported.

    Args:
        raw: the bytes of a CSV, JSON, text or zip file.
        name: for messages, and to tell a list of films only planned, which is written as films watched are.
        person: whose lines to take where a file holds several people's; by default who has most.

    Raises:
        DataError: nothing in it is understood, or it is too large. The message says what would be.
    """
    if len(raw) > MAX_BYTES:
        raise DataError(
            f"{name} has {len(raw) / 1e6:,.0f} MB; a person's history has {MAX_BYTES / 1e6:.0f} MB at most. "
            "Is it a data set of many people? Then train on it on the page Retrain."
        )
    if raw[:4] == _ZIP:
        return _from_zip(raw, name, person)
    if raw[:5].lower() in (b"%pdf-", b"<!doc", b"<html") or raw[:2] == b"\x1f\x8b":
        raise DataError(f"{name} is not a table, a list or a zip; what can be read: {SUPPORTED}")
    if "watchlist" in name.casefold():  # told from films watched by its name only
        raise DataError(f"{name} lists what you plan to watch; choose what you watched or rated")
    text = decoded(raw, name)
    if not text.strip():
        raise DataError(f"{name} is empty; choose a file with films: {SUPPORTED}")
    if text.lstrip()[:1] in "[{":
        found = _json(text)
        if found is not None:
            return _from_json(found, name)
        if not _YEAR_AT_END.search(text.strip().splitlines()[0]):  # of a list: [Rec] (2007)
            raise DataError(
                f"{name} is not whole as JSON; export it again. What can be read: {SUPPORTED}"
            )
    return from_table(text, person) or _from_lines(text, name)


# Trakt


def _from_json(found: Any, name: str) -> Export:
    if isinstance(found, dict):  # watched, ratings, … each a list
        found = [line for part in found.values() if isinstance(part, list) for line in part]
    if found and all(isinstance(line, str) for line in found):
        return _from_lines("\n".join(found), name)
    lines = [
        {key.casefold(): value for key, value in line.items()}
        for line in found[: MAX_LINES + 1]
        if isinstance(line, dict)
    ]
    if len(lines) > MAX_LINES:
        raise DataError(
            f"{name} has more than {MAX_LINES:,} entries, too much for one person's history"
        )
    nested = any("movie" in line for line in lines)
    ratings = [str(line["rating"]) for line in lines if "rating" in line]
    marks = mark_reader(ratings, 10 if nested else None)
    given = [str(line[key]) for line in lines for key in _TRAKT_TIMES if line.get(key)]
    times = date_reader(given)
    entries = []
    for line in lines:
        film = line.get("movie", line)
        if not isinstance(film, dict) or not isinstance(film.get("title"), str):
            continue
        ids = film.get("ids")
        ids = ids if isinstance(ids, dict) else {}
        imdb = IMDB_ID.fullmatch(str(ids.get("imdb") or film.get("imdb_id") or ""))
        entries.append(
            Entry(
                film["title"].encode(errors="replace").decode(),  # half a letter is no letter
                year_in(str(film.get("year") or "")),
                int(imdb[1]) if imdb else None,
                mark=marks(str(line.get("rating"))),
                when=times(next((str(line[key]) for key in _TRAKT_TIMES if line.get(key)), "")),
            )
        )
    others = len(found) - len(entries)
    notes = (f"Left out: {counted(others, 'line')} without a film.",) if others else ()
    return checked(Export("Trakt" if nested else "a list", tuple(entries), notes))


_TRAKT_TIMES = ("watched_at", "last_watched_at", "rated_at", "collected_at", "listed_at", "date")


def _json(text: str) -> Any:
    """What a text says as JSON, or line by line as JSON; None where it is neither."""
    with suppress(ValueError, RecursionError):
        return json.loads(text)
    with suppress(ValueError, RecursionError):
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return None


# Pasted lines


def _from_lines(text: str, name: str) -> Export:
    """One film a line: a bullet or number, the title, perhaps its year in parentheses, perhaps a rating behind it."""
    found = [_line(line) for line in text.splitlines()[:MAX_LINES] if line.strip()]
    read_mark = mark_reader([mark for _, mark in found])
    entries = [Entry(title, mark=read_mark(mark)) for title, mark in found]
    with_year = sum(split_title(entry.title)[1] is not None for entry in entries)
    long = sum(len(entry.title) > 120 for entry in entries)
    if not with_year and _is_a_table(text):
        header = text.strip().splitlines()[0][:200]
        raise DataError(
            f'{name} is a table without a known column of titles; it begins with {header!r}. Call the column "Title". '
            f"What can be read: {SUPPORTED}"
        )
    if not entries or long * 2 > len(entries):
        raise DataError(
            f"{name} holds no list of films that is understood. What can be read: {SUPPORTED}"
        )
    notes = (
        ()
        if with_year
        else ('No line has a year; write "Heat (1995)" to be sure which film is meant.',)
    )
    return Export("a list", tuple(entries), notes)


def _line(line: str) -> tuple[str, str]:
    """A line's film, and what was thought of it."""
    line = line.strip()
    if len(line) > LONGEST:
        return line, ""
    line = _BULLET.sub("", line)
    behind = _BEHIND_YEAR.fullmatch(line) or _BEHIND_TITLE.fullmatch(line)
    return (behind[1], behind[2]) if behind else (line, "")


_BULLET = re.compile(r"^(?:[-*•·]|\d{1,4}[.)])\s+")
_YEAR_AT_END = re.compile(r"\(\d{4}\)")
_BEHIND_YEAR = re.compile(r"(.*?\(\d{4}\))[\s:,–-]+(\S.*)")
_BEHIND_TITLE = re.compile(
    r"(.+?)[\s:,–-]+(\(?(?:[★⭐½☆]+|\d{1,2}(?:[.,]\d)?\s*/\s*(?:5|10)|👍|👎)\)?)"
)


def _is_a_table(text: str) -> bool:
    """Whether most lines are cut into as many cells by one sign."""
    lines = text.strip().splitlines()[:50]
    cells = Counter(
        (sign, line.count(sign)) for sign in ",;\t|" for line in lines if line.count(sign)
    )
    return any(
        count * 2 > len(lines) > 1 and (times > 1 or sign == "\t")
        for (sign, times), count in cells.items()
    )


# Zips


def _from_zip(raw: bytes, name: str, person: str) -> Export:
    """All that a zip holds of one person: what was watched, rated, liked."""
    try:
        archive = ZipFile(io.BytesIO(raw))
        members = [
            one
            for one in archive.infolist()
            if one.filename.lower().endswith((".csv", ".json", ".txt"))
            and one.compress_type in (ZIP_STORED, ZIP_DEFLATED)  # as everybody packs
        ]
        members = [one for one in members if not _LEFT_ALONE.search(one.filename)]
        if sum(one.file_size for one in members) > MAX_BYTES:
            raise DataError(
                f"{name} unpacks to more than {MAX_BYTES / 1e6:.0f} MB, too much for one person's history"
            )
        texts = {one.filename: archive.read(one) for one in members}
    except (
        BadZipFile,
        zlib.error,
        struct.error,
        ValueError,
        RuntimeError,
        OSError,
        EOFError,
    ) as error:
        raise DataError(
            f"{name} is not a zip file that can be read: {error}; download it again"
        ) from None
    parts = _parts(texts, person)
    if not parts:
        raise DataError(
            f"{name} holds no history that is understood. What can be read: {SUPPORTED}"
        )
    best = max(parts, key=lambda part: len(part.entries))
    if best.person and not person:  # one person's of every file
        parts = _parts(texts, best.person)
    parts = [part for part in parts if part.source == best.source]
    # The day of watching says more than the day it was written down.
    told = {(one.title, one.year) for part in parts if part.tells_when for one in part.entries}
    entries = tuple(
        one if part.tells_when or (one.title, one.year) not in told else replace(one, when=None)
        for part in parts
        for one in part.entries
    )
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    return replace(best, entries=entries, notes=notes)


def _parts(texts: Mapping[str, bytes], person: str) -> list[Export]:
    """What each file of a zip says, as far as it is understood."""
    parts = []
    for member, content in sorted(texts.items()):
        if content[:4] == _ZIP:  # nobody exports a zip within a zip
            continue
        with suppress(DataError):
            part = read_export(content, member, person)
            if member.endswith("likes/films.csv"):
                part = replace(part, entries=tuple(replace(one, mark=1.0) for one in part.entries))
            if part.source != "a list":
                parts.append(part)
    return parts


# Of a Letterboxd or Trakt zip: what was only planned, taken back, or said of others.
_LEFT_ALONE = re.compile(
    r"watchlist|(^|/)(deleted/|orphaned/|lists[/-]|hidden|profile|comments|likes/(?!films))",
    re.IGNORECASE,
)
