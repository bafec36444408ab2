"""What an answer that is the same for everybody reaches on validation: whoever is no better has learned nothing.

For ``like`` one chance for all films, an AUC of 0.5; for ``rating`` the mean of the stars that train; for ``next`` one
list for all users, films by the picks that train (`recdemo.models.popularity`).
"""

from __future__ import annotations

import torch

from recdemo.core.report import Constant
from recdemo.core.vocabulary import Objective
from recdemo.data import TRAIN, VALIDATION
from recdemo.models import CARDS
from recdemo.training.feed import Source, each
from recdemo.training.loop import fit
from recdemo.training.metrics import rating_metrics
from recdemo.training.settings import Settings
from recdemo.training.validation import validation

ERRORS = (
    3  # standard errors that an AUC by chance alone stays within, the best of several epochs too
)


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
    liked = torch.cat([ratings.liked[part == VALIDATION] for ratings, part in each(source)])
    return Constant(figure=0.5, chance=ERRORS * _auc_error(int(liked.sum()), int((~liked).sum())))


def _auc_error(liked: int, others: int) -> float:
    """Standard deviation of the AUC of scores drawn at random (Mann and Whitney, 1947)."""
    return float(((liked + others + 1) / (12 * max(liked * others, 1))) ** 0.5)
