"""Layers that look back only, in plain loops."""

from __future__ import annotations

import math

import by_hand
import numpy as np
import torch
from by_hand import numbers, weights_of
from torch import Tensor

from recdemo.blocks.causal import CausalAttention, CausalLayer, rotated


def attention_by_hand(block: CausalAttention, x: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """[T, k] and weights [H, T, T] for x [T, k]."""
    w = weights_of(block)
    inner = torch.as_tensor(np.array([by_hand.layer(row, w, "inner") for row in numbers(x)]))
    length, dim = x.shape
    size = dim // block.heads
    joined = np.zeros((length, dim))
    weights = np.zeros((block.heads, length, length))
    for h in range(block.heads):
        q, k, v = (
            inner[:, part * dim + h * size : part * dim + (h + 1) * size] for part in range(3)
        )
        q, k = numbers(rotated(q)), numbers(rotated(k))
        for t in range(length):
            scores = [by_hand.dot(q[t], k[s]) / math.sqrt(size) for s in range(t + 1)]
            for s, weight in enumerate(by_hand.softmax(scores)):
                weights[h, t, s] = weight
                joined[t, h * size : (h + 1) * size] += weight * numbers(v)[s]
    return np.array([by_hand.layer(row, w, "out") for row in joined]), weights


def layer_by_hand(layer: CausalLayer, x: Tensor) -> tuple[Tensor, np.ndarray]:
    """What `CausalLayer` makes of x [T, k], and where each place looks [H, T, T]."""
    with torch.no_grad():
        attended, weights = attention_by_hand(layer.attention, layer.before_attention(x))
        x = x + torch.as_tensor(attended, dtype=torch.float32)
        w = weights_of(layer)
        fed = [
            by_hand.layer(by_hand.relu(by_hand.layer(row, w, "feed.0")), w, "feed.2")
            for row in numbers(layer.before_feed(x))
        ]
    return x + torch.as_tensor(np.array(fed), dtype=torch.float32), weights
