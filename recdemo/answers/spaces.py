"""The vectors a model has learned: which there are, what they mean, and where a visitor stands among them.

Which spaces a model has is read off its parts (`FieldEmbedding`, `FilmEmbedding`, `UserTable`) and off what it
declares (`PlacesFilms`, `PlacesUsers`), never off its name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeGuard, TypeVar, get_args

import numpy as np
import torch
from torch import Tensor, nn

from recdemo.blocks.embedding import FieldEmbedding
from recdemo.blocks.fold_in import UserTable
from recdemo.blocks.history import FILM_MEANING, FilmEmbedding
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

# Tables of a `FieldEmbedding`: kind, title and meaning by field.
_FIELDS: dict[str, tuple[Kind, str, str]] = {
    "movie": ("film", "Films, on their own", "the film's own vector, without genres and year"),
    "last_five": ("film", "Films, as one of the last five", "the film as one of the last watched"),
    "watched": ("film", "Films, as just watched", "the film as one watched without an opinion"),
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

    def vectors(self) -> np.ndarray:
        """[N, k]; films in catalogue order, values as `labels_of` has them."""
        with torch.inference_mode():
            return np.asarray(self.make()[1:].float().numpy())

    def directions(self) -> np.ndarray:
        """[N, k] the vectors brought to length one."""
        return unit(self.vectors())


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


def labels_of(kind: Kind, genres: Sequence[str] = GENRES) -> tuple[str, ...]:
    """What the rows of a space are called, films excepted; genres as the catalogue calls them."""
    names: dict[Kind, Sequence[str]] = {
        "genre": [*genres, *("no genre" for _ in GENRES[len(genres) :])],
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
