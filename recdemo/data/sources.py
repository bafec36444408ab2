"""From what people type (``ml-1m``, ``simulated``, ``simulated-news``, a path) to a Dataset."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from recdemo.core.errors import DataError
from recdemo.core.places import PROJECT, shipped
from recdemo.data import mind
from recdemo.data.archive import open_archive
from recdemo.data.choices import GUESSED, Choices
from recdemo.data.dataset import Dataset
from recdemo.data.grouplens import OFFICIAL_SITE, SOURCES
from recdemo.data.mapping import guess_mapping
from recdemo.data.movielens import read_movielens
from recdemo.data.own import to_dataset
from recdemo.data.saved import LAYOUT, read_card, read_saved
from recdemo.data.shards import in_parts
from recdemo.data.simulated import simulate
from recdemo.data.simulated_news import SIMULATED_NEWS, simulate_news
from recdemo.data.table import is_table, read_table

SIMULATED = "simulated"
MADE_UP = (SIMULATED, SIMULATED_NEWS)
NAMES = (*MADE_UP, *SOURCES)  # what `load_dataset` knows by name; all else is a path
DATA_VARIABLE = "RECDEMO_DATA"


def load_dataset(
    source: str | Path, catalogue: pd.DataFrame | None = None, choices: Choices = GUESSED
) -> Dataset:
    """The data set of a name (``simulated``, ``simulated-news``, ``ml-1m`` and the others of `SOURCES`) or of a path.

    A path leads to MovieLens files, to MIND's two, to what `save_dataset` wrote, or to a table of one's own
    (`recdemo.data.table`), whose columns are guessed where `choices` says nothing of them.

    Args:
        source: a name goes before a path of the same spelling.
        catalogue: films by MovieLens-1M id; all but MovieLens-1M and what was saved need it.
        choices: how a table of one's own is to be read; of other sources they say nothing.

    Raises:
        DataError: not found, or not readable.
    """
    name = str(source)
    if name not in NAMES:
        return _read(Path(os.path.expanduser(source)), catalogue, choices)
    if choices != GUESSED:
        raise DataError(
            f"{name} is not a file of your own, so {' '.join(choices.words())} says nothing of it; leave that out"
        )
    if name == SIMULATED:
        return simulate(catalogue)
    if name == SIMULATED_NEWS:
        return simulate_news()
    path = find_data(name)
    if path is None:
        places = " and ".join(map(str, _places()))
        raise DataError(
            f"{name} was not found: looked in {places}. The official zip can be had from "
            f"{OFFICIAL_SITE}; put {name}.zip there, set {DATA_VARIABLE} to its folder, "
            "or give its path"
        )
    return read_movielens(path, catalogue)


def find_data(name: str) -> Path | None:
    """Where ``ml-1m`` or another of `SOURCES` lies, as zip or folder; None where it is in no known place.

    Looks in the environment variable RECDEMO_DATA (a folder, or the data set itself), then in ``data``
    in the working folder and in the project, then in the working folder itself, then in ``shared/data``
    beside the project.
    """
    for place in _places():
        for candidate in (place / f"{name}.zip", place / name):
            if candidate.exists():
                return candidate
        if place.exists() and _holds(place, name):
            return place
    return None


def has_own_films(source: str | Path, choices: Choices = GUESSED) -> bool:
    """Whether a source is known, before it is read, to have films that are not MovieLens'; what cannot be read has none."""
    if str(source) in NAMES:
        return str(source) == SIMULATED_NEWS
    path = Path(os.path.expanduser(source))
    if is_table(path):
        return choices.own_films
    try:
        archive = open_archive(path)
        return (archive.layout == LAYOUT and read_card(archive).own_films) or is_news(path)
    except DataError:
        return False


def is_news(source: str | Path) -> bool:
    """Whether a source is known, before it is read, to say what was clicked of what was shown."""
    if str(source) in NAMES:
        return str(source) == SIMULATED_NEWS
    path = Path(os.path.expanduser(source))
    try:
        return not is_table(path) and open_archive(path).layout == mind.LAYOUT
    except DataError:
        return False


def _read(path: Path, catalogue: pd.DataFrame | None, choices: Choices) -> Dataset:
    if is_table(path):
        table = read_table(path)
        return to_dataset(
            table,
            guess_mapping(table).chosen(choices, table),
            catalogue,
            own_films=choices.own_films,
            fewest=choices.fewest,
            leave_out=choices.leave_out,
        )
    if choices != GUESSED:
        raise DataError(
            f"{path} is not a table of ratings, so {' '.join(choices.words())} says nothing of it; leave that out"
        )
    if in_parts(path):
        raise DataError(f"{path} is a data set in parts: train from it, or name one of its parts")
    layout = open_archive(path).layout
    if layout == LAYOUT:
        return read_saved(path)
    if layout == mind.LAYOUT:
        return mind.read_mind(path)
    return read_movielens(path, catalogue)


def _places() -> list[Path]:
    given = os.environ.get(DATA_VARIABLE)
    places = [Path(os.path.expanduser(given))] if given else []
    known = [
        Path.cwd() / "data",
        PROJECT / "data",
        shipped("data"),
        Path.cwd(),
        PROJECT.parent / "shared" / "data",
    ]
    return places + list(dict.fromkeys(known))


def _holds(place: Path, name: str) -> bool:
    """Whether the place is the data set itself."""
    if place.stem == name:
        return True
    try:
        return open_archive(place).layout == name
    except DataError:
        return False
