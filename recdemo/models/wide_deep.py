"""Wide & Deep: a linear model that memorises beside a network that generalises.

Cheng et al., "Wide & Deep Learning for Recommender Systems", 2016; document fig. 3-14, and fig. 3-15 for the
variant whose wide part is POLY2: every pair of fields crossed, but for the fields that hold a whole history, which
would cross each of its films with every other and with every candidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Literal

import torch
from torch import Tensor, nn

from recdemo.blocks.crosses import CROSSED_FIELDS, HashedCrosses
from recdemo.blocks.embedding import FieldEmbedding, WeighedFields
from recdemo.blocks.mlp import TwoSidedMLP
from recdemo.core.batch import Batch
from recdemo.core.recording import note
from recdemo.core.terms import FieldTerms
from recdemo.encoding.schema import Schema

# Taste against film: the favourite genre against the film's genres, and the last films seen against the film.
TASTE = (("favourite_genre", "genres"), ("last_five", "movie"))
CROSSES = {"taste": TASTE, "poly2": tuple(combinations(CROSSED_FIELDS, 2))}


class WideDeep(nn.Module):
    """b + Σ_i w_i + Σ crosses + MLP([v_1, …, v_F]).

    Args:
        schema: vocabularies.
        embed_dim: k of the deep part.
        crosses: which fields the wide part crosses, ``taste`` or ``poly2`` (every two of `CROSSED_FIELDS`).
        buckets: size of the hashed table of their weights.
        hidden: widths of the MLP's hidden layers.
        dropout: share of hidden units dropped in training.
        recency: of the history's fields, see `FieldEmbedding`.
        prior: how many films that say nothing stand beside those watched, see `history_shares`.
        content: a film watched stands there with its genres and year too.

    Raises:
        ValueError: `crosses` is unknown.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 16,
        crosses: Literal["taste", "poly2"] = "taste",
        buckets: int = 2**17,
        hidden: Sequence[int] = (128, 64),
        dropout: float = 0.2,
        recency: float | None = None,
        prior: float = 0.0,
        content: bool = False,
    ) -> None:
        super().__init__()
        if crosses not in CROSSES:
            raise ValueError(f"crosses {crosses!r} is unknown; use {' or '.join(CROSSES)}")
        self.bias = nn.Parameter(torch.zeros(()))
        self.linear = FieldEmbedding(
            schema, embed_dim=1, recency=recency, prior=prior, content=content
        )
        self.crosses = HashedCrosses(schema, pairs=CROSSES[crosses], buckets=buckets)
        self.embedding = FieldEmbedding(
            schema, embed_dim=embed_dim, init=0.05, recency=recency, prior=prior, content=content
        )
        self.deep = TwoSidedMLP(
            len(self.embedding.user_fields) * embed_dim,
            len(self.embedding.item_fields) * embed_dim,
            hidden,
            dropout=dropout,
        )

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        fields = WeighedFields.of(self.linear, self.embedding, batch)
        linear, crosses = fields.linear(batch), self.crosses(batch)
        deep = self._deep(fields, batch)
        logits = (self.bias + linear + crosses.sum(-1) + deep).flatten()
        return note("logit", logits, "sum", linear, crosses, deep, bias=self.bias)

    def field_terms(self, batch: Batch) -> FieldTerms:
        """What adds up to the logit: fields, crossed pairs, and the MLP as one term."""
        fields = self.embedding.fields
        place = {pair: i for i, pair in enumerate(combinations(fields, 2))}
        crossed = self.crosses(batch).flatten(0, 1)  # [B, crosses]
        pairs = crossed.new_zeros(len(crossed), len(place))
        pairs[:, [place[pair] for pair in self.crosses.pairs]] = crossed
        linear = self.linear(batch).squeeze(-1)
        deep = self._deep(WeighedFields.of(self.linear, self.embedding, batch), batch)
        return FieldTerms(fields, self.bias, linear, pairs, deep=deep.flatten())

    def _deep(self, fields: WeighedFields, batch: Batch) -> Tensor:
        """[U, C]"""
        return self.deep(fields.user.flatten(1), fields.films.flatten(1), batch)
