"""Generative recommendation's attention: no softmax, so that many films can say more than few, and a gate after it.

Zhai et al., "Actions Speak Louder than Words: Trillion-Parameter Sequential Transducers for Generative Recommendations", ICML
2024. Around the layers (`recdemo.blocks.transduction`, which says where they differ) all is as in `SASRec`: films, the answer
after each of them, the softmax over the catalogue that it is trained by. The paper's model also reads when a film was watched, adds a
vector for each place, and scales states and films to one length; our histories have an order and no clock.
"""

from __future__ import annotations

from torch import Tensor, nn

from recdemo.blocks.history import FILM_MEANING
from recdemo.blocks.transduction import TransductionUnit
from recdemo.core.batch import Batch
from recdemo.encoding.schema import Schema
from recdemo.models.sasrec import SASRec


class HSTU(nn.Module):
    """h_L · q + b_q, h = LayerNorm(units(x_1, …, x_L)), each film taking of itself and those before it.

    Args:
        schema: vocabularies.
        embed_dim: k.
        layers: how many units.
        heads: H.
        dropout: share dropped in training, of the films' vectors and of the units' gated values.
    """

    film_meaning = FILM_MEANING
    user_meaning = SASRec.user_meaning

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 64,
        layers: int = 4,
        heads: int = 2,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.base = SASRec(schema, embed_dim=embed_dim, layers=0, dropout=dropout)
        self.base.layers.extend(
            TransductionUnit(embed_dim, heads=heads, dropout=dropout) for _ in range(layers)
        )

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        return self.base(batch)

    def sides(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """[h_L, 1] of each visitor, [U, k + 1], and [q, b_q] of each film, [M + 1, k + 1]."""
        return self.base.sides(batch)

    def sides_by_step(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """[h_t, 1] after each film watched, [U, L, k + 1], and [q, b_q] of each film, [M + 1, k + 1]."""
        return self.base.sides_by_step(batch)

    def film_vectors(self) -> Tensor:
        """q of every film, [M + 1, k]."""
        return self.base.film_vectors()

    def user_vectors(self, batch: Batch) -> Tensor:
        """h_L of each visitor, [U, k]."""
        return self.base.user_vectors(batch)

    def history_weights(self, batch: Batch) -> Tensor:
        """What the place that answers, the latest film's, takes of each film in the last unit: [U, C, L].

        The mean over heads, the same for every candidate; negative ones among them, and no shares of anything.
        """
        return self.base.history_weights(batch)

    def encoder_weights(self, batch: Batch) -> Tensor:
        """What each film watched takes of each, unit by unit and head by head: [U, layers, H, L, L]."""
        return self.base.encoder_weights(batch)
