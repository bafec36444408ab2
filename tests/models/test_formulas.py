"""FM, DeepFM, AFM, DIN and popularity against their papers' formulas in plain loops."""

from __future__ import annotations

import math
from collections.abc import Callable

import by_hand
import numpy as np
import pytest
import torch
from by_hand import close, scores_of
from torch import Tensor, nn

from recdemo.core.batch import Known
from recdemo.core.session import Session
from recdemo.core.vocabulary import DISLIKED, JUST_WATCHED, LIKED
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema
from recdemo.models.popularity import Popularity


def _deepfm_by_hand(model: nn.Module, vectors: Callable) -> float:
    embedded = vectors(by_hand.tables_of(model, "machine.embedding."))
    deep = by_hand.two_sided(by_hand.flat(embedded), by_hand.weights_of(model, "deep."), "")
    return by_hand.machine(model, vectors) + deep[0]


def _afm_parts(model: nn.Module, vectors: Callable) -> tuple[float, list[float], list[float]]:
    """w0 + Σ w_i, the attention of each pair, and pᵀ(v_i ⊙ v_j) of each pair.

    A pair with an empty field, so with a vector of zeros, has no attention.
    """
    w = by_hand.weights_of(model)
    products = by_hand.pairs(vectors(by_hand.tables_of(model, "embedding.")))
    scores = []
    for product in products:
        hidden = by_hand.relu(by_hand.linear(product, w["inner.weight"], w["inner.bias"]))
        scores.append(by_hand.dot(w["outer.weight"][0], hidden))
    held = [bool(np.any(p)) for p in products]
    total = sum(math.exp(s) for s, here in zip(scores, held, strict=True) if here)
    attention = [math.exp(s) / total * here for s, here in zip(scores, held, strict=True)]
    linear = sum(v[0] for v in vectors(by_hand.tables_of(model, "linear.")).values())
    values = [by_hand.dot(w["projection"], p) for p in products]
    return float(w["bias"]) + linear, attention, values


def _afm_by_hand(model: nn.Module, vectors: Callable) -> float:
    first, attention, values = _afm_parts(model, vectors)
    return first + by_hand.dot(attention, values)


def _din_parts(
    model: nn.Module, schema: Schema, session: Session, film: int, vectors: Callable
) -> tuple[float, list[float]]:
    """The logit, and the weight of each watched film."""
    w = by_hand.weights_of(model)
    tables = by_hand.tables_of(model, "films.fields.")

    def film_vector(index: int) -> np.ndarray:
        return sum(vectors(tables, film=index).values())

    q = film_vector(film)
    interest = np.zeros(len(q))
    weights = []
    for watched in session.history[-schema.history_length :]:
        kind = {None: JUST_WATCHED, False: DISLIKED, True: LIKED}[watched.liked]
        x = film_vector(schema.movie_ids.tolist().index(watched.movie_id) + 1)
        x = x + w["films.feedback.weight"][kind]
        inputs = [*x, *q, *(x - q), *(x * q)]
        hidden = by_hand.linear(inputs, w["attention.inner.weight"], w["attention.inner.bias"])
        active = by_hand.dice(hidden, w, "attention.dice.")
        outer = by_hand.linear(active, w["attention.outer.weight"], w["attention.outer.bias"])
        weights += outer
        interest = interest + weights[-1] * x
    profile = by_hand.flat(vectors(by_hand.tables_of(model, "head.profile.")))
    x = [*interest, *q, *(interest * q), *profile]
    for layer in (0, 3):
        name = f"head.network.layers.{layer}"
        x = by_hand.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])
        x = by_hand.dice(x, w, f"head.network.layers.{layer + 1}.")
    head = by_hand.linear(x, w["head.network.layers.6.weight"], w["head.network.layers.6.bias"])[0]
    return head + w["head.film_bias.weight"][film, 0], weights


@pytest.mark.parametrize(
    ("key", "formula"),
    [("fm", by_hand.machine), ("deepfm", _deepfm_by_hand), ("afm", _afm_by_hand)],
)
def test_logit_is_the_formula(
    key: str,
    formula: Callable,
    schema: Schema,
    sessions: list[Session],
    make_model: Callable,
    vectors_by_hand: Callable,
) -> None:
    model = make_model(key, schema)
    films = torch.tensor([4, 29])
    found = scores_of(model, schema, sessions, films)
    for u, session in enumerate(sessions):
        for c, film in enumerate(films.tolist()):

            def vectors(tables: dict, session: Session = session, film: int = film) -> dict:
                return vectors_by_hand(tables, schema.movies, 6, session, film)

            assert float(found[u, c]) == pytest.approx(formula(model, vectors), abs=2e-5, rel=1e-5)
    assert found.std() > 0.1


def test_din_is_the_formula(
    schema: Schema, sessions: list[Session], make_model: Callable, vectors_by_hand: Callable
) -> None:
    model = make_model("din", schema)
    films = torch.tensor([4, 29])
    found = scores_of(model, schema, sessions, films)
    with torch.inference_mode():
        weights = model.history_weights(encode(schema, sessions, films))
    for u, session in enumerate(sessions):
        for c, target in enumerate(films.tolist()):

            def vectors(tables: dict, film: int = target, session: Session = session) -> dict:
                return vectors_by_hand(tables, schema.movies, 6, session, film)

            logit, wanted = _din_parts(model, schema, session, target, vectors)
            assert float(found[u, c]) == pytest.approx(logit, abs=2e-5, rel=1e-5)
            close(weights[u, c, : len(wanted)], wanted)
    assert found.std() > 0.1


@pytest.mark.parametrize("softmax", [False, True])
def test_din_weighs_with_or_without_softmax(
    softmax: bool, schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    model = make_model("din", schema, softmax=softmax)
    with torch.inference_mode():
        sums = model.history_weights(encode(schema, sessions[2:], torch.arange(3, 10))).sum(-1)
    assert torch.allclose(sums, torch.ones(()), atol=1e-5) == softmax


def test_afm_shows_the_attention_of_its_formula(
    schema: Schema, sessions: list[Session], make_model: Callable, vectors_by_hand: Callable
) -> None:
    model = make_model("afm", schema)
    terms = model.field_terms(encode(schema, sessions, torch.tensor([11])))
    for u, session in enumerate(sessions):

        def vectors(tables: dict, session: Session = session) -> dict:
            return vectors_by_hand(tables, schema.movies, 6, session, 11)

        _, attention, values = _afm_parts(model, vectors)
        close(terms.attention[u].detach(), attention)
        wanted = [a * v for a, v in zip(attention, values, strict=True)]
        close(terms.pairs[u].detach(), wanted)


def _known(movie: Tensor, answer: Tensor) -> Known:
    """Ratings of one user."""
    return Known(torch.zeros_like(movie), movie, torch.full_like(movie, LIKED), answer)


def test_popularity_is_a_smoothed_share_of_likes(schema: Schema) -> None:
    movie = torch.tensor([1, 1, 1, 2, 2, 5])
    liked = torch.tensor([True, True, False, False, False, True])
    model = Popularity(schema, prior=4.0)
    model.solve(_known(movie, liked), "like")
    counted = {1: (2, 3), 2: (0, 2), 5: (1, 1)}
    for film in range(1, schema.size + 1):
        likes, ratings = counted.get(film, (0, 0))
        share = (likes + 4 * 3 / 6) / (ratings + 4)
        assert float(model.scores[film]) == pytest.approx(math.log(share / (1 - share)), abs=1e-6)


def test_popularity_for_next_orders_by_the_number_of_likes(schema: Schema) -> None:
    movie = torch.tensor([1, 1, 1, 2, 2, 5])
    liked = torch.tensor([True, True, False, False, False, True])
    model = Popularity(schema)
    model.solve(_known(movie, liked), "next")
    likes = {1: 2, 5: 1}
    for film in range(1, schema.size + 1):
        gap = float(model.scores[film] - model.scores[5])
        wanted = math.log((likes.get(film, 0) + 0.5) / 1.5)
        assert gap == pytest.approx(wanted, abs=1e-6)
    assert float(model.scores.exp().sum()) == pytest.approx(1.0, abs=1e-5)


def test_popularity_of_stars_is_a_smoothed_mean(schema: Schema) -> None:
    movie, stars = torch.tensor([1, 1, 2, 5]), torch.tensor([5.0, 4.5, 1.0, 3.0])
    model = Popularity(schema, prior=4.0)
    model.solve(_known(movie, stars), "rating")
    counted = {1: (9.5, 2), 2: (1.0, 1), 5: (3.0, 1)}
    for film in range(1, schema.size + 1):
        total, ratings = counted.get(film, (0, 0))
        wanted = (total + 4 * 13.5 / 4) / (ratings + 4)
        assert float(model.scores[film]) == pytest.approx(wanted, abs=1e-6)
