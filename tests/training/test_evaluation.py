"""The detail behind the figures: slices, calibration and coverage, counted again by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from recdemo.core.vocabulary import AGES, GENDERS
from recdemo.data import TEST, simulate, split_by_order
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.training.evaluation import BINS, calibration, measure
from recdemo.training.metrics import (
    like_metrics,
    next_metrics,
    next_targets,
    rank_and_list,
    rating_metrics,
    score_rows,
)


@pytest.fixture(scope="module")
def ratings(small_films) -> Ratings:
    world = simulate(small_films, users=400, seed=1)
    return Ratings(world, Schema(world.movies, history_length=6))


@pytest.fixture(scope="module")
def test_part(ratings: Ratings) -> torch.Tensor:
    import pandas as pd

    rows = pd.DataFrame({"user_id": ratings.user.numpy()})
    return torch.from_numpy(split_by_order(rows)) == TEST


def test_rating_metrics_are_errors_in_stars() -> None:
    figures = rating_metrics(torch.tensor([3.0, 5.0, 1.0]), torch.tensor([4.0, 5.0, 3.0]))
    assert figures == {"rmse": pytest.approx((5 / 3) ** 0.5), "mse": pytest.approx(5 / 3)}


def test_slices_are_the_figures_of_who_is_in_them(
    ratings: Ratings, test_part: torch.Tensor, make_model: Callable
) -> None:
    model = make_model("fm", ratings.schema)
    figures, report = measure(model, ratings, test_part, "like")
    rows = torch.nonzero(test_part).squeeze(1)
    scores, liked = score_rows(model, ratings, rows), ratings.liked[rows]
    assert figures == like_metrics(scores, liked)
    assert report.coverage is None
    gender = ratings.profile[ratings.user[rows], 0]
    assert list(report.slices["gender"]) == list(GENDERS)
    for number, code in enumerate(GENDERS, start=1):
        chosen = gender == number
        wanted = like_metrics(scores[chosen], liked[chosen]) | {"count": float(chosen.sum())}
        assert report.slices["gender"][code] == wanted
    ages = ratings.profile[ratings.user[rows], 1]
    few = [code for n, code in enumerate(AGES, start=1) if int((ages == n).sum()) < 50]
    assert not {str(code) for code in few} & set(report.slices["age"])


def test_coverage_is_the_share_of_films_that_anybody_is_shown(
    ratings: Ratings, test_part: torch.Tensor, make_model: Callable
) -> None:
    model = make_model("fm", ratings.schema)
    figures, report = measure(model, ratings, test_part, "next")
    rows = next_targets(ratings, test_part)
    ranks, shown = rank_and_list(model, ratings, rows)
    assert figures == next_metrics(ranks)
    everybody = {int(film) for film in shown.flatten()} - {0}
    assert report.coverage == len(everybody) / ratings.schema.size
    for row, rank, films in zip(rows.tolist(), ranks.tolist(), shown.tolist(), strict=True):
        seen = ratings.movie[ratings.start[ratings.user[row]] : row].tolist()
        assert not set(films) & set(seen)
        assert sum(film > 0 for film in films) == min(10, ratings.schema.size - len(seen))
        assert (int(ratings.movie[row]) in films) == (rank <= 10)


def test_calibration_bins_hold_as_many_each_and_their_own_shares() -> None:
    probability = torch.linspace(0, 1, 100)
    liked = torch.arange(100) % 2 == 0
    bins = calibration(probability[torch.randperm(100)].sort().values, liked)
    assert [b.count for b in bins] == [10] * BINS
    assert [b.liked for b in bins] == [0.5] * BINS
    assert bins[0].predicted == pytest.approx(float(probability[:10].mean()))
    assert bins[-1].predicted == pytest.approx(float(probability[-10:].mean()))


def test_a_slice_with_one_answer_only_is_left_out(
    ratings: Ratings, test_part: torch.Tensor, make_model: Callable
) -> None:
    import copy

    lucky = copy.copy(ratings)
    women = ratings.profile[ratings.user, 0] == 1
    lucky.liked = ratings.liked | women
    _, report = measure(make_model("fm", ratings.schema), lucky, test_part, "like")
    assert list(report.slices["gender"]) == ["M"]
