"""Second-order interactions of fields, as in factorisation machines."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from recdemo.blocks.embedding import FieldEmbedding, WeighedFields, spread
from recdemo.core.batch import Batch
from recdemo.core.recording import folded, note
from recdemo.encoding.schema import Schema


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
        prior: how many films that say nothing stand beside those watched, see `history_shares`.
        content: a film watched stands there with its genres and year too.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int,
        weighted: bool = False,
        recency: float | None = None,
        prior: float = 0.0,
        content: bool = False,
    ) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(()))
        self.linear = FieldEmbedding(
            schema, embed_dim=1, recency=recency, prior=prior, content=content
        )
        self.embedding = FieldEmbedding(
            schema, embed_dim=embed_dim, recency=recency, prior=prior, content=content
        )
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
        logits = (spread(films, batch) @ visitors.unsqueeze(-1)).squeeze(-1)
        with folded("machine"):
            weighted = self._weighted(fields.user)
            pairs = partial(torch.matmul, weighted, fields.films.transpose(1, 2))
            note("field_pairs", pairs, "dot", weighted, fields.films)
        visitor = "visitor" if self.scale is None else "weighted_visitor"
        return note("machine", logits, "dot", visitor, "film", "visitor_alone", "film_alone")

    def sides(self, fields: WeighedFields) -> tuple[Tensor, Tensor]:
        """[U, k + 2] and [N, k + 2], whose dot products are the logits.

        A visitor is [Σ_i v_i, what they add alone, 1], a film [Σ_j v_j, 1, what it adds alone].
        """
        of_user, of_film = self._linear(fields.user_weights), self._linear(fields.film_weights)
        in_user = note("visitor_pairs", bi_interaction(fields.user), "pairs", fields.user)
        in_film = note("film_pairs", bi_interaction(fields.films), "pairs", fields.films)
        in_user, in_film = self._weighted(in_user), self._weighted(in_film)
        per_user = of_user.sum(1) + in_user.sum(-1) + self.bias  # [U]
        per_film = of_film.sum(1) + in_film.sum(-1)  # [N]
        note("visitor_alone", per_user, "sum", of_user, in_user, bias=self.bias)
        note("film_alone", per_film, "sum", of_film, in_film)
        visitor = note("visitor", fields.user.sum(1), "sum", fields.user)
        visitor = self._weighted(visitor, "weighted_visitor")
        film = note("film", fields.films.sum(1), "sum", fields.films)
        return (
            torch.cat([visitor, torch.stack([per_user, torch.ones_like(per_user)], 1)], 1),
            torch.cat([film, torch.stack([torch.ones_like(per_film), per_film], 1)], 1),
        )

    def terms(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Linear terms [B, F] and pair terms [B, P] that, with `bias`, add up to the logit."""
        linear = self._linear(self.linear(batch)).squeeze(-1)
        fields = self.embedding(batch)  # [B, F, k]
        weighted = fields if self.scale is None else fields * self.scale
        left, right = pair_indices(fields.shape[1])
        return linear, (weighted @ fields.transpose(1, 2))[:, left, right]

    def _weighted(self, products: Tensor, id: str = "weighted") -> Tensor:
        if self.scale is None:
            return products
        return note(id, products * self.scale, "scale", products, factor=self.scale)

    def _linear(self, weights: Tensor) -> Tensor:
        if self.linear_scale is None:
            return weights
        return note(
            "weighted", weights * self.linear_scale, "scale", weights, factor=self.linear_scale
        )
