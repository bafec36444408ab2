"""Batches of small histories, and films as they are numbered there."""

from __future__ import annotations

from dataclasses import fields, replace

import torch

from recdemo.core.batch import Batch
from recdemo.encoding.schema import Schema

LENGTH = 6  # of a history, by the schema of the small films


def same_batch(found: Batch, wanted: Batch) -> None:
    for field in fields(Batch):
        assert torch.equal(getattr(found, field.name), getattr(wanted, field.name)), field.name


def padded(batch: Batch) -> Batch:
    """With four more empty places in each history."""
    pad = torch.zeros(batch.users, 4, dtype=torch.long)
    return replace(
        batch,
        history=torch.cat([batch.history, pad], dim=1),
        feedback=torch.cat([batch.feedback, pad], dim=1),
    )


def film_of(schema: Schema, movie_id: int) -> int:
    """Its row, counted from one."""
    return schema.movies["movie_id"].tolist().index(movie_id) + 1
