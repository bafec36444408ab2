"""The films of a person's own ratings: told apart, matched to a catalogue, or a catalogue of their own."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from recdemo.core.errors import DataError
from recdemo.core.wording import counted, cut
from recdemo.data.catalogue import OWN_FROM, label_of, labels_of
from recdemo.data.choices import OWN_FILMS
from recdemo.data.matching import match_films, match_titles
from recdemo.data.own_rows import Read
from recdemo.data.table import Table

# Ids of a file's own films: none that MovieLens uses, so that nothing takes them for its films.
FIRST_ID, LAST_ID = OWN_FROM, 9_999_999


@dataclass(frozen=True, slots=True)
class Film:
    """A film as the file names it."""

    movie_id: Hashable = None
    title: str = ""
    year: int | None = None
    genres: tuple[str, ...] = ()

    def __str__(self) -> str:
        return label_of(self.title, self.year or 0) if self.title else f"film {self.movie_id}"


def rated_films(read: Read) -> tuple[pd.DataFrame, list[Film], list[str]]:
    """The good rows as user_id, movie_id (both numbered from 0) and rating, in order; the films; and what to say of them."""
    columns = read.columns
    number, films, notes = _films(read)
    rows = np.flatnonzero(read.good)
    rated = pd.DataFrame(
        {
            "user_id": columns["user"].codes[rows],
            "movie_id": number,
            "rating": columns["rating"].of_rows()[rows].astype(np.float64)
            if "rating" in columns
            else 5.0,
        }
    )
    keys = [rated["user_id"].to_numpy()]
    if "time" in columns:
        times = columns["time"].of_rows()[rows].astype(np.float64)
        keys.insert(0, np.nan_to_num(times, nan=-np.inf))
    return rated.iloc[np.lexsort(keys)].reset_index(drop=True), films, notes


def _films(read: Read) -> tuple[np.ndarray, list[Film], list[str]]:
    """Which film each good row is about, and the films: told apart by id, else by title and year.

    An id beside a title tells films apart by itself, unless it is a row's number, or stands for several titles.
    """
    roles = [role for role in ("movie_id", "title", "year", "genres") if role in read.columns]
    rows = np.flatnonzero(read.good)
    spelt = pd.DataFrame({role: read.columns[role].codes[rows] for role in roles})
    code = spelt.groupby(roles, sort=False).ngroup().to_numpy()
    first = np.flatnonzero(~spelt.duplicated())
    spellings = [
        _film({r: read.columns[r].values[read.columns[r].codes[row]] for r in roles})
        for row in rows[first]
    ]
    notes = []
    told_by_id = True
    if {"movie_id", "title"} <= {*roles}:
        column = read.columns["movie_id"].name
        several, of_rows = _titles_of_ids(spellings, len(rows))
        told_by_id = not several
        if of_rows:
            spellings = [replace(film, movie_id=None) for film in spellings]
            notes.append(f"{column} counts the rows, so films are told apart by title and year.")
        elif several:
            notes.append(
                f"{column} stands for several titles at a time, so films are told apart by it, title and year."
            )
    place: dict[Hashable, int] = {}
    films: list[Film] = []
    number = np.zeros(len(first), dtype=np.int64)
    for spelling, film in enumerate(spellings):
        named = (film.title.casefold(), film.year)
        key = (
            named
            if film.movie_id is None
            else film.movie_id
            if told_by_id
            else (film.movie_id, *named)
        )
        number[spelling] = place.setdefault(key, len(films))
        if number[spelling] == len(films):
            films.append(film)
    return number[code], films, notes


def _titles_of_ids(spellings: list[Film], rows: int) -> tuple[bool, bool]:
    """Of ids beside titles, whether many stand for several titles, and whether they are the numbers of the rows."""
    titles: dict[Hashable, set[str]] = defaultdict(set)
    for film in spellings:
        titles[film.movie_id].add(film.title.casefold())
    several = sum(len(names) > 1 for names in titles.values())
    films = {(film.title.casefold(), film.year) for film in spellings}
    return several * 5 > len(titles), len(titles) == rows >= 2 * len(films)


def _film(values: dict[str, Any]) -> Film:
    title, year = values.get("title", ("", None))
    return Film(values.get("movie_id"), title, values.get("year") or year, values.get("genres", ()))


def matched(
    table: Table, rated: pd.DataFrame, films: list[Film], catalogue: pd.DataFrame
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Ratings of catalogue films, and what could not be matched, in sentences.

    Raises:
        DataError: nothing could.
    """
    found, by_title = _ids(films, catalogue)
    ids = np.array([-1 if movie_id is None else movie_id for movie_id in found])
    movie = ids[rated["movie_id"].to_numpy()]
    lost = int((movie < 0).sum())
    unknown = [film for film, movie_id in zip(films, found, strict=True) if movie_id is None]
    examples = ", ".join(cut(str(film)) for film in unknown[:3])
    if len(unknown) == len(films):
        raise DataError(
            f"{table.name}: of {counted(len(films), 'film')} none is in the catalogue, such as {examples}; choose "
            f"other columns, or {OWN_FILMS}"
        )
    notes = []
    if by_title:
        notes.append(f"{counted(by_title, 'film')} without a year matched by title alone.")
    if unknown:
        notes.append(
            f"{len(unknown):,} of {counted(len(films), 'film')} without a match in the catalogue, among them "
            f"{examples}; left out with {counted(lost, 'rating')}."
        )
    if not films[0].title:
        named = dict(zip(catalogue["movie_id"], labels_of(catalogue), strict=True))
        known = [f"{movie_id} is {named[movie_id]}" for movie_id in found if movie_id is not None]
        notes.append(f"Films are known by MovieLens-1M's numbers: {', '.join(known[:2])}.")
    return rated.assign(movie_id=movie)[movie >= 0].reset_index(drop=True), tuple(notes)


def _ids(films: list[Film], catalogue: pd.DataFrame) -> tuple[list[int | None], int]:
    """MovieLens-1M id of each film, and how many were found by their title alone."""
    if not films[0].title:
        known = set(catalogue["movie_id"].tolist())
        return [f.movie_id if f.movie_id in known else None for f in films], 0  # type: ignore[misc]
    found = match_films([(film.title, film.year) for film in films], catalogue)
    yearless = [number for number, film in enumerate(films) if film.year is None]
    titles = match_titles([films[number].title for number in yearless], catalogue)
    for number, movie_id in zip(yearless, titles, strict=True):
        found[number] = movie_id
    return found, sum(movie_id is not None for movie_id in titles)


def own_ids(titles: Iterable[str], years: Iterable[int]) -> list[int]:
    """An id for each film of a catalogue of its own, from `FIRST_ID` to `LAST_ID`.

    Title and year give it, so that a film has one id in every file that holds it, and two files never give one id
    to two films but by a rare chance. Within a catalogue, a film whose id is taken gets the next one that is free.
    """
    found: dict[int, None] = {}
    for title, year in zip(titles, years, strict=True):
        digest = hashlib.sha256(f"{title.casefold()}\n{year}".encode()).digest()
        number = int.from_bytes(digest[:8]) % (LAST_ID - FIRST_ID + 1)
        while FIRST_ID + number in found:
            number = (number + 1) % (LAST_ID - FIRST_ID + 1)
        found[FIRST_ID + number] = None
    return list(found)


def own_movies(films: list[Film]) -> pd.DataFrame:
    titles = [film.title or f"Film {film.movie_id}" for film in films]
    years = [film.year or 0 for film in films]
    genres = [film.genres for film in films]
    return pd.DataFrame(
        {"movie_id": own_ids(titles, years), "title": titles, "year": years, "genres": genres}
    )
