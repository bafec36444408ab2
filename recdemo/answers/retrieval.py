"""Retrieval, then ranking: for a catalogue too large for every film to be scored for every visitor.

A model that places visitors among films finds a hundred candidates through an index, by the dot product of their
vectors, which is the very score of the two towers; any other model ranks those. Covington et al., "Deep Neural Networks for YouTube
Recommendations", 2016.

The index is an HNSW graph (Malkov and Yashunin, 2016) of the library usearch (the extra `retrieval`). Such a
graph wants a distance, which the dot product is not: each film's vector gets one number more, so that all are of one
length, and then the largest dot product is the smallest angle (Bachrach et al., "Speeding Up the Xbox Recommender
System", 2014). On what the models of this project learn, that finds more than a graph over the dot product itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from recdemo.core.errors import RequestError
from recdemo.core.protocols import PlacesUsers
from recdemo.core.session import Session
from recdemo.encoding.encode import encode

if TYPE_CHECKING:
    from recdemo.answers.recommend import Recommender

CONNECTIVITY = 32  # neighbours of a film in the graph
EFFORT_TO_BUILD = 128  # films looked at to place one
EFFORT = 512  # films looked at in a search
CANDIDATES = 100


class FilmIndex:
    """Films' vectors, to be searched for the largest dot products with a visitor's.

    Args:
        vectors: [M + 1, k] by film index; row 0 is unknown and never found.
        connectivity: neighbours of a film in the graph; more take memory, and find more.
        effort_to_build: films looked at to place one; more take time once, and find more.
        effort: films looked at in a search; more take time at each, and find more.
        threads: that build the graph; 0 for all there are.

    Raises:
        RequestError: usearch is not installed.
    """

    def __init__(
        self,
        vectors: np.ndarray,
        *,
        connectivity: int = CONNECTIVITY,
        effort_to_build: int = EFFORT_TO_BUILD,
        effort: int = EFFORT,
        threads: int = 0,
    ) -> None:
        try:
            from usearch.index import Index
        except ImportError:
            raise RequestError(
                "usearch is not installed: pip install 'recdemo[retrieval]'"
            ) from None
        films = np.ascontiguousarray(vectors[1:], dtype=np.float32)
        squared = np.square(films).sum(1)
        beside = np.sqrt(np.maximum(squared.max() - squared, 0))  # makes all of one length
        self._graph = Index(
            ndim=films.shape[1] + 1,
            metric="cos",
            dtype="f32",
            connectivity=connectivity,
            expansion_add=effort_to_build,
            expansion_search=effort,
        )
        films = np.column_stack([films, beside])
        self._graph.add(np.arange(1, len(films) + 1), films, threads=threads)

    def __len__(self) -> int:
        """M, the number of films."""
        return len(self._graph)

    @property
    def effort(self) -> int:
        """Films looked at in a search."""
        return int(self._graph.expansion_search)

    @effort.setter
    def effort(self, films: int) -> None:
        self._graph.expansion_search = films  # type: ignore[misc]  # it can be set

    @property
    def bytes(self) -> int:
        """What the index holds in memory, the vectors included."""
        return int(self._graph.memory_usage)

    def search(self, users: np.ndarray, count: int) -> np.ndarray:
        """The films with the largest dot products, or nearly so.

        Args:
            users: [U, k].
            count: how many films for each.

        Returns:
            [U, count] film indices, best first; a list that runs out of films ends in zeros.
        """
        queries = np.pad(np.asarray(users, dtype=np.float32), ((0, 0), (0, 1)))
        found = self._graph.search(queries, min(count, len(self)), threads=1)
        keys = found.keys.reshape(len(queries), -1).astype(np.int64)  # of one user it is flat
        films = np.zeros((len(queries), count), dtype=np.int64)
        counts = np.atleast_1d(getattr(found, "counts", keys.shape[1]))
        within = np.arange(keys.shape[1]) < counts[:, None]  # a sparse graph may find fewer
        films[:, : keys.shape[1]] = np.where(within, keys, 0)
        return films


def exact(vectors: np.ndarray, users: np.ndarray, count: int) -> np.ndarray:
    """What `FilmIndex.search` looks for, found by scoring every film."""
    scores = users @ vectors[1:].T  # [U, M]
    count = min(count, scores.shape[1])
    best = np.argpartition(-scores, count - 1, axis=1)[:, :count]
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1)
    return np.take_along_axis(best, order, axis=1) + 1


def recall(found: np.ndarray, wanted: np.ndarray) -> float:
    """The share of the films wanted that were found, mean over users; both [U, n], zeros not counted."""
    pairs = zip(found, wanted, strict=True)
    shares = [np.isin(right[right > 0], films).mean() for films, right in pairs]
    return float(np.mean(shares))


def index_of(recommender: Recommender) -> FilmIndex:
    """The films of a model that places visitors among them.

    Raises:
        RequestError: the model does not, or usearch is not installed.
    """
    return FilmIndex(_placing(recommender).film_vectors().detach().numpy())


def retrieve_then_rank(
    retriever: Recommender,
    index: FilmIndex,
    ranker: Recommender,
    session: Session,
    k: int = 10,
    *,
    candidates: int = CANDIDATES,
) -> list[int]:
    """MovieLens ids of the k films that `ranker` puts first among those that `retriever` finds.

    Args:
        retriever: a model that places visitors among films.
        index: `index_of` it.
        ranker: any model over the same catalogue.
        session: the visitor; films watched are left out.
        k: length of the list; it is shorter where too few candidates are left.
        candidates: how many films to find, besides those watched.

    Raises:
        RequestError: the two models know different catalogues, or `retriever` has no vectors.
    """
    schema = ranker.checkpoint.schema
    if not schema.same_films(retriever.checkpoint.schema):
        raise RequestError("the models know different catalogues; train both on one")
    with torch.inference_mode():
        nobody = torch.zeros(1, 0, dtype=torch.long)
        asks = encode(retriever.checkpoint.schema, [session], nobody)
        visitor = _placing(retriever).user_vectors(asks)
        wanted = candidates + len(session.history)
        films = index.search(visitor.numpy(), wanted)[0]
        watched = [schema.index_of(movie) for movie in session.movie_ids]
        films = films[(films > 0) & ~np.isin(films, watched)][:candidates]
        batch = encode(schema, [session], torch.from_numpy(films))
        scores = ranker.checkpoint.model(batch).numpy()
    order = np.argsort(-scores, kind="stable")[:k]
    return [int(movie) for movie in schema.movie_ids[films[order] - 1]]


def _placing(recommender: Recommender) -> PlacesUsers:
    model = recommender.checkpoint.model
    if not isinstance(model, PlacesUsers):
        name = recommender.checkpoint.card.model
        raise RequestError(f"{name} has no vectors of visitors to search with; use two_tower")
    return model
