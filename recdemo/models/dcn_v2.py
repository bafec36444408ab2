"""DCN V2: cross layers that have a weight for every two numbers of the input, beside a plain network.

Wang et al., "DCN V2: Improved Deep & Cross Network and Practical Lessons for Web-scale Learning to Rank Systems", WWW
2021. Cross and deep part stand side by side, as in its figure 1 (b), so that what each pair of fields adds remains a summand of the logit.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from recdemo.blocks.cross_layers import CrossNetworkV2
from recdemo.blocks.embedding import FieldEmbedding
from recdemo.blocks.interaction import pair_indices
from recdemo.blocks.mlp import TwoSidedMLP
from recdemo.core.batch import Batch
from recdemo.core.recording import note
from recdemo.core.terms import CrossTerms, FieldTerms
from recdemo.encoding.schema import Schema


class DCNV2(nn.Module):
    """wᵀ [x_L, MLP(x_0)], x_{l+1} = x_0 ⊙ (W_l x_l + b_l) + x_l, x_0 = all fields side by side.

    Args:
        schema: vocabularies.
        embed_dim: k.
        layers: number of cross layers.
        rank: of the matrices W_l, each then a product of two narrow ones; None for full matrices.
        experts: how many matrices of that rank each layer mixes, by a gate that reads x_l.
        hidden: widths of the deep branch's hidden layers.
        dropout: share of its hidden units dropped in training.
        recency: of the history's fields, see `FieldEmbedding`.
        norm: how they are averaged, see `FieldEmbedding`; 0 adds them up.
        content: a film watched stands there with its genres and year too.

    Raises:
        ValueError: several experts without a rank, or no layer.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 16,
        layers: int = 2,
        rank: int | None = None,
        experts: int = 1,
        hidden: Sequence[int] = (128, 64),
        dropout: float = 0.2,
        recency: float | None = None,
        norm: int = 0,
        content: bool = True,
    ) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(
            schema, embed_dim=embed_dim, init=0.05, recency=recency, norm=norm, content=content
        )
        sizes = (
            len(self.embedding.user_fields) * embed_dim,
            len(self.embedding.item_fields) * embed_dim,
        )
        self.cross = CrossNetworkV2(*sizes, layers, rank=rank, experts=experts)
        self.deep = TwoSidedMLP(*sizes, hidden, dropout=dropout)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        user = self.embedding.user(batch).flatten(1)
        films = self.embedding.films(batch).flatten(1)
        cross, deep = self.cross(user, films, batch), self.deep(user, films, batch)
        return note("logit", (cross + deep).flatten(), "sum", cross, deep)

    def cross_terms(self, batch: Batch) -> CrossTerms:
        """What adds up to the logit: fields, pairs of fields layer by layer, and the network as one term."""
        linear, pairs = self.cross.terms(self.embedding(batch))
        deep = self.deep(
            self.embedding.user(batch).flatten(1), self.embedding.films(batch).flatten(1), batch
        )
        return CrossTerms(
            self.embedding.fields, self.cross.head.bias[0], linear, pairs, deep.flatten()
        )

    def field_terms(self, batch: Batch) -> FieldTerms:
        """The same with all layers, and both orders of a pair, added up."""
        terms = self.cross_terms(batch)
        whole = terms.pairs.sum(1)  # [B, F, F]
        left, right = pair_indices(len(terms.fields))
        return FieldTerms(
            terms.fields,
            terms.bias,
            terms.linear + whole.diagonal(dim1=1, dim2=2),
            whole[:, left, right] + whole[:, right, left],
            deep=terms.deep,
            mixed=terms.pairs.shape[1] > 1,
        )
