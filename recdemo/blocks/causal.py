"""Self-attention that only looks back, for models that have an answer after each film of a history.

Histories are padded at the end, so that whoever looks back never sees padding, and no mask but the triangle is needed.
Positions are rotary (Su et al., "RoFormer", 2021): a weight depends on how many films lie between two films, not on where they
stand, and a visitor of five films is read as the first five of a long history are.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn

from recdemo.blocks.mlp import PlaceDropout
from recdemo.blocks.transformer import causal
from recdemo.core.recording import folded, note


def rotated(x: Tensor) -> Tensor:
    """Each place turned by its position: pair i of the d numbers by the angle position / 10000^(2i / d).

    The two halves hold the first and the second of each pair. The dot product of two places then depends on the distance
    between them alone.

    Args:
        x: [..., T, d], d even.
    """
    length, dim = x.shape[-2:]
    rate = torch.exp(torch.arange(0, dim, 2) * (-math.log(10_000.0) / dim))
    angle = torch.arange(length).unsqueeze(1) * rate  # [T, d / 2]
    cos, sin = angle.cos(), angle.sin()
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


class LooksBack(Protocol):
    """A layer from places [N, T, k] to places [N, T, k], each made of itself and those before it."""

    def weights(self, x: Tensor) -> Tensor:
        """What each place takes of each: [N, T, k] → [N, H, T, T]."""
        ...


class CausalAttention(nn.Module):
    """softmax(Q Kᵀ / √d) V over each place and those before it, for several heads, then one linear layer.

    Args:
        dim: width k; a multiple of twice `heads`.
        heads: H.

    Raises:
        ValueError: `dim` is not a multiple of twice `heads`, or there are none.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        if heads < 1 or dim % (2 * heads):
            raise ValueError(f"dim {dim} is not a multiple of twice heads {heads}")
        self.heads = heads
        self.inner = nn.Linear(dim, 3 * dim)  # query, key, value
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, k] → [N, T, k]."""
        query, key, value = self._heads(x)
        attended = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        mixed = self.out(attended.transpose(1, 2).flatten(2))
        for number, (name, part) in enumerate(
            (("queries", query), ("keys", key), ("values", value))
        ):
            note(name, part, "project", x, by=self.inner, part=number, turned=number < 2)
        note(
            "look", partial(_looks, query, key), "softmax_dot", query, key, causal=True, scaled=True
        )
        return note("mixed", mixed, "attend", "look", value, by=self.out)

    def weights(self, x: Tensor) -> Tensor:
        """Where each place looks: [N, T, k] → [N, H, T, T], each row summing to one."""
        query, key, _ = self._heads(x)
        return _looks(query, key)

    def _heads(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries and keys, both turned by their positions, and values, [N, H, T, d]."""
        parts = self.inner(x).unflatten(-1, (3, self.heads, -1))  # [N, T, 3, H, d]
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        return rotated(query), rotated(key), value


def _looks(query: Tensor, key: Tensor) -> Tensor:
    """softmax(Q Kᵀ / √d) over each place and those before it, [N, H, T, T]."""
    scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
    return torch.softmax(scores.masked_fill(~causal(query.shape[2]), float("-inf")), dim=-1)


class CausalLayer(nn.Module):
    """x → x + attention(LayerNorm(x)) → · + feed-forward(LayerNorm(·)).

    Args:
        dim: k.
        heads: H.
        feed_forward: width of the hidden layer.
        dropout: share of the residual branches' units dropped in training.
    """

    def __init__(self, dim: int, *, heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(dim)
        self.attention = CausalAttention(dim, heads)
        self.before_feed = nn.LayerNorm(dim)
        self.feed = nn.Sequential(
            nn.Linear(dim, feed_forward), nn.ReLU(), nn.Linear(feed_forward, dim)
        )
        self.dropout = PlaceDropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, k] → [N, T, k]."""
        with folded("encoder_layer"):
            normed = note("normed", self.before_attention(x), "norm", x, by=self.before_attention)
            mixed = self.attention(normed)
        between = x + self.dropout(mixed)
        made = between + self.dropout(self.feed(self.before_feed(between)))
        return note("encoder_layer", made, "feed_forward", x, mixed, by=self)

    def weights(self, x: Tensor) -> Tensor:
        """Where each place of the layer's input looks: [N, T, k] → [N, H, T, T]."""
        return self.attention.weights(self.before_attention(x))
