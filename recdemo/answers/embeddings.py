"""The vectors a model has learned: which there are, what lies near what, and where a visitor stands.

Likeness is the cosine throughout. Every vector is brought to length one first, for maps as for neighbours, so that a
map and a list speak of the same thing. Which spaces a model has is read off its parts (`FieldEmbedding`,
`FilmEmbedding`, `UserTable`) and off what it declares (`PlacesFilms`, `PlacesUsers`), never off its name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeGuard, TypeVar, get_args

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from recdemo.blocks.embedding import FieldEmbedding
from recdemo.blocks.fold_in import UserTable
from recdemo.blocks.history import FILM_MEANING, FilmEmbedding
from recdemo.core.errors import RequestError
from recdemo.core.protocols import PlacesFilms, PlacesUsers
from recdemo.core.session import Session
from recdemo.core.vocabulary import AGES, GENDERS, GENRES, OCCUPATIONS, PROFILE
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import YEAR_EDGES, Schema, year_label

if TYPE_CHECKING:
    from recdemo.answers.recommend import Recommender

Kind = Literal["film", "genre", "year", "age", "occupation", "gender"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Block = TypeVar("Block", bound=nn.Module)
CHUNK = 512  # films compared with all others at a time

# Tables of a `FieldEmbedding`: kind, title and meaning by field.
_FIELDS: dict[str, tuple[Kind, str, str]] = {
    "movie": ("film", "Films, on their own", "the film's own vector, without genres and year"),
    "last_five": ("film", "Films, as one of the last five", "the film as one of the last watched"),
    "watched": ("film", "Films, as just watched", "the film as one watched without a word"),
    "disliked": ("film", "Films, as disliked", "the film as one that was disliked"),
    "liked": ("film", "Films, as liked", "the film as one that was liked"),
    "genres": ("genre", "Genres of films", "the genre of a film"),
    "favourite_genre": ("genre", "Favourite genres", "the genre a visitor likes most often"),
    "year": ("year", "Release years", "a span of release years"),
    "age": ("age", "Ages", "the visitor's age group"),
    "occupation": ("occupation", "Occupations", "the visitor's occupation"),
    "gender": ("gender", "Genders", "the visitor's gender"),
}
# Tables that a model holds by itself, by attribute.
_TABLES: dict[str, tuple[Kind, str, str]] = {
    "genres": _FIELDS["genres"],
    "watched": ("film", "Films, as watched", "the film as one of those watched"),
}
_TITLES: dict[str, str] = {"age": "Ages", "occupation": "Occupations", "gender": "Genders"}

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


@dataclass(frozen=True, slots=True)
class Space:
    """One table of vectors of a model.

    Args:
        key: name among the model's spaces; ``film`` is the one that candidates are read in.
        kind: what has a vector here.
        title: for menus.
        meaning: what a vector is, as a phrase.
        make: gives the vectors, [N + 1, k], row 0 unknown.
    """

    key: str
    kind: Kind
    title: str
    meaning: str
    make: Callable[[], Tensor] = field(repr=False)

    def directions(self) -> np.ndarray:
        """[N, k] the vectors brought to length one; films in catalogue order, values as `labels_of` has them."""
        with torch.inference_mode():
            return unit(self.make()[1:].float().numpy())


def spaces(model: nn.Module) -> dict[str, Space]:
    """The spaces of a model by key, ``film`` first; none for a model without vectors."""
    found: dict[str, Space] = {}

    def add(key: str, kind: Kind, title: str, meaning: str, make: Callable[[], Tensor]) -> None:
        found.setdefault(key, Space(key, kind, title, meaning, make))

    if isinstance(model, PlacesFilms):
        add("film", "film", "Films", model.film_meaning, model.film_vectors)
    for module in model.modules():
        if _is(module, FilmEmbedding):
            add("film", "film", "Films", FILM_MEANING, module.catalogue)
    for path, module in model.named_modules():
        if _is(module, FieldEmbedding):
            for name in module.fields:
                weight = module.weight(name)
                if weight.shape[1] == 1:  # the linear part of a factorisation machine
                    continue
                kind, title, meaning = _FIELDS[name]
                if name == "movie" and "film" not in found:
                    add("film", "film", "Films", "the film's own vector", _given(weight))
                else:
                    add(name, kind, title, meaning, _given(weight))
        elif _is(module, UserTable):
            for name in PROFILE:
                kind = _FIELDS[name][0]
                meaning = "what the vectors of users of a group share, beside what all share"
                add(kind, kind, _TITLES[kind], meaning, _given(getattr(module, f"mean_{name}")))
        elif isinstance(module, nn.Embedding) and path == "films":
            if "film" not in found:
                add("film", "film", "Films", "the film's own vector", _given(module.weight))
            elif isinstance(model, PlacesFilms) and model.film_vectors() is not module.weight:
                meaning = "the film's own vector, before the network"
                add("movie", "film", "Films, before the network", meaning, _given(module.weight))
        elif isinstance(module, nn.Embedding) and path in _TABLES:
            add(path, *_TABLES[path], _given(module.weight))
    order = sorted(found.values(), key=lambda space: (KINDS.index(space.kind), space.key != "film"))
    return {space.key: space for space in order}


def _is(module: nn.Module, block: type[Block]) -> TypeGuard[Block]:
    """By name: where a server has taken in new code, a model made before is of the block's earlier self."""
    return type(module).__name__ == block.__name__


def _given(table: Tensor) -> Callable[[], Tensor]:
    return lambda: table


def labels_of(kind: Kind) -> tuple[str, ...]:
    """What the rows of a space are called, films excepted."""
    names: dict[Kind, Sequence[str]] = {
        "genre": GENRES,
        "year": [year_label(bucket) for bucket in range(1, len(YEAR_EDGES) + 2)],
        "age": list(AGES.values()),
        "occupation": list(OCCUPATIONS.values()),
        "gender": list(GENDERS.values()),
    }
    return tuple(names[kind])


def own_rows(schema: Schema, session: Session) -> dict[Kind, int]:
    """The visitor's own row in the spaces of ages, occupations, genders and (favourite) genres, where known."""
    batch = encode(schema, [session], torch.tensor([1]))
    ids: dict[Kind, Tensor] = {
        "age": batch.age,
        "occupation": batch.occupation,
        "gender": batch.gender,
        "genre": batch.favourite_genre,
    }
    return {kind: int(value) - 1 for kind, value in ids.items() if int(value)}


def place_of(recommender: Recommender, session: Session) -> np.ndarray | None:
    """[k] where the visitor stands among the model's film vectors, brought to length one.

    None for a model that has no such place for a visitor, and for a visitor of whom it knows nothing.
    """
    checkpoint = recommender.checkpoint
    if not isinstance(checkpoint.model, PlacesUsers):
        return None
    with torch.inference_mode():
        batch = encode(checkpoint.schema, [session], torch.tensor([1]))
        vector = checkpoint.model.user_vectors(batch).float().numpy()
    return unit(vector)[0] if np.any(vector) else None


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors [..., k] brought to length one; zero stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float32).tiny))


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
    alone: (
        np.ndarray
    )  # [k] rank of each among the neighbours of C, from 1: what C alone would have given


def analogy(
    directions: np.ndarray,
    a: int,
    b: int,
    c: int,
    k: int = 10,
    *,
    among: np.ndarray | None = None,
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
    from recdemo.answers.explain import rank_correlation

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
