"""All fields of visitor and film side by side, into a plain network: deep learning's first answer.

Document fig. 3-4.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from recdemo.blocks.embedding import FieldEmbedding
from recdemo.blocks.mlp import TwoSidedMLP
from recdemo.core.batch import Batch
from recdemo.encoding.schema import Schema


class EmbeddingMLP(nn.Module):
    """MLP([v_1, …, v_F]).

    Args:
        schema: vocabularies.
        embed_dim: k.
        hidden: widths of the hidden layers.
        dropout: share of hidden units dropped in training.
        recency: of the history's fields, see `FieldEmbedding`.
        prior: how many films that say nothing stand beside those watched, see `history_shares`.
        content: a film watched stands there with its genres and year too.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 16,
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
        self.deep = TwoSidedMLP(
            len(self.embedding.user_fields) * embed_dim,
            len(self.embedding.item_fields) * embed_dim,
            hidden,
            dropout=dropout,
        )

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        user, films = self.embedding.user(batch), self.embedding.films(batch)
        return self.deep(user.flatten(1), films.flatten(1), batch).flatten()
