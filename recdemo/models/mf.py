"""Matrix factorisation: a vector per user, a vector per film, and their dot product.

Koren, Bell and Volinsky, "Matrix Factorization Techniques for Recommender Systems", 2009; document fig. 3-1
(ALS, LFM). Trained by gradient on the same losses as every other model. The user's bias is the last number of the user's
vector, so that a visitor who is folded in has one too.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from recdemo.blocks.embedding import film_biases
from recdemo.blocks.fold_in import UserTable
from recdemo.core.batch import Batch
from recdemo.core.recording import note
from recdemo.core.vocabulary import Objective
from recdemo.encoding.schema import Schema


class MF(nn.Module):
    """u · q + b_u + b_q + b.

    Args:
        schema: vocabularies.
        users: number of training users.
        objective: what it is trained for; somebody new is folded in by the same loss.
        embed_dim: k.
        strength: of the pull of a new visitor towards the mean of their group, see `UserTable`.
        recency: for ``next``, how soon films watched count less; None for the documents' form, see `UserTable`.
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
        strength: float = 0.3,
        recency: float | None = 2.0,
    ) -> None:
        super().__init__()
        self.users = UserTable(
            schema,
            users=users,
            dim=embed_dim + 1,
            objective=objective,
            strength=strength,
            recency=recency,
        )
        self.films = nn.Embedding(schema.size + 1, embed_dim)
        self.film_bias = film_biases(schema)
        self.bias = nn.Parameter(torch.zeros(()))
        nn.init.normal_(self.films.weight, std=0.05)

    @property
    def needs_histories(self) -> bool:
        """Of users it knows."""
        return self.users.folds_everybody

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        films = batch.target_movie.view(batch.users, -1)
        return self._scorer(films)(self.users(batch, self._scorer)).flatten()

    def sides(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """[u, 1, b_u] and [q, b_q + b, 1]."""
        user, bias = self.users(batch, self._scorer), self.film_bias.weight + self.bias
        visitors = torch.cat([user[:, :-1], torch.ones_like(user[:, :1]), user[:, -1:]], dim=1)
        return visitors, torch.cat([self.films.weight, bias, torch.ones_like(bias)], dim=1)

    def film_vectors(self) -> Tensor:
        """q of every film, [M + 1, k]."""
        return self.films.weight

    def user_vectors(self, batch: Batch) -> Tensor:
        """u of each visitor, [U, k], without the bias."""
        return self.users(batch, self._scorer)[:, :-1]

    def _scorer(self, films: Tensor) -> Callable[[Tensor], Tensor]:
        """Of films [U, C] or [C], how they score user vectors: [U, k + 1] → [U, C]."""
        film = note("film", self.films(films), "lookup")
        bias = note("film_bias", self.film_bias(films).squeeze(-1) + self.bias, "lookup")

        def score(user: Tensor) -> Tensor:
            width = film.shape[-1]
            vector = note("visitor", user[:, :-1], "part", user, start=0, stop=width)
            own = note("visitor_bias", user[:, -1:], "part", user, start=width, stop=width + 1)
            dot = (film @ vector.unsqueeze(-1)).squeeze(-1)
            return note("logit", dot + bias + own, "dot", vector, film, bias, own)

        return score
