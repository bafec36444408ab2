"""The shipped list of MovieLens-1M films, which gives every other source its film ids.

Films of another source are matched by title and year, and only where one single film answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd

from recdemo.core.errors import DataError
from recdemo.data.titles import match_keys, part_keys

COLUMNS = ["movie_id", "title", "year", "genres"]  # of `Dataset.movies`
# Of a catalogue of a source's own: what a list of all films can still be ranked of.
MAX_FILMS = 10_000


def check_catalogue(catalogue: pd.DataFrame | None, reader: str) -> pd.DataFrame:
    """The catalogue itself by ``movie_id``, or a DataError where it is missing or lacks a column."""
    if catalogue is None:
        raise DataError(f"{reader} needs the catalogue of MovieLens-1M films; pass catalogue=")
    missing = [column for column in COLUMNS if column not in catalogue.columns]
    if missing:
        raise DataError(f"the catalogue lacks {', '.join(missing)}; it needs {', '.join(COLUMNS)}")
    if catalogue.empty:
        raise DataError("the catalogue holds no film; pass the MovieLens-1M films")
    return catalogue.sort_values("movie_id", ignore_index=True)


Index = dict[str, set[tuple[int, int]]]  # key -> (year, movie_id) of each film that has it


def match_films(
    films: Iterable[tuple[str, int | None]], catalogue: pd.DataFrame
) -> list[int | None]:
    """MovieLens-1M id of each (natural title, year), None where no single film answers.

    The surest try first: the title proper in the same year; any of its names in the same year; both
    again with a year's difference, where the catalogue knows the name only once; and last the title
    as one part of a longer one in the same year (``Star Wars``, 1977).
    """
    proper, named, parts = (_index(catalogue, k) for k in (_proper_key, match_keys, part_keys))
    tries = (
        (proper, _proper_key, 0),
        (named, match_keys, 0),
        (proper, _proper_key, 1),
        (named, match_keys, 1),
        (parts, _proper_key, 0),
    )

    def match(title: str, year: int) -> int | None:
        answers = (_only_film(index, keys(title), year, slack) for index, keys, slack in tries)
        return next((answer for answer in answers if answer is not None), None)

    return [None if year is None else match(title, year) for title, year in films]


def match_titles(titles: Iterable[str], catalogue: pd.DataFrame) -> list[int | None]:
    """MovieLens-1M id of each natural title whose year nobody knows, where one single film is called so."""
    index = _index(catalogue, _proper_key)
    films = (
        {film for key in _proper_key(title) for film in index.get(key, ())} for title in titles
    )
    return [next(iter(found))[1] if len(found) == 1 else None for found in films]


def to_catalogue(
    rated: pd.DataFrame, movie_of_item: Mapping[int, int | None], title: str
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Ratings of a source's own items as ratings of catalogue films, and what was left out, in sentences.

    Args:
        rated: as ``Dataset.ratings``, ``movie_id`` being the source's own item.
        movie_of_item: what `match_films` answered for each item.
        title: of the source, for errors.

    Raises:
        DataError: no film is left.
    """
    unknown = [item for item, movie in movie_of_item.items() if movie is None]
    lost = rated["movie_id"].isin(unknown)
    kept = rated[~lost]
    kept = kept.assign(movie_id=kept["movie_id"].map(movie_of_item).astype(np.int64))
    again = kept.duplicated(["user_id", "movie_id"])  # keeps the first in time
    notes = []
    if unknown:
        notes.append(
            f"{len(unknown):,} of {len(movie_of_item):,} films have no match in the catalogue; "
            f"they are left out with their {int(lost.sum()):,} ratings."
        )
    if again.any():
        notes.append(
            f"{int(again.sum()):,} ratings of a film listed twice are left out; "
            "a user's first rating stays."
        )
    if kept.empty:
        raise DataError(f"{title} has no film of the catalogue; pass the MovieLens-1M films")
    return kept[~again].reset_index(drop=True), tuple(notes)


def most_rated(ratings: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The ratings of the `MAX_FILMS` films most rated, and a sentence if any were left out."""
    counts = ratings["movie_id"].value_counts()
    if len(counts) <= MAX_FILMS:
        return ratings, ()
    kept = ratings[ratings["movie_id"].isin(counts.index[:MAX_FILMS])].reset_index(drop=True)
    note = (
        f"Of {len(counts):,} films the {MAX_FILMS:,} most rated are kept; "
        f"{len(ratings) - len(kept):,} ratings are left out with the others."
    )
    return kept, (note,)


def _proper_key(title: str) -> tuple[str, ...]:
    return match_keys(title)[:1]


def _index(catalogue: pd.DataFrame, keys: Callable[[str], tuple[str, ...]]) -> Index:
    index: Index = defaultdict(set)
    columns = (catalogue[column] for column in ("movie_id", "title", "year"))
    for movie_id, title, year in zip(*columns, strict=True):
        for key in keys(title):
            index[key].add((int(year), int(movie_id)))
    return index


def _only_film(index: Index, keys: Iterable[str], year: int, slack: int) -> int | None:
    films = {film for key in keys for film in index.get(key, ())}
    if slack == 0:
        films = {film for film in films if film[0] == year}
    if len(films) != 1:
        return None
    found_year, movie_id = films.pop()
    return movie_id if abs(found_year - year) <= slack else None
