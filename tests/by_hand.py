"""Layers and formulas over plain numbers, for the tests that compare a model with its paper."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import nn

Numbers = Sequence[float] | np.ndarray


def weights_of(model: nn.Module, prefix: str = "") -> dict[str, np.ndarray]:
    """Parameters and buffers by name, as plain numbers, those under `prefix` only."""
    state = model.state_dict().items()
    return {n.removeprefix(prefix): v.double().numpy() for n, v in state if n.startswith(prefix)}


def tables_of(model: nn.Module, prefix: str) -> dict[str, np.ndarray]:
    """The tables of a `FieldEmbedding` by field."""
    found = weights_of(model, f"{prefix}tables.")
    return {name.removesuffix(".weight"): table for name, table in found.items()}


def dot(a: Any, b: Any) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def linear(x: Any, weight: np.ndarray, bias: np.ndarray | None = None) -> list[float]:
    rest = np.zeros(len(weight)) if bias is None else bias
    return [dot(row, x) + b for row, b in zip(weight, rest, strict=True)]


def relu(x: Numbers) -> list[float]:
    return [max(v, 0.0) for v in x]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def dice(x: Numbers, w: dict[str, np.ndarray], name: str) -> list[float]:
    out = []
    for c, v in enumerate(x):
        mean, variance = w[f"{name}.norm.running_mean"][c], w[f"{name}.norm.running_var"][c]
        p = sigmoid((v - mean) / math.sqrt(variance + 1e-8))
        out.append(p * v + (1 - p) * w[f"{name}.alpha"][c] * v)
    return out


def mlp(x: Numbers, w: dict[str, np.ndarray], name: str) -> list[float]:
    """Every linear layer of an `MLP` without Dice, with ReLU between them."""
    layers = sorted(
        int(n.split(".")[-2]) for n in w if n.startswith(f"{name}layers.") and "bias" in n
    )
    for layer in layers:
        x = linear(x, w[f"{name}layers.{layer}.weight"], w[f"{name}layers.{layer}.bias"])
        x = x if layer == layers[-1] else relu(x)
    return list(x)


def two_sided(x: Numbers, w: dict[str, np.ndarray], name: str) -> list[float]:
    """A `TwoSidedMLP` as one MLP over [user, film]."""
    first = np.concatenate([w[f"{name}user.weight"], w[f"{name}film.weight"]], axis=1)
    return mlp(relu(linear(x, first, w[f"{name}film.bias"])), w, f"{name}rest.2.")


def flat(vectors: dict[str, np.ndarray]) -> list[float]:
    """All fields side by side."""
    return [v for field in vectors.values() for v in field]


def pairs(vectors: dict[str, np.ndarray]) -> list[list[float]]:
    """v_i ⊙ v_j of every pair i < j."""
    v = list(vectors.values())
    return [
        [a * b for a, b in zip(v[i], v[j], strict=True)]
        for i in range(len(v))
        for j in range(i + 1, len(v))
    ]


def machine(model: nn.Module, vectors: Callable, prefix: str = "machine.") -> float:
    """w0 + Σ w_i + Σ_{i<j} ⟨v_i, v_j⟩ over all fields.

    Args:
        model: holds a `FactorizationMachine` under `prefix`.
        vectors: from tables to one vector per field, see `vectors_by_hand`.
        prefix: where.
    """
    weights = vectors(tables_of(model, f"{prefix}linear."))
    embedded = vectors(tables_of(model, f"{prefix}embedding."))
    assert len(embedded) == 11  # five profile and taste fields, three of history, three of the film
    bias = float(weights_of(model)[f"{prefix}bias"])
    return bias + sum(v[0] for v in weights.values()) + sum(sum(p) for p in pairs(embedded))
