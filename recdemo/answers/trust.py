"""May weights be read as reasons? Two tests for one visitor and film, beside their rank correlation with removal.

`recdemo.training.faithfulness` measures the same over the users of the test part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from recdemo.answers.explain import unwatched
from recdemo.answers.removal import (
    Curves,
    deletion_and_insertion,
    pairs_kept,
    rank_correlation,
    shuffled,
)
from recdemo.core.batch import Batch
from recdemo.core.protocols import ShowsFields, ShowsHistory
from recdemo.core.session import Session
from recdemo.encoding.encode import encode

if TYPE_CHECKING:
    from recdemo.answers.score import Scorer


@dataclass(frozen=True, slots=True)
class Trust:
    """What speaks for reading weights as reasons, and what against it."""

    curves: Curves | None  # None for too few items
    shuffled: float | None  # rank correlation with what the model shows whose weights are shuffled


def trust(recommender: Scorer, session: Session, movie_id: int) -> Trust:
    """Test the weights that a model shows for one film.

    Args:
        recommender: a model that attends to pairs of fields, or to the films watched.
        session: who asks.
        movie_id: the film; if it is in the history, it is taken out of it.

    Raises:
        RequestError: a film is not in the catalogue.
        TypeError: the model attends to neither.
    """
    checkpoint, session = recommender.checkpoint, unwatched(session, movie_id)
    schema, model = checkpoint.schema, checkpoint.model
    read = session.latest(schema.history_length)
    target = torch.tensor([schema.index_of(movie_id)])
    with torch.inference_mode():
        batch = encode(schema, [read], target)
        weights, other = _weights(model, batch), _weights(shuffled(model), batch)
        if isinstance(model, ShowsFields):
            there = np.flatnonzero(weights)  # a pair of a field that holds nothing has none
            parts = model.field_terms(batch).pairs[0].double().numpy()[there]
            ask = pairs_kept(weights[there], parts)
        else:
            there = np.arange(len(read.history))

            def ask(kept: np.ndarray) -> np.ndarray:
                some = [list(compress(read.history, row)) for row in kept]
                asked = encode(schema, [replace(read, history=films) for films in some], target)
                return np.asarray(model(asked).double().numpy())

        return Trust(
            deletion_and_insertion(weights[there], ask),
            rank_correlation(np.abs(weights[there]), np.abs(other[there])),
        )


def _weights(model: nn.Module, batch: Batch) -> np.ndarray:
    """Attention to each pair of fields, or to each film watched."""
    if isinstance(model, ShowsFields) and (found := model.field_terms(batch).attention) is not None:
        return np.asarray(found[0].double().numpy())
    if isinstance(model, ShowsHistory):
        return np.asarray(model.history_weights(batch)[0, 0].double().numpy())
    raise TypeError("the model weighs neither pairs of fields nor the films of a history")
