"""What solved models are made of: how much a film of the history counts, and weights from film to film."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from by_hand import close, dense_of, numbers

from recdemo.blocks.solved import FilmToFilm, Recall

M = 38  # films of the small schema


def test_a_film_counts_by_feedback_and_age() -> None:
    recall = Recall(fade=0.7, reach=5.0, watched=0.6, disliked=0.3)
    feedback = torch.tensor([[3, 1, 2, 3, 0], [2, 0, 0, 0, 0], [0, 0, 0, 0, 0]])
    weight = {0: 0.0, 1: 0.6, 2: 0.3, 3: 1.0}
    for row, found in zip(feedback.tolist(), recall(feedback), strict=True):
        length = sum(kind != 0 for kind in row)
        ages = [length - 1 - place for place in range(5)]
        wanted = [
            weight[kind] * (1 + max(age, 0)) ** -0.7 * math.exp(-max(age, 0) / 5)
            for kind, age in zip(row, ages, strict=True)
        ]
        close(found, wanted)
    before = recall.past(4) * recall.weight[feedback[0, :4]]
    for place in range(4):
        close(before[place, :place], recall(feedback[:1, :place])[0])
        assert not before[place, place:].any()


def test_without_fade_and_reach_all_ages_count_alike() -> None:
    recall = Recall(fade=0.0, reach=0.0, watched=0.6, disliked=0.3)
    close(recall(torch.tensor([[3, 3, 2, 0]])), [[1.0, 1.0, 0.3, 0.0]])


def test_the_largest_weights_of_each_film_scored_are_kept() -> None:
    draw = torch.Generator().manual_seed(0)
    dense = torch.randn(M, M, generator=draw)
    wanted = numbers(dense)
    np.fill_diagonal(wanted, 0.0)
    for column in range(M):
        wanted[np.argsort(np.abs(wanted[:, column]))[: M - 5], column] = 0.0
    weights = FilmToFilm(M, keep=5)
    weights.keep_largest(dense)
    held = dense_of(weights)
    assert held == pytest.approx(wanted, abs=2e-3)
    assert (held != 0).sum() == 5 * M
    watched, counts = torch.tensor([[4, 9, 0], [7, 0, 0]]), torch.tensor([[0.5, 2, 0], [1, 0, 0]])
    films = torch.tensor([[1, 2, 3, 4], [9, 8, 7, 6]])
    sums, terms = weights(watched, counts, films), weights.terms(watched, counts, films)
    assert terms.shape == (2, 4, 3)
    for u in range(2):
        for c in range(4):
            parts = [
                float(counts[u, i]) * held[int(watched[u, i]) - 1, int(films[u, c]) - 1]
                if watched[u, i]
                else 0.0
                for i in range(3)
            ]
            close(terms[u, c], parts)
            assert float(sums[u, c]) == pytest.approx(sum(parts), abs=1e-5)


def test_weights_of_zero_take_no_room_and_come_back_as_they_were() -> None:
    some = torch.tensor([2, 3, 5, 8])  # all other films have no weights
    dense = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    dense[0, 3] = 0.0
    weights = FilmToFilm(M, keep=3)
    weights.keep_largest(dense, some)
    assert len(weights.weight) == len(weights.target) == 11
    again = FilmToFilm(M, keep=3)
    again.load_state_dict(weights.state_dict())
    assert np.array_equal(dense_of(again), dense_of(weights))
    full = FilmToFilm(M, keep=3)  # as they were saved with room for all
    again.load_state_dict(full.state_dict())
    assert len(again.weight) == 3 * M
    state = weights.state_dict()
    for spoiled in (
        {"start": -state["start"]},
        {"target": state["target"] + M},
        {"weight": state["weight"][:4], "target": state["target"][:4]},  # `start` names eleven
    ):
        with pytest.raises(ValueError, match="films that do not exist"):
            FilmToFilm(M, keep=3).load_state_dict(state | spoiled)
    with pytest.raises(RuntimeError, match="size mismatch"):
        FilmToFilm(M, keep=2).load_state_dict(full.state_dict())
