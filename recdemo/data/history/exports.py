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
from dataclasses import replace
from lzma import LZMAError
from typing import Any
from zipfile import BadZipFile, ZipFile

from recdemo.data.dataset import DataError
from recdemo.data.history.entries import (
    IMDB_ID,
    MAX_BYTES,
    MAX_LINES,
    SUPPORTED,
    Entry,
    Export,
    checked,
    date_reader,
    decoded,
    mark_reader,
    year_in,
)
from recdemo.data.history.tables import from_table
from recdemo.data.titles import split_title

LONGEST = 300  # letters of a line that can be a film and what was thought of it
_ZIP = b"PK\x03\x04"


def read_export(raw: bytes, name: str = "the file", person: str = "") -> Export:
    """What a person exported.

    Args:
        raw: the bytes of a CSV, JSON, text or zip file.
        name: for messages only.
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
    text = decoded(raw, name)
    if not text.strip():
        raise DataError(f"{name} is empty; choose a file with films: {SUPPORTED}")
    if text.lstrip()[:1] in "[{":
        return _from_json(text, name)
    return from_table(text, person) or _from_lines(text, name)


# Trakt


def _from_json(text: str, name: str) -> Export:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        found = _json_lines(text)
        if not found:
            raise DataError(f"{name} is not JSON: {error}; export it again") from None
    if isinstance(found, dict):
        found = next((part for part in found.values() if isinstance(part, list)), [])
    lines = [line for line in found if isinstance(line, dict)][: MAX_LINES + 1]
    if len(lines) > MAX_LINES:
        raise DataError(
            f"{name} has more than {MAX_LINES:,} entries, too much for one person's history"
        )
    entries, others = [], 0
    marks = mark_reader([], 10)
    times = date_reader([])
    for line in lines:
        film = line.get("movie", line if "title" in line else None)
        if not isinstance(film, dict) or not isinstance(film.get("title"), str):
            others += 1
            continue
        ids = film.get("ids")
        ids = ids if isinstance(ids, dict) else {}
        imdb = IMDB_ID.fullmatch(str(ids.get("imdb") or film.get("imdb_id") or ""))
        when = next((line[key] for key in _TRAKT_TIMES if isinstance(line.get(key), str)), "")
        rating = line.get("rating")
        entries.append(
            Entry(
                film["title"],
                year_in(str(film.get("year") or "")),
                int(imdb[1]) if imdb else None,
                mark=marks(str(rating)) if isinstance(rating, int | float | str) else None,
                when=times(when),
            )
        )
    notes = (f"{others:,} entries are not films, and left out.",) if others else ()
    return checked(Export("Trakt", tuple(entries), notes))


_TRAKT_TIMES = ("watched_at", "last_watched_at", "rated_at", "collected_at", "listed_at", "date")


def _json_lines(text: str) -> list[Any]:
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return []


# Pasted lines


def _from_lines(text: str, name: str) -> Export:
    """One film a line: a bullet or number, the title, perhaps its year in parentheses, perhaps a rating behind it."""
    entries = []
    for line in text.splitlines()[:MAX_LINES]:
        line = line.strip()
        line = re.sub(r"^\s*(?:[-*•·]|\d{1,4}[.)])\s+", "", line).strip()
        if line:
            title, mark = line, None
            if len(line) > LONGEST:
                entries.append(Entry(line))
                continue
            behind = re.fullmatch(r"(.*?\(\d{4}\))[\s:,–-]+(\S.*)", line) or re.fullmatch(
                r"(.+?)[\s:,–-]+([★½☆]+|\d(?:[.,]\d)?\s*/\s*(?:5|10)|👍|👎)", line
            )
            if behind:
                title, mark = behind[1], mark_reader([], 5)(behind[2])
            entries.append(Entry(title, mark=mark))
    with_year = sum(split_title(entry.title)[1] is not None for entry in entries)
    long = sum(len(entry.title) > 120 for entry in entries)
    if not with_year and _is_a_table(text):
        header = text.strip().splitlines()[0][:200]
        raise DataError(
            f'{name} is a table without a column of titles that is known; it begins with {header!r}. Call the column "Title". '
            f"Read are: {SUPPORTED}"
        )
    if not entries or long * 2 > len(entries):
        raise DataError(f"{name} holds no list of films that is understood. Read are: {SUPPORTED}")
    notes = (
        ()
        if with_year
        else ('No line has a year; write "Heat (1995)" to be sure which film is meant.',)
    )
    return Export("a list", tuple(entries), notes)


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
        LZMAError,
        struct.error,
        ValueError,
        RuntimeError,
        OSError,
        EOFError,
    ) as error:
        raise DataError(
            f"{name} is not a zip file that can be read: {error}; download it again"
        ) from None
    parts, notes = [], []
    for member, content in sorted(texts.items()):
        if content[:4] == _ZIP:  # nobody exports a zip within a zip
            continue
        try:
            part = read_export(content, member, person)
        except DataError:
            continue
        if part.source == "a list":
            continue
        if re.search(r"(^|/)likes/films\.csv$", member):
            part = replace(part, entries=tuple(replace(one, mark=1.0) for one in part.entries))
        parts.append(part)
        notes += [note for note in part.notes if note not in notes]
    if not parts:
        raise DataError(f"{name} holds no history that is understood. Read are: {SUPPORTED}")
    best = max(parts, key=lambda part: len(part.entries))
    together = tuple(one for part in parts if part.source == best.source for one in part.entries)
    return replace(best, entries=together, notes=tuple(notes))


# Of a Letterboxd or Trakt zip: what was only planned, taken back, or said of others.
_LEFT_ALONE = re.compile(
    r"(^|/)(watchlist|deleted/|orphaned/|lists/|profile|comments|likes/(?!films)|.*watchlist)",
    re.IGNORECASE,
)
