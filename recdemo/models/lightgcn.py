"""Film vectors smoothed over the graph of who liked what: a film is as those are that its viewers like, and so is a visitor.

He et al., "LightGCN", SIGIR 2020: propagation x ← D^−½ A D^−½ x without weights or activations between users and films, and the mean
over its steps. Where we differ: users have no vectors of their own, so that somebody new is answered as they are. What
passes between films then takes two steps of the paper, film → user → film, and a user's vector is a sum over their films, here weighed
by how long ago they watched each and what they thought of it; films have a bias; and the loss is the loop's softmax over the
catalogue, not BPR. Who liked what is needed in training only: what it left in the films' vectors is what a checkpoint holds.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

from recdemo.blocks.embedding import (
    checked_recency,
    dots,
    film_biases,
    gather,
    history_shares,
    with_bias,
)
from recdemo.blocks.lookup import rows
from recdemo.core.batch import Batch
from recdemo.core.recording import note
from recdemo.core.vocabulary import JUST_WATCHED, LIKED
from recdemo.encoding.schema import Schema


class LightGCN(nn.Module):
    """u · x_q + b_q, u = Σ_i w_i x_i, x = mean of e, S e, …, S^layers e; S passes from film to film by way of users.

    w_i is a watched film's share of the history (`history_shares`) times a learned weight of its feedback.

    Args:
        schema: vocabularies.
        embed_dim: k.
        layers: steps from film to film, each two of the paper's.
        recency: τ of the shares, in films; None weighs all films alike.

    Raises:
        ValueError: `recency` is not above 0.
    """

    film_meaning = (
        "the film's own vector and those of films liked by the same people, and by theirs"
    )
    user_meaning = (
        "the weighted sum of the vectors of the films watched; its dot product with a film's vector, biases "
        "aside, is the score"
    )
    smoothing: Tensor | None
    smoothed: Tensor | None

    def __init__(
        self, schema: Schema, *, embed_dim: int = 64, layers: int = 1, recency: float | None = 5.0
    ) -> None:
        super().__init__()
        self.layers = layers
        self.recency = checked_recency(recency)
        self.films = nn.Embedding(schema.size + 1, embed_dim)
        nn.init.normal_(self.films.weight, std=0.1)
        self.feedback = nn.Parameter(torch.ones(LIKED - JUST_WATCHED + 1))
        self.film_bias = film_biases(schema)
        # In training only: [M + 1, M + 1], and what it makes of the vectors while these rest.
        self.register_buffer("smoothing", None, persistent=False)
        self.register_buffer("smoothed", None, persistent=False)

    def connect(self, user: Tensor, movie: Tensor) -> None:
        """See `recdemo.core.protocols.ReadsInteractions`."""
        self.smoothing = film_smoothing(user, movie, len(self.films.weight), self.layers)

    def disconnect(self) -> None:
        """See `recdemo.core.protocols.ReadsInteractions`."""
        with torch.no_grad():
            self.films.weight.copy_(self._smooth())
        self.smoothing = None
        self.smoothed = None

    def train(self, mode: bool = True) -> Self:
        """As of any module; at rest, the films' vectors are smoothed once for all answers."""
        super().train(mode)
        with torch.no_grad():
            self.smoothed = None if mode or self.smoothing is None else self._smooth()
        return self

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        return dots(*self.sides(batch), batch)

    def sides(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """[u, 1] of each visitor, [U, k + 1], and [x_q, b_q] of each film, [M + 1, k + 1]."""
        films = self.film_vectors()
        weights = self._weights(batch)
        watched = note("watched_films", rows(films, batch.history), "lookup")
        visitors = (weights.unsqueeze(1) @ watched).squeeze(1)
        note("visitor", visitors, "weighted_sum", weights, watched)
        return with_bias(visitors, films, self.film_bias.weight)

    def film_terms(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """See `recdemo.core.protocols.ShowsFilmTerms`: b_q, and w_i x_i · x_q of each film watched."""
        films = self.film_vectors()
        watched = self._weights(batch).unsqueeze(-1) * rows(films, batch.history)  # [U, L, k]
        alone = self.film_bias(batch.target_movie).squeeze(-1)
        return alone, gather(films, batch) @ watched.transpose(1, 2)

    def film_vectors(self) -> Tensor:
        """x of every film, [M + 1, k]."""
        films = self._smooth() if self.smoothed is None else self.smoothed
        return note("film", films, "lookup")

    def user_vectors(self, batch: Batch) -> Tensor:
        """u of each visitor, [U, k]."""
        return self.sides(batch)[0][:, :-1]

    def _smooth(self) -> Tensor:
        """[M + 1, k]"""
        films = self.films.weight
        return films if self.smoothing is None else self.smoothing @ films

    def _weights(self, batch: Batch) -> Tensor:
        """w of each film watched, [U, L]; zero at padding."""
        kind = (batch.feedback - JUST_WATCHED).clamp(min=0)
        shares = note("shares", history_shares(batch, self.recency), "input")
        reactions = note("reactions", self.feedback[kind], "lookup")
        return note("weights", shares * reactions, "product", shares, reactions)


def film_smoothing(user: Tensor, movie: Tensor, size: int, layers: int) -> Tensor:
    """Mean of I, S, …, S^layers, with S = D_f^−½ Rᵀ D_u^−1 R D_f^−½ for R who liked what: two of LightGCN's steps each.

    Made once, it leaves a step of training one product with a dense matrix over films, where the paper goes along every
    edge, there and back, for each of its layers.

    Args:
        user: [N] of each like, from 0 or more.
        movie: [N] film indices; no pair twice.
        size: M + 1.
        layers: S's highest power.

    Returns:
        [size, size]; a film nobody liked keeps its own vector, over 1 + layers.
    """
    from scipy.sparse import csr_array  # a quarter of a second to import, which answers do without

    _, user = user.unique(return_inverse=True)
    likes, liked_by = torch.bincount(user), torch.bincount(movie, minlength=size)
    value = likes[user].rsqrt() * liked_by[movie].rsqrt()
    edges = csr_array((value, (user, movie)), shape=(len(likes), size))
    step = torch.from_numpy((edges.T @ edges).toarray())
    films = torch.eye(size)
    total, power = films.clone(), films
    for place in range(layers):
        power = power @ step if place else step
        total += power
    return total / (1 + layers)
