"""The films every model knows: ids, titles, years, genres and two counts; shipped, never ratings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from recdemo.core.errors import CheckpointError
from recdemo.core.vocabulary import GENRES, LIKED_FROM

if TYPE_CHECKING:
    from recdemo.data.dataset import Dataset

OWN_FROM = 1_000_001  # the first id of films that are not MovieLens'
COLUMNS = ["movie_id", "title", "year", "genres", "ratings", "likes"]


def catalogue_of(dataset: Dataset) -> pd.DataFrame:
    """`Dataset.movies` with the columns ``ratings`` and ``likes``: how many people rated, and liked, each."""
    rated = dataset.ratings["movie_id"]
    liked = rated[dataset.ratings["rating"] >= LIKED_FROM]
    movies = dataset.movies[["movie_id", "title", "year", "genres"]].reset_index(drop=True)
    counts = {
        name: movies["movie_id"].map(ids.value_counts()).fillna(0).astype(int)
        for name, ids in {"ratings": rated, "likes": liked}.items()
    }
    return movies.assign(**counts)


def write_catalogue(catalogue: pd.DataFrame, path: Path) -> None:
    """Write as CSV, genres joined by ``|``."""
    catalogue.assign(genres=catalogue["genres"].map("|".join)).to_csv(path, index=False)


def read_catalogue(path: Path) -> pd.DataFrame:
    """Read what `write_catalogue` wrote.

    Raises:
        CheckpointError: missing, or not such a file.
    """
    try:
        catalogue = pd.read_csv(path, keep_default_na=False, dtype={"title": str, "genres": str})
    except FileNotFoundError:
        raise CheckpointError(
            f"{path} is missing; restore it from the repository, or train a model to write it again"
        ) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is not a catalogue: {error}") from error
    if list(catalogue.columns) != COLUMNS:
        raise CheckpointError(f"{path} has columns {list(catalogue.columns)}, expected {COLUMNS}")
    for name in ("movie_id", "year", "ratings", "likes"):
        if not pd.api.types.is_integer_dtype(catalogue[name]):
            raise CheckpointError(
                f"{path} holds a {name} that is not a whole number; restore the file"
            )
    if not catalogue["movie_id"].is_unique:
        raise CheckpointError(f"{path} lists a film twice; restore the file")
    genres = catalogue["genres"].map(lambda text: tuple(text.split("|")) if text else ())
    catalogue = catalogue.assign(genres=genres)
    if unknown := unknown_genres(catalogue):
        raise CheckpointError(f"{path} names genres no model knows: {', '.join(unknown)}")
    return catalogue


def genre_names(movies: pd.DataFrame) -> tuple[str, ...]:
    """What genre 1, 2, … of a catalogue are called: MovieLens' names, or those that films of their own have instead."""
    names = {name for genres in movies["genres"] for name in genres}
    return GENRES if names <= set(GENRES) else tuple(sorted(names))


def unknown_genres(movies: pd.DataFrame) -> list[str]:
    """Names that no model takes: not MovieLens', unless all ids are a source's own and no more names than MovieLens has."""
    names = genre_names(movies)
    own = movies["movie_id"].min() >= OWN_FROM and len(names) <= len(GENRES)
    return [] if own else sorted(set(names) - set(GENRES))


def label_of(title: str, year: int) -> str:
    """A film as people read it: "title (year)", or its title alone where the year is unknown, 0."""
    return f"{title} ({year})" if year else title


def labels_of(films: pd.DataFrame) -> list[str]:
    """The label of each film of a catalogue."""
    return [label_of(*film) for film in zip(films["title"], films["year"], strict=True)]


def shorten(label: str, most: int = 34) -> str:
    """A film's label, "title (year)", cut to `most` characters; the year at its end is kept."""
    if len(label) <= most:
        return label
    year = label[-7:] if label.endswith(")") and label[-6:-5] == "(" else ""
    return label[: most - len(year) - 1].rstrip() + "…" + year
