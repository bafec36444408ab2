"""Visitors folded in among users known by id: the loss that is minimised, the mean of a group, and a planted world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import by_hand
import numpy as np
import pandas as pd
import pytest
import torch
from folded_in import FILMS, answers_of, every_model, vectors_of
from scipy.optimize import minimize
from scipy.stats import norm, spearmanr
from taste import simulate_strong_tastes
from torch import Tensor, nn

from recdemo.blocks.fold_in import UserTable
from recdemo.core.session import Session
from recdemo.core.vocabulary import DISLIKED, JUST_WATCHED, LIKED, Objective
from recdemo.data import TRAIN, split_by_order
from recdemo.encoding.encode import encode
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS
from recdemo.training.feed import InMemory
from recdemo.training.loop import fit
from recdemo.training.settings import Settings


def _spread_out(model: nn.Module) -> np.ndarray:
    """S [d, d] of uneven lengths in directions of its own, from 1.2 down to 0.2, put into a model."""
    dim = len(model.users.spread)
    direction, _ = torch.linalg.qr(
        torch.randn(dim, dim, generator=torch.Generator().manual_seed(3))
    )
    model.users.spread.copy_(direction * torch.linspace(1.2, 0.2, dim))
    return model.users.spread.double().numpy()


# The loss, by hand


def _scores_by_hand(key: str, w: dict[str, np.ndarray], user: np.ndarray) -> np.ndarray:
    """[M + 1] of one user vector with every film."""

    def layer(x: np.ndarray, name: str) -> np.ndarray:
        return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", 0.0)

    films = w["films.weight"]
    if key == "mf":
        return films @ user[:-1] + w["film_bias.weight"][:, 0] + user[-1] + w["bias"]
    if key == "two_tower":
        both = []
        for name, x in (("user_tower", user), ("film_tower", films)):
            both.append(layer(np.maximum(layer(x, f"{name}.layers.0"), 0), f"{name}.layers.3"))
        return both[1] @ both[0]
    hidden = np.maximum(layer(user, "head.user") + layer(films, "head.film"), 0)
    last = "head.rest.2.layers.0"
    if key == "concat_mlp":
        hidden, last = np.maximum(layer(hidden, last), 0), "head.rest.2.layers.3"
    return layer(hidden, last)[:, 0]


def _loss_by_hand(
    scores: np.ndarray,
    objective: Objective,
    watched: list[tuple[int, int]],
    films: int,
    recency: float | None = None,
) -> float:
    """The loss of one history of (film, feedback). In `next` a film picked is told from all not picked."""
    total = 0.0
    picked = [film for film, feedback in watched if feedback != DISLIKED]
    for place, (film, feedback) in enumerate(watched):
        if objective == "next":
            weight = {LIKED: 1.0, JUST_WATCHED: 0.5, DISLIKED: 0.0}[feedback]
            if recency is not None:
                later = [f for _, f in watched[place + 1 :] if f != DISLIKED]
                weight *= np.exp(-len(later) / recency)
            others = [scores[other] for other in range(1, films + 1) if other not in picked]
            total -= weight * (scores[film] - np.logaddexp.reduce([scores[film], *others]))
        elif feedback == JUST_WATCHED:
            continue
        elif objective == "like":
            p = by_hand.sigmoid(scores[film])
            total -= np.log(p if feedback == LIKED else 1 - p)
        else:
            beyond = (scores[film] - 3.5) / 0.85
            total -= norm.logcdf(beyond if feedback == LIKED else -beyond)
    return total


@every_model
@pytest.mark.parametrize(("steps", "share"), [(None, 0.1), (300, 0.002)])
def test_folding_in_finds_a_minimum_of_the_training_loss(
    key: str,
    objective: Objective,
    steps: int | None,
    share: float,
    schema: Schema,
    sessions: list[Session],
    make_model: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The steps of Adam that answer a visitor reach most of what can be gained, and more steps all of it."""
    if steps:
        monkeypatch.setattr("recdemo.blocks.fold_in.STEPS", steps)
    strength, visitors = 1.5, sessions[1::2]
    recent = {"recency": 2.5} if objective == "next" else {}
    model = make_model(key, schema, std=0.6, objective=objective, strength=strength, **recent)
    spread = _spread_out(model)
    batch = encode(schema, visitors, FILMS)
    start = model.users.group_mean(batch).double().numpy()
    found = vectors_of(model, batch)
    w = by_hand.weights_of(model)
    before = after = best = 0.0
    for u, session in enumerate(visitors):
        ids = schema.movie_ids.tolist()
        watched = [(ids.index(f.movie_id) + 1, f.feedback) for f in session.history[-6:]]

        def loss(z: np.ndarray, begin: np.ndarray = start[u], watched: list = watched) -> float:
            scores = _scores_by_hand(key, w, begin + spread @ z)
            away = strength / 2 * (z**2).sum()
            return _loss_by_hand(scores, objective, watched, schema.size, **recent) + away

        z = np.linalg.solve(spread, found[u] - start[u])
        before, after = before + loss(0 * z), after + loss(z)
        assert loss(z) < loss(0 * z) + 0.005  # steps of Adam are long where it is flat
        best += minimize(loss, z, method="L-BFGS-B").fun
    gained, missed = before - after, after - best
    assert gained > 0.5
    assert missed < share * gained, f"{missed / gained:.4f} of what can be gained is missed"


@pytest.mark.parametrize("size", [3, 38, 256, 600])
def test_films_liked_are_told_from_films_all_over_the_catalogue(
    size: int, small_films: pd.DataFrame
) -> None:
    many = pd.concat([small_films] * 16, ignore_index=True).iloc[:size]
    schema = Schema(many.assign(movie_id=range(1, size + 1)))
    table = UserTable(schema, users=1, dim=4, objective="next", strength=1.0)
    films = table.negatives.tolist()
    assert len(set(films)) == len(films) == min(size, 256)
    assert (films[0], films[-1]) == (1, size)
    gaps = np.diff(films)
    assert gaps.max() - gaps.min() <= 1


# Groups


def test_the_mean_of_a_group_is_a_ridge_regression(schema: Schema) -> None:
    users, dim = 90, 5
    rng = np.random.default_rng(4)
    profile = np.stack([rng.integers(1, size + 1, users) for size in (2, 7, 21)], axis=1)
    profile[profile[:, 2] == 9, 2] = 10  # an occupation that nobody has
    table = UserTable(schema, users=users, dim=dim, objective="like", strength=1.0)
    nn.init.normal_(table.vectors.weight)
    table.summarise(torch.from_numpy(profile))
    y = table.vectors.weight.detach().double().numpy()[1:]
    mean = y.mean(0)
    wanted = np.zeros((30, dim))
    x = np.zeros((users, 30))
    for user, (gender, age, occupation) in enumerate(profile):
        x[user, [gender - 1, 2 + age - 1, 9 + occupation - 1]] = 1
    for column in range(dim):  # least squares over the data and √20 times every coefficient
        rows = np.concatenate([x, np.sqrt(20.0) * np.eye(30)])
        target = np.concatenate([y[:, column] - mean[column], np.zeros(30)])
        wanted[:, column] = np.linalg.lstsq(rows, target, rcond=None)[0]
    np.testing.assert_allclose(table.mean, mean, atol=1e-5)
    for name, part in zip(("gender", "age", "occupation"), np.split(wanted, [2, 9]), strict=True):
        found = getattr(table, f"mean_{name}").numpy()
        assert (found[0] == 0).all()  # unknown
        np.testing.assert_allclose(found[1:], part, atol=1e-5)
    assert table.mean_occupation[9].abs().max() < 1e-6


def test_folding_in_does_not_learn_an_unknown_user(schema: Schema) -> None:
    table = UserTable(schema, users=3, dim=4, objective="like", strength=1.0)
    assert (table.vectors.weight[0] == 0).all()
    assert (table.vectors.weight[1:] != 0).all()


# The planted world


@pytest.fixture(scope="module")
def planted(films: pd.DataFrame) -> Ratings:
    """250 users of strong tastes; histories are long enough to hold all that most have rated."""
    world = simulate_strong_tastes(films.iloc[:150], users=250)
    return Ratings(world, Schema(world.movies, history_length=100))


def _rank_correlation(one: Tensor, other: Tensor) -> float:
    """Mean over users of Spearman's correlation of two rankings of all films."""
    found = [spearmanr(a, b).statistic for a, b in zip(one, other, strict=True)]
    return float(np.mean(found))


@pytest.mark.parametrize(("objective", "epochs"), [("like", 10), ("next", 5)])
def test_a_user_folded_in_ranks_films_as_their_own_vector_does(
    objective: Objective, epochs: int, planted: Ratings
) -> None:
    """Measured on four worlds: .95 (like) and .92 to .93 (next); with the history of somebody else .13 to .28,
    without a history .54 to .70."""
    part = torch.from_numpy(split_by_order(pd.DataFrame({"user_id": planted.user.numpy()})))
    torch.manual_seed(0)
    users = len(planted.count)
    model = CARDS["mf"].model(
        planted.schema, users=users, objective=objective, embed_dim=8, recency=None
    )
    settings = Settings(
        epochs=epochs, batch_size=512, learning_rate=0.03, weight_decay=0.01, negatives=16
    )
    fit(model, InMemory(planted, part), objective, settings)
    torch.testing.assert_close(model.users.mean, model.users.vectors.weight[1:].mean(0))
    trained = torch.bincount(planted.user[part == TRAIN], minlength=users)
    after_training = (planted.start + trained)[:100]  # whose history is the training part
    every_film = torch.arange(1, planted.schema.size + 1).expand(100, -1)
    batch = planted.batch(after_training, every_film)
    visitors = replace(batch, user=torch.zeros_like(batch.user))
    nothing = replace(
        visitors, history=torch.zeros_like(batch.history), feedback=torch.zeros_like(batch.feedback)
    )
    own, folded, group = (answers_of(model, asked) for asked in (batch, visitors, nothing))
    alike = _rank_correlation(own, folded)
    assert alike > 0.75
    assert alike > _rank_correlation(own, folded.roll(1, 0)) + 0.4  # somebody else's history
    assert alike > _rank_correlation(own, group) + 0.1  # no history
