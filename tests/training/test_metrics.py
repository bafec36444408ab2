"""Figures against plain loops."""

from __future__ import annotations

import math

import pytest
import torch
from taste import Taste
from torch import Tensor, nn

from recdemo.data import TEST, VALIDATION
from recdemo.encoding.ratings import Ratings
from recdemo.training.metrics import (
    evaluate,
    like_metrics,
    next_metrics,
    next_targets,
    rank_and_list,
    score_rows,
)


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
