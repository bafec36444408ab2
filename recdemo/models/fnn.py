"""FNN: a factorisation machine is trained first, then a network reads what it learned of each field.

Zhang, Du and Wang, "Deep Learning over Multi-field Categorical Data", ECIR 2016; document fig. 3-12. What the
listings call FNN is the improved one, see `recdemo.models.fnn_plus`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from recdemo.blocks.mlp import TwoSidedMLP
from recdemo.core.batch import Batch
from recdemo.core.recording import note
from recdemo.encoding.schema import Schema
from recdemo.models.fm import FM


class FNN(nn.Module):
    """MLP([w_1, v_1, …, w_F, v_F]) over the frozen weights and vectors of an FM.

    Args:
        schema: vocabularies.
        embed_dim: k of the FM.
        hidden: widths of the MLP's hidden layers.
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
        self.fm = FM(schema, embed_dim=embed_dim, recency=recency, prior=prior, content=content)
        embedding = self.fm.machine.embedding
        self.deep = TwoSidedMLP(
            len(embedding.user_fields) * (embed_dim + 1),
            len(embedding.item_fields) * (embed_dim + 1),
            hidden,
            dropout=dropout,
        )

    def first_stage(self) -> nn.Module:
        """The FM, to be trained before this model."""
        return self.fm

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        with torch.no_grad():
            fields = self.fm.machine.fields(batch)
            user = _beside("visitor_rows", fields.user_weights, fields.user)
            films = _beside("film_rows", fields.film_weights, fields.films)
        return self.deep(user, films, batch).flatten()


def _beside(id: str, weights: Tensor, vectors: Tensor) -> Tensor:
    """[N, F] and [N, F, k] → [N, F * (1 + k)]."""
    both = torch.cat([weights.unsqueeze(2), vectors], dim=2)
    return note(id, both, "concat", weights, vectors).flatten(1)
