"""How to train: plain values, read and made without torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from recdemo.core.vocabulary import Objective, Optimizer
from recdemo.models import card_of, objective_of


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train.

    Args:
        epochs: at most this many passes over the training part, or over `share` of it.
        batch_size: users per step, each with one target (`like`, `rating`), with 1 + negatives or with all films (`next`);
            of a causal model for `next`, histories, each of whose films is a target.
        optimizer: ``adamw``, ``adam``, or ``sgd`` with momentum 0.9.
        learning_rate: at the first step; it falls linearly to zero over `epochs`.
        weight_decay: of the optimizer; AdamW's is decoupled.
        negatives: films drawn at random per target, `next` only; a two-sided model is shown all films instead.
        by_popularity: how far they are drawn by popularity: 0 all films alike, 1 as often as they were picked. The loss
            is corrected for it (logQ: Yi et al., "Sampling-Bias-Corrected Neural Modeling", RecSys 2019).
        share: of the training rows that each epoch draws; less than all for a model whose whole passes take long, or
            that learns from every step of a history at once.
        second_task: weight of a model's second loss (`AuxiliaryLoss`), times the model's own.
        forget: share of profile values and feedbacks hidden in training (`Ratings.batch`).
        shorten: share of histories cut short in training (`Ratings.batch`).
        patience: stop after this many epochs without a better validation figure.
        history_length: how many of the latest films a model reads.
        seed: of initial weights, order, negatives and dropout.
    """

    epochs: int = 10
    batch_size: int = 1024
    optimizer: Optimizer = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 0.1
    negatives: int = 32
    by_popularity: float = 0.0
    share: float = 1.0
    second_task: float = 1.0
    forget: float = 0.05
    shorten: float = 0.25
    patience: int = 2
    history_length: int = 50
    seed: int = 0


def settings_for(model: str, objective: Objective, **changes: Any) -> Settings:
    """The settings a model is best trained with, with changes; None changes nothing.

    Raises:
        RequestError: no such model, or it has no such objective.
    """
    card = card_of(model)
    objective = objective_of(model, objective)
    given = {name: value for name, value in changes.items() if value is not None}
    settings: Settings = replace(Settings(), **{**card.training.get(objective, {}), **given})
    return settings
