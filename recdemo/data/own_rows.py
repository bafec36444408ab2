"""The rows of a person's own ratings under a `Mapping`: every cell read, every problem named by its row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from recdemo.core.errors import DataError
from recdemo.core.vocabulary import PROFILE
from recdemo.core.wording import counted, cut
from recdemo.data import cells, limits
from recdemo.data.choices import HISTORY, LEAVE_OUT, SAY_COLUMN, SCALES
from recdemo.data.mapping import Mapping
from recdemo.data.marks import said_reader
from recdemo.data.own_ids import doubts
from recdemo.data.table import SHOWN, Problem, Table


@dataclass(frozen=True, slots=True)
class Findings:
    """What stands between a table and a data set.

    Args:
        problems: the first ones, in the order of the rows.
        count: how many there are.
        good_rows: how many rows have none.
        bad_rows: how many have at least one.
        unrated: how many say nothing of how the film was liked, and are left out for that.
    """

    problems: tuple[Problem, ...]
    count: int
    good_rows: int
    bad_rows: int
    unrated: int = 0


@dataclass(frozen=True, slots=True)
class Column:
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


def _column(name: str, texts: pd.Series, parse: Callable[[str], Any]) -> Column:
    codes, uniques = pd.factorize(texts.to_numpy(dtype=object))
    values: list[Any] = []
    faults: dict[int, str] = {}
    for number, text in enumerate(uniques):
        try:
            if len(text) > limits.MAX_CELL:
                raise cells.FaultError(_LONG)
            values.append(parse(text))
        except cells.FaultError as fault:
            values.append(None)
            faults[number] = str(fault)
    return Column(name, codes, list(uniques), values, faults)


@dataclass(frozen=True, slots=True)
class Read:
    """A table under a mapping."""

    columns: dict[str, Column]
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
            hint = "" if of_columns else f"; {_CHOICES}"
            hint += f"; or {LEAVE_OUT}" if not of_columns and found.good_rows else ""
            raise DataError(f"{table.name}: {first}{more}{hint}")
        if not found.good_rows:
            raise DataError(
                f"{table.name}: no row says how a film was liked; {SAY_COLUMN.format(role='rating')}, or the scale "
                "'listed', which counts everything listed as liked (--scale listed in the shell)"
            )


_LONG = f"has more than {limits.MAX_CELL:,} characters; shorten it, or look for a quotation mark that is never closed"
_CHOICES = "in the shell --map and --scale say how columns are read"


def read_rows(table: Table, mapping: Mapping, own_films: bool) -> Read:
    """All rows as values of columns, with what could not be read, row by row, and what is to be known of how the rest was."""
    rows = table.frame.index.to_numpy()
    lacking = tuple(Problem(text) for text in _lacking(table, mapping))
    if not lacking and not own_films and not mapping.title:
        lacking = tuple(Problem(text) for text in doubts(table, mapping))
    if lacking:
        findings = Findings(lacking, len(lacking), 0, len(rows) + table.ragged_count)
        return Read({}, np.zeros(len(rows), dtype=bool), findings, ())
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
    bad_rows = int((~good).sum()) + table.ragged_count
    if "rating" in found:
        unrated = good & pd.isna(found["rating"].of_rows())
        good &= ~unrated
        notes += _unrated(found["rating"], unrated, mapping)
    else:
        unrated = np.zeros(len(rows), dtype=bool)
    if "time" in found and (timeless := int(pd.isna(found["time"].of_rows()[good]).sum())):
        notes.append(f"{counted(timeless, 'row')} without a time taken as each user's first.")
    findings = Findings(
        tuple(problems[:SHOWN]), count, int(good.sum()), bad_rows, int(unrated.sum())
    )
    return Read(found, good, findings, (*notes, *_unknowns(found)))


def _unrated(column: Column, unrated: np.ndarray, mapping: Mapping) -> list[str]:
    """How many rows were left out as not rated, in sentences."""
    counts = np.bincount(column.codes[unrated], minlength=len(column.texts))
    zeros = sum(
        int(count)
        for count, text in zip(counts, column.texts, strict=True)
        if count and cells.number(text) is not None
    )
    empty = int(unrated.sum()) - zeros
    notes = [f"{counted(empty, 'row')} without a rating left out."] if empty else []
    if zeros:
        low = {"1-10": "0-10", "1-100": "0-100"}.get(mapping.scale)
        other = f"; choose the scale {low} if it is a rating" if low else ""
        notes.append(
            f"{counted(zeros, 'row')} left out: {column.name} is 0 or -1, which is read as 'not rated'{other}."
        )
    return notes


def _problem(column: Column, row: int, number: int) -> Problem:
    code = column.codes[row]
    text = column.texts[code]
    if not text:
        return Problem(f"{column.name} is empty; fill it in", number)
    return Problem(f"{column.name} {cut(text)!r} {column.faults[code]}", number)


def _lacking(table: Table, mapping: Mapping) -> Iterable[str]:
    """What is wrong with the mapping itself."""
    if mind := _of_mind(table):
        yield (
            f"this is {mind} of MIND; give the folder or zip that holds both behaviors.tsv and news.tsv (a path on the page, "
            "--data in the shell)"
        )
        return
    known = ", ".join(repr(cut(column)) for column in table.frame.columns[:SHOWN])
    for role, column in mapping.columns.items():
        if column not in table.frame.columns:
            yield f"there is no column {cut(column)!r} for {role}; the columns are {known}"
    if mapping.scale not in SCALES:
        yield f"scale {mapping.scale!r} is unknown; use {', '.join(SCALES)}"
    if not mapping.user:
        nobody = not mapping.rating and not mapping.time
        other = (
            "give a file with a row for each rating, as this one may be a list of films"
            if nobody
            else f"{HISTORY}, if all of it is one person's"
        )
        yield f"no column says who rated; choose one of {known}{_IN_SHELL.format('user')}, or {other}"
        if nobody and mapping.title:
            return
    if not mapping.movie_id and not mapping.title:
        yield (
            f"no column says which film was rated, by title or by id; choose one of {known}"
            f"{_IN_SHELL.format('title')}"
        )
    if not mapping.rating and mapping.scale != "listed":
        yield (
            f"no column holds the rating; choose one of {known}{_IN_SHELL.format('rating')}, or the scale 'listed', "
            "which counts everything listed as liked (--scale listed in the shell)"
        )


def _of_mind(table: Table) -> str:
    """Which file of Microsoft's news data set this is, if it is one; both have no header."""
    if table.header or table.frame.empty:
        return ""
    first = table.frame.iloc[0].tolist()
    if any(re.fullmatch(r"N\d+-[01]( N\d+-[01])*", cell) for cell in first):
        return "behaviors.tsv"
    return "news.tsv" if len(first) > 3 and re.fullmatch(r"N\d+", first[0]) else ""


_IN_SHELL = " (--map {}=COLUMN in the shell)"


Parsers = dict[str, Callable[[str], Any]]


def _parsers(table: Table, mapping: Mapping, own_films: bool) -> tuple[Parsers, list[str]]:
    """How to read each column that counts, and what had to be decided for that, in sentences."""
    parsers: Parsers = {
        "user": cells.given,
        "movie_id": cells.given if own_films else cells.movie_id,
        "title": cells.title,
        "year": cells.year,
        "rating": _stars(table, mapping),
        "gender": cells.gender,
        "age": cells.age,
        "occupation": cells.occupation,
        "genres": cells.genres,
    }
    notes = []
    if mapping.scale in ("0-10", "1-10"):
        notes.append("Ratings out of 10 are read as 1 to 5 stars; 7.5 or more counts as liked.")
    if mapping.scale in ("0-100", "1-100"):
        notes.append("Ratings out of 100 are read as 1 to 5 stars; 75 or more counts as liked.")
    if mapping.scale == "like":
        notes.append("What was liked is read as 5 stars, the rest as 1.")
    if mapping.scale == "thumbs":
        notes.append("One thumb up is read as 4 stars, two as 5, a thumb down as 1.")
    if mapping.scale == "listed":
        what = (
            f"Everything with a value in {mapping.rating}"
            if mapping.rating
            else "Everything listed"
        )
        notes.append(f"{what} counts as liked, so train for “What next?” (next).")
    if mapping.time:
        times = table.frame[mapping.time].unique()
        unsure, parsers["time"] = cells.time_reader([*times[:: max(1, len(times) // _TIMES)]])
        notes += [unsure] if unsure else []
    else:
        notes.append("Each user's ratings are taken in the order of the rows.")
    unread = {"genres"} if not own_films else set()
    if mapping.title and not own_films:
        unread.add("movie_id")
    return {role: parsers[role] for role in mapping.columns if role not in unread}, notes


_TIMES = 2_000  # times that are looked at to see how they are written


def _stars(table: Table, mapping: Mapping) -> Callable[[str], float | None]:
    texts = table.frame[mapping.rating].unique() if mapping.rating else ()
    said = said_reader([*texts[:_TIMES]])
    return lambda text: cells.stars(text, mapping.scale, said)


def _unknowns(columns: dict[str, Column]) -> Iterable[str]:
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
            examples = ", ".join(repr(cut(text)) for text in lost[:3])
            yield f"{counted(len(lost), 'value')} of {column.name} taken as unknown: MovieLens has no code for {examples}."
