"""A data set too large for memory: a folder of parts, read one at a time.

``part-0000``, ``part-0001`` … are each a data set of its own, as `save_dataset` writes it and `read_saved` checks it,
with whole users: the ratings of one user are all in one part. Films are the same in all of them, and user ids
ascend from part to part. Parts of some 500,000 ratings are read in a fraction of a second.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from recdemo.core.errors import DataError
from recdemo.data.dataset import Dataset
from recdemo.data.saved import read_saved, save_dataset, whole

PREFIX = "part-"
PART = PREFIX + "{:04d}"


@dataclass(frozen=True, slots=True)
class PartedDataset:
    """What is known of a data set in parts without holding its ratings; fields as in `Dataset`."""

    name: str
    title: str
    movies: pd.DataFrame
    users: pd.DataFrame  # of all parts
    simulated: bool
    notes: tuple[str, ...]
    own_films: bool
    paths: tuple[Path, ...]
    ratings_of: tuple[int, ...]  # how many each part has
    users_of: tuple[int, ...]  # likewise
    films_rated: int

    def __len__(self) -> int:
        """How many parts there are."""
        return len(self.paths)

    def __getitem__(self, number: int) -> Dataset:
        """A part, read and checked."""
        return read_saved(self.paths[number])


def in_parts(path: str | Path) -> bool:
    """Whether a path leads to a data set in parts."""
    return (Path(os.path.expanduser(path)) / PART.format(0)).is_dir()


def save_parts(parts: Iterable[Dataset], path: Path) -> Path:
    """Write parts to a new folder, one after the other; it appears only whole.

    Raises:
        DataError: there is something already, or it cannot be written.
    """
    with whole(path) as draft:
        for number, part in enumerate(parts):
            save_dataset(part, draft / PART.format(number))
    return path


def open_parts(path: str | Path) -> PartedDataset:
    """Look through a data set in parts: every part is read once, and let go.

    Raises:
        DataError: a part cannot be read, is missing, or does not fit those before it; names it.
    """
    folder = Path(os.path.expanduser(path))
    paths = sorted(folder.glob(f"{PREFIX}*"))
    for number, found in enumerate(paths):
        if found.name != PART.format(number):
            raise DataError(f"{folder / PART.format(number)} is missing; make the data set again")
    first = read_saved(paths[0])
    users: list[pd.DataFrame] = []
    ratings_of: list[int] = []
    rated: set[int] = set()
    last = 0
    for at in paths:
        part = first if at is paths[0] else read_saved(at)
        if not part.movies.equals(first.movies):
            raise DataError(f"{at} has other films than {paths[0]}; make the data set again")
        if part.users["user_id"].iloc[0] <= last:
            raise DataError(f"{at} has users of an earlier part; make the data set again")
        last = part.users["user_id"].iloc[-1]
        users.append(part.users)
        ratings_of.append(len(part.ratings))
        rated |= set(part.ratings["movie_id"].unique())
    return PartedDataset(
        name=first.name,
        title=first.title,
        movies=first.movies,
        users=pd.concat(users, ignore_index=True),
        simulated=first.simulated,
        notes=first.notes,
        own_films=first.own_films,
        paths=tuple(paths),
        ratings_of=tuple(ratings_of),
        users_of=tuple(map(len, users)),
        films_rated=len(rated),
    )
