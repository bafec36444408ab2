"""Films by the words of their titles, as the shell and Python ask for them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pandas as pd

from recdemo import checkpoints
from recdemo.data.catalogue import read_catalogue
from recdemo.data.search import FilmSearch


def find_films(words: str, world: str = "") -> tuple[pd.DataFrame, str]:
    """Films of a world that have these words, the likeliest first, and what to say where there is none.

    The films are rows of the catalogue with a further column, ``near``: no film has the words, these have others, each
    one letter off at most.

    Raises:
        CheckpointError: the catalogue is missing or damaged.
    """
    catalogue, search = _opened(world)
    found = search.find(words)
    films = catalogue.set_index("movie_id").loc[list(found.films)].reset_index()
    said = ""
    if found.near or not found.films:
        others = [other for other in checkpoints.worlds() if other.key != world]
        said = search.sentence(found, {f"“{one.title}”": _opened(one.key)[1] for one in others})
    return films.assign(near=found.near), said


def _opened(world: str) -> tuple[pd.DataFrame, FilmSearch]:
    path = checkpoints.root(world) / checkpoints.CATALOGUE
    return _read(path, path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> tuple[pd.DataFrame, FilmSearch]:
    """A catalogue and the index of its words, which takes as long as a hundred searches; kept until the file has `changed`."""
    catalogue = read_catalogue(path)
    return catalogue, FilmSearch(catalogue)
