"""What a step learns from: which rows and films, and the loss of a model's answers about them.

``like`` learns the answer of each rating (binary cross-entropy). ``next`` learns to tell the film picked next from others (softmax
cross-entropy), which is what a full ranking asks: from all films there are, where the model is two-sided, and then after each
film of a history, where it is causal; else from films drawn at random. ``rating`` learns the stars (mean squared error).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn

from recdemo.blocks.softmax import catalogue_loss
from recdemo.core.protocols import AuxiliaryLoss, Causal, TwoSided, needs_histories
from recdemo.core.vocabulary import Objective
from recdemo.data import TRAIN
from recdemo.encoding.ratings import Ratings
from recdemo.training.feed import Source, each
from recdemo.training.settings import Settings


def loss_of(
    model: nn.Module,
    ratings: Ratings,
    rows: Tensor,
    objective: Objective,
    settings: Settings,
    part: Tensor | None = None,
    chances: Tensor | None = None,
) -> Tensor:
    """Mean loss of one step over the rating rows `rows` [U], a model's second task included.

    Args:
        model: in training.
        ratings: all ratings.
        rows: which of them are asked about.
        objective: what is learned.
        settings: how.
        part: [N] which rows train, of which a causal model learns those in the histories too; None: all.
        chances: [M] how likely each film is drawn as a negative; None: all alike.
    """
    if trains_steps(model, objective):
        return _loss_of_steps(cast(Causal, model), ratings, rows, settings, part)
    everything = objective == "next" and isinstance(model, TwoSided)
    films = None
    if objective == "next" and not everything:
        shape = len(rows), 1 + settings.negatives
        if chances is None:
            films = torch.randint(1, ratings.schema.size + 1, shape)
        else:
            films = 1 + torch.multinomial(chances, math.prod(shape), replacement=True).view(shape)
        films[:, 0] = ratings.movie[rows]
    batch = ratings.batch(
        rows,
        films,
        mask_profile=settings.forget,
        truncate_history=settings.shorten,
        histories=needs_histories(model),
    )
    if everything:
        return catalogue_loss(*cast(TwoSided, model).sides(batch), batch.target_movie)
    besides: Tensor | float = 0.0
    if isinstance(model, AuxiliaryLoss):
        output, second = model.joint(batch)
        besides = settings.second_task * second
    else:
        output = model(batch)
    if films is None:
        if objective == "like":
            target = ratings.liked[rows].float()
            return nn.functional.binary_cross_entropy_with_logits(output, target) + besides
        return nn.functional.mse_loss(output, ratings.stars[rows]) + besides
    same = films == films[:, :1]  # a negative drawn equal to the target is no negative
    same[:, 0] = False
    logits = output.view_as(films).masked_fill(same, float("-inf"))
    if chances is not None:  # logQ: what is drawn more often counts for less
        logits = logits - chances.log()[films - 1]
    target = torch.zeros(len(rows), dtype=torch.long)
    return nn.functional.cross_entropy(logits, target) + besides


def _loss_of_steps(
    model: Causal, ratings: Ratings, rows: Tensor, settings: Settings, part: Tensor | None
) -> Tensor:
    """Mean loss of naming each film picked, from those before it in the histories of `rows` [U]."""
    batch = ratings.batch(rows, mask_profile=settings.forget)
    count = batch.history_mask.sum(1, keepdim=True)  # [U, 1]
    place = torch.arange(max(1, int(count.max())))
    batch = replace(
        batch, history=batch.history[:, : len(place)], feedback=batch.feedback[:, : len(place)]
    )
    visitors, films = model.sides_by_step(batch)  # [U, L, d]
    following = (rows.unsqueeze(1) - count + place + 1).clamp(max=len(ratings) - 1)  # [U, L] rows
    learned = ratings.picked if part is None else ratings.picked & (part == TRAIN)
    chosen = (place < count) & learned[following]
    return catalogue_loss(visitors[chosen], films, ratings.movie[following[chosen]].long())


def trains_steps(model: nn.Module, objective: Objective) -> bool:
    """Whether a model learns from every film of a history at once."""
    return objective == "next" and isinstance(model, Causal)


def to_learn(ratings: Ratings, part: Tensor, objective: Objective, *, steps: bool) -> Tensor:
    """[n] the rows that train.

    With `steps`, as few rows of each user as it takes for their histories to hold all the others: one in
    ``history_length``, counted from the last. So it is where a user's first ratings train, as in the splits ``order`` and
    ``last``; in ``random`` some rows are in no history.
    """
    train = part == TRAIN
    if not steps:
        return torch.nonzero(train & ratings.picked if objective == "next" else train).squeeze(1)
    rows = torch.nonzero(train).squeeze(1)
    user = ratings.user[rows].long()
    last = torch.zeros_like(ratings.start).scatter_reduce_(0, user, rows, "amax")
    window = ratings.schema.history_length
    return rows[(last[user] - rows) % window == 0]


def of_like_length(batches: Sequence[Tensor], ratings: Ratings) -> list[Tensor]:
    """The same rows in batches of the same sizes, sixteen batches at a time sorted by how much was rated before: no batch
    is padded much."""
    found: list[Tensor] = []
    for first in range(0, len(batches), 16):
        some = batches[first : first + 16]
        rows = torch.cat(list(some))
        before = (rows - ratings.start[ratings.user[rows].long()]).clamp(
            max=ratings.schema.history_length
        )
        found += rows[before.argsort(stable=True)].split([len(batch) for batch in some])
    return found


def chances_of(source: Source, settings: Settings) -> Tensor | None:
    """[M] how likely each film is drawn as a negative; None where all are alike."""
    if not settings.by_popularity:
        return None
    size = source.schema.size
    counts = torch.zeros(size)
    for ratings, part in each(source):
        movie = ratings.movie[(part == TRAIN) & ratings.picked].long()
        counts += torch.bincount(movie - 1, minlength=size)
    weights = (counts + 1).pow(settings.by_popularity)
    return weights / weights.sum()
