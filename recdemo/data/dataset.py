"""One frozen shape for every source of ratings, whatever files it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True)
class Dataset:
    """Users, films and ratings of one source, checked at reading.

    Args:
        name: short key, e.g. ``ml-1m``; stands in every checkpoint's card.
        title: name for people, e.g. ``MovieLens-1M``.
        movies: columns ``movie_id`` (MovieLens-1M id), ``title`` (natural order, no year), ``year``,
            ``genres`` (tuple of names out of ``vocabulary.GENRES``; films of their own may have other ones, see
            `recdemo.data.catalogue.genre_names`), one row per film, by ``movie_id``. A year of 0 is unknown; a film may
            have no genre.
        users: columns ``user_id``, ``gender`` (F or M), ``age`` (age-group code), ``occupation`` (0 to 20),
            one row per user, by ``user_id``; NA where a source does not know (see `people`).
        ratings: columns ``user_id``, ``movie_id``, ``rating`` (0.5 to 5; whole numbers where a source knows
            no halves). The rows of one user are adjacent, users ascending, each user's rows in the order rated. Where
            a source tells what was shown, there is a column ``impression`` too: 0 for what a user clicked before, in
            their first rows; then the number, in time, of the list that the film was shown in. What was clicked
            is rated 5, what was shown and not clicked 1.
        simulated: True where no person ever gave these ratings.
        notes: what was left out or changed at reading, one sentence each.
        only_train: users whose ratings all train, whatever the split: people whom other models that one may begin with, or
            measure, have learned from.
        own_films: True where the films are not those of MovieLens-1M, so that ``movie_id`` means nothing
            outside this data set.
        item: what people call one of its films.
    """

    name: str
    title: str
    movies: pd.DataFrame
    users: pd.DataFrame
    ratings: pd.DataFrame
    simulated: bool = False
    notes: tuple[str, ...] = ()
    own_films: bool = False
    only_train: tuple[int, ...] = ()
    item: str = "film"


def people(
    user_id: np.ndarray,
    gender: Sequence[str | None] | None = None,
    age: Sequence[int | None] | None = None,
    occupation: Sequence[int | None] | None = None,
) -> pd.DataFrame:
    """`Dataset.users` of users about whom all, something or nothing is known.

    Args:
        user_id: ascending.
        gender: F, M or None of each user; left out where nobody's is known.
        age: age-group code or None, likewise.
        occupation: 0 to 20 or None, likewise.
    """
    unknown = [None] * len(user_id)
    return pd.DataFrame(
        {
            "user_id": user_id,
            "gender": pd.array(unknown if gender is None else gender, dtype="str"),
            "age": pd.array(unknown if age is None else age, dtype="Int64"),
            "occupation": pd.array(unknown if occupation is None else occupation, dtype="Int64"),
        }
    )


def stars_column(stars: np.ndarray) -> np.ndarray:
    """Ratings as whole numbers where all of them are, else with their halves."""
    whole = np.rint(stars)
    return whole.astype(np.int64) if (whole == stars).all() else stars.astype(np.float64)
