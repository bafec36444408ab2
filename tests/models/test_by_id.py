"""The models that know users and films by id, each against its formula in plain loops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import by_hand
import numpy as np
import pytest
import torch
from by_hand import Weights, scores_of

from recdemo.core.session import Session
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS

FILMS = [4, 29, 37]  # the last has no genre
_scores = partial(scores_of, films=FILMS)


def _mf(w: Weights, user: int, film: int) -> float:
    *u, user_bias = w["users.vectors.weight"][user]
    product = by_hand.dot(u, w["films.weight"][film])
    return product + user_bias + w["film_bias.weight"][film, 0] + float(w["bias"])


def _two_tower(w: Weights, user: int, film: int) -> float:
    u = by_hand.mlp(w["users.vectors.weight"][user], w, "user_tower.")
    q = by_hand.mlp(w["films.weight"][film], w, "film_tower.")
    assert (len(w["user_tower.layers.0.bias"]), len(u), len(q)) == (4, 2, 2)  # k / 2, k / 4
    return by_hand.dot(u, q)


def _concat_mlp(w: Weights, user: int, film: int) -> float:
    x = [*w["users.vectors.weight"][user], *w["films.weight"][film]]
    layers = (w["head.user.weight"], w["head.rest.2.layers.0.weight"])
    assert [len(layer) for layer in layers] == [8, 4]  # k, k / 2
    return by_hand.two_sided(x, w, "head.")[0]


def _rating_mlp(w: Weights, user: int, film: int) -> float:
    x = [*w["users.vectors.weight"][user], *w["films.weight"][film]]
    return by_hand.two_sided(x, w, "head.")[0]


@pytest.mark.parametrize(
    ("key", "formula"),
    [
        ("mf", _mf),
        ("two_tower", _two_tower),
        ("concat_mlp", _concat_mlp),
        ("rating_mlp", _rating_mlp),
    ],
)
def test_a_known_user_is_their_own_vector(
    key: str, formula: Callable, schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    """Who a training user is and what they watched is in the vector: neither is read again."""
    model = make_model(key, schema)
    users = [1, 7, 12, 7]
    batch = encode(schema, sessions[-4:], torch.tensor(FILMS))
    with torch.inference_mode():
        found = model(replace(batch, user=torch.tensor(users))).view(4, -1)
    w = by_hand.weights_of(model)
    wanted = [[formula(w, user, film) for film in FILMS] for user in users]
    np.testing.assert_allclose(found.numpy(), wanted, atol=2e-5)
    assert found.std() > 0.03


def test_towers_can_be_searched_on_their_own(
    schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    model = make_model("two_tower", schema)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    batch = replace(batch, user=torch.tensor([0, 3, *range(1, 11)]))
    with torch.inference_mode():
        users, films = model.user_vectors(batch), model.film_vectors()
        logits = model(batch).view(len(sessions), -1)
    assert films.shape == (schema.size + 1, users.shape[1])
    np.testing.assert_allclose(users @ films[FILMS].T, logits, atol=1e-5)


@pytest.mark.parametrize("key", ["rating_mlp", "textcnn_rating"])
def test_a_fresh_rating_model_gives_stars(key: str, schema: Schema, sessions: list) -> None:
    torch.manual_seed(0)
    more = {"users": 5} if key == "rating_mlp" else {}
    stars = _scores(CARDS[key].model(schema, mean=3.5, **more).eval(), schema, sessions)
    assert (stars - 3.5).abs().max() < 0.8
