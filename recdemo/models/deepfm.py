"""DeepFM: a factorisation machine and an MLP that read the same embeddings.

Guo et al., "DeepFM", IJCAI 2017; document fig. 3-16.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from recdemo.blocks.interaction import FactorizationMachine
from recdemo.blocks.mlp import TwoSidedMLP
from recdemo.core.batch import Batch
from recdemo.core.recording import note
from recdemo.core.terms import FieldTerms
from recdemo.encoding.schema import Schema


class DeepFM(nn.Module):
    """FM(fields) + MLP(fields side by side).

    Args:
        schema: vocabularies.
        embed_dim: k.
        fusion: ``sum`` adds the two logits. ``concat`` puts the linear sum, the k sums of pair products and
            the MLP's last hidden layer side by side into one linear layer: the same sum with a learned
            weight for each, which is how it is computed.
        hidden: widths of the MLP's layers.
        dropout: share of hidden units dropped in training.
        recency: of the history's fields, see `FieldEmbedding`.
        prior: how many films that say nothing stand beside those watched, see `history_shares`.
        content: a film watched stands there with its genres and year too.

    Raises:
        ValueError: `fusion` is unknown.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 32,
        fusion: Literal["sum", "concat"] = "sum",
        hidden: Sequence[int] = (128, 64),
        dropout: float = 0.2,
        recency: float | None = None,
        prior: float = 0.0,
        content: bool = False,
    ) -> None:
        super().__init__()
        if fusion not in ("sum", "concat"):
            raise ValueError(f"fusion {fusion!r} is unknown; use sum or concat")
        self.machine = FactorizationMachine(
            schema,
            embed_dim=embed_dim,
            weighted=fusion == "concat",
            recency=recency,
            prior=prior,
            content=content,
        )
        embedding = self.machine.embedding
        self.deep = TwoSidedMLP(
            len(embedding.user_fields) * embed_dim,
            len(embedding.item_fields) * embed_dim,
            hidden,
            dropout=dropout,
        )

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        shallow, deep = self._parts(batch)
        return note("logit", (shallow + deep).flatten(), "sum", shallow, deep)

    def field_terms(self, batch: Batch) -> FieldTerms:
        """What adds up to the logit: fields, pairs, and the MLP as one term."""
        linear, pairs = self.machine.terms(batch)
        _, deep = self._parts(batch)
        fields = self.machine.embedding.fields
        return FieldTerms(fields, self.machine.bias, linear, pairs, deep=deep.flatten())

    def _parts(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """FM and MLP logits, [U, C] each."""
        fields = self.machine.fields(batch)
        deep = self.deep(fields.user.flatten(1), fields.films.flatten(1), batch)
        return self.machine(fields, batch), deep
