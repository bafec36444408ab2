"""What an answer that is the same for everybody reaches on validation: whoever is no better has learned nothing.

For ``like`` one chance for all films, an AUC of 0.5; for ``rating`` the mean of the stars that train; for ``next`` one
list for all users, films by the picks that train (`recdemo.models.popularity`).
"""

from __future__ import annotations

import torch
from torch import Tensor

from recdemo.core.report import Constant
from recdemo.core.vocabulary import Objective
from recdemo.data import TRAIN, VALIDATION
from recdemo.encoding.ratings import Ratings
from recdemo.models import CARDS
from recdemo.training.feed import Source, each
from recdemo.training.loop import fit
from recdemo.training.metrics import rating_metrics
from recdemo.training.settings import Settings
from recdemo.training.validation import validation

# Standard errors that an AUC by chance alone stays within, the best of several epochs too.
ERRORS = 3


def constant_answer(source: Source, objective: Objective) -> Constant:
    """The figure that decides of the best constant answer, on the validation part.

    Args:
        source: the ratings.
        objective: what is asked.
    """
    if objective == "next":
        popular = CARDS["popularity"].model(source.schema)
        fit(popular, source, objective, Settings())
        return Constant(figure=validation(source, objective)(popular)["ndcg@10"])
    if objective == "rating":
        stars = {
            which: torch.cat([ratings.stars[part == which] for ratings, part in each(source)])
            for which in (TRAIN, VALIDATION)
        }
        mean = stars[TRAIN].double().mean()
        asked = stars[VALIDATION]
        return Constant(figure=rating_metrics(mean.expand(len(asked)), asked)["rmse"])
    answers = [_answers(ratings, part == VALIDATION) for ratings, part in each(source)]
    liked, of = (torch.cat(columns) for columns in zip(*answers, strict=True))
    _, which = of.unique(return_inverse=True)  # impressions, or one list of all
    right, all_ = (torch.bincount(which, weights).double() for weights in (liked.double(), None))
    return Constant(figure=0.5, chance=ERRORS * _auc_error(right, all_ - right))


def _answers(ratings: Ratings, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Whether each row is liked, and the impression it is of."""
    nowhere = torch.zeros(len(ratings), dtype=torch.long)
    of = nowhere if ratings.impression is None else ratings.impression
    return ratings.liked[rows], of[rows]


def _auc_error(liked: Tensor, others: Tensor) -> float:
    """Standard deviation of the mean AUC of lists with scores drawn at random (Mann and Whitney, 1947).

    Args:
        liked, others: how many each list has; one with none of either has no AUC, unless there is no other.
    """
    both = liked * others
    variances = ((liked + others + 1) / (12 * both.clamp(min=1)))[(both > 0) | (len(both) == 1)]
    return float(variances.sum() ** 0.5 / max(len(variances), 1))
