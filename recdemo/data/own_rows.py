"""The rows of a person's own ratings under a `Mapping`: every cell read, every problem named by its row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from recdemo.core.vocabulary import PROFILE
from recdemo.core.wording import counted, cut
from recdemo.data import cells
from recdemo.data.dataset import DataError
from recdemo.data.mapping import Mapping
from recdemo.data.table import SHOWN, Problem, Table


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
            hint = "" if of_columns or not found.good_rows else "; or leave such rows out"
            raise DataError(f"{table.name}: {first}{more}{hint}")


def read_rows(table: Table, mapping: Mapping, own_films: bool) -> Read:
    rows = table.frame.index.to_numpy()
    lacking = tuple(Problem(text) for text in _lacking(table, mapping))
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
    findings = Findings(
        tuple(problems[:SHOWN]), count, int(good.sum()), int((~good).sum()) + table.ragged_count
    )
    return Read(found, good, findings, (*notes, *_unknowns(found)))


def _problem(column: Column, row: int, number: int) -> Problem:
    code = column.codes[row]
    text = column.texts[code]
    if not text:
        return Problem(f"{column.name} is empty; fill it in", number)
    return Problem(f"{column.name} {cut(text)!r} {column.faults[code]}", number)


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
            yield f"{counted(len(lost), 'value')} of {column.name} unknown, having no code: {examples}."
