"""LightGCN against the paper's propagation between users and films, step by step, and what training does with it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch
from by_hand import close, numbers, scores_of, weights_of

from recdemo.core.protocols import PlacesUsers, ReadsInteractions, TwoSided
from recdemo.core.session import Session
from recdemo.data import TEST, TRAIN, VALIDATION, simulate
from recdemo.encoding.encode import encode
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.models.lightgcn import LightGCN, film_smoothing
from recdemo.training.feed import InMemory
from recdemo.training.loop import fit
from recdemo.training.settings import Settings

FILMS = [4, 29, 11]
# Users 3, 5, 9 and 70 like some of films 1 to 6; nobody likes film 6.
EDGES = [(3, 1), (3, 2), (5, 2), (5, 3), (5, 4), (9, 1), (9, 4), (70, 5)]
USER, MOVIE = (torch.tensor(ids) for ids in zip(*EDGES, strict=True))


def propagated(films: np.ndarray, steps: int) -> np.ndarray:
    """Mean over the even ones of the paper's first 2 · `steps` layers, whose users start from zero."""
    liked_by = {film: [u for u, f in EDGES if f == film] for film in range(len(films))}
    likes = {user: [f for u, f in EDGES if u == user] for user, _ in EDGES}
    users = {user: np.zeros(films.shape[1]) for user in likes}
    layers = [films]
    for _ in range(2 * steps):
        before = layers[-1]
        norm = {(u, f): 1 / math.sqrt(len(likes[u]) * len(liked_by[f])) for u, f in EDGES}
        layers.append(
            np.array(
                [
                    sum(
                        (norm[u, film] * users[u] for u in liked_by[film]), np.zeros(films.shape[1])
                    )
                    for film in range(len(films))
                ]
            )
        )
        users = {u: sum(norm[u, f] * before[f] for f in likes[u]) for u in likes}
    return sum(layers[::2]) / (steps + 1)


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_smoothing_is_the_paper_s_propagation(steps: int) -> None:
    films = torch.randn(7, 5, generator=torch.Generator().manual_seed(1))
    films[0] = 0.0
    found = film_smoothing(USER, MOVIE, 7, steps)
    assert found.dtype == torch.float32
    close(found @ films, propagated(numbers(films), steps))
    close((found @ films)[6], films[6] / (steps + 1))  # liked by nobody


@pytest.mark.parametrize("recency", [None, 3.0])
@pytest.mark.parametrize("connected", [False, True])
def test_it_is_its_formula_and_its_terms_add_up(
    connected: bool,
    recency: float | None,
    schema: Schema,
    sessions: list[Session],
    make_model: Callable,
) -> None:
    model = make_model("lightgcn", schema, recency=recency)
    assert isinstance(model, TwoSided)
    assert isinstance(model, PlacesUsers)
    w = weights_of(model)
    vectors = w["films.weight"]
    if connected:
        model.connect(USER, MOVIE)
        vectors = propagated(vectors, model.layers)
    model.eval()
    found = scores_of(model, schema, sessions, FILMS)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    with torch.inference_mode():
        alone, added = model.film_terms(batch)
    assert alone.shape == (found.numel(),)
    assert added.shape == (*found.shape, schema.history_length)
    close(alone.view_as(found) + added.sum(-1), found)
    close(model.user_vectors(batch) @ model.film_vectors()[FILMS].T, added.sum(-1))
    for u, session in enumerate(sessions):
        read = session.history[-schema.history_length :]
        ages = range(len(read) - 1, -1, -1)
        shares = [1.0 if recency is None else math.exp(-age / recency) for age in ages]
        for c, film in enumerate(FILMS):
            close(alone.view_as(found)[u, c], w["film_bias.weight"][film, 0])
            for place, (seen, share) in enumerate(zip(read, shares, strict=True)):
                opinion = {None: 0, False: 1, True: 2}[seen.liked]
                wanted = share / sum(shares) * w["feedback"][opinion]
                wanted *= vectors[schema.index[seen.movie_id]] @ vectors[film]
                close(added[u, c, place], wanted, tolerance=3e-5)
            assert (added[u, c, len(read) :] == 0).all()


def test_what_the_graph_says_stays_when_it_goes(
    schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    model = make_model("lightgcn", schema)
    assert isinstance(model, ReadsInteractions)
    alone = scores_of(model, schema, sessions, FILMS)
    model.connect(USER, MOVIE)
    names = set(model.state_dict())
    learning = scores_of(model.train(), schema, sessions, FILMS)
    answering = scores_of(model.eval(), schema, sessions, FILMS)
    close(answering, learning)
    assert (answering - alone).abs().max() > 1e-3
    model.disconnect()
    assert model.smoothing is None
    assert set(model.state_dict()) == names
    close(scores_of(model, schema, sessions, FILMS), answering)


def test_training_connects_the_films_picked_in_the_training_part(
    small_films: pd.DataFrame, schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    ratings = Ratings(simulate(small_films, users=40, seed=1), schema)
    part = torch.arange(len(ratings)) % 10
    part = torch.where(part == 8, VALIDATION, torch.where(part == 9, TEST, TRAIN))
    model = LightGCN(schema, embed_dim=8)
    told: list[set[tuple[int, int]]] = []
    connect = model.connect

    def listen(user: torch.Tensor, movie: torch.Tensor) -> None:
        told.append(set(zip(user.tolist(), movie.tolist(), strict=True)))
        connect(user, movie)

    monkeypatch.setattr(model, "connect", listen)
    done = fit(
        model,
        InMemory(ratings, part),
        "next",
        Settings(epochs=3, learning_rate=0.02, batch_size=64),
    )
    chosen = (part == TRAIN) & ratings.liked
    pairs = zip(ratings.user[chosen].tolist(), ratings.movie[chosen].tolist(), strict=True)
    assert told == [set(pairs)]
    assert model.smoothing is None
    assert done.epochs[-1].loss < done.epochs[0].loss
