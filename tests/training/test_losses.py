"""What a step of `next` learns from, against plain loops: all films, every film of a history, and drawn ones."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from recdemo.core.batch import Batch
from recdemo.core.protocols import Causal, TwoSided
from recdemo.data import TEST, TRAIN, simulate, split_by_order
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.training.feed import InMemory
from recdemo.training.losses import chances_of, loss_of, of_like_length, to_learn
from recdemo.training.settings import Settings

PLAIN = Settings(forget=0.0, shorten=0.0, negatives=9)
WINDOW = 6


@pytest.fixture(scope="module")
def ratings(small_films: pd.DataFrame) -> Ratings:
    """60 users over 38 films."""
    world = simulate(small_films, users=60, seed=1)
    return Ratings(world, Schema(world.movies, history_length=WINDOW))


@pytest.fixture(scope="module")
def part(ratings: Ratings) -> Tensor:
    rows = pd.DataFrame({"user_id": ratings.user.numpy()})
    return torch.from_numpy(split_by_order(rows).astype(np.int64))


class Sum(nn.Module):
    """Answers after each film: a table's rows of the films so far, added up."""

    def __init__(self, films: int) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(0)
        self.left = nn.Parameter(torch.randn(films + 1, 3, generator=draw))
        self.right = nn.Parameter(torch.randn(films + 1, 3, generator=draw))

    def sides(self, batch: Batch) -> tuple[Tensor, Tensor]:
        return (self.left[batch.history] * batch.history_mask.unsqueeze(-1)).sum(1), self.right

    def by_hand(self, before: list[int], film: int) -> float:
        state = sum((self.left[other] for other in before), torch.zeros(3))
        scores = [float((state @ row).detach()) for row in self.right[1:]]
        return math.log(sum(map(math.exp, scores))) - scores[film - 1]


class SumByStep(Sum):
    def sides_by_step(self, batch: Batch) -> tuple[Tensor, Tensor]:
        return (self.left[batch.history] * batch.history_mask.unsqueeze(-1)).cumsum(1), self.right


def _before(ratings: Ratings, row: int, first: int | None = None) -> list[int]:
    start = int(ratings.start[int(ratings.user[row])])
    return ratings.movie[max(start, row - WINDOW if first is None else first) : row].tolist()


def test_a_two_sided_model_is_taught_by_all_films(ratings: Ratings) -> None:
    model = Sum(ratings.schema.size)
    assert isinstance(model, TwoSided)
    assert not isinstance(model, Causal)
    rows = torch.tensor([0, 3, 40, 41, 100])
    wanted = [model.by_hand(_before(ratings, r), int(ratings.movie[r])) for r in rows.tolist()]
    assert loss_of(model, ratings, rows, "next", PLAIN).item() == pytest.approx(
        np.mean(wanted), rel=1e-5
    )


def test_a_causal_model_is_taught_by_every_film_picked_of_a_history(
    ratings: Ratings, part: Tensor
) -> None:
    model = SumByStep(ratings.schema.size)
    rows = torch.tensor([2, 40, 41, 100])
    wanted = []
    for row in rows.tolist():
        first = max(int(ratings.start[int(ratings.user[row])]), row - WINDOW)
        for target in range(first + 1, row + 1):
            if ratings.liked[target] and part[target] == TRAIN:
                wanted.append(
                    model.by_hand(_before(ratings, target, first), int(ratings.movie[target]))
                )
    assert 4 < len(wanted) < 4 * WINDOW  # some of them are disliked
    found = loss_of(model, ratings, rows, "next", PLAIN, part)
    assert found.item() == pytest.approx(np.mean(wanted), rel=1e-5)


def test_a_causal_model_learns_nothing_from_what_does_not_train(
    ratings: Ratings, part: Tensor
) -> None:
    model = SumByStep(ratings.schema.size)
    row = int(torch.nonzero(part == TEST)[-1])
    some = part.clone()
    some[row - WINDOW : row + 1] = TEST
    assert loss_of(model, ratings, torch.tensor([row]), "next", PLAIN, some).item() == 0.0


def test_histories_that_train_steps_hold_every_row_once(ratings: Ratings, part: Tensor) -> None:
    rows = to_learn(ratings, part, "next", steps=True)
    learned = []
    for row in rows.tolist():
        start = int(ratings.start[int(ratings.user[row])])
        learned += range(max(start, row - WINDOW + 1), row + 1)
    assert sorted(learned) == torch.nonzero(part == TRAIN).squeeze(1).tolist()


def test_batches_of_like_length_hold_the_same_rows(ratings: Ratings) -> None:
    rows = torch.randperm(len(ratings), generator=torch.Generator().manual_seed(0))
    batches = rows.tensor_split(37)
    found = of_like_length(batches, ratings)
    assert [len(batch) for batch in found] == [len(batch) for batch in batches]
    assert sorted(torch.cat(found).tolist()) == list(range(len(ratings)))

    def padded(some: list[Tensor]) -> int:
        lengths = [ratings.batch(batch).history_mask.sum(1) for batch in some]
        return sum(int((length.max() - length).sum()) for length in lengths)

    assert padded(found) < 0.5 * padded(list(batches))


class Asked(nn.Module):
    """Keeps the films it was asked about; a film scores its number."""

    films = torch.empty(0)

    def forward(self, batch: Batch) -> Tensor:
        self.films = batch.target_movie.view(batch.users, -1)
        return batch.target_movie / 10


def test_negatives_by_popularity_are_drawn_and_corrected(ratings: Ratings, part: Tensor) -> None:
    settings = replace(PLAIN, by_popularity=1.0)
    chances = chances_of(InMemory(ratings, part), settings)
    assert chances is not None
    liked = ratings.movie[ratings.liked & (part == TRAIN)].tolist()
    counts = np.array([liked.count(film) + 1 for film in range(1, ratings.schema.size + 1)])
    assert chances.numpy() == pytest.approx(counts / counts.sum(), rel=1e-5)

    torch.manual_seed(0)
    model, rows = Asked(), torch.arange(len(ratings))
    found = loss_of(model, ratings, rows, "next", settings, part, chances).item()
    drawn = np.bincount(model.films[:, 1:].flatten().numpy() - 1, minlength=len(counts))
    assert np.corrcoef(drawn, counts)[0, 1] > 0.99

    total = 0.0
    for target, *others in model.films.tolist():
        films = [target, *(film for film in others if film != target)]
        scores = [film / 10 - math.log(float(chances[film - 1])) for film in films]
        total -= scores[0] - math.log(sum(map(math.exp, scores)))
    assert found == pytest.approx(total / len(rows), rel=1e-4)


def test_negatives_are_alike_where_nothing_is_said(ratings: Ratings, part: Tensor) -> None:
    assert chances_of(InMemory(ratings, part), PLAIN) is None
