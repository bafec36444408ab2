"""The unit of HSTU in plain loops."""

from __future__ import annotations

import math

import by_hand
import numpy as np
import torch
from by_hand import numbers, weights_of
from torch import Tensor

from recdemo.blocks.transduction import DISTANCES, TransductionUnit


def _normed(x: np.ndarray) -> np.ndarray:
    mean = sum(x) / len(x)
    return (x - mean) / math.sqrt(sum((v - mean) ** 2 for v in x) / len(x) + 1e-6)


def _silu(x: np.ndarray) -> np.ndarray:
    return x * by_hand.sigmoid(x)


def unit_by_hand(unit: TransductionUnit, x: Tensor) -> tuple[Tensor, np.ndarray]:
    """What the unit makes of x [T, k], and what each place takes of each [H, T, T]."""
    w, rows = weights_of(unit), numbers(x)
    size = rows.shape[1] // unit.heads
    parts = [
        np.split(_silu(np.array(by_hand.linear(_normed(row), w["inner.weight"]))), 4)
        for row in rows
    ]
    out, weights = [], np.zeros((unit.heads, len(rows), len(rows)))
    for t, (gate, _, query, _) in enumerate(parts):
        joined = np.zeros(rows.shape[1])
        for h in range(unit.heads):
            of = slice(h * size, (h + 1) * size)
            for s in range(t + 1):
                _, value, _, key = parts[s]
                score = (
                    by_hand.dot(query[of], key[of]) + w["distance"][h, min(t - s, DISTANCES - 1)]
                )
                weights[h, t, s] = _silu(score) / (t + 1)
                joined[of] += weights[h, t, s] * value[of]
        out.append(rows[t] + by_hand.layer(gate * _normed(joined), w, "out"))
    return torch.as_tensor(np.array(out), dtype=torch.float32), weights
