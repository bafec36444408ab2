"""Self-attention that only looks back over the history; the state after the latest film points at the next one.

Kang and McAuley, "Self-Attentive Sequential Recommendation", ICDM 2018; trained by a softmax over the whole catalogue after every
film, which Klenitskiy and Vasilev, "Turning Dross Into Gold Loss", RecSys 2023, found to be what it had lacked (Petrov and
Macdonald, "gSASRec", RecSys 2023, get as far with a corrected loss over few negatives). Where we differ: a watched film's vector
also says what the visitor thought of it, a film's is the sum of film, genres and year and has a bias, each layer has its norms
before its branches, keys and values included, and places are told by rotary positions instead of one learned vector each, which
for a visitor of few films would be those of other people's beginnings.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from recdemo.blocks.causal import CausalLayer, LooksBack
from recdemo.blocks.embedding import dots, film_biases, with_bias
from recdemo.blocks.history import FILM_MEANING, FilmEmbedding
from recdemo.blocks.mlp import PlaceDropout
from recdemo.blocks.recurrent import last_of
from recdemo.blocks.transformer import latest_weights
from recdemo.core.batch import Batch
from recdemo.core.recording import note
from recdemo.encoding.schema import Schema


class SASRec(nn.Module):
    """h_L · q + b_q, h = LayerNorm(layers(x_1, …, x_L)), each film looking at itself and those before it.

    Without a history the state is what the last norm makes of zero.

    Args:
        schema: vocabularies.
        embed_dim: k.
        layers: how many.
        heads: H.
        feed_forward: width of the layers' hidden layer.
        dropout: share of units dropped in training, of the films' vectors and of the layers' branches.
    """

    film_meaning = FILM_MEANING
    user_meaning = (
        "the state after the last film watched; its dot product with a film's vector, biases aside, is "
        "the score"
    )

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 64,
        layers: int = 2,
        heads: int = 2,
        feed_forward: int = 128,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        self.films = FilmEmbedding(schema, embed_dim=embed_dim)
        self.dropout = PlaceDropout(dropout)
        self.layers = nn.ModuleList(
            CausalLayer(embed_dim, heads=heads, feed_forward=feed_forward, dropout=dropout)
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(embed_dim)
        self.film_bias = film_biases(schema)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        return dots(*self.sides(batch), batch)

    def sides(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """[h_L, 1] of each visitor, [U, k + 1], and [q, b_q] of each film, [M + 1, k + 1]."""
        films = self.films.catalogue()
        return with_bias(self._latest(films, batch), films, self.film_bias.weight)

    def sides_by_step(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """[h_t, 1] after each film watched, [U, L, k + 1], and [q, b_q] of each film, [M + 1, k + 1]."""
        films = self.films.catalogue()
        states = self.norm(self._read(films, batch))
        return with_bias(states, films, self.film_bias.weight)

    def film_vectors(self) -> Tensor:
        """q of every film, [M + 1, k]."""
        return self.films.catalogue()

    def user_vectors(self, batch: Batch) -> Tensor:
        """h_L of each visitor, [U, k]."""
        return self._latest(self.films.catalogue(batch), batch)

    def history_weights(self, batch: Batch) -> Tensor:
        """Where the place that answers, the latest film's, looks in the last layer: [U, C, L].

        The mean over heads, the same for every candidate. The latest film's own weight is its look at itself.
        """
        return latest_weights(self.encoder_weights(batch), batch)

    def encoder_weights(self, batch: Batch) -> Tensor:
        """Where each film watched looks, layer by layer and head by head: [U, layers, H, L, L]."""
        x, mask = self.films.watched(self.films.catalogue(batch), batch), batch.history_mask
        films = mask.unsqueeze(1) & mask.unsqueeze(2)  # what looks from padding means nothing
        weights = []
        for layer in self.layers:
            weights.append(cast(LooksBack, layer).weights(x) * films.unsqueeze(1))
            x = layer(x)
        return torch.stack(weights, dim=1)

    def _latest(self, films: Tensor, batch: Batch) -> Tensor:
        """[U, k]"""
        state = last_of(self._read(films, batch), batch.history_mask)
        return note("visitor", self.norm(state), "norm", state, by=self.norm)

    def _read(self, films: Tensor, batch: Batch) -> Tensor:
        """[U, L, k] as the layers leave it; what stands at padding means nothing."""
        x = self.dropout(self.films.watched(films, batch))
        for layer in self.layers:
            x = layer(x)
        return x
