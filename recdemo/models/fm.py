"""FM: every pair of fields has a weight, factorised into the product of two vectors.

Rendle, "Factorization Machines", ICDM 2010; document eq. 3-6 and 3-7. Multi-valued fields (genres, the
films liked) enter as `recdemo.blocks.embedding` says. There is no user id: a visitor is their profile and
history, so that somebody new is answered like everybody else.
"""

from __future__ import annotations

from torch import Tensor, nn

from recdemo.blocks.history import FILM_MEANING
from recdemo.blocks.interaction import FactorizationMachine
from recdemo.core.batch import Batch
from recdemo.core.terms import FieldTerms
from recdemo.encoding.schema import Schema


class FM(nn.Module):
    """w0 + Σ_i w_i + Σ_{i<j} ⟨v_i, v_j⟩.

    Args:
        schema: vocabularies.
        embed_dim: k.
        recency: of the history's fields, see `FieldEmbedding`.
        prior: how many films that say nothing stand beside those watched, see `history_shares`.
        content: a film watched stands there with its genres and year too.
    """

    film_meaning = FILM_MEANING
    user_meaning = (
        "the sum of the vectors of profile, taste and films watched; its dot product with a film's vector "
        "is all of the score that depends on both"
    )

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 32,
        recency: float | None = None,
        prior: float = 0.0,
        content: bool = False,
    ) -> None:
        super().__init__()
        self.machine = FactorizationMachine(
            schema, embed_dim=embed_dim, recency=recency, prior=prior, content=content
        )

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        return self.machine(self.machine.fields(batch), batch).flatten()

    def sides(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Visitors [U, k + 2] and all films [M + 1, k + 2], whose dot products are the logits."""
        return self.machine.sides(self.machine.fields(batch, every_film=True))

    def film_vectors(self) -> Tensor:
        """Sum of a film's fields, [M + 1, k]."""
        return self.machine.embedding.catalogue().sum(1)

    def user_vectors(self, batch: Batch) -> Tensor:
        """Sum of a visitor's fields, [U, k]."""
        return self.machine.embedding.user(batch).sum(1)

    def field_terms(self, batch: Batch) -> FieldTerms:
        """What adds up to the logit, field by field and pair by pair."""
        linear, pairs = self.machine.terms(batch)
        return FieldTerms(self.machine.embedding.fields, self.machine.bias, linear, pairs)
