"""What the vectors of a model say: what lies near what, analogies, and how a space is drawn.

Likeness is the cosine throughout. Every vector is brought to length one first, for maps as for neighbours, so that a
map and a list speak of the same thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from recdemo.answers.removal import rank_correlation
from recdemo.answers.spaces import Space, spaces, unit
from recdemo.core.errors import RequestError
from recdemo.encoding.schema import Schema

if TYPE_CHECKING:
    from recdemo.answers.recommend import Recommender

CHUNK = 512  # films compared with all others at a time

# Sequels: A is to B as the film in the last place is to C.
EXAMPLES: tuple[tuple[int, int, int, int], ...] = (
    (1200, 1214, 1240, 589),  # Aliens, Alien, The Terminator: Terminator 2
    (3114, 1, 34, 2384),  # Toy Story 2, Toy Story, Babe: Babe: Pig in the City
    (1717, 1407, 1644, 2338),  # Scream 2, Scream, I Know What You Did …: I Still Know …
    (1221, 858, 260, 1196),  # The Godfather: Part II, The Godfather, Star Wars: … Strikes Back
    (1377, 592, 2640, 2641),  # Batman Returns, Batman, Superman: Superman II
    (1370, 1036, 2000, 2001),  # Die Hard 2, Die Hard, Lethal Weapon: Lethal Weapon 2
    (1388, 1387, 1954, 2409),  # Jaws 2, Jaws, Rocky: Rocky II
    (2011, 1270, 2716, 2717),  # Back to the Future Part II, … , Ghostbusters: Ghostbusters II
)


def nearest(
    directions: np.ndarray,
    towards: np.ndarray,
    k: int = 10,
    *,
    among: np.ndarray | None = None,
    without: Sequence[int] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """The rows that point most nearly in one direction.

    Args:
        directions: [N, k] of length one.
        towards: [k], of any length.
        k: how many; fewer come back where there are fewer.
        among: [N] True for rows that may be found; None for all.
        without: rows left out.

    Returns:
        Rows, nearest first (equal ones in order), and the cosine of each.
    """
    cosines = directions @ unit(towards)
    allowed = np.ones(len(directions), dtype=bool) if among is None else among.copy()
    allowed[list(without)] = False
    order = np.argsort(-cosines, kind="stable")
    rows = order[allowed[order]][:k]
    return rows, cosines[rows]


def neighbours(
    recommender: Recommender, movie_id: int, k: int = 10, *, space: str = "film"
) -> pd.DataFrame:
    """The films nearest to one, as `film_table` has them.

    Raises:
        RequestError: the film is not in the catalogue, or the model has no such table of films.
    """
    directions = _film_space(recommender, space).directions()
    row = recommender.checkpoint.schema.index_of(movie_id) - 1
    return film_table(
        recommender.catalogue, *nearest(directions, directions[row], k, without=[row])
    )


def _film_space(recommender: Recommender, key: str) -> Space:
    model = recommender.checkpoint.model
    tables = {name: space for name, space in spaces(model).items() if space.kind == "film"}
    if key not in tables:
        way_out = f"use one of {', '.join(tables)}" if tables else "use another model"
        name = recommender.checkpoint.card.model
        raise RequestError(f"{name} has no vectors {key!r} of films; {way_out}")
    return tables[key]


def film_table(catalogue: pd.DataFrame, rows: np.ndarray, cosines: np.ndarray) -> pd.DataFrame:
    """Columns ``rank``, ``movie_id``, ``title``, ``year``, ``genres``, ``cosine`` and ``ratings``."""
    table = catalogue.iloc[rows][["movie_id", "title", "year", "genres"]].reset_index(drop=True)
    table.insert(0, "rank", np.arange(1, len(rows) + 1))
    return table.assign(cosine=cosines, ratings=catalogue["ratings"].to_numpy()[rows])


@dataclass(frozen=True, slots=True)
class Analogy:
    """What lies nearest to A − B + C."""

    rows: np.ndarray  # [k] nearest first
    cosines: np.ndarray  # [k] with A − B + C
    alone: np.ndarray  # [k] rank of each among the neighbours of C, from 1


def analogy(
    directions: np.ndarray, a: int, b: int, c: int, k: int = 10, *, among: np.ndarray | None = None
) -> Analogy:
    """A − B + C, all of length one: "A is to B as what is to C?". A, B and C themselves are left out.

    Mikolov, Yih and Zweig, "Linguistic Regularities in Continuous Space Word Representations", NAACL 2013.
    """
    towards = directions[a] - directions[b] + directions[c]
    rows, cosines = nearest(directions, towards, k, among=among, without=(a, b, c))
    by_c, _ = nearest(directions, directions[c], len(directions), among=among, without=(a, b, c))
    rank = np.empty(len(directions), dtype=int)
    rank[by_c] = np.arange(1, len(by_c) + 1)
    return Analogy(rows, cosines, rank[rows])


def film_analogy(
    recommender: Recommender, a: int, b: int, c: int, k: int = 10, *, space: str = "film"
) -> pd.DataFrame:
    """`analogy` of three films, given by id, as `film_table` has them, with a last column ``alone``.

    Raises:
        RequestError: a film is not in the catalogue, or the model has no such table of films.
    """
    directions = _film_space(recommender, space).directions()
    row_a, row_b, row_c = (recommender.checkpoint.schema.index_of(movie) - 1 for movie in (a, b, c))
    found = analogy(directions, row_a, row_b, row_c, k)
    return film_table(recommender.catalogue, found.rows, found.cosines).assign(alone=found.alone)


def best_example(directions: np.ndarray, schema: Schema) -> tuple[int, int, int] | None:
    """The A, B and C of `EXAMPLES`, as ids, whose fourth film this space ranks highest; on a tie, where C alone
    would have ranked it lowest. One with a film that is not in the catalogue is passed over."""
    known = [films for films in EXAMPLES if set(films) <= schema.index.keys()]

    def ranks(films: tuple[int, int, int, int]) -> tuple[int, int]:
        a, b, c, wanted = (schema.index[movie] - 1 for movie in films)
        found = analogy(directions, a, b, c, len(directions))
        rank = int(np.flatnonzero(found.rows == wanted)[0])
        return rank, -int(found.alone[rank])

    return min(known, key=ranks)[:3] if known else None


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a space puts side by side, over films and the nearest neighbour of each."""

    genre: float  # share of films that have a genre in common with their nearest neighbour
    chance: float  # the same for two films drawn at random
    popularity: float  # rank correlation of how many rated a film, and its nearest neighbour


def agreement(directions: np.ndarray, genre_flags: np.ndarray, ratings: np.ndarray) -> Agreement:
    """Whether neighbours are films of one kind, or films equally well known.

    Args:
        directions: [N, k] of length one, N > 2.
        genre_flags: [N, G].
        ratings: [N] how many people rated each.
    """
    size = len(directions)
    closest = np.empty(size, dtype=int)
    for start in range(0, size, CHUNK):
        cosines = directions[start : start + CHUNK] @ directions.T
        own = np.arange(len(cosines))
        cosines[own, start + own] = -np.inf
        closest[start : start + CHUNK] = cosines.argmax(1)
    shared = (genre_flags * genre_flags[closest]).sum(1) > 0
    # Films have few sets of genres: count pairs of sets. A film with a genre pairs with itself, too.
    sets, times = np.unique(genre_flags, axis=0, return_counts=True)
    together = times @ (sets @ sets.T > 0) @ times - times[sets.any(1)].sum()
    return Agreement(
        genre=float(shared.mean()),
        chance=float(together / (size * (size - 1))),
        popularity=rank_correlation(ratings, ratings[closest]) or 0.0,
    )


@dataclass(frozen=True, slots=True)
class Principal:
    """The axes along which directions differ most, and what is needed to put another vector among them."""

    mean: np.ndarray  # [k]
    axes: np.ndarray  # [d, k] of length one, at right angles
    share: tuple[float, ...]  # of the whole spread along each axis

    def project(self, directions: np.ndarray) -> np.ndarray:
        """[..., k] → [..., d]: exact, a rotation and a shadow."""
        return np.asarray((directions - self.mean) @ self.axes.T)


def principal(directions: np.ndarray, dimensions: int = 2) -> Principal:
    """Principal components of [N, k], each turned so that its largest loading is positive.

    Where there are fewer than `dimensions` (two points differ along one line), the rest are zero.
    """
    mean = directions.mean(0)
    spread = np.cov(directions - mean, rowvar=False, bias=True).astype(np.float64)
    values, vectors = np.linalg.eigh(np.atleast_2d(spread))
    values = np.maximum(values[::-1][:dimensions], 0.0)
    axes = vectors[:, ::-1][:, :dimensions].T
    largest = np.abs(axes).argmax(1)
    axes = axes * np.sign(axes[np.arange(len(axes)), largest])[:, None]
    missing = dimensions - len(axes)
    return Principal(
        mean,
        np.pad(axes, ((0, missing), (0, 0))).astype(directions.dtype),
        tuple(np.pad(values / max(np.trace(np.atleast_2d(spread)), 1e-12), (0, missing)).tolist()),
    )


def between_neighbours(
    directions: np.ndarray, coordinates: np.ndarray, towards: np.ndarray, k: int = 10
) -> np.ndarray:
    """Where a new vector belongs on a map that has no formula: the mean of its k nearest neighbours' places,
    each weighted by its cosine (those that point away count nothing, unless all do): [d]."""
    rows, cosines = nearest(directions, towards, k)
    weights = np.maximum(cosines, 0.0)
    weights = weights if weights.any() else np.ones_like(weights)
    return np.asarray((weights[:, None] * coordinates[rows]).sum(0) / weights.sum())
