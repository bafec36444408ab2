"""The history as a sequence, read in order by a recurrent network.

Document fig. 3-8 (`RNNModel`: the candidate is read last), fig. 3-9 (`RNNMF`, there RNN-ALS: the state takes the
place of the user's vector) and fig. 3-11 with eq. 3-5 (`RNNJoint`: the same, trained to name the next film at every
step as well). The dot product of a recurrent state with film vectors is Hidasi et al., "Session-based
Recommendations with Recurrent Neural Networks", ICLR 2016.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from recdemo.blocks.embedding import dots, film_biases, gather, with_bias
from recdemo.blocks.history import FILM_MEANING, FilmEmbedding, next_film_loss
from recdemo.blocks.mlp import MLP
from recdemo.blocks.recurrent import Cell, Recurrence, last_of
from recdemo.core.batch import Batch
from recdemo.core.recording import opened, same
from recdemo.encoding.schema import Schema


class RNN(nn.Module):
    """MLP(last state of RNN(x_1, …, x_L, q)).

    The history is read once per visitor; each candidate is one more step from there.

    Args:
        schema: vocabularies.
        cell: ``rnn``, ``gru`` or ``lstm``.
        embed_dim: k.
        state: width of the state.
        hidden: widths of the MLP's hidden layers.
        dropout: share of hidden units dropped in training.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        cell: Cell = "gru",
        embed_dim: int = 32,
        state: int = 64,
        hidden: Sequence[int] = (64,),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.films = FilmEmbedding(schema, embed_dim=embed_dim)
        self.recurrence = Recurrence(cell, embed_dim, state)
        self.head = MLP(state, hidden, dropout=dropout)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        films = self.films.catalogue(batch)
        history = self.films.watched(films, batch)
        read = self.recurrence.final(history, batch.history_mask)
        before = tuple(
            same(part.repeat_interleave(batch.candidates, dim=0), part) for part in read
        )  # [B, h]
        after = self.recurrence.step(gather(films, batch).flatten(0, 1), before)  # [B, h]
        return opened("head", self.head, after.view(batch.users, batch.candidates, -1)).flatten()


class RNNMF(nn.Module):
    """h · q + b_q + b, h = last state of RNN(x_1, …, x_L).

    Args:
        schema: vocabularies.
        cell: ``rnn``, ``gru`` or ``lstm``.
        embed_dim: k, also the width of the state.
        dropout: share of the state's units dropped in training.
    """

    film_meaning = FILM_MEANING
    user_meaning = (
        "the state after the last film watched; its dot product with a film's vector, biases aside, is "
        "the score"
    )

    def __init__(
        self, schema: Schema, *, cell: Cell = "gru", embed_dim: int = 64, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.films = FilmEmbedding(schema, embed_dim=embed_dim)
        self.recurrence = Recurrence(cell, embed_dim, embed_dim)
        self.film_bias = film_biases(schema)
        self.bias = nn.Parameter(torch.zeros(()))
        self.dropout = nn.Dropout(dropout)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        films = self.films.catalogue()
        return self.score(self._state(films, batch), films, batch)

    def sides(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """[h, 1] of each visitor and [q, b_q + b] of all films, whose dot products are the logits."""
        films = self.films.catalogue()
        return self.sides_of(self._state(films, batch), films)

    def film_vectors(self) -> Tensor:
        """q of every film, [M + 1, k]."""
        return self.films.catalogue()

    def user_vectors(self, batch: Batch) -> Tensor:
        """h of each visitor, [U, k]."""
        return self._state(self.films.catalogue(batch), batch)

    def sides_of(self, state: Tensor, films: Tensor) -> tuple[Tensor, Tensor]:
        """States [..., k] and films [M + 1, k] as `sides`: [..., k + 1] and [M + 1, k + 1]."""
        return with_bias(self.dropout(state), films, self.film_bias.weight + self.bias)

    def score(self, state: Tensor, films: Tensor, batch: Batch) -> Tensor:
        """States [U, k] against the candidates: [B]."""
        return dots(*self.sides_of(state, films), batch)

    def _state(self, films: Tensor, batch: Batch) -> Tensor:
        """[U, k]"""
        history = self.films.watched(films, batch)
        return self.recurrence.final(history, batch.history_mask)[0]


class RNNJoint(nn.Module):
    """As `RNNMF`, and in training the next film at every step: cross-entropy of h_t · q over all films.

    Trained for ``next`` this is all of its loss; for ``like`` it is a second one beside the answer's.

    Args:
        schema: vocabularies.
        cell: ``rnn``, ``gru`` or ``lstm``.
        embed_dim: k, also the width of the state.
        alpha: weight of the second loss.
        steps: most steps per batch that the second loss is taken at, drawn at random; every step costs
            a softmax over the catalogue.
        dropout: share of the state's units dropped in training.
    """

    film_meaning = RNNMF.film_meaning
    user_meaning = RNNMF.user_meaning

    def __init__(
        self,
        schema: Schema,
        *,
        cell: Cell = "gru",
        embed_dim: int = 64,
        alpha: float = 1.0,
        steps: int = 2048,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.base = RNNMF(schema, cell=cell, embed_dim=embed_dim, dropout=dropout)
        self.alpha = alpha
        self.steps = steps

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        return self.base(batch)

    def film_vectors(self) -> Tensor:
        """q of every film, [M + 1, k]."""
        return self.base.film_vectors()

    def user_vectors(self, batch: Batch) -> Tensor:
        """h of each visitor, [U, k]."""
        return self.base.user_vectors(batch)

    def sides(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """As `RNNMF.sides`."""
        return self.base.sides(batch)

    def sides_by_step(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """[h_t, 1] after each film watched, [U, L, k + 1], and [q, b_q + b] of all films."""
        base, films = self.base, self.base.films.catalogue()
        watched = base.films.watched(films, batch)
        return base.sides_of(base.recurrence.states(watched, batch.history_mask), films)

    def joint(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits [B], and α times the mean cross-entropy of the film that follows each step."""
        base, mask = self.base, batch.history_mask
        films = base.films.catalogue()
        states = base.recurrence.states(base.films.watched(films, batch), mask)  # [U, L, k]
        logits = base.score(last_of(states, mask), films, batch)
        return logits, self.alpha * next_film_loss(
            base.dropout(states[:, :-1]),
            batch.history[:, 1:],
            mask[:, 1:],
            films,
            base.film_bias.weight,
            self.steps,
        )
