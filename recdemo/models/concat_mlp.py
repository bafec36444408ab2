"""A user's vector and a film's vector side by side, and a network that reads both.

Document fig. 3-3 (ALS-CONCAT); the MLP branch of He et al., "Neural Collaborative Filtering", 2017.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from recdemo.blocks.fold_in import UserTable, rows_of
from recdemo.blocks.mlp import TwoSidedMLP
from recdemo.core.batch import Batch
from recdemo.core.vocabulary import Objective
from recdemo.encoding.schema import Schema


class ConcatMLP(nn.Module):
    """[u, q] → k → k/2 → 1.

    Args:
        schema: vocabularies.
        users: number of training users.
        objective: what it is trained for; somebody new is folded in by the same loss.
        embed_dim: k.
        dropout: share of hidden units dropped in training.
        strength: of the pull of a new visitor towards the mean of their group, see `UserTable`.
        recency: for ``next``, how soon films watched count less; None for the documents' form, see `UserTable`.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        users: int = 0,
        objective: Objective = "next",
        embed_dim: int = 32,
        dropout: float = 0.2,
        strength: float = 1.0,
        recency: float | None = None,
    ) -> None:
        super().__init__()
        self.users = UserTable(
            schema,
            users=users,
            dim=embed_dim,
            objective=objective,
            strength=strength,
            recency=recency,
            init=0.1,
        )
        self.films = nn.Embedding(schema.size + 1, embed_dim)
        self.head = TwoSidedMLP(embed_dim, embed_dim, [embed_dim, embed_dim // 2], dropout=dropout)
        nn.init.normal_(self.films.weight, std=0.1)

    @property
    def needs_histories(self) -> bool:
        """Of users it knows."""
        return self.users.folds_everybody

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        films = batch.target_movie.view(batch.users, -1)
        return self._scorer(films)(self.users(batch, self._scorer)).flatten()

    def _scorer(self, films: Tensor) -> Callable[[Tensor], Tensor]:
        """Of films [U, C] or [C], how they score user vectors: [U, k] → [U, C]."""
        film = rows_of(self.films.weight, self.head.of_film, films)
        return lambda user: self.head.join(self.head.of_user(user), film)
