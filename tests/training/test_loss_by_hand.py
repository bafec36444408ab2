"""Losses against plain loops, and what a model is asked for them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from taste import Taste
from torch import Tensor, nn

from recdemo.core.batch import Batch
from recdemo.core.vocabulary import Objective
from recdemo.data import VALIDATION
from recdemo.encoding.ratings import Ratings
from recdemo.training.losses import loss_of
from recdemo.training.metrics import evaluate
from recdemo.training.settings import Settings

PLAIN = Settings(forget=0.0, shorten=0.0, negatives=9)


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
        needs_histories = False

        def forward(self, batch: Batch) -> Tensor:
            asked.append(batch)
            return super().forward(batch)

    model = Blind(ratings.schema.size)
    loss_of(model, ratings, torch.arange(len(ratings)), objective, PLAIN)
    evaluate(model, ratings, part == VALIDATION, objective)
    assert len(asked) > 1
    assert not any(batch.history.any() for batch in asked)
