"""Matrix factorisation: a vector per user, a vector per film, and their dot product.

Koren, Bell and Volinsky, "Matrix Factorization Techniques for Recommender Systems", 2009; document fig. 3-1
(ALS, LFM). Trained by gradient on the same losses as every other model. The user's bias is the last number of the user's
vector, so that a visitor who is folded in has one too.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from recdemo.blocks.users import UserTable
from recdemo.contracts import Batch, Objective
from recdemo.features import Schema


class MF(nn.Module):
    """u · q + b_u + b_q + b.

    Args:
        schema: vocabularies.
        users: number of training users.
        objective: what it is trained for; somebody new is folded in by the same loss.
        embed_dim: k.
        strength: of the pull of a new visitor towards the mean of their group, see `UserTable`.
    """

    film_meaning = "the film's own vector"
    user_meaning = (
        "the vector that explains the films watched best; its dot product with a film's vector, biases "
        "aside, is the score"
    )

    def __init__(
        self,
        schema: Schema,
        *,
        users: int = 0,
        objective: Objective = "next",
        embed_dim: int = 32,
        strength: float = 1.0,
    ) -> None:
        super().__init__()
        self.users = UserTable(
            schema, users=users, dim=embed_dim + 1, objective=objective, strength=strength
        )
        self.films = nn.Embedding(schema.size + 1, embed_dim)
        self.film_bias = nn.Embedding(schema.size + 1, 1)
        self.bias = nn.Parameter(torch.zeros(()))
        nn.init.normal_(self.films.weight, std=0.05)
        nn.init.zeros_(self.film_bias.weight)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        films = batch.target_movie.view(batch.users, -1)
        return self._score(self.users(batch, self._score), films).flatten()

    def film_vectors(self) -> Tensor:
        """q of every film, [M + 1, k]."""
        return self.films.weight

    def user_vectors(self, batch: Batch) -> Tensor:
        """u of each visitor, [U, k], without the bias."""
        return self.users(batch, self._score)[:, :-1]

    def _score(self, user: Tensor, films: Tensor) -> Tensor:
        """[U, k + 1], [U, C] → [U, C]."""
        table = torch.cat([self.films.weight, self.film_bias.weight], dim=1)  # [M + 1, k + 1]
        film = embedding(films, table)
        dot = (film[..., :-1] @ user[:, :-1].unsqueeze(-1)).squeeze(-1)
        return dot + film[..., -1] + user[:, -1:] + self.bias
