"""Two towers: user and film each pass a network of their own; the logit is the dot product of what comes out.

Document fig. 3-2 (ALS-MLP); the retrieval form of Covington et al., "Deep Neural Networks for YouTube
Recommendations", 2016. The towers never meet, so the film vectors can be computed ahead and searched.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from recdemo.blocks.fold_in import UserTable, rows_of
from recdemo.blocks.mlp import MLP
from recdemo.core.batch import Batch
from recdemo.core.recording import note, opened
from recdemo.core.vocabulary import Objective
from recdemo.encoding.schema import Schema


class TwoTower(nn.Module):
    """MLP(u) · MLP(q), with k → k/2 → k/4 on each side.

    Args:
        schema: vocabularies.
        users: number of training users.
        objective: what it is trained for; somebody new is folded in by the same loss.
        embed_dim: k, a multiple of 4.
        strength: of the pull of a new visitor towards the mean of their group, see `UserTable`.
        recency: for ``next``, how soon films watched count less; None for the documents' form, see `UserTable`.

    Raises:
        ValueError: `embed_dim` is not a multiple of 4.
    """

    film_meaning = "what the film's tower makes of the film's own vector"
    user_meaning = (
        "what the user's tower makes of the vector that explains the films watched best; its dot product "
        "with a film's vector is the score"
    )

    def __init__(
        self,
        schema: Schema,
        *,
        users: int = 0,
        objective: Objective = "next",
        embed_dim: int = 64,
        strength: float = 1.0,
        recency: float | None = 2.0,
    ) -> None:
        super().__init__()
        if embed_dim % 4:
            raise ValueError(f"embed_dim {embed_dim} is not a multiple of 4")
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
        self.user_tower = MLP(embed_dim, [embed_dim // 2], embed_dim // 4)
        self.film_tower = MLP(embed_dim, [embed_dim // 2], embed_dim // 4)
        nn.init.normal_(self.films.weight, std=0.1)

    @property
    def needs_histories(self) -> bool:
        """Of users it knows."""
        return self.users.folds_everybody

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        films = batch.target_movie.view(batch.users, -1)
        return self._scorer(films)(self.users(batch, self._scorer)).flatten()

    def sides(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """What the two towers give."""
        return self.user_vectors(batch), self.film_vectors()

    def user_vectors(self, batch: Batch) -> Tensor:
        """What the user tower gives, [U, k/4]: search `film_vectors` with it."""
        return self.user_tower(self.users(batch, self._scorer))

    def film_vectors(self) -> Tensor:
        """What the film tower gives for every film, [M + 1, k/4]."""
        return self.film_tower(self.films.weight)

    def _scorer(self, films: Tensor) -> Callable[[Tensor], Tensor]:
        """Of films [U, C] or [C], how they score user vectors: [U, k] → [U, C]."""
        film = rows_of(
            self.films.weight, lambda rows: opened("film_tower", self.film_tower, rows), films
        )  # [U, C, k/4]

        def score(user: Tensor) -> Tensor:
            visitor = opened("visitor_tower", self.user_tower, user)
            return note("logit", (film @ visitor.unsqueeze(-1)).squeeze(-1), "dot", visitor, film)

        return score
