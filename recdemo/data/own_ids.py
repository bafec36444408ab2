"""Whose numbers the film ids of a file without titles are.

Ids mean nothing by themselves: 242 is Farinelli in MovieLens-1M and Kolya in MovieLens-100K. They are taken for
MovieLens-1M's where the column is called as MovieLens and people call it and nothing speaks against it, where the times are
those of MovieLens-1M, or where a person says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recdemo.core.wording import cut
from recdemo.data.choices import OWN_FILMS, SAY_IDS
from recdemo.data.columns import plain
from recdemo.data.mapping import Mapping
from recdemo.data.table import Table

_TRUSTED = ("movie", "film", "фильм", "电影", "電影", "映画", "영화")


@dataclass(frozen=True, slots=True)
class _Release:
    """How far the ids of a data set go, and the seconds between which its ratings were given."""

    users: int
    films: int
    first: int
    last: int


_100K = _Release(943, 1_682, 874_724_710, 893_286_638)
_1M = _Release(6_040, 3_952, 956_703_932, 1_046_454_590)
_MANY = 1_000  # films: so many ids that all are MovieLens-100K's are so by no chance


def doubts(table: Table, mapping: Mapping) -> Iterable[str]:
    """Why the ids of a mapping without titles are not taken for MovieLens-1M's, and the ways out."""
    column = mapping.movie_id
    if column is None or mapping.ids == "ml-1m" or table.frame.empty:
        return
    texts = table.frame[column]
    ids = _numbers(texts)
    if np.isnan(ids).mean() > 0.5:
        example = cut(next((text for text in texts if text), ""))
        yield f"{column} {example!r} and others are not MovieLens ids; {OWN_FILMS}, or choose a column of titles"
        return
    users, times = (
        _numbers(table.frame[name]) if name else None for name in (mapping.user, mapping.time)
    )
    if _are_of(_100K, users, ids, times):
        yield (
            f"the ids in {column} are MovieLens-100K's, in which 242 is Kolya and not Farinelli, as in MovieLens-1M; give the "
            f"whole folder or zip of MovieLens-100K, which has the titles (on the page, --data ml-100k in the shell), {OWN_FILMS}, or {SAY_IDS}"
        )
    elif not any(map(plain(column).__contains__, map(plain, _TRUSTED))) and not (
        times is not None and _are_of(_1M, users, ids, times)
    ):
        yield (
            f"the films are numbers in {column}, which any site may have given, and there are no titles; {OWN_FILMS}, or {SAY_IDS}"
        )


def _are_of(
    release: _Release, users: np.ndarray | None, ids: np.ndarray, times: np.ndarray | None
) -> bool:
    """Whether users, films and times could all be a release's."""
    if users is None or not _within(users, 1, release.users) or not _within(ids, 1, release.films):
        return False
    if times is None or not _within(times, 100_000_000, np.inf):  # nothing is said of when
        return len(np.unique(ids)) >= _MANY
    return _within(times, release.first, release.last)


def _within(values: np.ndarray, low: float, high: float) -> bool:
    known = values[~np.isnan(values)]
    return len(known) * 2 > len(values) and bool(((known >= low) & (known <= high)).all())


def _numbers(texts: pd.Series) -> np.ndarray:
    """[rows] values, NaN where there is no number."""
    return pd.to_numeric(texts, errors="coerce").to_numpy(np.float64, na_value=np.nan)
