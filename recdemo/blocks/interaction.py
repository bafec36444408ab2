"""Second-order interactions of fields, as in factorisation machines."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recdemo.blocks.embedding import FieldEmbedding, WeighedFields, spread
from recdemo.contracts import Batch
from recdemo.features import Schema


def bi_interaction(fields: Tensor) -> Tensor:
    """½[(Σ_i v_i)² − Σ_i v_i²]: the sum of v_i ⊙ v_j over all pairs i < j, in linear time.

    Rendle, "Factorization Machines", ICDM 2010, lemma 3.1; document eq. 3-7.

    Args:
        fields: [..., F, k].

    Returns:
        [..., k]
    """
    return 0.5 * (fields.sum(-2).square() - fields.square().sum(-2))


def pair_indices(size: int) -> tuple[Tensor, Tensor]:
    """First and second member of every pair i < j of `size` fields, row by row."""
    left, right = torch.triu_indices(size, size, offset=1).unbind()
    return left, right


def pair_products(fields: Tensor) -> Tensor:
    """v_i ⊙ v_j for every pair i < j, in the order of `pair_indices`: [..., F, k] → [..., P, k]."""
    left, right = pair_indices(fields.shape[-2])
    return fields.index_select(-2, left) * fields.index_select(-2, right)


class FactorizationMachine(nn.Module):
    """w0 + Σ_i w_i + Σ_{i<j} ⟨v_i, v_j⟩ over the fields of a batch.

    The sum over pairs falls into pairs within the user, pairs within the film, and pairs across, which
    are ⟨Σ_i v_i, Σ_j v_j⟩: one dot product per candidate.

    Args:
        schema: vocabularies.
        embed_dim: k.
        weighted: the dot products have a learned weight per dimension, and the linear part one of its own.
        recency: of the history's fields, see `FieldEmbedding`.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int,
        weighted: bool = False,
        recency: float | None = None,
    ) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(()))
        self.linear = FieldEmbedding(schema, embed_dim=1, recency=recency)
        self.embedding = FieldEmbedding(schema, embed_dim=embed_dim, recency=recency)
        self.scale = nn.Parameter(torch.ones(embed_dim)) if weighted else None
        self.linear_scale = nn.Parameter(torch.ones(())) if weighted else None

    def fields(self, batch: Batch, *, every_film: bool = False) -> WeighedFields:
        """What `forward` reads of a batch, or with all films what `sides` reads."""
        return WeighedFields.of(self.linear, self.embedding, batch, every_film=every_film)

    def forward(self, fields: WeighedFields, batch: Batch) -> Tensor:
        """Logits [U, C].

        Args:
            fields: of the batch; given, because DeepFM's MLP reads them too.
            batch: says which films are candidates of whom.
        """
        visitors, films = self.sides(fields)
        return (spread(films, batch) @ visitors.unsqueeze(-1)).squeeze(-1)

    def sides(self, fields: WeighedFields) -> tuple[Tensor, Tensor]:
        """[U, k + 2] and [N, k + 2], whose dot products are the logits.

        A visitor is [Σ_i v_i, what they add alone, 1], a film [Σ_j v_j, 1, what it adds alone].
        """
        per_user = self._linear(fields.user_weights).sum(1)  # [U]
        per_user = per_user + self._weighted(bi_interaction(fields.user)).sum(-1) + self.bias
        per_film = self._linear(fields.film_weights).sum(1)  # [N]
        per_film = per_film + self._weighted(bi_interaction(fields.films)).sum(-1)
        visitor, film = self._weighted(fields.user.sum(1)), fields.films.sum(1)
        return (
            torch.cat([visitor, torch.stack([per_user, torch.ones_like(per_user)], 1)], 1),
            torch.cat([film, torch.stack([torch.ones_like(per_film), per_film], 1)], 1),
        )

    def terms(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Linear terms [B, F] and pair terms [B, P] that, with `bias`, add up to the logit."""
        linear = self._linear(self.linear(batch)).squeeze(-1)
        return linear, self._weighted(pair_products(self.embedding(batch))).sum(-1)

    def _weighted(self, products: Tensor) -> Tensor:
        return products if self.scale is None else products * self.scale

    def _linear(self, weights: Tensor) -> Tensor:
        return weights if self.linear_scale is None else weights * self.linear_scale


class CrossNetwork(nn.Module):
    """wᵀ x_L + w_0 of x_{l+1} = x_0 (x_lᵀ w_l) + b_l + x_l, with x_0 = [user, film].

    Every x_l is α_l x_0 + β_l, where α_l is a number per row and β_l = b_0 + … + b_{l−1} the same for all rows:
    x_0 enters only through its dot products with each w_l. Those are sums over the user's and the film's
    parts, made once per user and once per film.

    Wang et al., "Deep & Cross Network for Ad Click Predictions", ADKDD 2017; document 002.

    Args:
        dim: width of x_0.
        layers: L.
    """

    def __init__(self, dim: int, layers: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.empty(layers, dim))
        self.biases = nn.Parameter(torch.zeros(layers, dim))
        self.head = nn.Linear(dim, 1)
        nn.init.xavier_normal_(self.weights)

    def forward(self, user: Tensor, films: Tensor, batch: Batch) -> Tensor:
        """Logits [U, C].

        Args:
            user: [U, dim of the user's part].
            films: [N, dim of the film's part], of the films of `films_of`.
            batch: says which films are candidates of whom.
        """
        all_weights = torch.cat([self.weights, self.head.weight])  # [L + 1, dim]
        for_user, for_film = all_weights.split([user.shape[1], films.shape[1]], dim=1)
        film = spread(films @ for_film.T, batch)  # [U, C, L + 1]
        dots = ((user @ for_user.T).unsqueeze(1) + film).unbind(-1)
        alpha, beta = torch.ones_like(dots[0]), torch.zeros_like(self.biases[0])
        for dot, weight, bias in zip(dots[:-1], self.weights, self.biases, strict=True):
            alpha = alpha + alpha * dot + beta @ weight
            beta = beta + bias
        return alpha * dots[-1] + beta @ self.head.weight[0] + self.head.bias
