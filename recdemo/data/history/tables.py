"""Exports that are tables: which source a header is of, and what its columns mean."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from recdemo.core.errors import DataError
from recdemo.core.wording import counted
from recdemo.data.columns import named
from recdemo.data.dates import date_reader
from recdemo.data.history.entries import (
    IMDB_ID,
    MAX_BYTES,
    MAX_LINES,
    Entry,
    Export,
    checked,
    year_in,
)
from recdemo.data.marks import mark_reader

ANY_TABLE = "a table"
BARE_IDS = (
    "The file names films by number only. They are read as MovieLens's own numbers, which those of other sites, and of "
    "MovieLens-100K, are not: look the films over before you take them."
)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which columns of a table mean what, and whose table it is."""

    source: str
    title: str = ""
    year: str = ""
    mark: str = ""
    scale: float | None = None
    dates: tuple[str, ...] = ()  # the first that is given counts
    imdb: str = ""
    movie_id: str = ""
    person: str = ""
    read_mark: Callable[[str], float | None] | None = None
    # What else a line is than a film watched.
    skip: Callable[[Mapping[str, str]], str] = lambda row: ""
    tells_when: bool = False


def from_table(text: str, person: str) -> Export | None:
    """A table with a header that names what is needed; None where there is none."""
    found = []
    for separator in (",", "\t", ";", "|"):
        lines = _rows(text, separator)
        for place, header in enumerate(lines[:12]):  # Letterboxd's lists say first what they are
            names = [" ".join(cell.casefold().split()) for cell in header]
            columns = _columns_of(names) if len(names) > 1 or names == ["title"] else None
            if columns:
                found.append((columns, names, lines[place + 1 :]))
    if not found:
        return None
    columns, names, lines = min(found, key=lambda one: one[0].source == ANY_TABLE)
    rows = [
        dict(zip(names, (cell.strip() for cell in line), strict=False))
        for line in lines
        if any(cell.strip() for cell in line)
    ]
    return _export(columns, rows, person)


def _rows(text: str, separator: str) -> list[list[str]]:
    csv.field_size_limit(MAX_BYTES)
    found = []
    for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
        found.append(line)
        if len(found) > MAX_LINES + 12:
            raise DataError(
                f"more than {MAX_LINES:,} lines are too many for one person's history; to train on ratings of many people, use the page Retrain"
            )
    return found


def _columns_of(names: Sequence[str]) -> _Columns | None:
    """What a header means, from the surest sign on."""
    has = set(names).issuperset

    def first(*wanted: str) -> str:
        return next((name for name in wanted if name in names), "")

    if has({"name", "letterboxd uri"}) or has({"position", "name", "year", "url"}):
        return _Columns(
            *("Letterboxd", "name", "year", first("rating"), 5),
            dates=("watched date", "date"),
            tells_when="watched date" in names,
        )
    if "const" in names and first("title", "primary title"):
        return _Columns(
            *(
                "IMDb",
                first("title", "primary title"),
                "year",
                first("your rating", "you rated"),
                10,
            ),
            dates=("date rated", "created", "modified"),
            imdb="const",
            skip=_not_a_film,
        )
    if has({"title name", "thumbs value"}):
        return _Columns(
            *("Netflix", "title name", "", "thumbs value"),
            dates=("event utc ts",),
            person=first("profile name"),
            read_mark=lambda text: {"1": 0.1, "2": 0.9, "3": 1.0}.get(text),
        )
    if has({"start time", "title", "duration"}):
        return _Columns(
            *("Netflix", "title"),
            dates=("start time",),
            person=first("profile name"),
            skip=lambda row: "trailers" if row.get("supplemental video type") else "",
        )
    if sorted(names) == ["date", "title"]:
        return _Columns("Netflix", "title", dates=("date",))
    if has({"movie_name_en", "star"}):
        return _Columns(
            *("Douban", "movie_name_en", "", "star", 5), dates=("date",), person=first("username")
        )
    title, mark, year = (next(iter(named(names, role)), "") for role in ("title", "rating", "year"))
    movie_id = first("movieid", "movie_id", "movielens id", "item_id:token")
    if not title and not (movie_id and mark):
        return None
    goodreads = has({"my rating", "date read"})
    return _Columns(
        "Goodreads" if goodreads else "MovieLens" if not title else ANY_TABLE,
        title,
        year,
        mark,
        5 if goodreads else None,
        dates=tuple(named(names, "time")),
        imdb=first("imdb id", "imdb", "imdbid", "imdb_id", "imdb链接", "url"),
        movie_id="" if title else movie_id,
        person=first("user", "userid", "user_id", "username", "user_id:token")
        or ("name" if title and title != "name" and "name" in names else ""),
        skip=_not_watched,
    )


def _not_a_film(row: Mapping[str, str]) -> str:
    kind = row.get("title type", "").casefold().replace(" ", "")
    return "series and games" if "series" in kind or "episode" in kind or "game" in kind else ""


def _not_watched(row: Mapping[str, str]) -> str:
    """Of tables that list what somebody plans to watch, or read, beside what they did."""
    shelf = row.get("exclusive shelf", "").casefold()
    planned = shelf in ("to-read", "currently-reading") or row.get("watched", "").casefold() in _NO
    return "films that are only planned" if planned else ""


_NO = ("no", "n", "false", "0")


def _export(columns: _Columns, rows: list[dict[str, str]], person: str) -> Export:
    lines = Counter(filter(None, (row.get(columns.person, "") for row in rows)))
    people = [who for who, _ in lines.most_common()]
    if person and people and person not in people:
        raise DataError(
            f"nobody in the file is called {person!r}; there are {', '.join(people[:10])}"
        )
    chosen = person or next(iter(people), "") if people else ""
    if people:
        rows = [row for row in rows if row.get(columns.person, "") == chosen]
    left = Counter(filter(None, map(columns.skip, rows)))
    rows = [row for row in rows if not columns.skip(row)]
    read_mark = columns.read_mark or mark_reader(_column(rows, columns.mark), columns.scale)
    readers = [(name, date_reader(_column(rows, name))) for name in columns.dates]
    entries = []
    for row in rows:
        given = (read(row[name]) for name, read in readers if row.get(name))
        imdb = IMDB_ID.search(row.get(columns.imdb, ""))
        movie_id = row.get(columns.movie_id, "")
        title = row.get(columns.title, "")
        if not title and not movie_id.isdecimal():
            continue
        entries.append(
            Entry(
                title,
                year_in(row.get(columns.year, "")),
                int(imdb[1]) if imdb else None,
                int(movie_id) if movie_id.isdecimal() and len(movie_id) < 10 else None,
                read_mark(row[columns.mark]) if row.get(columns.mark) else None,
                next((time for time in given if time), None),
            )
        )
    notes = tuple(f"Left out: {counted(count, 'line')} of {what}." for what, count in left.items())
    if columns.movie_id:
        notes += (BARE_IDS,)
    others = len(people) - 1
    if others > 0:
        notes += (f"These are the lines of {chosen!r}; the file holds {counted(others, 'other')}.",)
    return checked(
        Export(
            columns.source,
            tuple(entries),
            notes,
            person=chosen,
            people=tuple(people),
            tells_when=columns.tells_when,
        )
    )


def _column(rows: Iterable[Mapping[str, str]], name: str) -> list[str]:
    return [row[name] for row in rows if row.get(name)]
