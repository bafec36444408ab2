"""The improved FNN: the pairs of an FM summed into one vector, and a network over it, trained end to end.

Document fig. 3-13 and eq. 3-8. With half the sum it is the bi-interaction layer of He and Chua, "Neural
Factorization Machines", SIGIR 2017; the document leaves the half out, and so do we.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recdemo.blocks.embedding import FieldEmbedding, spread
from recdemo.blocks.mlp import MLP
from recdemo.core.batch import Batch
from recdemo.core.recording import note, opened
from recdemo.encoding.schema import Schema


class FNNPlus(nn.Module):
    """MLP((Σ v)² − Σ v²), with k → k/2 → k/4 → 1.

    Args:
        schema: vocabularies.
        embed_dim: k, a multiple of 4.
        dropout: share of hidden units dropped in training.
        recency: of the history's fields, see `FieldEmbedding`.
        prior: how many films that say nothing stand beside those watched, see `history_shares`.
        content: a film watched stands there with its genres and year too.

    Raises:
        ValueError: `embed_dim` is not a multiple of 4.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 32,
        dropout: float = 0.0,
        recency: float | None = None,
        prior: float = 0.0,
        content: bool = False,
    ) -> None:
        super().__init__()
        if embed_dim % 4:
            raise ValueError(f"embed_dim {embed_dim} is not a multiple of 4")
        self.embedding = FieldEmbedding(
            schema, embed_dim=embed_dim, init=0.1, recency=recency, prior=prior, content=content
        )
        self.deep = MLP(embed_dim, [embed_dim // 2, embed_dim // 4], dropout=dropout)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        user, films = self.embedding.user(batch), self.embedding.films(batch)
        per_film = torch.stack([films.sum(1), films.square().sum(1)], dim=1)
        film = spread(per_film, batch)  # [U, C, 2, k]
        total = user.sum(1).unsqueeze(1) + film[:, :, 0]
        squares = user.square().sum(1).unsqueeze(1) + film[:, :, 1]
        pairs = note("pairs", total.square() - squares, "pairs", user, films, factor=2)
        return opened("deep", self.deep, pairs).flatten()
