"""One frozen shape for every source of ratings, whatever files it came from."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


class DataError(Exception):
    """A source cannot be read: the message names the file, the line where there is one, and the way out."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Users, films and ratings of one source, checked at reading.

    Args:
        name: short key, e.g. ``ml-1m``; stands in every checkpoint's card.
        title: name for people, e.g. ``MovieLens-1M``.
        movies: columns ``movie_id`` (MovieLens-1M id), ``title`` (natural order, no year), ``year``,
            ``genres`` (tuple of names out of ``contracts.GENRES``), one row per film, by ``movie_id``.
        users: columns ``user_id``, ``gender`` (F or M), ``age`` (age-group code), ``occupation`` (0 to 20),
            one row per user, by ``user_id``.
        ratings: columns ``user_id``, ``movie_id``, ``rating`` (1 to 5). The rows of one user are adjacent,
            users ascending, each user's rows in the order rated.
        simulated: True where no person ever gave these ratings.
        notes: what was left out or changed at reading, one sentence each.
    """

    name: str
    title: str
    movies: pd.DataFrame
    users: pd.DataFrame
    ratings: pd.DataFrame
    simulated: bool = False
    notes: tuple[str, ...] = ()
