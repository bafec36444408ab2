"""BST: history and candidate as one sequence through a Transformer encoder.

Chen et al., "Behavior Sequence Transformer for E-commerce Recommendation in Alibaba", 2019; document fig.
3-36. The paper flattens what comes out of a sequence of fixed length. By default we keep the candidate's own place, which is the
one that has looked at every film watched; the keys and values of the history are then made once per visitor.
The printed listing has no padding mask and no fields of the user.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from recdemo.blocks.embedding import FieldEmbedding, film_biases, gather
from recdemo.blocks.head import HEAD_FIELDS, PROFILE_DIM, beside_candidates, with_film_bias
from recdemo.blocks.history import FilmEmbedding, pooled
from recdemo.blocks.mlp import MLP
from recdemo.blocks.transformer import EncoderLayer, Positions
from recdemo.core.batch import Batch
from recdemo.core.recording import folded, note, opened, unrecorded
from recdemo.encoding.schema import Schema

Read = Literal["target", "mean", "flatten"]


class BST(nn.Module):
    """MLP([what is read of Encoder([x_1, …, x_L, q] + positions), profile]) + b_q, LeakyReLU inside.

    Positions count back from the candidate, which is 0: a film's place does not depend on how long the
    history is.

    Args:
        schema: vocabularies.
        embed_dim: k.
        heads: H.
        feed_forward: width of the encoder's hidden layer.
        read: ``target`` the candidate's place, ``mean`` of all places, or ``flatten``.
        hidden: widths of the MLP's hidden layers.
        dropout: share of units dropped in training.

    Raises:
        ValueError: `read` is unknown, or `embed_dim` is not a multiple of `heads`.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 32,
        heads: int = 4,
        feed_forward: int = 64,
        read: Read = "target",
        hidden: Sequence[int] = (128, 64),
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if read not in ("target", "mean", "flatten"):
            raise ValueError(f"read {read!r} is unknown; use target, mean or flatten")
        self.read = read
        self.films = FilmEmbedding(schema, embed_dim=embed_dim)
        self.positions = Positions(schema.history_length + 1, embed_dim)
        self.encoder = EncoderLayer(
            embed_dim, heads=heads, feed_forward=feed_forward, dropout=dropout
        )
        self.profile = FieldEmbedding(schema, embed_dim=PROFILE_DIM, fields=HEAD_FIELDS, init=0.05)
        self.places = schema.history_length + 1
        width = embed_dim * (self.places if read == "flatten" else 1)
        self.head = MLP(
            width + PROFILE_DIM * len(HEAD_FIELDS),
            hidden,
            activation=lambda _: nn.LeakyReLU(),
            dropout=dropout,
        )
        self.film_bias = film_biases(schema)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        history, query = self._sequence(batch)
        if self.read == "target":
            with folded("read"):
                attended, _ = self.encoder.attention.beside(query, history, batch.history_mask)
            read = self.encoder.feed_forward(query + self.encoder.dropout(attended))  # [U, C, k]
            note("read", read, "feed_forward_post", query, attended, by=self.encoder)
        else:
            read = self._read_all(history, query, batch)
        profile = beside_candidates(self.profile, batch)
        x = note("head_input", torch.cat([read, profile], dim=-1), "concat", read, profile)
        return with_film_bias(opened("head", self.head, x).flatten(), self.film_bias, batch)

    def history_weights(self, batch: Batch) -> Tensor:
        """How much the candidate looks at each film watched, the mean over heads: [U, C, L].

        What is missing to one is how much it looks at itself.
        """
        return self.head_weights(batch)[..., :-1].mean(1)

    def head_weights(self, batch: Batch) -> Tensor:
        """Where the candidate looks, head by head, itself last: [U, H, C, L + 1]."""
        history, query = self._sequence(batch)
        return self.encoder.attention.beside(query, history, batch.history_mask)[1]

    def _sequence(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Films watched [U, L, k] and candidates [U, C, k], with their positions."""
        films = self.films.catalogue(batch)
        places = self.positions(batch.distance)
        first = self.positions.table[0] * self.positions.size
        watched = self.films.watched(films, batch)
        history = note("sequence", watched + places, "sum", watched, places)
        query = gather(films, batch)
        return history, note("candidate", query + first, "sum", query, position=first)

    def _read_all(self, history: Tensor, query: Tensor, batch: Batch) -> Tensor:
        """The whole sequence through the encoder, once per candidate: [U, C, width]."""
        count = batch.candidates
        before = history.repeat_interleave(count, dim=0)  # [B, L, k]
        sequence = torch.cat([before, query.flatten(0, 1).unsqueeze(1)], dim=1)
        own = torch.ones(len(before), 1, dtype=torch.bool)
        mask = torch.cat([batch.history_mask.repeat_interleave(count, dim=0), own], dim=1)
        with unrecorded():
            encoded, _ = self.encoder(sequence, mask.unsqueeze(1))  # [B, L + 1, k]
        if self.read == "mean":
            read = pooled(encoded, mask, "mean")
        else:  # as many places as the head has, whatever the length of this batch's histories
            seen, own_place = (encoded * mask.unsqueeze(-1)).split([history.shape[1], 1], dim=1)
            empty = self.places - encoded.shape[1]
            read = torch.cat([nn.functional.pad(seen, (0, 0, 0, empty)), own_place], dim=1).flatten(
                1
            )
        note("encoded", read, "network", history, query)
        return read.unflatten(0, (batch.users, count))
