"""The head that DIN, DIEN and the Transformers share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import by_hand
import pytest
import torch
from by_hand import close, draw, normal, numbers, weights_of

from recdemo.blocks.head import InterestHead
from recdemo.core.session import Session
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema

IN = 3


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("profile", [False, True])
def test_interest_head_is_its_formula(
    profile: bool, shared: bool, schema: Schema, sessions: list[Session], vectors_by_hand: Callable
) -> None:
    head = draw(InterestHead(schema, embed_dim=IN, profile=profile, hidden=(6, 4)))
    for layer in (1, 4):
        head.network.layers[layer].norm.running_mean.normal_()
        head.network.layers[layer].norm.running_var.uniform_(0.5, 2.0)
    films = torch.tensor([3, 9, 30])
    batch = encode(schema, sessions, films)
    users = len(sessions)
    interest, query = normal(users, 1 if shared else 3, IN), normal(users, 3, IN, seed=2)
    found = head(interest, query, batch)
    assert found.shape == (users * 3,)
    layers = head.network.layers
    assert [type(layer).__name__ for layer in layers[::3]] == ["Linear"] * 3
    w, wanted = weights_of(head), []
    for u, session in enumerate(sessions):
        for c, film in enumerate(films.tolist()):
            z, q = numbers(interest[u, 0 if shared else c]), numbers(query[u, c])
            x = [*z, *q, *(a * b for a, b in zip(z, q, strict=True))]
            if profile:
                names = ("gender", "age", "occupation", "favourite_genre")
                tables = {name: numbers(head.profile.weight(name)) for name in names}
                assert {table.shape[1] for table in tables.values()} == {8}
                vectors = vectors_by_hand(
                    tables, schema.movies, schema.history_length, session, film
                )
                x += [value for name in names for value in vectors[name]]
            (logit,) = by_hand.mlp(x, w, "network.", by_hand.dice)
            wanted.append(logit + w["film_bias.weight"][film, 0])
    close(found, wanted)


def test_interest_head_starts_without_film_biases(schema: Schema) -> None:
    head = InterestHead(schema, embed_dim=IN)
    assert (head.film_bias.weight == 0).all()


def test_interest_head_does_not_read_the_profile_unless_asked(
    schema: Schema, sessions: list[Session]
) -> None:
    batch = encode(schema, sessions, torch.tensor([3, 9]))
    other = replace(batch, gender=2 - batch.gender.clamp(max=1), age=7 - batch.age)
    interest, query = normal(len(sessions), 2, IN), normal(len(sessions), 2, IN, seed=2)
    for profile in (False, True):
        head = draw(InterestHead(schema, embed_dim=IN, profile=profile, hidden=(6,)))
        same = torch.equal(head(interest, query, batch), head(interest, query, other))
        assert same != profile
