"""DIN: the history is read again for every candidate film; watched films like it weigh more.

Zhou et al., "Deep Interest Network for Click-Through Rate Prediction", KDD 2018; document fig. 3-19 to
3-21. The head is that of the authors' code, see `InterestHead`. The printed listing attends without looking at the
target, so that its weights are the same for every film.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from recdemo.blocks.attention import ActivationUnit, Basic, BasicAttention
from recdemo.blocks.embedding import ITEM_FIELDS, FieldEmbedding, gather
from recdemo.blocks.head import PROFILE_DIM, InterestHead
from recdemo.blocks.history import FilmEmbedding
from recdemo.core.batch import Batch
from recdemo.core.recording import note
from recdemo.core.vocabulary import PROFILE
from recdemo.encoding.schema import Schema


class DIN(nn.Module):
    """MLP([Σ_i a(x_i, q) x_i, q, Σ a x ⊙ q, profile]) + b_q.

    Args:
        schema: vocabularies.
        embed_dim: k.
        attention: ``unit`` is the paper's activation unit; the others are the document's basic ways
            (`BasicAttention`), of which ``item`` and ``user`` do not look at the candidate.
        attention_hidden: units of the attention's hidden layer.
        softmax: normalise the weights over the history. The paper does not; the document's ways do.
        user_fields: the head reads the profile too.
        item_fields: a film's vector holds genres and year besides the film's own.
        hidden: widths of the head's layers.
        dropout: share of hidden units dropped in training.
        recency: a watched film's vector also says how long ago it was watched, see `FilmEmbedding`.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 32,
        attention: Literal["unit"] | Basic = "unit",
        attention_hidden: int = 16,
        softmax: bool = False,
        user_fields: bool = True,
        item_fields: bool = True,
        hidden: Sequence[int] = (128, 64),
        dropout: float = 0.2,
        recency: bool = False,
    ) -> None:
        super().__init__()
        self.films = FilmEmbedding(
            schema,
            embed_dim=embed_dim,
            fields=ITEM_FIELDS if item_fields else ITEM_FIELDS[:1],
            recency=recency,
        )
        if attention == "unit":
            self.attention: nn.Module = ActivationUnit(
                embed_dim, hidden=attention_hidden, softmax=softmax
            )
        else:
            self.attention = BasicAttention(
                attention, embed_dim, hidden=attention_hidden, softmax=softmax
            )
        self.looks_at = attention
        if attention == "user":
            self.user_fields = FieldEmbedding(
                schema, embed_dim=PROFILE_DIM, fields=PROFILE, init=0.05
            )
            self.user = nn.Linear(PROFILE_DIM * len(PROFILE), embed_dim)
        self.head = InterestHead(
            schema, embed_dim=embed_dim, profile=user_fields, hidden=hidden, dropout=dropout
        )

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        history, query, weights = self._attend(batch)
        interest = note("interest", weights @ history, "weighted_sum", weights, history)
        return self.head(interest, query, batch)

    def history_weights(self, batch: Batch) -> Tensor:
        """a(x_i, q) of every watched film for every candidate, [U, C, L]; zero at padding."""
        return self._attend(batch)[2]

    def _attend(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Watched films [U, L, k], candidates [U, C, k] and weights [U, C, L]."""
        films = self.films.catalogue(batch)
        history, query = self.films.watched(films, batch), gather(films, batch)
        against: Tensor | None = query
        if self.looks_at == "item":
            against = None
        elif self.looks_at == "user":
            fields = self.user_fields.user(batch).flatten(1)
            against = self.user(fields).unsqueeze(1)  # [U, 1, k]
            note("asker", against, "layer", fields, by=self.user)
        weights = self.attention(history, batch.history_mask, against)
        return history, query, weights.expand(-1, batch.candidates, -1)
