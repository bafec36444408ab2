"""Layers and formulas over plain numbers, what to put into them, and how a model is held against them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recdemo.blocks.solved import FilmToFilm
from recdemo.core.session import Session
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema

Numbers = Sequence[float] | np.ndarray
Weights = dict[str, np.ndarray]


# What goes in


def draw(module: nn.Module, seed: int = 0, std: float = 0.5) -> Any:
    """Weights far from zero, so that a wrong term shows."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for value in module.parameters():
            value.normal_(std=std)
    return module.eval()


def normal(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def mask_of(lengths: Sequence[int], length: int) -> Tensor:
    """[U, L] True where a film stands, for histories of these lengths."""
    return torch.arange(length) < torch.tensor(lengths).unsqueeze(1)


def own_candidates(schema: Schema, users: int, count: int) -> Tensor:
    """[U, C], different films for every visitor."""
    generator = torch.Generator().manual_seed(3)
    return torch.randint(1, schema.size + 1, (users, count), generator=generator)


def some_films(schema: Schema, count: int = 7) -> Tensor:
    """[C], the same every time."""
    return torch.randint(1, schema.size + 1, (count,), generator=torch.Generator().manual_seed(1))


# What comes out


def numbers(tensor: Tensor) -> np.ndarray:
    return tensor.detach().double().numpy()


def close(found: Tensor, wanted: Any, tolerance: float = 1e-5) -> None:
    if not isinstance(wanted, Tensor):
        wanted = torch.as_tensor(np.asarray(wanted), dtype=torch.float32)
    assert found.shape == wanted.shape
    torch.testing.assert_close(found.detach(), wanted.detach(), atol=tolerance, rtol=tolerance)


def scores_of(model: nn.Module, schema: Schema, sessions: list[Session], films: Any) -> Tensor:
    """[U, C] as the model answers."""
    with torch.inference_mode():
        return model(encode(schema, sessions, torch.as_tensor(films))).view(len(sessions), -1)


def dense_of(weights: FilmToFilm) -> np.ndarray:
    """[M, M] what it holds, entry by entry."""
    found = np.zeros((weights.films, weights.films))
    for film in range(1, weights.films + 1):
        for entry in range(int(weights.start[film]), int(weights.start[film + 1])):
            found[film - 1, int(weights.target[entry]) - 1] = float(weights.weight[entry])
    return found


def weights_of(model: nn.Module, prefix: str = "") -> Weights:
    """Parameters and buffers by name, as plain numbers, those under `prefix` only."""
    state = model.state_dict().items()
    return {n.removeprefix(prefix): v.double().numpy() for n, v in state if n.startswith(prefix)}


def tables_of(model: nn.Module, prefix: str) -> Weights:
    """The tables of a `FieldEmbedding` by field."""
    found = weights_of(model, f"{prefix}tables.")
    return {name.removesuffix(".weight"): table for name, table in found.items()}


# Layers


def dot(a: Any, b: Any) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def linear(x: Any, weight: np.ndarray, bias: np.ndarray | None = None) -> list[float]:
    rest = np.zeros(len(weight)) if bias is None else bias
    return [dot(row, x) + b for row, b in zip(weight, rest, strict=True)]


def relu(x: Numbers) -> list[float]:
    return [max(v, 0.0) for v in x]


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softmax(x: Numbers) -> list[float]:
    powers = [math.exp(v) for v in x]
    return [p / sum(powers) for p in powers]


def layer(x: Any, w: Weights, name: str) -> np.ndarray:
    """The linear layer of that name, which has a bias."""
    return np.array(linear(x, w[f"{name}.weight"], w[f"{name}.bias"]))


def moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and (biased) variance of each channel, in loops."""
    rows, channels = x.shape
    mean, variance = np.zeros(channels), np.zeros(channels)
    for c in range(channels):
        mean[c] = sum(x[row, c] for row in range(rows)) / rows
        variance[c] = sum((x[row, c] - mean[c]) ** 2 for row in range(rows)) / rows
    return mean, variance


def dice(x: Numbers, w: Weights, name: str, by: tuple | None = None) -> list[float]:
    """`Dice` by the moments of each channel: those it keeps, if not given."""
    mean, variance = by or (w[f"{name}norm.running_mean"], w[f"{name}norm.running_var"])
    out = []
    for c, v in enumerate(x):
        p = sigmoid((v - mean[c]) / math.sqrt(variance[c] + 1e-8))
        out.append(p * v + (1 - p) * w[f"{name}alpha"][c] * v)
    return out


def mlp(x: Numbers, w: Weights, name: str, activation: Callable | None = None) -> list[float]:
    """Every linear layer of an `MLP`, with an activation between them.

    Args:
        x: goes in.
        w: weights by name.
        name: what stands before ``layers`` in them.
        activation: called with the numbers, `w` and its own name, as `dice` is; ReLU if not given.
    """
    layers = sorted(
        int(n.split(".")[-2]) for n in w if n.startswith(f"{name}layers.") and "bias" in n
    )
    for place in layers:
        x = layer(x, w, f"{name}layers.{place}")
        if place != layers[-1]:
            x = activation(x, w, f"{name}layers.{place + 1}.") if activation else relu(x)
    return list(x)


def two_sided(x: Numbers, w: Weights, name: str) -> list[float]:
    """A `TwoSidedMLP` as one MLP over [user, film]."""
    first = np.concatenate([w[f"{name}user.weight"], w[f"{name}film.weight"]], axis=1)
    return mlp(relu(linear(x, first, w[f"{name}film.bias"])), w, f"{name}rest.2.")


def augru(x: Numbers, attention: Numbers, w: Weights) -> tuple[np.ndarray, list[float]]:
    """The last state of an `AUGRU` over films [n, in], and how far each of them moved it."""
    w_x, b_x = w["from_input.weight"], w["from_input.bias"]
    w_h, b_h = w["from_state.weight"], w["from_state.bias"]
    size = w_h.shape[1]
    state, moved = np.zeros(size), []
    for step, weight in zip(x, attention, strict=True):
        given, kept = (w_x @ step + b_x).reshape(3, size), (w_h @ state + b_h).reshape(3, size)
        r, u = sigmoid(given[0] + kept[0]), sigmoid(given[1] + kept[1])
        new = np.tanh(given[2] + r * kept[2])
        state = (1 - weight * u) * state + weight * u * new
        moved.append(float(np.mean(weight * u)))
    return state, moved


def wave(place: int, dim: int) -> list[float]:
    """The sinusoidal position of one place."""
    return [
        (math.cos if column % 2 else math.sin)(place / 10_000 ** (2 * (column // 2) / dim))
        for column in range(dim)
    ]


# Fields


def flat(vectors: Weights) -> list[float]:
    """All fields side by side."""
    return [v for field in vectors.values() for v in field]


def pairs(vectors: Weights) -> list[list[float]]:
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


def crosses(model: nn.Module, vectors: Callable) -> dict[tuple[str, str], float]:
    """Σ over the values of two fields of their hashed weight, for every crossed pair of fields.

    A table that is the identity shows which values a field has, and how much each counts.
    """
    tables = tables_of(model, "embedding.")
    values = vectors({name: np.eye(len(table)) for name, table in tables.items()})
    weights = weights_of(model)["crosses.weight"]
    found = {}
    for number, (left, right) in enumerate(model.crosses.pairs):
        found[left, right] = 0.0
        for a in np.nonzero(values[left])[0]:
            for b in np.nonzero(values[right])[0]:
                # The hash is multiplicative: the middle bits of a product of large numbers.
                mixed = ((number + 1) * 1_000_003 + int(a)) * 1_000_033 + int(b)
                bucket = ((mixed * 2_654_435_761 % 2**47) // 2**15) % len(weights)
                found[left, right] += weights[bucket] * values[left][a] * values[right][b]
    return found


def cross_and_deep(x0: list[float], w: Weights) -> float:
    """One linear layer over [x_L, last hidden layer], x_{l+1} = x_0 (x_lᵀ w_l) + b_l + x_l as it stands."""
    first, x = np.array(x0), np.array(x0)
    for weight, bias in zip(w["cross.weights"], w["cross.biases"], strict=True):
        x = np.outer(first, x) @ weight + bias + x
    crossed = linear(x, w["cross.head.weight"], w["cross.head.bias"])[0]
    return crossed + two_sided(x0, w, "deep.")[0]
