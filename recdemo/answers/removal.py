"""What taking things away does to a logit, and whether weights tell of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

MIN_FOR_CORRELATION = 3  # a rank correlation of two items is always -1 or 1
BY_LOT = 4  # orders drawn by lot that weights are measured against
STEPS = 25  # sets taken away in an order, at most


def rank_correlation(
    weights: Sequence[float] | np.ndarray, effects: Sequence[float] | np.ndarray
) -> float | None:
    """Spearman's rank correlation; None for fewer than three items or where one side is constant."""
    if len(weights) < MIN_FOR_CORRELATION:
        return None
    value = pd.Series(weights).rank().corr(pd.Series(effects).rank())
    return None if np.isnan(value) else float(value)


def pair_removal(attention: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """What taking each pair of fields away does to an attentional machine's logit.

    Without pair p the others share its attention: the sum becomes (S - s_p) / (1 - a_p).

    Args:
        attention: [P] a, summing to one.
        parts: [P] s, what each pair adds, attention included.
    """
    return parts.sum() - pairs_kept(attention, parts)(~np.eye(len(parts), dtype=bool))


@dataclass(frozen=True, slots=True)
class Curves:
    """How far a logit is from the full one while things are taken away one after the other, and while they are put back, the
    heaviest first. It is the distance that counts, since what weighs much may speak for a film or against it.

    Source: Petsiuk et al., "RISE: Randomized Input Sampling for Explanation of Black-box Models", 2018, which does it to
    the pixels of a picture, and to a chance that they can only raise.
    """

    counts: np.ndarray  # [K] how many are taken away, or put back, from none to all
    deleted: np.ndarray  # [K] without so many of the heaviest
    inserted: np.ndarray  # [K] with so many of the heaviest alone
    deleted_by_lot: np.ndarray  # [K] the mean over orders drawn by lot
    inserted_by_lot: np.ndarray  # [K]

    @property
    def deletion(self) -> float:
        """How much farther, on average, the logit is than by lot: positive if the weights tell what it rests on."""
        return self._mean(self.deleted - self.deleted_by_lot)

    @property
    def insertion(self) -> float:
        """How much nearer, on average, the logit is than by lot: positive if the weights tell what makes it."""
        return self._mean(self.inserted_by_lot - self.inserted)

    def _mean(self, height: np.ndarray) -> float:
        width = self.counts[-1] - self.counts[0]
        return float(np.trapezoid(height, self.counts) / width)


def deletion_and_insertion(
    weights: np.ndarray, ask: Callable[[np.ndarray], np.ndarray], *, seed: int = 0
) -> Curves | None:
    """Take things away in the order of their weights, and put them back; None for fewer than `MIN_FOR_CORRELATION`.

    Args:
        weights: [n] by size.
        ask: the logits [V] while some are kept, [V, n]; asked once.
        seed: of the orders drawn by lot.
    """
    size = len(weights)
    if size < MIN_FOR_CORRELATION:
        return None
    heaviest = np.argsort(-np.abs(weights), kind="stable")
    rng = np.random.default_rng(seed)
    orders = np.stack([heaviest, *(rng.permutation(size) for _ in range(BY_LOT))])
    counts = np.unique(np.linspace(0, size, min(size, STEPS) + 1).round().astype(int))
    place = np.argsort(orders, axis=1)  # [orders, n] of each thing in each order
    first = place[:, None] < counts[:, None]  # [orders, K, n] among the first so many
    asked = np.concatenate([~first, first], axis=1)
    logits = ask(asked.reshape(-1, size)).reshape(len(orders), 2, len(counts))
    distance = np.abs(logits - logits[0, 0, 0])  # to the logit with all
    (deleted, inserted), by_lot = distance[0], distance[1:].mean(0)
    return Curves(counts, deleted, inserted, by_lot[0], by_lot[1])


def pairs_kept(attention: np.ndarray, parts: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """What the pairs of fields add to an attentional machine's logit while some are kept, [V, P] → [V]: these share the
    attention among them.

    Args:
        attention: [P] a, summing to one.
        parts: [P] s, what each pair adds, attention included.
    """

    def ask(kept: np.ndarray) -> np.ndarray:
        shared = np.maximum(kept @ attention, np.finfo(np.float32).eps)
        return np.asarray(kept @ parts / shared)

    return ask


def shuffled(model: nn.Module, *, seed: int = 0) -> nn.Module:
    """A copy whose weights are shuffled within each table, ready to answer: all that was learned is lost, all sizes stay.

    Source: Adebayo et al., "Sanity Checks for Saliency Maps", 2018.
    """
    # To and fro, so that what was computed from the weights is computed again.
    model = copy.deepcopy(model).train().eval()
    draw = torch.Generator("cpu").manual_seed(seed)
    with torch.no_grad():
        for value in model.state_dict().values():
            if value.is_floating_point():
                order = torch.randperm(value.numel(), generator=draw, device="cpu")
                value.copy_(value.flatten()[order.to(value.device)].view_as(value))
    return model
