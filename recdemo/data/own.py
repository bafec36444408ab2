"""A person's own ratings: which column means what, what is wrong with the rows, and the `Dataset` they make.

Films are MovieLens-1M's, by id or by title and year, or a catalogue of their own. Ratings become stars. What is said
of users is read where it can be; what MovieLens has no code for counts as unknown, and stops nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from recdemo.core.vocabulary import LIKED_FROM, PROFILE
from recdemo.data import cells
from recdemo.data.dataset import DataError, Dataset, people, stars_column
from recdemo.data.mapping import Mapping
from recdemo.data.matching import check_catalogue, match_films, match_titles, most_rated
from recdemo.data.table import SHOWN, Problem, Table

# Ids of a file's own films: none that MovieLens uses, so that nothing takes them for its films.
FIRST_ID, LAST_ID = 1_000_001, 9_999_999
FEWEST = 10  # ratings of a user who is kept: of fewer, none would be tested (see `split`)


@dataclass(frozen=True, slots=True)
class Findings:
    """What stands between a table and a data set.

    Args:
        problems: the first ones, in the order of the rows.
        count: how many there are.
        good_rows: how many rows have none.
        bad_rows: how many have at least one.
    """

    problems: tuple[Problem, ...]
    count: int
    good_rows: int
    bad_rows: int


def check(table: Table, mapping: Mapping, *, own_films: bool = False) -> Findings:
    """Every row that cannot be used under a mapping, and every column it lacks."""
    return _read(table, mapping, own_films).findings


def to_dataset(
    table: Table,
    mapping: Mapping,
    catalogue: pd.DataFrame | None = None,
    *,
    own_films: bool = False,
    fewest: int = FEWEST,
    leave_out: bool = False,
    name: str = "own",
    title: str | None = None,
) -> Dataset:
    """The ratings of a table. Users are numbered from 1; films of the file's own have the ids of `own_ids`.

    Args:
        table: what a file holds.
        mapping: what its columns mean.
        catalogue: films by MovieLens-1M id, columns as in ``Dataset.movies``.
        own_films: the films of the file, at most `recdemo.data.matching.MAX_FILMS` of them, are the catalogue.
        fewest: users with fewer ratings are left out.
        leave_out: leave out rows with problems, instead of refusing the table.
        name: of the data set, in checkpoints.
        title: for people; left out, the file's name.

    Raises:
        DataError: problems, no film of the catalogue, or no user with enough ratings.
    """
    read = _read(table, mapping, own_films)
    read.refuse(table, leave_out)
    notes = [*table.notes, *read.notes]
    if read.findings.count:
        notes.append(f"{_count(read.findings.bad_rows, 'row')} with problems left out.")
    rated, films = _rated(read)
    if own_films:
        rated, more = most_rated(rated)
    else:
        rated, more = _matched(table, rated, films, check_catalogue(catalogue, f"{table.name}"))
    notes += more
    again = rated.duplicated(["user_id", "movie_id"], keep="last")
    if again.any():
        rated = rated[~again]
        notes.append(
            f"{_count(int(again.sum()), 'rating')} that the same user changed later left out."
        )
    counts = rated["user_id"].value_counts()
    few = counts[counts < fewest]
    if len(few) == len(counts):
        raise DataError(
            f"{table.name}: no user has rated {fewest} films or more of those known, the most is {counts.max()}; "
            f"ask for fewer, or give more ratings"
        )
    if len(few):
        rated = rated[~rated["user_id"].isin(few.index)]
        notes.append(f"{_count(len(few), 'user')} with fewer than {fewest} ratings left out.")
    liked = rated["rating"] >= LIKED_FROM
    if liked.all() or not liked.any():
        notes.append(
            f"{'Every' if liked.all() else 'No'} film is liked, so no model can tell which are."
        )
    kept = np.unique(rated["user_id"])
    users, changing = _users(read, kept)
    notes += changing
    rated = rated.assign(
        user_id=np.searchsorted(kept, rated["user_id"]) + 1,
        rating=stars_column(rated["rating"].to_numpy()),
    )
    if own_films:
        chosen, place = np.unique(rated["movie_id"], return_inverse=True)
        movies = _own_movies([films[number] for number in chosen])
        rated["movie_id"] = movies["movie_id"].to_numpy()[place]
        movies = movies.sort_values("movie_id")
    else:
        assert catalogue is not None
        movies = catalogue[["movie_id", "title", "year", "genres"]].sort_values("movie_id")
    return Dataset(
        name,
        title or table.name,
        movies.reset_index(drop=True),
        users,
        rated[["user_id", "movie_id", "rating"]]
        .astype({"movie_id": np.int64})
        .reset_index(drop=True),
        notes=tuple(notes),
        own_films=own_films,
    )


# From a table to values


@dataclass(frozen=True, slots=True)
class _Column:
    """One column: which value each row has, and which values are wrong."""

    name: str
    codes: np.ndarray  # [rows] place in `values`
    texts: Sequence[str]
    values: list[Any]
    faults: dict[int, str]  # place in `values` -> what is wrong

    @property
    def bad(self) -> np.ndarray:
        """[rows] True where the value is wrong."""
        return np.isin(self.codes, list(self.faults))

    def of_rows(self) -> np.ndarray:
        """[rows] values."""
        values = np.empty(len(self.values), dtype=object)
        values[:] = self.values
        return values[self.codes]


def _column(name: str, texts: pd.Series, parse: Callable[[str], Any]) -> _Column:
    codes, uniques = pd.factorize(texts.to_numpy(dtype=object))
    values: list[Any] = []
    faults: dict[int, str] = {}
    for number, text in enumerate(uniques):
        try:
            values.append(parse(text))
        except cells.FaultError as fault:
            values.append(None)
            faults[number] = str(fault)
    return _Column(name, codes, list(uniques), values, faults)


@dataclass(frozen=True, slots=True)
class _Read:
    """A table under a mapping."""

    columns: dict[str, _Column]
    good: np.ndarray  # [rows] True where nothing is wrong
    findings: Findings
    notes: tuple[str, ...]

    def refuse(self, table: Table, leave_out: bool) -> None:
        """Raise what cannot be left out, or what may not be."""
        found = self.findings
        of_columns = [problem for problem in found.problems if problem.row is None]
        if found.count and (of_columns or not leave_out or not found.good_rows):
            first = "; ".join(map(str, found.problems[:3]))
            more = f"; and {found.count - 3:,} more" if found.count > 3 else ""
            hint = "" if of_columns or not found.good_rows else "; or leave such rows out"
            raise DataError(f"{table.name}: {first}{more}{hint}")


def _read(table: Table, mapping: Mapping, own_films: bool) -> _Read:
    rows = table.frame.index.to_numpy()
    lacking = tuple(Problem(text) for text in _lacking(table, mapping))
    if lacking:
        findings = Findings(lacking, len(lacking), 0, len(rows) + table.ragged_count)
        return _Read({}, np.zeros(len(rows), dtype=bool), findings, ())
    parsers, notes = _parsers(table, mapping, own_films)
    names = mapping.columns
    found = {
        role: _column(names[role], table.frame[names[role]], parse)
        for role, parse in parsers.items()
    }
    good = np.ones(len(rows), dtype=bool)
    problems, count = list(table.ragged), table.ragged_count
    for column in found.values():
        if not column.faults:
            continue
        bad = np.flatnonzero(column.bad)
        good[bad] = False
        count += len(bad)
        problems += [_problem(column, row, int(rows[row])) for row in bad[:SHOWN]]
    problems.sort(key=lambda problem: problem.row or 0)
    findings = Findings(
        tuple(problems[:SHOWN]), count, int(good.sum()), int((~good).sum()) + table.ragged_count
    )
    return _Read(found, good, findings, (*notes, *_unknowns(found)))


def _problem(column: _Column, row: int, number: int) -> Problem:
    code = column.codes[row]
    text = column.texts[code]
    if not text:
        return Problem(f"{column.name} is empty; fill it in", number)
    return Problem(f"{column.name} {_short(text)!r} {column.faults[code]}", number)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' if number != 1 else ''}"


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


def _lacking(table: Table, mapping: Mapping) -> Iterable[str]:
    """What is wrong with the mapping itself."""
    known = ", ".join(map(repr, table.frame.columns[:SHOWN]))
    for role, column in mapping.columns.items():
        if column not in table.frame.columns:
            yield f"there is no column {column!r} for {role}; the columns are {known}"
    if mapping.scale not in cells.SCALES:
        yield f"scale {mapping.scale!r} is unknown; use {', '.join(cells.SCALES)}"
    if not mapping.user:
        yield f"no column says who rated; choose one of {known}"
    if not mapping.movie_id and not mapping.title:
        yield f"no column says which film was rated, by title or by id; choose one of {known}"
    if not mapping.rating:
        yield f"no column holds the rating; choose one of {known}"


Parsers = dict[str, Callable[[str], Any]]


def _parsers(table: Table, mapping: Mapping, own_films: bool) -> tuple[Parsers, list[str]]:
    """How to read each column that counts, and what had to be decided for that, in sentences."""
    parsers: Parsers = {
        "user": cells.given,
        "movie_id": cells.given if own_films else cells.movie_id,
        "title": cells.title,
        "year": cells.year,
        "rating": lambda text: cells.stars(text, mapping.scale),
        "gender": cells.gender,
        "age": cells.age,
        "occupation": cells.occupation,
        "genres": cells.genres,
    }
    notes = []
    if mapping.scale == "0-10":
        notes.append("Ratings from 0 to 10 are read as 1 to 5 stars; 7.5 and more is liked.")
    if mapping.scale == "like":
        notes.append("What was liked is read as 5 stars, the rest as 1.")
    if mapping.time:
        sample = table.frame[mapping.time].unique()[: SHOWN * 10]
        written, parsers["time"] = cells.time_reader(list(sample))
        if "/" in written:
            notes.append(f"Dates are read as {written}.")
    else:
        notes.append("Each user's ratings are taken in the order of the rows.")
    unread = {"genres"} if not own_films else set()
    if mapping.title and not own_films:
        unread.add("movie_id")
    return {role: parsers[role] for role in mapping.columns if role not in unread}, notes


def _unknowns(columns: dict[str, _Column]) -> Iterable[str]:
    """What was said of users or films that MovieLens has no code for, in sentences."""
    for role in (*PROFILE, "genres"):
        if role not in columns:
            continue
        column = columns[role]
        pairs = zip(column.texts, column.values, strict=True)
        lost = [
            text
            for text, value in pairs
            if not value and value != 0 and text.casefold() not in cells.EMPTY
        ]
        if lost:
            examples = ", ".join(repr(_short(text)) for text in lost[:3])
            yield f"{_count(len(lost), 'value')} of {column.name} unknown, having no code: {examples}."


# From values to a data set


@dataclass(frozen=True, slots=True)
class _Film:
    """A film as the file names it."""

    movie_id: Hashable = None
    title: str = ""
    year: int | None = None
    genres: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.title:
            return f"film {self.movie_id}"
        return f"{self.title} ({self.year})" if self.year else self.title


def _rated(read: _Read) -> tuple[pd.DataFrame, list[_Film]]:
    """The good rows as user_id, movie_id (both numbered from 0) and rating, in order; and the films."""
    columns = read.columns
    number, films = _films(read)
    rows = np.flatnonzero(read.good)
    rated = pd.DataFrame(
        {
            "user_id": columns["user"].codes[rows],
            "movie_id": number,
            "rating": columns["rating"].of_rows()[rows].astype(np.float64),
        }
    )
    keys = [rated["user_id"].to_numpy()]
    if "time" in columns:
        keys.insert(0, columns["time"].of_rows()[rows].astype(np.float64))
    return rated.iloc[np.lexsort(keys)].reset_index(drop=True), films


def _films(read: _Read) -> tuple[np.ndarray, list[_Film]]:
    """Which film each good row is about, and the films: told apart by id, else by title and year."""
    roles = [role for role in ("movie_id", "title", "year", "genres") if role in read.columns]
    rows = np.flatnonzero(read.good)
    code = np.zeros(len(rows), dtype=np.int64)
    for role in roles:
        column = read.columns[role]
        code = pd.factorize(code * len(column.values) + column.codes[rows])[0].astype(np.int64)
    first = np.flatnonzero(~pd.Series(code).duplicated().to_numpy())
    place: dict[Hashable, int] = {}
    films: list[_Film] = []
    number = np.zeros(len(first), dtype=np.int64)
    for spelling, row in enumerate(rows[first]):
        film = _film({r: read.columns[r].values[read.columns[r].codes[row]] for r in roles})
        key = film.movie_id or (film.title.casefold(), film.year)
        number[spelling] = place.setdefault(key, len(films))
        if number[spelling] == len(films):
            films.append(film)
    return number[code], films


def _film(values: dict[str, Any]) -> _Film:
    title, year = values.get("title", ("", None))
    return _Film(
        values.get("movie_id"), title, values.get("year") or year, values.get("genres", ())
    )


def _matched(
    table: Table, rated: pd.DataFrame, films: list[_Film], catalogue: pd.DataFrame
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
    examples = ", ".join(_short(str(film)) for film in unknown[:3])
    if len(unknown) == len(films):
        raise DataError(
            f"{table.name}: of {_count(len(films), 'film')} none is in the catalogue, as {examples}; choose "
            "other columns, or keep the file's own films as the catalogue"
        )
    notes = []
    if by_title:
        notes.append(f"{_count(by_title, 'film')} without a year matched by title alone.")
    if unknown:
        notes.append(
            f"{len(unknown):,} of {_count(len(films), 'film')} without a match in the catalogue, among them "
            f"{examples}; left out with {_count(lost, 'rating')}."
        )
    return rated.assign(movie_id=movie)[movie >= 0].reset_index(drop=True), tuple(notes)


def _ids(films: list[_Film], catalogue: pd.DataFrame) -> tuple[list[int | None], int]:
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


def _own_movies(films: list[_Film]) -> pd.DataFrame:
    titles = [film.title or f"Film {film.movie_id}" for film in films]
    years = [film.year or 0 for film in films]
    genres = [film.genres for film in films]
    return pd.DataFrame(
        {"movie_id": own_ids(titles, years), "title": titles, "year": years, "genres": genres}
    )


def _users(read: _Read, kept: np.ndarray) -> tuple[pd.DataFrame, list[str]]:
    """What is known of the users kept, numbered from 1: what the last row says of each that says anything."""
    user = read.columns["user"].codes[read.good]
    known: dict[str, list[Any]] = {}
    notes = []
    for role in PROFILE:
        if role not in read.columns:
            continue
        said = pd.Series(read.columns[role].of_rows()[read.good]).groupby(user)
        last = said.last().reindex(kept)
        known[role] = [None if pd.isna(value) else value for value in last]
        if changing := int((said.nunique().reindex(kept) > 1).sum()):
            notes.append(
                f"{_count(changing, 'user')} with more than one {role}: the last row counts."
            )
    return people(np.arange(1, len(kept) + 1), **known), notes
