"""A person's own ratings: which column means what, what is wrong with the rows, and the `Dataset` they make.

Films are MovieLens-1M's, by id or by title and year, or a catalogue of their own. Ratings become stars. What is said
of users is read where it can be; what MovieLens has no code for counts as unknown, and stops nobody.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from recdemo.core.errors import DataError
from recdemo.core.vocabulary import LIKED_FROM, PROFILE
from recdemo.core.wording import counted
from recdemo.data.choices import FEWER, FEWEST, SAY_COLUMN
from recdemo.data.dataset import Dataset, people, stars_column
from recdemo.data.mapping import Mapping, read_by_values
from recdemo.data.matching import COLUMNS, check_catalogue, most_rated
from recdemo.data.own_films import matched, own_movies, rated_films
from recdemo.data.own_rows import Findings, Read, read_rows
from recdemo.data.table import Table


def check(table: Table, mapping: Mapping, *, own_films: bool = False) -> Findings:
    """Every row that cannot be used under a mapping, and every column it lacks."""
    return read_rows(table, mapping, own_films).findings


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
    read = read_rows(table, mapping, own_films)
    read.refuse(table, leave_out)
    odd = read_by_values(table, mapping)
    notes = [*table.notes, *([f"Read: {', '.join(odd)}."] if odd else []), *read.notes]
    if read.findings.count:
        notes.append(f"{counted(read.findings.bad_rows, 'row')} with problems left out.")
    rated, films, told = rated_films(read)
    notes += told
    if own_films:
        rated, more = most_rated(rated)
    else:
        movies = check_catalogue(catalogue, table.name)[COLUMNS]
        rated, more = matched(table, rated, films, movies)
    rated, lost = _usable(table, rated, fewest, mapping)
    kept = np.unique(rated["user_id"])
    if own_films and not mapping.title and len(kept) > 1 and rated["movie_id"].is_unique:
        raise DataError(
            f"{table.name}: {mapping.movie_id} differs in every row, so it names no film that two people rated; "
            f"{SAY_COLUMN.format(role='movie_id')}"
        )
    users, changing = _users(read, kept)
    rated = rated.assign(
        user_id=np.searchsorted(kept, rated["user_id"]) + 1,
        rating=stars_column(rated["rating"].to_numpy()),
    )
    if own_films:
        chosen, place = np.unique(rated["movie_id"], return_inverse=True)
        movies = own_movies([films[number] for number in chosen])
        rated["movie_id"] = movies["movie_id"].to_numpy()[place]
        movies = movies.sort_values("movie_id", ignore_index=True)
    ratings = rated[["user_id", "movie_id", "rating"]].astype({"movie_id": np.int64})
    return Dataset(
        name,
        title or table.name,
        movies,
        users,
        ratings.reset_index(drop=True),
        notes=(*notes, *more, *lost, *changing),
        own_films=own_films,
    )


def _usable(
    table: Table, rated: pd.DataFrame, fewest: int, mapping: Mapping
) -> tuple[pd.DataFrame, list[str]]:
    """Each user's last word on each film, where there are enough; and what was left out, in sentences.

    Raises:
        DataError: no user has rated enough.
    """
    notes = []
    again = rated.duplicated(["user_id", "movie_id"], keep="last")
    if again.any():
        rated = rated[~again]
        what = "row" if mapping.scale == "listed" else "rating"
        why = "names a film again" if what == "row" else "the same user changed later"
        notes.append(f"{counted(int(again.sum()), what)} that {why} left out.")
    counts = rated["user_id"].value_counts()
    few = counts[counts < fewest]
    if len(few) == len(counts):
        if counts.max() == 1 < len(counts):
            raise DataError(
                f"{table.name}: {mapping.user} differs in every row; if that is not who rated, "
                f"{SAY_COLUMN.format(role='user')}, else give more ratings of each"
            )
        raise DataError(
            f"{table.name}: no user has rated {fewest} films or more of those known, the most is {counts.max()}; "
            f"{FEWER}, or give more ratings"
        )
    if len(few):
        rated = rated[~rated["user_id"].isin(few.index)]
        notes.append(f"{counted(len(few), 'user')} with fewer than {fewest} ratings left out.")
    if len(counts) - len(few) == 1:
        notes.append("All ratings are one person's: nothing can be learned of what others like.")
    liked = rated["rating"] >= LIKED_FROM
    if liked.all() or not liked.any():
        notes.append(
            f"{'Every' if liked.all() else 'No'} film is liked, so no model can tell which are."
        )
    return rated, notes


def _users(read: Read, kept: np.ndarray) -> tuple[pd.DataFrame, list[str]]:
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
                f"{counted(changing, 'user')} with more than one {role}: the last row counts."
            )
    return people(np.arange(1, len(kept) + 1), **known), notes
