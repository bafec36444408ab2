"""Transformer blocks whose attention can be read: multi-head attention, encoder and decoder layers.

Vaswani et al., "Attention Is All You Need", 2017; document eq. 3-30 to 3-41. Weights are returned by the call,
taken before dropout.
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor, nn

from recdemo.blocks.mlp import SharedDropout
from recdemo.blocks.recurrent import last_of
from recdemo.core.batch import Batch
from recdemo.core.recording import folded, note


def sinusoidal_positions(length: int, dim: int) -> Tensor:
    """sin and cos of position / 10000^(2i / dim), in turns: [length, dim]. Document eq. 3-39 to 3-41."""
    position = torch.arange(length).unsqueeze(1)
    rate = torch.exp(torch.arange(0, dim, 2) * (-math.log(10_000.0) / dim))
    table = torch.zeros(length, dim)
    table[:, 0::2] = torch.sin(position * rate)
    table[:, 1::2] = torch.cos(position * rate)[:, : dim // 2]
    return table


class MultiHeadAttention(nn.Module):
    """softmax(Q Kᵀ / √d) V for several heads, then one linear layer.

    Args:
        dim: width k of queries, keys and values; a multiple of `heads`.
        heads: H.

    Raises:
        ValueError: `dim` is not a multiple of `heads`, or there are none.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        if heads < 1 or dim % heads:
            raise ValueError(f"dim {dim} is not a multiple of heads {heads}")
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(dim, dim) for _ in range(3))
        self.out = nn.Linear(dim, dim)

    def forward(self, query: Tensor, context: Tensor, allowed: Tensor) -> tuple[Tensor, Tensor]:
        """Each query attends to its sequence.

        Args:
            query: [N, Q, k].
            context: [N, T, k], keys and values.
            allowed: [N, Q, T] or [N, 1, T], True where a query may look. One that may look nowhere
                has weights and values of zero.

        Returns:
            [N, Q, k] and the weights [N, H, Q, T].
        """
        q, k, v = self._heads(query, context)
        scores = q @ k.transpose(-1, -2)  # [N, H, Q, T]
        weights = torch.softmax(scores.masked_fill(~allowed.unsqueeze(1), float("-inf")), dim=-1)
        weights = weights.nan_to_num()
        mixed = self.out((weights @ v).transpose(1, 2).flatten(2))
        note("queries", q, "project", query, by=self.query, factor=q.shape[-1] ** -0.5)
        note("keys", k, "project", context, by=self.key)
        note("values", v, "project", context, by=self.value)
        note("look", weights, "softmax_dot", q, k)
        return note("mixed", mixed, "attend", weights, v, by=self.out), weights

    def beside(self, query: Tensor, context: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Each query attends to a shared context and to itself, as the last item of a sequence would.

        Args:
            query: [U, C, k].
            context: [U, L, k].
            mask: [U, L] True where the context holds something.

        Returns:
            [U, C, k] and the weights [U, H, C, L + 1], the query's own last.
        """
        q, k, v = self._heads(query, context)
        own_k, own_v = (  # [U, H, C, k / H]
            layer(query).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer in (self.key, self.value)
        )
        scores = (q @ k.transpose(-1, -2)).masked_fill(~mask[:, None, None], float("-inf"))
        own = (q * own_k).sum(-1, keepdim=True)
        weights = torch.softmax(torch.cat([scores, own], dim=-1), dim=-1)  # [U, H, C, L + 1]
        attended = weights[..., :-1] @ v + weights[..., -1:] * own_v
        mixed = self.out(attended.transpose(1, 2).flatten(2))
        note("query", q, "project", query, by=self.query, factor=q.shape[-1] ** -0.5)
        keys, values = partial(torch.cat, (k, own_k), dim=2), partial(torch.cat, (v, own_v), dim=2)
        note("place_keys", keys, "project", context, query, by=self.key)
        note("place_values", values, "project", context, query, by=self.value)
        note("place_look", weights, "softmax_dot", q, "place_keys")
        note("candidate_mixed", mixed, "attend", weights, "place_values", by=self.out)
        return mixed, weights

    def _heads(self, query: Tensor, context: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, divided by √d, keys and values, [N, H, Q or T, d]."""
        q, k, v = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, x in ((self.query, query), (self.key, context), (self.value, context))
        )
        return q / math.sqrt(q.shape[-1]), k, v


class EncoderLayer(nn.Module):
    """x → LayerNorm(x + attention) → LayerNorm(· + feed-forward).

    Args:
        dim: k.
        heads: H.
        feed_forward: width of the hidden layer.
        dropout: share of the residual branches dropped in training, the same at every place (`SharedDropout`).
    """

    def __init__(self, dim: int, *, heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(dim, heads)
        self.after_attention = nn.LayerNorm(dim)
        self.feed = nn.Sequential(
            nn.Linear(dim, feed_forward), nn.ReLU(), nn.Linear(feed_forward, dim)
        )
        self.after_feed = nn.LayerNorm(dim)
        self.dropout = SharedDropout(dropout)

    def forward(self, x: Tensor, allowed: Tensor) -> tuple[Tensor, Tensor]:
        """[N, T, k] and where each may look [N, T or 1, T] → [N, T, k], weights [N, H, T, T]."""
        with folded("encoder_layer"):
            attended, weights = self.attention(x, x, allowed)
        made = self.feed_forward(x + self.dropout(attended))
        note("encoder_layer", made, "feed_forward_post", x, attended, by=self)
        return made, weights

    def feed_forward(self, x: Tensor) -> Tensor:
        """What follows attention: [..., k] → [..., k]."""
        x = self.after_attention(x)
        return self.after_feed(x + self.dropout(self.feed(x)))


class DecoderLayer(nn.Module):
    """Masked self-attention, then attention whose queries are the decoder's and whose keys and values are
    the encoder's, then feed-forward; residual and LayerNorm around each.

    Args: as in `EncoderLayer`.
    """

    def __init__(self, dim: int, *, heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.own = MultiHeadAttention(dim, heads)
        self.after_own = nn.LayerNorm(dim)
        self.cross = EncoderLayer(dim, heads=heads, feed_forward=feed_forward, dropout=dropout)

    def forward(self, x: Tensor, allowed: Tensor, encoded: Tensor, encoded_mask: Tensor) -> Tensor:
        """One layer.

        Args:
            x: [N, T, k].
            allowed: [N, T, T] where each position may look; never later than itself.
            encoded: [N, S, k].
            encoded_mask: [N, S] True where the encoder read something.
        """
        attended, _ = self.own(x, x, allowed)
        x = self.after_own(x + self.cross.dropout(attended))
        attended, _ = self.cross.attention(x, encoded, encoded_mask.unsqueeze(1))
        return self.cross.feed_forward(x + self.cross.dropout(attended))


def causal(length: int) -> Tensor:
    """[length, length] True where row t may look: itself and before."""
    return torch.ones(length, length, dtype=torch.bool).tril()


class Positions(nn.Module):
    """Sinusoidal positions times a learned size: at full size they would drown the films' own vectors.

    Args:
        length: number of positions.
        dim: k.
    """

    table: Tensor

    def __init__(self, length: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("table", sinusoidal_positions(length, dim), persistent=False)
        self.size = nn.Parameter(torch.tensor(0.1))

    def forward(self, position: Tensor) -> Tensor:
        """Positions [...] → [..., k]."""
        return note("positions", self.table[position] * self.size, "lookup")


def distance_from_end(mask: Tensor) -> Tensor:
    """1 for the latest film of each history, 2 for the one before; 0 at padding: [U, L] → [U, L]."""
    length = mask.sum(1, keepdim=True)
    return (length - torch.arange(mask.shape[1])).clamp(min=0) * mask


def latest_weights(weights: Tensor, batch: Batch) -> Tensor:
    """Where the latest film looks in the last layer, the mean over heads, the same for every candidate.

    [U, layers, H, L, L] → [U, C, L]; zero where there is no film.
    """
    looks = last_of(weights[:, -1].mean(1), batch.history_mask)  # [U, L]
    return looks.unsqueeze(1).expand(-1, batch.candidates, -1)
