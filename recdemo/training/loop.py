"""One training loop for every model: it knows batches and losses, nothing of what a model computes.

All ratings stay in memory as tensors; a batch is a gather. ``like`` learns the answer of each rating (binary
cross-entropy). ``next`` learns to tell the film liked next from films drawn at random (softmax
cross-entropy over the film and its negatives), which is what a full ranking asks. ``rating`` learns the stars
(mean squared error).
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from recdemo.blocks.users import UserTable
from recdemo.contracts import Counted, LearnsBesides, Objective, Optimizer, RequestError, Staged
from recdemo.features import Ratings
from recdemo.training.metrics import (
    like_metrics,
    next_metrics,
    next_targets,
    rank_of_target,
    rating_metrics,
    score_rows,
)

# The validation figure that decides, and whether more of it is better.
VALIDATED_BY: dict[Objective, tuple[str, int]] = {
    "like": ("auc", 1),
    "next": ("ndcg@10", 1),
    "rating": ("rmse", -1),
}
VALIDATION_USERS = 1000  # users ranked after each epoch of `next`


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train.

    Args:
        epochs: at most this many passes over the training part.
        batch_size: users per step, each with one target (`like`) or 1 + negatives (`next`).
        optimizer: ``adamw``, ``adam``, or ``sgd`` with momentum 0.9.
        learning_rate: at the first step; it falls linearly to zero over `epochs`.
        weight_decay: of the optimizer; AdamW's is decoupled.
        negatives: films drawn at random per target, `next` only.
        share: of the training rows that each epoch draws; less than all for a model that learns from
            every step of a history at once.
        second_task: weight of a model's second loss (`LearnsBesides`), times the model's own.
        forget: share of profile values and feedbacks hidden in training (`Ratings.batch`).
        shorten: share of histories cut short in training (`Ratings.batch`).
        patience: stop after this many epochs without a better validation figure.
        seed: of initial weights, order, negatives and dropout.
    """

    epochs: int = 10
    batch_size: int = 1024
    optimizer: Optimizer = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 0.1
    negatives: int = 32
    share: float = 1.0
    second_task: float = 1.0
    forget: float = 0.05
    shorten: float = 0.25
    patience: int = 2
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one pass reached."""

    epoch: int
    loss: float
    metrics: dict[str, float]
    samples_per_second: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Fit:
    """A finished training run; the model holds the weights of its best epoch."""

    epochs: list[Epoch] = field(default_factory=list)
    best_epoch: int = 0
    seconds: float = 0.0


def fit(
    model: nn.Module,
    ratings: Ratings,
    part: Tensor,
    objective: Objective,
    settings: Settings,
    *,
    on_step: Callable[[int, int], None] = lambda step, steps: None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> Fit:
    """Train in place; stop early on validation and go back to the best epoch.

    Args:
        model: any model of the zoo, freshly made (seed it before: `Settings.seed` seeds the loop).
        ratings: all ratings.
        part: [N] int, 0 train, 1 validation, 2 test (never read here).
        objective: `like` or `next`.
        settings: how to train.
        on_step: called after each step with its number and the number of steps of an epoch.
        on_epoch: called after each validation.
    """
    started = time.perf_counter()
    if isinstance(model, Counted):
        rows = torch.nonzero(part == 0).squeeze(1)
        model.count(ratings.movie[rows], ratings.liked[rows], objective)
        return Fit(seconds=time.perf_counter() - started)

    done: list[Epoch] = []
    if isinstance(model, Staged):
        first = model.first_stage()
        earlier = fit(first, ratings, part, objective, settings, on_step=on_step, on_epoch=on_epoch)
        first.requires_grad_(False)
        done += earlier.epochs

    torch.manual_seed(settings.seed)
    validate = _validation(ratings, part, objective)
    chosen = (part == 0) & ratings.picked if objective == "next" else part == 0
    rows = torch.nonzero(chosen).squeeze(1)
    drawn = max(1, round(len(rows) * settings.share))  # rows of an epoch
    optimizer = _optimizer(model, settings)
    batches_of = -(-drawn // settings.batch_size)
    steps = settings.epochs * batches_of
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    best_state, best_value = copy.deepcopy(model.state_dict()), float("-inf")
    best_epoch = len(done)
    for _ in range(settings.epochs):
        epoch_started = time.perf_counter()
        model.train()
        # Batches of one size, give or take one: the last is never a single row, which has no variance.
        batches = rows[torch.randperm(len(rows))[:drawn]].tensor_split(batches_of)
        total = torch.zeros(())
        for step, batch_rows in enumerate(batches, start=1):
            loss = loss_of(model, ratings, batch_rows, objective, settings)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.detach() * len(batch_rows)
            on_step(step, len(batches))
        seconds = time.perf_counter() - epoch_started
        epoch = Epoch(
            epoch=len(done) + 1,
            loss=float(total) / drawn,
            metrics=validate(model),
            samples_per_second=drawn / seconds,
            seconds=seconds,
        )
        done.append(epoch)
        on_epoch(epoch)
        name, sign = VALIDATED_BY[objective]
        value = sign * epoch.metrics[name]
        if value > best_value:
            best_state, best_value = copy.deepcopy(model.state_dict()), value
            best_epoch = epoch.epoch
        elif epoch.epoch - best_epoch >= settings.patience:
            break
    model.load_state_dict(best_state)
    model.eval()
    for module in model.modules():
        if isinstance(module, UserTable):
            module.summarise(ratings.profile)
    return Fit(epochs=done, best_epoch=best_epoch, seconds=time.perf_counter() - started)


def loss_of(
    model: nn.Module, ratings: Ratings, rows: Tensor, objective: Objective, settings: Settings
) -> Tensor:
    """Mean loss of one step over the rating rows `rows` [U], a model's second task included."""
    films = None
    if objective == "next":
        films = torch.randint(1, ratings.schema.size + 1, (len(rows), 1 + settings.negatives))
        films[:, 0] = ratings.movie[rows]
    batch = ratings.batch(rows, films, forget=settings.forget, shorten=settings.shorten)
    besides: Tensor | float = 0.0
    if isinstance(model, LearnsBesides):
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
    target = torch.zeros(len(rows), dtype=torch.long)
    return nn.functional.cross_entropy(logits, target) + besides


def evaluate(
    model: nn.Module, ratings: Ratings, rows_of: Tensor, objective: Objective
) -> dict[str, float]:
    """The protocol's figures on one part.

    Args:
        model: trained.
        ratings: all ratings.
        rows_of: [N] True for the rows of the part.
        objective: which figures: AUC and log-loss; HR@10, NDCG@10 and MRR; or RMSE and MSE.
    """
    if objective == "next":
        return next_metrics(rank_of_target(model, ratings, next_targets(ratings, rows_of)))
    rows = torch.nonzero(rows_of).squeeze(1)
    scores = score_rows(model, ratings, rows)
    if objective == "rating":
        return rating_metrics(scores, ratings.stars[rows])
    return like_metrics(scores, ratings.liked[rows])


def _optimizer(model: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimizer == "sgd":
        return torch.optim.SGD(weights, lr=rate, momentum=0.9, weight_decay=decay, fused=True)
    if settings.optimizer == "adam":
        return torch.optim.Adam(weights, lr=rate, weight_decay=decay, fused=True)
    if settings.optimizer != "adamw":
        raise RequestError(f"optimizer {settings.optimizer!r} is unknown; use adamw, adam or sgd")
    return torch.optim.AdamW(weights, lr=rate, weight_decay=decay, fused=True)


def _validation(
    ratings: Ratings, part: Tensor, objective: Objective
) -> Callable[[nn.Module], dict[str, float]]:
    if objective != "next":
        return lambda model: evaluate(model, ratings, part == 1, objective)
    rows = next_targets(ratings, part == 1)
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))
    rows = rows[order[:VALIDATION_USERS]]
    return lambda model: next_metrics(rank_of_target(model, ratings, rows))
