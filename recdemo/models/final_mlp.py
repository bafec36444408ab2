"""FinalMLP: two plain networks over the same fields, told apart by gates, and multiplied with each other.

Mao et al., "FinalMLP: An Enhanced Two-Stream MLP Model for CTR Prediction", AAAI 2023. The gates of one stream read the
user's fields, those of the other the film's, as in the paper; a stream ends in a plain linear layer.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from recdemo.blocks.embedding import FieldEmbedding, spread
from recdemo.blocks.mlp import pieces
from recdemo.blocks.streams import BilinearFusion, GatedStream
from recdemo.core.batch import Batch
from recdemo.core.recording import note
from recdemo.core.terms import StreamTerms
from recdemo.encoding.schema import Schema

SIDES = ("visitor", "film")


class FinalMLP(nn.Module):
    """b + w_1ᵀ o_1 + w_2ᵀ o_2 + Σ_h o_1,hᵀ W_h o_2,h, o_s = MLP_s(g_s ⊙ x), x = all fields side by side.

    Args:
        schema: vocabularies.
        embed_dim: k.
        gates: the streams weigh what they read, g_s = 2σ(MLP(context)), the context being the user's fields
            for one and the film's for the other. Without, g_s is one.
        gate_hidden: units of the gates' hidden layer.
        hidden: widths of each stream's hidden layers.
        stream_dim: width of what a stream gives.
        heads: pieces in which the two streams are multiplied.
        dropout: share of hidden units dropped in training.
        recency: of the history's fields, see `FieldEmbedding`.
        norm: how they are averaged, see `FieldEmbedding`; 0 adds them up.
        content: a film watched stands there with its genres and year too.

    Raises:
        ValueError: `stream_dim` does not fall into as many heads.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 16,
        gates: bool = True,
        gate_hidden: int = 32,
        hidden: Sequence[int] = (128,),
        stream_dim: int = 64,
        heads: int = 4,
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
        width = gate_hidden if gates else 0
        self.by_user, self.by_film = (
            GatedStream(*own, hidden, stream_dim, gate_hidden=width, dropout=dropout, reads=reads)
            for own, reads in ((sizes, SIDES), (sizes[::-1], SIDES[::-1]))
        )
        self.fusion = BilinearFusion(stream_dim, heads)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        bias = self.fusion.first.bias
        logits = (self._terms(batch).sum(-1) + bias).flatten()
        return note("logit", logits, "sum", "fusion", bias=bias)

    def stream_terms(self, batch: Batch) -> StreamTerms:
        """What adds up to the logit: both streams and each head; and the mean gate on each field."""
        user = self.embedding.user(batch)
        films = spread(self.embedding.films(batch), batch)  # [U, C, Fi, k]
        by_user = self.by_user.gates(user.flatten(1)).unflatten(1, (-1, user.shape[-1])).mean(-1)
        by_film = self.by_film.gates(films.flatten(2)).unflatten(2, (-1, user.shape[-1])).mean(-1)
        count = films.shape[2]
        gates = [
            by_user.unsqueeze(1).expand(-1, batch.candidates, -1),
            torch.cat([by_film[..., count:], by_film[..., :count]], dim=-1),  # user's fields first
        ]
        terms = self._terms(batch).flatten(0, 1)
        return StreamTerms(
            fields=self.embedding.fields,
            gates=torch.stack(gates, dim=2).flatten(0, 1),
            bias=self.fusion.first.bias[0],
            streams=terms[:, :2],
            heads=terms[:, 2:],
        )

    def _terms(self, batch: Batch) -> Tensor:
        """[U, C, 2 + heads]"""
        user = self.embedding.user(batch).flatten(1)
        films = self.embedding.films(batch).flatten(1)
        of_user = self.by_user.once(user).unsqueeze(1)
        of_film = spread(torch.cat([films, self.by_film.once(films)], dim=1), batch)
        beside = user.unsqueeze(1)
        width = films.shape[1]
        return torch.cat(
            [
                self.fusion.terms(
                    self.by_user(of_user, part[..., :width]),
                    self.by_film(part[..., width:], beside),
                )
                for part in pieces(of_film, 3 * beside.numel(), self.training)
            ],
            dim=1,
        )
