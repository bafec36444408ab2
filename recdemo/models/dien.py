"""DIEN: the history as an interest that evolves, and evolves differently towards each candidate.

Zhou et al., "Deep Interest Evolution Network for Click-Through Rate Prediction", AAAI 2019; document eq. 3-26 to
3-29. A GRU reads the history; attention of each of its states to the candidate scales the update gate of a
second GRU. In training every state also has to tell the film that followed from one drawn at random. The head is
DIN's. The printed listing's softmax runs over one element and its first state is random; its second task asks for
the film just read instead of the next.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from recdemo.blocks.attention import BasicAttention
from recdemo.blocks.embedding import gather
from recdemo.blocks.head import InterestHead
from recdemo.blocks.history import FilmEmbedding
from recdemo.blocks.lookup import rows
from recdemo.blocks.recurrent import AUGRU, Recurrence
from recdemo.core.batch import Batch
from recdemo.encoding.schema import Schema


class DIEN(nn.Module):
    """MLP([h', q, h' ⊙ q, profile]) + b_q, h' = AUGRU(h_1, …, h_L; a), a_t = softmax_t(h_t W q), h = GRU(x).

    Args:
        schema: vocabularies.
        embed_dim: k, also the width of both states.
        alpha: weight of the second task (eq. 3-26).
        hidden: widths of the head's layers.
        dropout: share of hidden units dropped in training.
        recency: a watched film's vector also says how long ago it was watched, see `FilmEmbedding`.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 32,
        alpha: float = 0.5,
        hidden: Sequence[int] = (128, 64),
        dropout: float = 0.2,
        recency: bool = False,
    ) -> None:
        super().__init__()
        self.alpha = alpha
        self.films = FilmEmbedding(schema, embed_dim=embed_dim, recency=recency)
        self.extraction = Recurrence("gru", embed_dim, embed_dim)
        self.attention = BasicAttention("bilinear", embed_dim)
        self.evolution = AUGRU(embed_dim, embed_dim)
        self.head = InterestHead(schema, embed_dim=embed_dim, hidden=hidden, dropout=dropout)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        films, states = self._extract(batch)
        return self._answer(films, states, batch)

    def joint(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits [B], and α times the loss of telling the film that followed each step from a random one."""
        films, states = self._extract(batch)
        mask = batch.history_mask[:, 1:]
        # Films alone, on both sides: what the visitor thought of a film would give away that it is real.
        following = rows(films, batch.history[:, 1:])
        follows = (states[:, :-1] * following).sum(-1)  # [U, L - 1]
        random = torch.randint(1, len(films), mask.shape)
        instead = (states[:, :-1] * rows(films, random)).sum(-1)
        loss = nn.functional.softplus(-follows) + nn.functional.softplus(instead)
        mean = (loss * mask).sum() / mask.sum().clamp(min=1)
        return self._answer(films, states, batch), self.alpha * mean

    def history_weights(self, batch: Batch) -> Tensor:
        """a_t of every watched film for every candidate, [U, C, L]; sums to one, zero at padding."""
        films, states = self._extract(batch)
        return self._weights(films, states, batch)

    def update_gates(self, batch: Batch) -> Tensor:
        """How far each watched film moves the evolving interest, for every candidate: [U, C, L]."""
        films, states = self._extract(batch)
        return self.evolution.update_gates(states, self._weights(films, states, batch))

    def logits_over_time(self, batch: Batch) -> Tensor:
        """The logit if the interest had stopped evolving after each film: [U, C, L].

        The weights are those of the whole history. At padding the last logit stands again.
        """
        films, states = self._extract(batch)
        query = gather(films, batch)
        interests = self.evolution.states(states, self._weights(films, states, batch))
        logits = [self.head(interest, query, batch) for interest in interests.unbind(2)]
        return torch.stack(logits, dim=-1).unflatten(0, (batch.users, batch.candidates))

    def _extract(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Films [M + 1, k], see `FilmEmbedding.catalogue`, and the first GRU's states [U, L, k]."""
        films = self.films.catalogue(batch)
        watched = self.films.watched(films, batch)
        return films, self.extraction.states(watched, batch.history_mask)

    def _weights(self, films: Tensor, states: Tensor, batch: Batch) -> Tensor:
        """[U, C, L]"""
        return self.attention(states, batch.history_mask, gather(films, batch))

    def _answer(self, films: Tensor, states: Tensor, batch: Batch) -> Tensor:
        """Logits [B]."""
        interest = self.evolution(states, self._weights(films, states, batch))  # [U, C, k]
        return self.head(interest, gather(films, batch), batch)
