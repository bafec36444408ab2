"""HSTU's layer: attention without a softmax, in which each watched film adds what it has to say, and a gate.

Zhai et al., "Actions Speak Louder than Words", ICML 2024, section 3.2, and the authors' code (generative-recommenders,
`SequentialTransductionUnitJagged`): a norm before and one after attention, neither of them learned, one matrix without bias for
all four projections, dropout on the gated values. Where we differ: positions alone, no time; distances have a weight for each head
instead of one for all, and beyond `DISTANCES` share the last; a film's weights are divided by the number of films it looks
at instead of the longest history's, which the norm after them takes out again but for its epsilon.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from recdemo.blocks.mlp import PlaceDropout
from recdemo.blocks.transformer import causal
from recdemo.core.recording import folded, note

DISTANCES = 256  # told apart
# Weights made at once: with what is made of them, they stay in the processor's cache.
AT_ONCE = 2**18


class TransductionUnit(nn.Module):
    """x → x + W_o (u ⊙ LayerNorm(A v)), [u, v, q, k] = SiLU(W LayerNorm(x)), A = SiLU(q kᵀ + b) / number of films.

    Args:
        dim: width k; a multiple of `heads`.
        heads: H.
        dropout: share of the gated values dropped in training.

    Raises:
        ValueError: `dim` is not a multiple of `heads`, or there are none.
    """

    def __init__(self, dim: int, *, heads: int, dropout: float) -> None:
        super().__init__()
        if heads < 1 or dim % heads:
            raise ValueError(f"dim {dim} is not a multiple of heads {heads}")
        self.heads = heads
        self.inner = nn.Linear(dim, 4 * dim, bias=False)  # gate, value, query, key
        nn.init.normal_(self.inner.weight, std=0.02)
        self.distance = nn.Parameter(torch.randn(heads, DISTANCES) * 0.02)
        self.out = nn.Linear(dim, dim)
        nn.init.xavier_uniform_(self.out.weight)
        self.dropout = PlaceDropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, k] → [N, T, k]."""
        gate, value, query, key = self._parts(x)
        bias, share = self._bias(x.shape[1]), _share(x.shape[1])
        some = max(1, AT_ONCE // bias.numel())
        summed = torch.cat(
            [
                _weights(q, k, bias, share) @ v
                for q, k, v in zip(*(part.split(some) for part in (query, key, value)), strict=True)
            ]
        )
        joined = _normed(summed.transpose(1, 2).flatten(2))
        made = x + self.out(self.dropout(gate.transpose(1, 2).flatten(2) * joined))
        with folded("encoder_layer"):
            for name, part, number in (
                ("queries", query, 2),
                ("keys", key, 3),
                ("values", value, 1),
            ):
                note(name, part, "silu_project", x, by=self.inner, part=number)
            looks = partial(_weights, query, key, bias, share)
            note("look", looks, "silu", query, key, distance=self.distance)
        return note("encoder_layer", made, "gated", x, "look", value, by=self)

    def weights(self, x: Tensor) -> Tensor:
        """What each place takes of each: [N, T, k] → [N, H, T, T]. They may be negative, and sum to anything."""
        _, _, query, key = self._parts(x)
        return _weights(query, key, self._bias(x.shape[1]), _share(x.shape[1]))

    def _parts(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gate, values, queries and keys, [N, H, T, d]."""
        parts = nn.functional.silu(self.inner(_normed(x))).unflatten(-1, (4, self.heads, -1))
        gate, value, query, key = parts.permute(2, 0, 3, 1, 4)
        return gate, value, query, key

    def _bias(self, length: int) -> Tensor:
        """Of each place for each, by how far apart they are: [H, T, T]."""
        place = torch.arange(length)
        apart = (place.unsqueeze(1) - place).clamp(0, DISTANCES - 1)
        return self.distance[:, apart]


def _weights(query: Tensor, key: Tensor, bias: Tensor, share: Tensor) -> Tensor:
    """[N, H, T, T]"""
    return nn.functional.silu(query @ key.transpose(-1, -2) + bias) * share


def _share(length: int) -> Tensor:
    """[T, T]: one over the number of films that a place looks at, zero after it."""
    return causal(length) / torch.arange(1, length + 1).unsqueeze(1)


def _normed(x: Tensor) -> Tensor:
    return nn.functional.layer_norm(x, x.shape[-1:], eps=1e-6)
