"""What a checkpoint scores for a session: the whole catalogue at once, in its own unit and in the one a list shows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import torch

from recdemo.checkpoints import Checkpoint
from recdemo.core.session import Session
from recdemo.core.vocabulary import Objective
from recdemo.core.wording import Words, words_of
from recdemo.encoding.encode import encode


@dataclass(frozen=True)
class Scorer:
    """A checkpoint that scores every film for a session. It keeps nothing of a visitor and may be shared.

    Args:
        checkpoint: the model that scores.
    """

    checkpoint: Checkpoint

    @property
    def objective(self) -> Objective:
        """What the checkpoint was trained for."""
        return self.checkpoint.card.objective

    @property
    def words(self) -> Words:
        """What its films are called, and what one does with them."""
        return words_of(self.checkpoint.card.data.item)

    @property
    def catalogue(self) -> pd.DataFrame:
        """The films, as in ``catalogue.csv``, in index order."""
        return self.checkpoint.schema.movies

    @cached_property
    def _all_films(self) -> torch.Tensor:
        return torch.arange(1, self.checkpoint.schema.size + 1)

    def logits(self, session: Session) -> np.ndarray:
        """[M] raw output for every film of the catalogue, watched ones too, in catalogue order.

        Raises:
            RequestError: a film of the history is not in the catalogue.
        """
        with torch.inference_mode():
            batch = encode(self.checkpoint.schema, [session], self._all_films)
            return self.checkpoint.model(batch).numpy()

    def unseen(self, session: Session) -> np.ndarray:
        """[M] True for the films not in the session's history."""
        return ~self.catalogue["movie_id"].isin(session.movie_ids).to_numpy()

    def scores(self, session: Session, logits: np.ndarray | None = None) -> np.ndarray:
        """[M] the figure a list shows, in catalogue order.

        ``like``: probability that the visitor would like the film if they saw it. ``next``: probability
        that it is the film they would pick next out of all they have not watched; these add up to one,
        and films watched have zero. ``rating``: stars, cut to 1 to 5.
        """
        logits = self.logits(session) if logits is None else logits
        if self.objective == "like":
            return np.asarray(1 / (1 + np.exp(-logits.astype(np.float64))))
        if self.objective == "rating":
            return np.clip(logits.astype(np.float64), 1.0, 5.0)
        unseen = self.unseen(session)
        weights = np.where(unseen, np.exp(logits.astype(np.float64) - logits.max()), 0.0)
        return np.asarray(weights / max(weights.sum(), np.finfo(float).tiny))
