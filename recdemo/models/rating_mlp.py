"""The first recommender of many a tutorial: a user's and a film's vector, one wide layer, and the stars.

Document 001. The recommendation is the unseen film with the most stars predicted.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from recdemo.blocks.fold_in import UserTable, rows_of
from recdemo.blocks.mlp import TwoSidedMLP
from recdemo.core.batch import Batch
from recdemo.core.vocabulary import Objective
from recdemo.encoding.schema import Schema


class RatingMLP(nn.Module):
    """[u, q] → 1024 ReLU → 1, in stars.

    Args:
        schema: vocabularies.
        users: number of training users.
        objective: always ``rating``.
        embed_dim: k.
        hidden: units of the one hidden layer.
        dropout: share of hidden units dropped in training.
        strength: of the pull of a new visitor towards the mean of their group, see `UserTable`.
        mean: stars that a fresh model gives to everything.
    """

    needs_histories = False  # of users it knows

    def __init__(
        self,
        schema: Schema,
        *,
        users: int = 0,
        objective: Objective = "rating",
        embed_dim: int = 50,
        hidden: int = 1024,
        dropout: float = 0.0,
        strength: float = 1.0,
        mean: float = 3.58,
    ) -> None:
        super().__init__()
        self.users = UserTable(
            schema, users=users, dim=embed_dim, objective=objective, strength=strength, init=0.01
        )
        self.films = nn.Embedding(schema.size + 1, embed_dim)
        self.head = TwoSidedMLP(embed_dim, embed_dim, [hidden], dropout=dropout)
        nn.init.normal_(self.films.weight, std=0.01)
        with torch.no_grad():
            self.head.last.bias.fill_(mean)

    def forward(self, batch: Batch) -> Tensor:
        """Stars [B]."""
        films = batch.target_movie.view(batch.users, -1)
        return self._scorer(films)(self.users(batch, self._scorer)).flatten()

    def _scorer(self, films: Tensor) -> Callable[[Tensor], Tensor]:
        """Of films [U, C] or [C], how they score user vectors: [U, k] → [U, C]."""
        film = rows_of(self.films.weight, self.head.of_film, films)
        return lambda user: self.head.join(self.head.of_user(user), film)
