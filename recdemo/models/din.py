"""DIN: the history is read anew for every candidate film; watched films like it weigh more.

Zhou et al., "Deep Interest Network for Click-Through Rate Prediction", KDD 2018; document fig. 3-19 to
3-21. As in the authors' own code, the head also reads interest ⊙ target and adds a bias per film. The
printed listing attends without looking at the target, so that its weights are the same for every film.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from recdemo.blocks.attention import ActivationUnit
from recdemo.blocks.embedding import ITEM_FIELDS, PROFILE_FIELDS, FieldEmbedding, gather
from recdemo.blocks.mlp import MLP, Dice
from recdemo.contracts import Batch
from recdemo.features import Schema


class DIN(nn.Module):
    """MLP([Σ_i a(x_i, q) x_i, q, Σ a x ⊙ q, profile, taste]) + b_q.

    A film's vector is the sum of its movie, genre and year embeddings; a watched film's adds what the
    visitor thought of it.

    Args:
        schema: vocabularies.
        embed_dim: k.
        attention_hidden: units of the activation unit.
        softmax: normalise the weights over the history (the paper does not).
        hidden: widths of the head's layers.
        dropout: share of hidden units dropped in training.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 32,
        attention_hidden: int = 16,
        softmax: bool = False,
        hidden: Sequence[int] = (128, 64),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        profile = (*PROFILE_FIELDS, "favourite_genre")
        self.films = FieldEmbedding(schema, embed_dim=embed_dim, fields=ITEM_FIELDS, init=0.05)
        self.profile = FieldEmbedding(schema, embed_dim=8, fields=profile, init=0.05)
        self.feedback = nn.Embedding(4, embed_dim, padding_idx=0)
        self.film_bias = nn.Embedding(schema.size + 1, 1)
        self.attention = ActivationUnit(embed_dim, hidden=attention_hidden, softmax=softmax)
        self.head = MLP(3 * embed_dim + 8 * len(profile), hidden, activation=Dice, dropout=dropout)
        nn.init.normal_(self.feedback.weight[1:], std=0.05)
        nn.init.zeros_(self.film_bias.weight)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        history, query, weights = self._attend(batch)
        interest = weights @ history  # [U, C, k]
        profile = self.profile.user(batch).flatten(1)  # [U, 8 * fields]
        profile = profile.unsqueeze(1).expand(-1, batch.candidates, -1)
        head = self.head(torch.cat([interest, query, interest * query, profile], dim=-1))
        return head.flatten() + self.film_bias(batch.target_movie).squeeze(-1)

    def history_weights(self, batch: Batch) -> Tensor:
        """a(x_i, q) of every watched film for every candidate, [U, C, L]; zero at padding."""
        return self._attend(batch)[2]

    def _attend(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Watched films [U, L, k], candidates [U, C, k] and weights [U, C, L]."""
        films = self.films.catalogue().sum(1)  # [M + 1, k]
        history = embedding(batch.history, films) + self.feedback(batch.feedback)
        query = gather(films, batch)
        return history, query, self.attention(history, batch.history_mask, query)
