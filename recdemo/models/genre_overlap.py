"""Genre overlap: a film fits as well as its genres go with those of the films watched. A toy."""

from __future__ import annotations

from torch import Tensor, nn

from recdemo.blocks.embedding import FieldEmbedding, film_biases, gather
from recdemo.core.batch import Batch
from recdemo.core.vocabulary import LIKED
from recdemo.encoding.schema import Schema


class GenreOverlap(nn.Module):
    """b_q + Σ_i w_i g_i · g_q, g the mean of a film's genres and w what was thought of it.

    Args:
        schema: vocabularies.
        embed_dim: k.
    """

    def __init__(self, schema: Schema, *, embed_dim: int = 8) -> None:
        super().__init__()
        self.genres = FieldEmbedding(schema, embed_dim=embed_dim, fields=("genres",), init=0.5)
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
