"""Popularity: what everybody likes. No gradient, no visitor: the baseline every model must beat.

``like``: Bayesian-smoothed share of likes per film. ``next``: share of all likes. ``rating``: Bayesian-smoothed mean of the
stars.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recdemo.core.batch import Batch, Known
from recdemo.core.recording import note
from recdemo.core.vocabulary import Objective
from recdemo.encoding.schema import Schema


class Popularity(nn.Module):
    """A logit per film, or stars, counted rather than trained.

    Args:
        schema: vocabularies.
        prior: strength m of the prior, in ratings: a film nobody rated gets the mean of all films.
    """

    needs_histories = False
    scores: Tensor

    def __init__(self, schema: Schema, *, prior: float = 2.0) -> None:
        super().__init__()
        self.prior = prior
        self.register_buffer("scores", torch.zeros(schema.size + 1))

    def forward(self, batch: Batch) -> Tensor:
        """Logits, or stars, [B]."""
        return note("logit", self.scores[batch.target_movie], "lookup")

    def solve(self, known: Known, objective: Objective) -> None:
        """Count the films rated, and their likes, picks or stars."""
        movie, answer = known.movie.long(), known.answer
        size = len(self.scores)
        ratings = torch.bincount(movie, minlength=size).double()
        total = torch.bincount(movie, weights=answer.double(), minlength=size)
        if objective == "like":
            mean = (total.sum() + 0.5) / (ratings.sum() + 1.0)  # never quite 0 or 1
            self.scores.copy_(torch.logit((total + self.prior * mean) / (ratings + self.prior)))
        elif objective == "next":
            # Half a like for every film, so that one without any still has a logit.
            self.scores.copy_(torch.log((total + 0.5) / (total + 0.5).sum()))
        else:
            mean = total.sum() / ratings.sum()
            self.scores.copy_((total + self.prior * mean) / (ratings + self.prior))
