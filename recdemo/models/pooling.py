"""The watched films as one vector, beside the candidate's, into a network; with or without attention.

Without: the base sequential model, document fig. 3-18. With: item-only attention, document fig. 3-19 and eq. 3-12
and 3-13, where a film's weight depends on that film alone and is the same for every candidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from recdemo.blocks.attention import BasicAttention
from recdemo.blocks.embedding import rows_for
from recdemo.blocks.history import FILM_MEANING, FilmEmbedding, LearnedRecency, pooled
from recdemo.blocks.mlp import TwoSidedMLP
from recdemo.core.batch import Batch
from recdemo.core.recording import note
from recdemo.encoding.schema import Schema


class Pooling(nn.Module):
    """MLP([pool of x_i, q]).

    With `recency` the mean is a weighted one, with a learned weight per distance from the end of the history.

    Args:
        schema: vocabularies.
        embed_dim: k.
        pool: ``sum`` or ``mean``.
        hidden: widths of the MLP's hidden layers.
        dropout: share of hidden units dropped in training.
        recency: weigh the films by how long ago they were watched, see `LearnedRecency`.

    Raises:
        ValueError: `pool` is unknown, or the films of a sum are to be weighed.
    """

    film_meaning = FILM_MEANING
    user_meaning = "the films watched, each with what its reaction adds, pooled into one vector"

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 32,
        pool: Literal["sum", "mean"] = "mean",
        hidden: Sequence[int] = (128, 64),
        dropout: float = 0.2,
        recency: bool = False,
    ) -> None:
        super().__init__()
        if pool not in ("sum", "mean"):
            raise ValueError(f"pool {pool!r} is unknown; use sum or mean")
        if recency and pool == "sum":
            raise ValueError("recency weighs the films of a mean; leave pool=sum or recency out")
        self.pool = pool
        self.recency = LearnedRecency(schema.history_length) if recency else None
        self.films = FilmEmbedding(schema, embed_dim=embed_dim)
        self.head = TwoSidedMLP(embed_dim, embed_dim, hidden, dropout=dropout)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        films = self.films.catalogue(batch)
        return self.head(self._interest(films, batch), rows_for(batch, films), batch).flatten()

    def film_vectors(self) -> Tensor:
        """q of every film, [M + 1, k]."""
        return self.films.catalogue()

    def user_vectors(self, batch: Batch) -> Tensor:
        """The pooled history, [U, k]."""
        return self._interest(self.films.catalogue(batch), batch)

    def _interest(self, films: Tensor, batch: Batch) -> Tensor:
        """[U, k]"""
        watched = self.films.watched(films, batch)
        if self.recency is None:
            pool = pooled(watched, batch.history_mask, self.pool)
            return note("interest", pool, self.pool, watched)
        weights = self.recency(batch)
        pool = (weights.unsqueeze(1) @ watched).squeeze(1)
        return note("interest", pool, "weighted_sum", weights, watched)


class AttentionPooling(nn.Module):
    """MLP([Σ a_i x_i, q]), a = softmax_i hᵀσ(W x_i + b).

    Args:
        schema: vocabularies.
        embed_dim: k.
        attention_hidden: units t of the attention network.
        hidden: widths of the MLP's hidden layers.
        dropout: share of hidden units dropped in training.
        recency: a watched film's vector also says how long ago it was watched, see `FilmEmbedding`.
    """

    film_meaning = FILM_MEANING
    user_meaning = "the films watched, each with what its reaction adds, as one weighted mean"

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 32,
        attention_hidden: int = 16,
        hidden: Sequence[int] = (128, 64),
        dropout: float = 0.2,
        recency: bool = False,
    ) -> None:
        super().__init__()
        self.films = FilmEmbedding(schema, embed_dim=embed_dim, recency=recency)
        self.attention = BasicAttention("item", embed_dim, hidden=attention_hidden)
        self.head = TwoSidedMLP(embed_dim, embed_dim, hidden, dropout=dropout)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        films = self.films.catalogue(batch)
        return self.head(self._interest(films, batch), rows_for(batch, films), batch).flatten()

    def film_vectors(self) -> Tensor:
        """q of every film, [M + 1, k]."""
        return self.films.catalogue()

    def user_vectors(self, batch: Batch) -> Tensor:
        """Σ a_i x_i, [U, k]."""
        return self._interest(self.films.catalogue(batch), batch)

    def history_weights(self, batch: Batch) -> Tensor:
        """a_i of every watched film, the same for every candidate: [U, C, L]; zero at padding."""
        history = self.films.watched(self.films.catalogue(batch), batch)
        return self._weights(history, batch).unsqueeze(1).expand(-1, batch.candidates, -1)

    def _interest(self, films: Tensor, batch: Batch) -> Tensor:
        """[U, k]"""
        history = self.films.watched(films, batch)
        weights = self._weights(history, batch)
        interest = (weights.unsqueeze(-1) * history).sum(1)
        return note("interest", interest, "weighted_sum", weights, history)

    def _weights(self, history: Tensor, batch: Batch) -> Tensor:
        """[U, L]"""
        return self.attention(history, batch.history_mask).squeeze(1)
