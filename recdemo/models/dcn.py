"""Deep & Cross: layers that multiply the input with itself again and again, beside a plain network.

Wang et al., "Deep & Cross Network for Ad Click Predictions", ADKDD 2017; document 002.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn

from recdemo.blocks.cross_layers import CrossNetwork
from recdemo.blocks.embedding import FieldEmbedding, checked_recency, history_shares, rows_for
from recdemo.blocks.mlp import TwoSidedMLP
from recdemo.blocks.text import LearnedText
from recdemo.core.batch import Batch, TitleText
from recdemo.core.recording import note
from recdemo.encoding.schema import Schema


class DeepAndCross(nn.Module):
    """The two branches over [user, film], concatenated into one linear layer: cross + deep.

    A linear layer over [x_L, h] is one over x_L plus one over h.

    Args:
        user_dim: width of the user's part of x_0.
        film_dim: width of the film's part.
        layers: number of cross layers.
        hidden: widths of the deep branch's hidden layers.
        dropout: share of its hidden units dropped in training.
    """

    def __init__(
        self, user_dim: int, film_dim: int, *, layers: int, hidden: Sequence[int], dropout: float
    ) -> None:
        super().__init__()
        self.cross = CrossNetwork(user_dim + film_dim, layers)
        self.deep = TwoSidedMLP(user_dim, film_dim, hidden, dropout=dropout)

    def forward(self, user: Tensor, films: Tensor, batch: Batch) -> Tensor:
        """Logits [U, C] from [U, user_dim] and, of the films of `films_of`, [N, film_dim]."""
        cross, deep = self.cross(user, films, batch), self.deep(user, films, batch)
        return note("logit", cross + deep, "sum", cross, deep)


class DCN(nn.Module):
    """Linear([x_L, MLP(x_0)]), x_{l+1} = x_0 (x_lᵀ w_l) + b_l + x_l, x_0 = all fields side by side.

    Args:
        schema: vocabularies.
        embed_dim: k.
        layers: number of cross layers.
        hidden: widths of the deep branch's hidden layers.
        dropout: share of its hidden units dropped in training.
        recency: of the history's fields, see `FieldEmbedding`.
        prior: how many films that say nothing stand beside those watched, see `history_shares`.
        content: a film watched stands there with its genres and year too.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 16,
        layers: int = 3,
        hidden: Sequence[int] = (128, 64),
        dropout: float = 0.2,
        recency: float | None = None,
        prior: float = 0.0,
        content: bool = False,
    ) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(
            schema, embed_dim=embed_dim, init=0.05, recency=recency, prior=prior, content=content
        )
        self.network = DeepAndCross(
            len(self.embedding.user_fields) * embed_dim,
            len(self.embedding.item_fields) * embed_dim,
            layers=layers,
            hidden=hidden,
            dropout=dropout,
        )

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        user, films = self.embedding.user(batch), self.embedding.films(batch)
        return self.network(user.flatten(1), films.flatten(1), batch).flatten()


class DCNText(nn.Module):
    """Deep & Cross over sentence vectors alone: the visitor is the mean of the films they liked.

    With `recency` it is a weighted mean, in which the latest count for more.

    Document 002, with a small sentence model in place of its BERT. No id of any film: a film nobody has
    seen is scored as well as any other. In a catalogue with titles that no sentence model has read, the vectors, or what is
    added to them, are learned from pieces of words.

    Args:
        schema: vocabularies.
        text_dim: width d of a film's sentence vector.
        layers: number of cross layers.
        hidden: widths of the deep branch's hidden layers.
        dropout: share of its hidden units dropped in training.
        recency: τ in films, see `history_shares`; None for a plain mean.
    """

    film_meaning = "the sentence vector of the film's title and genres; learned only where no such vector was at hand"
    user_meaning = "the mean of the films liked"
    sentences: Tensor

    def __init__(
        self,
        schema: Schema,
        *,
        text_dim: int = 128,
        layers: int = 3,
        hidden: Sequence[int] = (256, 64),
        dropout: float = 0.2,
        recency: float | None = None,
    ) -> None:
        super().__init__()
        self.recency = checked_recency(recency)
        self.register_buffer("sentences", torch.zeros(schema.size + 1, text_dim))
        self.learned: LearnedText | None = None  # while it trains on titles without vectors
        self.network = DeepAndCross(
            text_dim, text_dim, layers=layers, hidden=hidden, dropout=dropout
        )

    def start_from(self, text: TitleText) -> None:
        """Take over the sentence vectors, their first `text_dim` dimensions; learn those of other titles."""
        self.sentences.copy_(text.sentences[:, : self.sentences.shape[1]])
        if text.film_pieces:
            self.learned = LearnedText(self.sentences.clone(), text.film_pieces, size=2.0)

    def finish_text(self) -> None:
        """Keep the vectors as they are now."""
        self.eval()
        self.learned = None

    def train(self, mode: bool = True) -> Self:
        """See `torch.nn.Module.train`; whoever answers reads the vectors learned so far."""
        if self.learned and not mode:
            with torch.no_grad():
                self.sentences.copy_(self.learned())
        return super().train(mode)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        films = self.film_vectors()
        user = self._users(batch, films)
        return self.network(user, rows_for(batch, films), batch).flatten()

    def film_vectors(self) -> Tensor:
        """s of every film, [M + 1, d]."""
        films = self.learned() if self.learned and self.training else self.sentences
        return note("film", films, "lookup")

    def user_vectors(self, batch: Batch) -> Tensor:
        """Mean over the films liked, [U, d]."""
        return self._users(batch, self.film_vectors())

    def _users(self, batch: Batch, films: Tensor) -> Tensor:
        shares = history_shares(batch, self.recency) * batch.liked  # [U, L]
        shares = shares / shares.sum(1, keepdim=True).clamp(min=torch.finfo(shares.dtype).tiny)
        watched = nn.functional.embedding(batch.history, films)  # [U, L, d]
        note("watched_films", watched, "lookup")
        note("shares", shares, "input")
        return note(
            "visitor", (shares.unsqueeze(1) @ watched).squeeze(1), "weighted_sum", shares, watched
        )
