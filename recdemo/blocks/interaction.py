"""Second-order interactions of fields, as in factorisation machines."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recdemo.blocks.embedding import FieldEmbedding, gather
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
    return fields[..., left, :] * fields[..., right, :]


class FactorizationMachine(nn.Module):
    """w0 + Σ_i w_i + Σ_{i<j} ⟨v_i, v_j⟩ over the fields of a batch.

    The sum over pairs falls into pairs within the user, pairs within the film, and pairs across, which
    are ⟨Σ_i v_i, Σ_j v_j⟩: one dot product per candidate.

    Args:
        schema: vocabularies.
        embed_dim: k.
    """

    def __init__(self, schema: Schema, *, embed_dim: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(()))
        self.linear = FieldEmbedding(schema, embed_dim=1)
        self.embedding = FieldEmbedding(schema, embed_dim=embed_dim)

    def forward(self, user: Tensor, catalogue: Tensor, batch: Batch) -> Tensor:
        """Logits [U, C].

        Args:
            user: [U, Fu, k], from `self.embedding.user`; given, because DeepFM's MLP reads it too.
            catalogue: [M + 1, Fi, k], from `self.embedding.catalogue`.
            batch: says which films are candidates of whom.
        """
        per_user = self.linear.user(batch).sum((1, 2)) + bi_interaction(user).sum(-1)  # [U]
        per_film = self.linear.catalogue().sum((1, 2)) + bi_interaction(catalogue).sum(
            -1
        )  # [M + 1]
        film = gather(torch.cat([per_film.unsqueeze(1), catalogue.sum(1)], dim=1), batch)
        across = (film[..., 1:] @ user.sum(1).unsqueeze(-1)).squeeze(-1)  # [U, C]
        return self.bias + per_user.unsqueeze(1) + film[..., 0] + across

    def terms(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Linear terms [B, F] and pair terms [B, P] that, with `bias`, add up to the logit."""
        return self.linear(batch).squeeze(-1), pair_products(self.embedding(batch)).sum(-1)
