"""The index finds what scoring every film finds, and what it finds is ranked as the ranking model ranks it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from recdemo.answers.recommend import Recommender
from recdemo.answers.retrieval import FilmIndex, exact, index_of, recall, retrieve_then_rank
from recdemo.core.errors import RequestError
from recdemo.core.session import Session
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema

pytest.importorskip("usearch", reason="needs the extra retrieval")


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """3,000 films of 30 kinds and of very different lengths; row 0 would be everybody's best."""
    rng = np.random.default_rng(0)
    kinds = rng.normal(size=(30, 12)) * rng.gamma(2, 1, (30, 1))
    drawn = kinds[rng.integers(0, 30, 3001)] + 0.5 * rng.normal(size=(3001, 12))
    drawn[0] = 100
    return drawn.astype(np.float32)


@pytest.fixture(scope="module")
def users() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(40, 12)).astype(np.float32)


def test_exact_is_a_full_sort(vectors: np.ndarray, users: np.ndarray) -> None:
    for user, films in zip(users, exact(vectors, users, 7), strict=True):
        scores = [sum(float(a) * float(b) for a, b in zip(user, film)) for film in vectors[1:]]  # noqa: B905
        wanted = sorted(range(3000), key=lambda i: -scores[i])[:7]
        assert films.tolist() == [i + 1 for i in wanted]


def test_the_index_finds_the_largest_dot_products(vectors: np.ndarray, users: np.ndarray) -> None:
    index = FilmIndex(vectors, threads=1)
    found, wanted = index.search(users, 100), exact(vectors, users, 100)
    assert recall(found, wanted) > 0.97
    assert 0 not in found
    assert all(len(set(films)) == 100 for films in found.tolist())
    assert (found[:, 0] == wanted[:, 0]).mean() > 0.9  # best first
    assert len(index) == 3000
    assert index.bytes > vectors.nbytes
    # Not the nearest by angle, which is another question.
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    assert recall(exact(vectors / lengths, users, 100), wanted) < 0.9


def test_more_effort_finds_more(vectors: np.ndarray, users: np.ndarray) -> None:
    wanted = exact(vectors, users, 20)
    low, high = (
        recall(
            FilmIndex(vectors, connectivity=4, effort_to_build=8, effort=effort, threads=1).search(
                users, 20
            ),
            wanted,
        )
        for effort in (20, 400)
    )
    assert low < high


def test_a_list_that_runs_out_ends_in_zeros(vectors: np.ndarray, users: np.ndarray) -> None:
    index = FilmIndex(vectors[:6], threads=1)
    for some in (users[:1], users[:3]):
        found = index.search(some, 8)
        assert found.shape == (len(some), 8)
        assert {tuple(sorted(films)) for films in found.tolist()} == {(0, 0, 0, 1, 2, 3, 4, 5)}


def test_recall_is_a_share() -> None:
    found = np.array([[1, 2, 3, 4], [9, 8, 0, 0]])
    wanted = np.array([[4, 3, 7, 8], [9, 0, 0, 0]])
    assert recall(found, wanted) == (0.5 + 1.0) / 2


def _recommender(model: torch.nn.Module, schema: Schema, name: str) -> Recommender:
    card = SimpleNamespace(model=name, objective="next")
    return Recommender(SimpleNamespace(model=model.eval(), schema=schema, card=card))


def test_candidates_are_ranked_by_the_other_model(
    schema: Schema, sessions: list[Session], make_model
) -> None:
    shorter = schema.of_length(3)  # the two may read histories of different lengths
    retriever = _recommender(make_model("two_tower", schema), schema, "two_tower")
    ranker = _recommender(make_model("din", shorter, std=0.5), shorter, "din")
    index = index_of(retriever)
    everything = torch.arange(1, schema.size + 1)
    for session in sessions:
        with torch.inference_mode():
            first, second = (
                asked.checkpoint.model(encode(asked.checkpoint.schema, [session], everything))
                for asked in (retriever, ranker)
            )
        watched = {schema.index_of(movie) for movie in session.movie_ids}
        left = [film for film in everything.tolist() if film not in watched]
        best = sorted(left, key=lambda film: -first[film - 1].item())[:10]
        wanted = sorted(best, key=lambda film: -second[film - 1].item())[:4]
        found = retrieve_then_rank(retriever, index, ranker, session, 4, candidates=10)
        assert found == [int(schema.movie_ids[film - 1]) for film in wanted]


def test_what_cannot_retrieve_is_named(schema: Schema, make_model) -> None:
    ranker = _recommender(make_model("din", schema), schema, "din")
    with pytest.raises(RequestError, match="din has no vectors"):
        index_of(ranker)
    other = Schema(schema.movies.iloc[:20], history_length=6)
    stranger = _recommender(make_model("two_tower", other), other, "two_tower")
    with pytest.raises(RequestError, match="different catalogues"):
        retrieve_then_rank(stranger, index_of(stranger), ranker, Session())


def test_without_the_library_the_way_out_is_named(
    vectors: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "usearch.index", None)
    with pytest.raises(RequestError, match=r"pip install .recdemo\[retrieval\]"):
        FilmIndex(vectors)
