"""A toy model as a newcomer would add it, a file and a card: the contract holds for it too."""

from __future__ import annotations

import sys

import pytest
from torch import Tensor, nn

from recdemo.blocks.embedding import FieldEmbedding, film_biases, gather
from recdemo.core.batch import Batch
from recdemo.core.vocabulary import LIKED
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS
from recdemo.models.cards.card import SEQUENCE, Card

CARD = Card(
    key="genre_overlap",
    title="Genre overlap",
    family=SEQUENCE,
    idea="A film fits as well as its genres go with those of the films watched.",
    source="A toy",
    formula=r"b_q + \sum_i w_i\, g_i \cdot g_q",
    network="genre_overlap.GenreOverlap",
    shows=("films",),
    reads_profile=False,
)
KEYS = [*CARDS, CARD.key]


class GenreOverlap(nn.Module):
    """b_q + Σ_i w_i g_i · g_q, g the mean of the genres of a film and w what was thought of it.

    Args:
        schema: vocabularies.
        embed_dim: k.
    """

    def __init__(self, schema: Schema, *, embed_dim: int = 8) -> None:
        super().__init__()
        self.genres = FieldEmbedding(schema, embed_dim=embed_dim, fields=("genres",))
        self.feedback = nn.Embedding(LIKED + 1, 1, padding_idx=0)
        self.film_bias = film_biases(schema)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        alone, added = self.film_terms(batch)
        return alone + added.sum(2).flatten()

    def film_terms(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """See `ShowsFilmTerms`."""
        films = self.genres.catalogue().squeeze(1)  # [M + 1, k]
        overlap = gather(films, batch) @ films[batch.history].transpose(1, 2)  # [U, C, L]
        weights = self.feedback(batch.feedback).transpose(1, 2)  # [U, 1, L]
        return self.film_bias(batch.target_movie).squeeze(1), overlap * weights


def add(patch: pytest.MonkeyPatch) -> None:
    """Put file and card where they would be."""
    patch.setitem(sys.modules, "recdemo.models.genre_overlap", sys.modules[__name__])
    patch.setitem(CARDS, CARD.key, CARD)
