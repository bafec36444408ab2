"""A fit repeats, reads what it may, and stops in time."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from small_world import Recorder
from taste import Taste
from torch import Tensor, nn

from recdemo.core.errors import RequestError
from recdemo.core.vocabulary import Objective
from recdemo.data import TEST, TRAIN
from recdemo.encoding.ratings import Ratings
from recdemo.models import CARDS
from recdemo.training import stage, validation
from recdemo.training.feed import InMemory
from recdemo.training.loop import fit
from recdemo.training.settings import Settings
from recdemo.training.snapshot import Fit

QUICK = Settings(epochs=2, batch_size=128, learning_rate=0.02, negatives=4)


def _fitted(
    key: str,
    ratings: Ratings,
    part: Tensor,
    objective: Objective,
    make_model: Callable,
    settings: Settings = QUICK,
    **arguments: Any,
) -> tuple[nn.Module, Fit]:
    if CARDS[key].knows_users:
        arguments |= {"users": len(ratings.profile), "objective": objective}
    model = make_model(key, ratings.schema, std=0.05, **arguments)
    return model, fit(model, InMemory(ratings, part), objective, settings)


def _equal(one: nn.Module, other: nn.Module) -> bool:
    state = other.state_dict()
    return all(torch.equal(value, state[name]) for name, value in one.state_dict().items())


@pytest.mark.parametrize(("key", "objective"), [("deepfm", "like"), ("din", "next")])
def test_fit_repeats_for_a_seed(
    key: str, objective: Objective, ratings: Ratings, part: Tensor, make_model: Callable
) -> None:
    def run(seed: int) -> tuple[nn.Module, Fit]:
        settings = replace(QUICK, epochs=1, seed=seed)
        return _fitted(key, ratings, part, objective, make_model, settings, dropout=0.2)

    first, first_fit = run(1)
    torch.manual_seed(1234)  # whatever was drawn before does not matter
    again, again_fit = run(1)
    other, _ = run(2)
    assert _equal(first, again)
    assert first_fit.epochs[0].loss == again_fit.epochs[0].loss
    assert first_fit.epochs[0].metrics == again_fit.epochs[0].metrics
    assert not _equal(first, other)


@pytest.mark.parametrize("objective", ["like", "next"])
@pytest.mark.parametrize("key", list(CARDS))
def test_fit_never_reads_the_test_part(
    key: str, objective: Objective, ratings: Ratings, part: Tensor, make_model: Callable
) -> None:
    tampered = copy.deepcopy(ratings)
    test = part == TEST
    tampered.movie[test] = 1 + ratings.movie[test] % ratings.schema.size
    tampered.liked[test] = ~ratings.liked[test]
    tampered.stars[test] = 6 - ratings.stars[test]
    tampered.feedback[test] = 5 - ratings.feedback[test]
    for name in (
        "history",
        "feedback",
        "target_movie",
    ):  # the test part's own histories hold some of it
        before, after = (getattr(r.batch(test.nonzero()[:, 0]), name) for r in (ratings, tampered))
        assert not torch.equal(before, after)
    settings = replace(QUICK, epochs=1, batch_size=512)
    first, first_fit = _fitted(key, ratings, part, objective, make_model, settings)
    other, other_fit = _fitted(key, tampered, part, objective, make_model, settings)
    assert _equal(first, other)
    assert [e.metrics for e in first_fit.epochs] == [e.metrics for e in other_fit.epochs]


@pytest.mark.parametrize("objective", ["like", "next"])
def test_fit_reads_the_training_part(
    objective: Objective, ratings: Ratings, part: Tensor, make_model: Callable
) -> None:
    """The counterpart of the test above: where labels of the training part change, so does the fit."""
    tampered = copy.copy(ratings)
    tampered.liked = tampered.picked = ratings.liked ^ (part == TRAIN)
    first, _ = _fitted("popularity", ratings, part, objective, make_model)
    other, _ = _fitted("popularity", tampered, part, objective, make_model)
    assert not _equal(first, other)


def test_popularity_counts_the_training_part(
    ratings: Ratings, part: Tensor, make_model: Callable
) -> None:
    model, done = _fitted("popularity", ratings, part, "next", make_model)
    likes = [0.5] * (ratings.schema.size + 1)
    for row in range(len(ratings)):
        if part[row] == TRAIN and ratings.stars[row] >= 4:
            likes[int(ratings.movie[row])] += 1
    wanted = [math.log(count / sum(likes)) for count in likes]
    assert model.scores.tolist() == pytest.approx(wanted, abs=1e-5)
    assert done.epochs == []


def test_popularity_counts_what_is_picked_where_that_is_every_film(
    ratings: Ratings, part: Tensor, make_model: Callable
) -> None:
    every = copy.copy(ratings)
    every.picked = torch.ones_like(ratings.liked)
    rated = torch.bincount(ratings.movie[part == TRAIN], minlength=ratings.schema.size + 1) + 0.5
    model, _ = _fitted("popularity", every, part, "next", make_model)
    torch.testing.assert_close(model.scores.exp(), rated / rated.sum())
    likes, _ = _fitted("popularity", every, part, "like", make_model)
    as_ever, _ = _fitted("popularity", ratings, part, "like", make_model)
    assert _equal(likes, as_ever)


@pytest.mark.parametrize(
    ("values", "best", "epochs"),
    [
        ([0.5, 0.7, 0.6, 0.7, 0.9], 2, 4),  # the second time the same value is no better
        ([0.9, 0.8, 0.7, 0.99, 0.1], 1, 3),
        ([0.5, 0.4, 0.6, 0.7, 0.8], 5, 5),
        ([0.5, float("nan"), 0.6, float("nan"), 0.1], 3, 5),
    ],
)
def test_fit_stops_and_goes_back_to_the_best_epoch(
    values: list[float],
    best: int,
    epochs: int,
    ratings: Ratings,
    part: Tensor,
    make_model: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    states: list[dict[str, Tensor]] = []

    def scripted(model: nn.Module, *_: object) -> dict[str, float]:
        states.append(copy.deepcopy(model.state_dict()))
        return {"auc": values[len(states) - 1], "log_loss": 1.0}

    monkeypatch.setattr(validation, "evaluate", scripted)
    told = Recorder()
    model = make_model("din", ratings.schema)
    settings = replace(QUICK, epochs=len(values), batch_size=1024, patience=2)
    done = fit(model, InMemory(ratings, part), "like", settings, observer=told)
    assert (done.best_epoch, len(done.epochs)) == (best, epochs)
    assert told.epochs == done.epochs
    assert [epoch.epoch for epoch in told.epochs] == list(range(1, epochs + 1))
    for name, value in model.state_dict().items():
        assert torch.equal(value, states[best - 1][name]), name
    assert not _equal_states(states[0], states[-1])
    assert not model.training


def _equal_states(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_an_epoch_reads_each_training_row_once(
    ratings: Ratings, part: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: dict[str, list[list[int]]] = {"like": [], "next": []}

    def recorded(
        model: Taste,
        ratings: Ratings,
        rows: Tensor,
        objective: Objective,
        settings: Settings,
        *_: object,
    ) -> Tensor:
        read[objective].append(rows.tolist())
        return model.table.square().mean()

    monkeypatch.setattr(stage, "loss_of", recorded)
    train = [row for row in range(len(ratings)) if part[row] == TRAIN]
    told = Recorder()
    for objective in ("like", "next"):
        taste, source = Taste(ratings.schema.size), InMemory(ratings, part)
        fit(taste, source, objective, replace(QUICK, epochs=1), observer=told)
    steps = [(step.step, step.steps) for step in told.steps]
    assert sorted(row for rows in read["like"] for row in rows) == train
    liked = [row for row in train if ratings.stars[row] >= 4]
    assert sorted(row for rows in read["next"] for row in rows) == liked
    assert read["like"][0] != train[:128]  # in random order
    for objective in ("like", "next"):
        count = len(read[objective])
        assert steps[:count] == [(step, count) for step in range(1, count + 1)]
        del steps[:count]


@pytest.mark.parametrize(("rows", "size"), [(3, 2), (7, 2), (5, 4), (2, 100)])
def test_no_batch_is_a_single_row(
    rows: int, size: int, ratings: Ratings, part: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batch normalisation has nothing to learn from one."""
    lengths: list[int] = []

    def recorded(model: Taste, ratings: Ratings, rows: Tensor, *_: object) -> Tensor:
        lengths.append(len(rows))
        return model.table.square().mean()

    monkeypatch.setattr(stage, "loss_of", recorded)
    few = part.clone()
    few[torch.nonzero(part == TRAIN)[rows:]] = TEST
    settings = replace(QUICK, epochs=1, batch_size=size)
    fit(Taste(ratings.schema.size), InMemory(ratings, few), "like", settings)
    assert sum(lengths) == rows
    assert min(lengths) >= 2


def test_the_loss_of_an_epoch_is_told_as_it_goes(
    ratings: Ratings, part: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mean over the rows read so far, not over batches: they are of two sizes."""
    read: list[tuple[float, int]] = []

    def recorded(model: Taste, ratings: Ratings, rows: Tensor, *_: object) -> Tensor:
        loss = model.table.square().mean() * (1 + len(read) % 5)
        read.append((loss.item(), len(rows)))
        return loss

    monkeypatch.setattr(stage, "loss_of", recorded)
    told = Recorder()
    settings = replace(QUICK, epochs=1, batch_size=100)
    source = InMemory(ratings, part)
    done = fit(Taste(ratings.schema.size), source, "like", settings, observer=told)
    steps = [step.loss for step in told.steps]
    losses, rows = np.array(read).T
    assert len(set(rows)) == 2
    np.testing.assert_allclose(steps, (losses * rows).cumsum() / rows.cumsum(), rtol=1e-5)
    assert done.epochs[0].loss == pytest.approx(steps[-1])


def test_one_rating_is_too_few_to_learn_from(ratings: Ratings, part: Tensor, taste: Taste) -> None:
    one = part.clone()
    one[torch.nonzero(part == TRAIN)[1:]] = TEST
    with pytest.raises(RequestError, match="fewer than two ratings of the training part"):
        fit(taste, InMemory(ratings, one), "like", QUICK)


def test_learning_rate_falls_linearly_to_zero(
    ratings: Ratings, part: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the gradient is always one, a step of Adam is as long as the learning rate."""
    places: list[float] = []

    def slope(model: Taste, *_: object) -> Tensor:
        places.append(model.table[0, 0].item())
        return model.table.sum()

    monkeypatch.setattr(stage, "loss_of", slope)
    settings = replace(QUICK, epochs=3, weight_decay=0.0, patience=9)
    fit(Taste(ratings.schema.size), InMemory(ratings, part), "like", settings)
    lengths = [before - after for before, after in itertools.pairwise(places)]
    steps = len(places)
    assert steps == 3 * math.ceil((part == TRAIN).sum().item() / QUICK.batch_size)
    wanted = [QUICK.learning_rate * (1 - step / steps) for step in range(steps - 1)]
    assert lengths == pytest.approx(wanted, abs=1e-5)
