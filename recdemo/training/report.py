"""How a model does on the test part, in detail: figures, slices by who is asked, calibration, coverage."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from recdemo.contracts import AGES, GENDERS, OCCUPATIONS, PROFILE, Objective
from recdemo.features import Ratings
from recdemo.standings import Bin, Report
from recdemo.training.metrics import (
    like_metrics,
    next_metrics,
    next_targets,
    rank_and_list,
    rating_metrics,
    score_rows,
)

BINS = 10
LEAST = 50  # rows, or users in `next`, that a slice needs to be reported
SLICES = {
    "gender": list(GENDERS),
    "age": [str(code) for code in AGES],
    "occupation": [str(code) for code in OCCUPATIONS],
}


def measure(
    model: nn.Module, ratings: Ratings, rows_of: Tensor, objective: Objective
) -> tuple[dict[str, float], Report]:
    """The protocol's figures on one part, and the detail behind them.

    Args:
        model: trained.
        ratings: all ratings.
        rows_of: [N] True for the rows of the part.
        objective: what the model was trained for.
    """
    if objective == "next":
        rows = next_targets(ratings, rows_of)
        ranks, shown = rank_and_list(model, ratings, rows)
        coverage = len(shown[shown > 0].unique()) / ratings.schema.size
        slices = _slices(ratings, rows, lambda chosen: next_metrics(ranks[chosen]))
        return next_metrics(ranks), Report(slices=slices, coverage=coverage)
    rows = torch.nonzero(rows_of).squeeze(1)
    scores, liked, stars = (
        score_rows(model, ratings, rows),
        ratings.liked[rows],
        ratings.stars[rows],
    )
    if objective == "rating":
        slices = _slices(
            ratings, rows, lambda chosen: rating_metrics(scores[chosen], stars[chosen])
        )
        return rating_metrics(scores, stars), Report(slices=slices)
    slices = _slices(
        ratings, rows, lambda chosen: like_metrics(scores[chosen], liked[chosen]), truth=liked
    )
    return like_metrics(scores, liked), Report(
        slices=slices, calibration=calibration(torch.sigmoid(scores.double()), liked)
    )


def calibration(probability: Tensor, liked: Tensor) -> list[Bin]:
    """Ten bins with as many predictions in each, by rising probability."""
    order = torch.argsort(probability, stable=True)
    return [
        Bin(
            count=len(part),
            predicted=float(probability[part].mean()),
            liked=float(liked[part].double().mean()),
        )
        for part in order.tensor_split(BINS)
        if len(part)
    ]


def _slices(
    ratings: Ratings,
    rows: Tensor,
    figures: Callable[[Tensor], dict[str, float]],
    truth: Tensor | None = None,
) -> dict[str, dict[str, dict[str, float]]]:
    """Figures for each gender, age group and occupation with at least `LEAST` rows.

    A slice whose `truth` is all one answer has no AUC, and is left out.
    """
    profile = ratings.profile[ratings.user[rows]]  # [rows, 3]
    found: dict[str, dict[str, dict[str, float]]] = {}
    for column, name in enumerate(PROFILE):
        found[name] = {}
        for number, code in enumerate(SLICES[name], start=1):
            chosen = torch.nonzero(profile[:, column] == number).squeeze(1)
            if len(chosen) < LEAST or (truth is not None and len(truth[chosen].unique()) < 2):
                continue
            found[name][code] = {"count": float(len(chosen)), **figures(chosen)}
    return found
