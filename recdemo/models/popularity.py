"""Popularity: what everybody likes. No gradient, no visitor: the baseline every model must beat.

``like``: Bayesian-smoothed share of likes per film. ``next``: share of all likes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recdemo.contracts import Batch, Objective
from recdemo.features import Schema


class Popularity(nn.Module):
    """A logit per film, counted rather than trained.

    Args:
        schema: vocabularies.
        prior: strength m of the prior, in ratings: a film nobody rated gets the mean share of likes.
    """

    logits: Tensor

    def __init__(self, schema: Schema, *, prior: float = 20.0) -> None:
        super().__init__()
        self.prior = prior
        self.register_buffer("logits", torch.zeros(schema.size + 1))

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        return self.logits[batch.target_movie]

    def count(self, movie: Tensor, chosen: Tensor, objective: Objective) -> None:
        """Learn from ratings.

        Args:
            movie: [N] film indices.
            chosen: [N] whether each was liked; for `next`, picked.
            objective: `like` or `next`.
        """
        size = len(self.logits)
        ratings = torch.bincount(movie, minlength=size).double()
        likes = torch.bincount(movie, weights=chosen.double(), minlength=size)
        if objective == "like":
            mean = (likes.sum() + 0.5) / (ratings.sum() + 1.0)  # never quite 0 or 1
            share = (likes + self.prior * mean) / (ratings + self.prior)
            self.logits.copy_(torch.logit(share))
        else:
            # Half a like for every film, so that one without any still has a logit.
            self.logits.copy_(torch.log((likes + 0.5) / (likes + 0.5).sum()))
