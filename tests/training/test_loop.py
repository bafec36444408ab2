"""Figures and losses against plain loops; a fit that repeats, stops in time, and learns a planted world."""

from __future__ import annotations

import copy
import inspect
import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from small_world import Recorder
from torch import Tensor, nn

from recdemo.core.batch import Batch, TitleText
from recdemo.core.errors import RequestError
from recdemo.core.figures import MAIN
from recdemo.core.protocols import ReadsText
from recdemo.core.vocabulary import Objective
from recdemo.data import TEST, TRAIN, VALIDATION, simulate, simulated, split_by_order
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS
from recdemo.training import stage, validation
from recdemo.training.feed import InMemory
from recdemo.training.loop import fit
from recdemo.training.losses import loss_of
from recdemo.training.metrics import (
    like_metrics,
    next_metrics,
    next_targets,
    rank_and_list,
    score_rows,
)
from recdemo.training.settings import Settings
from recdemo.training.snapshot import Fit
from recdemo.training.validation import evaluate

PLAIN = Settings(forget=0.0, shorten=0.0, negatives=9)
QUICK = Settings(epochs=2, batch_size=128, learning_rate=0.02, negatives=4)
# A world whose tastes are strong and whose hits are few, so that knowing people pays.
STRONG_TASTE = {"QUALITY_SPREAD": 0.15, "OWN_SPREAD": 1.0, "NOISE": 0.3, "POPULARITY_TAIL": 0.3}


@pytest.fixture(scope="module")
def ratings(small_films: pd.DataFrame) -> Ratings:
    """60 users over 38 films."""
    world = simulate(small_films, users=60, seed=1)
    return Ratings(world, Schema(world.movies, history_length=6))


@pytest.fixture(scope="module")
def part(ratings: Ratings) -> Tensor:
    return _split(ratings)


def _split(ratings: Ratings) -> Tensor:
    rows = pd.DataFrame({"user_id": ratings.user.numpy()})
    return torch.from_numpy(split_by_order(rows).astype(np.int64))


class Taste(nn.Module):
    """A fixed number for every user and film, in steps so that there are ties; it learns nothing."""

    def __init__(self, films: int, step: float = 0.5) -> None:
        super().__init__()
        table = torch.randn(7, films + 1, generator=torch.Generator().manual_seed(3))
        self.table = nn.Parameter((table / step).round() * step if step else table)

    def forward(self, batch: Batch) -> Tensor:
        row = batch.age.repeat_interleave(batch.candidates) - 1
        return self.table[row, batch.target_movie]

    def by_hand(self, ratings: Ratings, row: int, film: int) -> float:
        return self.table[int(ratings.profile[ratings.user[row], 1]) - 1, film].item()


@pytest.fixture
def taste(ratings: Ratings) -> Taste:
    return Taste(ratings.schema.size)


# Figures


def test_next_metrics_are_their_formulas() -> None:
    ranks = [1, 2, 10, 11, 300, 1]
    found = next_metrics(torch.tensor(ranks))
    hits = [1 if rank <= 10 else 0 for rank in ranks]
    gains = [1 / math.log(rank + 1, 2) if rank <= 10 else 0.0 for rank in ranks]
    assert found["hr@10"] == pytest.approx(sum(hits) / 6)
    assert found["ndcg@10"] == pytest.approx(sum(gains) / 6)
    assert found["mrr"] == pytest.approx(sum(1 / rank for rank in ranks) / 6)
    assert next_metrics(torch.tensor([1]))["ndcg@10"] == 1.0
    assert next_metrics(torch.tensor([1, 4]), k=3)["hr@3"] == 0.5


def test_like_metrics_are_their_formulas() -> None:
    generator = torch.Generator().manual_seed(5)
    drawn = (torch.randn(60, generator=generator) * 2).round()  # with ties
    answers = torch.rand(60, generator=generator) < 0.6
    logits, liked = drawn.tolist(), answers.tolist()
    won, pairs, loss = 0.0, 0, 0.0
    for a in range(60):
        p = 1 / (1 + math.exp(-logits[a]))
        loss -= math.log(p if liked[a] else 1 - p) / 60
        for b in range(60):
            if liked[a] and not liked[b]:
                pairs += 1
                won += 1.0 if logits[a] > logits[b] else 0.5 if logits[a] == logits[b] else 0.0
    found = like_metrics(drawn, answers)
    assert found["auc"] == pytest.approx(won / pairs)
    assert found["log_loss"] == pytest.approx(loss)


def test_next_target_is_the_first_film_liked_in_the_part(ratings: Ratings, part: Tensor) -> None:
    for wanted_part in (VALIDATION, TEST):
        found: list[int] = []
        served: set[int] = set()
        for row in range(len(ratings)):
            user = int(ratings.user[row])
            if part[row] == wanted_part and ratings.stars[row] >= 4 and user not in served:
                served.add(user)
                found.append(row)
        assert next_targets(ratings, part == wanted_part).tolist() == found
        assert 10 < len(found) < 60


def _rank_by_hand(taste: Taste, ratings: Ratings, row: int) -> int:
    """One, and one more for every film that is not seen before and scores no less."""
    target = int(ratings.movie[row])
    seen = {
        int(ratings.movie[above])
        for above in range(row)
        if ratings.user[above] == ratings.user[row]
    }
    wanted = taste.by_hand(ratings, row, target)
    rank = 1
    for film in range(1, ratings.schema.size + 1):
        if film != target and film not in seen:
            rank += taste.by_hand(ratings, row, film) >= wanted
    return rank


def test_rank_counts_unseen_films_and_ties_against(ratings: Ratings, taste: Taste) -> None:
    rows = torch.arange(0, len(ratings), 29)
    wanted = [_rank_by_hand(taste, ratings, int(row)) for row in rows]
    assert rank_and_list(taste, ratings, rows)[0].tolist() == wanted
    assert len(set(wanted)) > 5


@pytest.mark.parametrize("score", [0.0, -100.0])
def test_rank_of_a_constant_model_is_the_last_unseen_place(
    score: float, ratings: Ratings, taste: Taste
) -> None:
    nn.init.constant_(taste.table, score)
    rows = torch.tensor([0, 1, 5])  # of the first user
    size = ratings.schema.size
    assert rank_and_list(taste, ratings, rows)[0].tolist() == [size, size - 1, size - 5]


def test_rank_of_the_best_film_is_one(ratings: Ratings, taste: Taste) -> None:
    row = 5
    with torch.no_grad():
        taste.table[:, ratings.movie[row]] = 50.0
        taste.table[:, ratings.movie[row - 1]] = 90.0  # seen, so out of the race
    assert rank_and_list(taste, ratings, torch.tensor([row]))[0].tolist() == [1]


def test_rows_are_scored_in_their_order(
    ratings: Ratings, taste: Taste, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recdemo.training.metrics.CHUNK", 7)
    rows = torch.arange(40).flip(0)
    wanted = [taste.by_hand(ratings, int(row), int(ratings.movie[row])) for row in rows]
    assert score_rows(taste, ratings, rows).tolist() == pytest.approx(wanted)


def test_evaluate_measures_the_part_it_is_given(
    ratings: Ratings, part: Tensor, taste: Taste
) -> None:
    rows = [row for row in range(len(ratings)) if part[row] == TEST]
    logits = [taste.by_hand(ratings, row, int(ratings.movie[row])) for row in rows]
    wanted = like_metrics(torch.tensor(logits), ratings.liked[rows])
    assert evaluate(taste, ratings, part == TEST, "like") == pytest.approx(wanted)
    targets = next_targets(ratings, part == TEST).tolist()
    ranks = torch.tensor([_rank_by_hand(taste, ratings, row) for row in targets])
    assert evaluate(taste, ratings, part == TEST, "next") == pytest.approx(next_metrics(ranks))


# Losses


def test_like_loss_is_cross_entropy_with_the_answer(ratings: Ratings, taste: Taste) -> None:
    rows = torch.tensor([3, 40, 41, 100])
    total = 0.0
    for row in rows.tolist():
        p = 1 / (1 + math.exp(-taste.by_hand(ratings, row, int(ratings.movie[row]))))
        total -= math.log(p) if ratings.stars[row] >= 4 else math.log(1 - p)
    found = loss_of(taste, ratings, rows, "like", PLAIN)
    assert found.item() == pytest.approx(total / 4, rel=1e-5)


class Recorded(nn.Module):
    """Passes a model's answers through and keeps the films it was asked about."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.films = torch.empty(0)

    def forward(self, batch: Batch) -> Tensor:
        self.films = batch.target_movie.view(batch.users, -1)
        return self.model(batch)


def test_next_loss_tells_the_film_from_those_drawn(ratings: Ratings, taste: Taste) -> None:
    torch.manual_seed(0)
    model = Recorded(taste)
    rows = torch.arange(0, 400, 2)
    found = loss_of(model, ratings, rows, "next", PLAIN)
    assert model.films.shape == (200, 1 + PLAIN.negatives)
    total, equal = 0.0, 0
    for row, films in zip(rows.tolist(), model.films.tolist(), strict=True):
        target, *drawn = films
        assert target == int(ratings.movie[row])
        others = [film for film in drawn if film != target]  # equal to the target: no negative
        equal += len(drawn) - len(others)
        scores = [taste.by_hand(ratings, row, film) for film in (target, *others)]
        total -= scores[0] - math.log(sum(math.exp(score) for score in scores))
    assert equal > 10
    assert found.item() == pytest.approx(total / len(rows), rel=1e-5)


def test_negatives_are_drawn_from_the_whole_catalogue(ratings: Ratings, taste: Taste) -> None:
    torch.manual_seed(0)
    model = Recorded(taste)
    loss_of(model, ratings, torch.arange(300), "next", PLAIN)
    drawn = model.films[:, 1:].flatten().tolist()
    assert set(drawn) == set(range(1, ratings.schema.size + 1))
    assert max(np.bincount(drawn)) < 2.5 * len(drawn) / ratings.schema.size


@pytest.mark.parametrize("objective", ["like", "next"])
def test_training_hides_what_its_settings_say(
    objective: Objective, ratings: Ratings, taste: Taste
) -> None:
    asked: list[Batch] = []

    def model(batch: Batch) -> Tensor:
        asked.append(batch)
        return taste(replace(batch, age=batch.age.clamp(min=1)))

    rows = torch.arange(len(ratings))
    for settings in (PLAIN, replace(PLAIN, forget=1.0), replace(PLAIN, shorten=1.0)):
        torch.manual_seed(0)
        loss_of(model, ratings, rows, objective, settings)
    plain, forgotten, shortened = asked
    assert torch.equal(plain.history, ratings.batch(rows).history)
    assert (plain.gender > 0).all()
    assert (forgotten.gender == 0).all()
    assert torch.equal(forgotten.history, plain.history)
    assert shortened.history_mask.sum() < 0.7 * plain.history_mask.sum()
    assert torch.equal(shortened.gender, plain.gender)


@pytest.mark.parametrize("objective", ["like", "next"])
def test_who_reads_no_history_is_given_none(
    objective: Objective, ratings: Ratings, part: Tensor
) -> None:
    asked: list[Batch] = []

    class Blind(Taste):
        reads_history = False

        def forward(self, batch: Batch) -> Tensor:
            asked.append(batch)
            return super().forward(batch)

    model = Blind(ratings.schema.size)
    loss_of(model, ratings, torch.arange(len(ratings)), objective, PLAIN)
    evaluate(model, ratings, part == VALIDATION, objective)
    assert len(asked) > 1
    assert not any(batch.history.any() for batch in asked)


# Fitting


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


# The planted world


Planted = tuple[Ratings, Tensor]


@pytest.fixture(scope="module")
def planted(films: pd.DataFrame) -> Planted:
    """600 users of strong tastes; to save time, fewer of them to measure."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in STRONG_TASTE.items():
            patch.setattr(simulated, name, value)
        world = simulate(films.iloc[:200], users=600, seed=1)
    ratings = Ratings(world, Schema(world.movies, history_length=10))
    part = _split(ratings)
    unused = TEST + 1
    part[(part == VALIDATION) & (ratings.user >= 50)] = unused
    part[(part == TEST) & (ratings.user >= 350)] = unused
    return ratings, part


# What takes some models longer than two passes over so few ratings, or more steps.
STEPS = {"batch_size": 256, "learning_rate": 0.02}
LONGER: dict[tuple[str, str], dict[str, float]] = {
    ("mf", "like"): {"epochs": 12, "weight_decay": 1.0},
    ("mf", "next"): {"epochs": 20, "weight_decay": 1.0, "negatives": 32},
    ("two_tower", "like"): {"epochs": 15, "weight_decay": 0.3, "learning_rate": 0.016},
    ("concat_mlp", "like"): {"epochs": 15, "weight_decay": 0.1, "learning_rate": 0.008},
    ("rnn_joint", "like"): {"epochs": 8, **STEPS},
    ("dcn_text", "like"): {"epochs": 6},
    ("dcn_text", "next"): {"epochs": 12, **STEPS, "learning_rate": 0.01, "negatives": 32},
    ("rnn", "next"): {"epochs": 10, "learning_rate": 0.016},
    ("embedding_cnn", "next"): {"epochs": 6, "learning_rate": 0.016, "negatives": 16},
    ("attention_pooling", "next"): {"epochs": 5},
    ("bst", "next"): {"epochs": 7, **STEPS, "learning_rate": 0.01},
    ("embedding_mlp", "next"): STEPS,
    ("sasrec", "next"): STEPS,
    ("textcnn_rating", "rating"): {"epochs": 6},
    ("rating_mlp", "rating"): {"epochs": 4},
}
# By how much each beats popularity, as a difference of AUC and a ratio of NDCG. Of a user there are some 25 likes to train
# on, few for a network that knows nothing but two ids; the vector of a film's sentence says no more than its genres.
GAIN = {"two_tower": 0.015, "concat_mlp": 0.015, "rnn_joint": 0.02}
TIMES = {"dcn_text": 1.1}
TOO_FEW = {"two_tower", "concat_mlp"}


def _texts(schema: Schema) -> TitleText:
    """Vectors that tell as much of a film as its genres do: its title is only a number."""
    draw = torch.Generator().manual_seed(0)
    return TitleText(
        words=torch.randn(len(schema.words) + 1, 50, generator=draw),
        sentences=schema.genre_flags @ torch.randn(schema.genres, 128, generator=draw) / 4,
    )


def _figure(key: str, planted: Planted, objective: Objective) -> float:
    ratings, part = planted
    make = CARDS[key].model
    small = {"embed_dim": 8, "attention_dim": 4, "attention_hidden": 8, "hidden": (16,)}
    small |= {"state": 8, "users": len(ratings.profile), "objective": objective, "steps": 500}
    small |= {"hidden": 16} if key == "rating_mlp" else {}
    small = {n: small[n] for n in inspect.signature(make).parameters if n in small}
    settings = {"epochs": 2, "batch_size": 512, "learning_rate": 0.032, "negatives": 8, "seed": 1}
    settings |= {"weight_decay": 0.01} | LONGER.get((key, objective), {})
    torch.manual_seed(settings["seed"])
    model = make(ratings.schema, **small)
    if isinstance(model, ReadsText):
        model.start_from(_texts(ratings.schema))
    fit(model, InMemory(ratings, part), objective, Settings(**settings))
    figures = evaluate(model, ratings, part == TEST, objective)
    return figures[MAIN[objective]]


@pytest.fixture(scope="module")
def popular(planted: Planted) -> dict[str, float]:
    """What popularity reaches, by objective."""
    return {objective: _figure("popularity", planted, objective) for objective in ("like", "next")}


def _trained_for(objective: Objective) -> list[str]:
    return [k for k, card in CARDS.items() if objective in card.objectives and k != "popularity"]


@pytest.mark.parametrize("key", _trained_for("like"))
def test_model_learns_who_likes_what(key: str, planted: Planted, popular: dict[str, float]) -> None:
    assert popular["like"] > 0.55
    assert _figure(key, planted, "like") > popular["like"] + GAIN.get(key, 0.03)


@pytest.mark.parametrize("key", [key for key in _trained_for("next") if key not in TOO_FEW])
def test_model_learns_who_picks_what(key: str, planted: Planted, popular: dict[str, float]) -> None:
    assert popular["next"] > 0.04
    assert _figure(key, planted, "next") > TIMES.get(key, 1.25) * popular["next"]


@pytest.mark.parametrize("key", _trained_for("rating"))
def test_model_learns_who_gives_how_many_stars(key: str, planted: Planted) -> None:
    ratings, part = planted
    train, test = ratings.stars[part == TRAIN], ratings.stars[part == TEST]
    by_film = torch.stack(
        [
            ratings.stars[(part == TRAIN) & (ratings.movie == film)].mean().nan_to_num(train.mean())
            for film in range(ratings.schema.size + 1)
        ]
    )
    guessed = by_film[ratings.movie[part == TEST]]
    assert _figure(key, planted, "rating") < float((test - guessed).square().mean().sqrt())
