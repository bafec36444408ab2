"""Vectors of films, and of films watched: what the models that read a history as a sequence share."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from recdemo.blocks.embedding import ITEM_FIELDS, FieldEmbedding
from recdemo.blocks.lookup import rows
from recdemo.core.batch import Batch
from recdemo.core.recording import is_recorded, note
from recdemo.encoding.schema import Schema

FILM_MEANING = "the sum of the vectors of the film, of its genres and of its year"


class FilmEmbedding(nn.Module):
    """A film's vector is the sum of its movie, genre and year embeddings; a watched film's adds what the
    visitor thought of it and, with `recency`, how long ago it was watched.

    Args:
        schema: vocabularies.
        embed_dim: k.
        fields: which of `ITEM_FIELDS` are summed.
        init: standard deviation of the initial values.
        recency: a vector for each distance from the end of the history, for a model that has no other way to tell.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int,
        fields: Sequence[str] = ITEM_FIELDS,
        init: float = 0.05,
        recency: bool = False,
    ) -> None:
        super().__init__()
        self.fields = FieldEmbedding(schema, embed_dim=embed_dim, fields=fields, init=init)
        self.feedback = nn.Embedding(4, embed_dim, padding_idx=0)
        nn.init.normal_(self.feedback.weight[1:], std=init)
        self.recency = None
        if recency:
            self.recency = nn.Embedding(schema.history_length + 1, embed_dim, padding_idx=0)
            nn.init.normal_(self.recency.weight[1:], std=init)

    def catalogue(self, batch: Batch | None = None) -> Tensor:
        """Every film, [M + 1, k]: compute once per step, then gather.

        Outside training only the films that `batch` names are made, where they are few: a hundred of a million take no longer
        than of a thousand. The other rows then hold nothing that may be read.
        """
        few = self._few(batch)
        fields = self.fields.catalogue(few)
        films = note("film", fields.sum(1), "sum", fields)
        if few is None:
            return films
        return films.new_empty(self.fields.rows, films.shape[1]).index_copy_(0, few, films)

    def _few(self, batch: Batch | None) -> Tensor | None:
        """[N] the films that a batch names; None where they may as well be all. A recording reads of a table of all."""
        if batch is None or self.training or is_recorded():
            return None
        if batch.history.numel() + len(batch.target_movie) >= self.fields.rows:
            return None
        return torch.cat([batch.history.flatten(), batch.target_movie])

    def watched(self, catalogue: Tensor, batch: Batch) -> Tensor:
        """The films of each history, [U, L, k]; what stands at padding must be masked."""
        films = self._watched(catalogue, batch)
        if self.recency is not None:
            films = films + self.recency(batch.distance)
        return note("watched", films, "lookup")

    def _watched(self, catalogue: Tensor, batch: Batch) -> Tensor:
        """Without recency, [U, L, k]."""
        if batch.history.numel() <= len(catalogue):
            return rows(catalogue, batch.history) + self.feedback(batch.feedback)
        # The sums of a film and a reaction are made once, and looked up together; padding learns nothing.
        reactions = nn.functional.pad(self.feedback.weight[1:], (0, 0, 1, 0))
        both = (reactions.unsqueeze(1) + catalogue).flatten(0, 1)  # [4(M + 1), k]
        return rows(both, batch.history + len(catalogue) * batch.feedback)


class LearnedRecency(nn.Module):
    """A weight for each distance from the end of a history: softmax over its films of a learned number per distance.

    Args:
        length: L, the longest history.
        start: τ of the first weights exp(−distance / τ), in films.
    """

    def __init__(self, length: int, *, start: float = 20.0) -> None:
        super().__init__()
        self.scores = nn.Parameter(-torch.arange(length + 1) / start)

    def forward(self, batch: Batch) -> Tensor:
        """[U, L], zero at padding, and one in all where there are films."""
        scores = note("recency_scores", self.scores[batch.distance], "lookup")
        held = scores.masked_fill(~batch.history_mask, float("-inf"))
        weights = torch.softmax(held, dim=1).nan_to_num()  # an empty history has no weights
        return note("weights", weights, "softmax", scores)


def pooled(values: Tensor, mask: Tensor, how: str) -> Tensor:
    """Sum or mean over the films of a history: [U, L, k], [U, L] → [U, k]; zero for an empty one."""
    total = (values * mask.unsqueeze(-1)).sum(1)
    if how == "sum":
        return total
    return total / mask.sum(1, keepdim=True).clamp(min=1)


def next_film_loss(
    states: Tensor, following: Tensor, mask: Tensor, films: Tensor, bias: Tensor, most: int
) -> Tensor:
    """Mean cross-entropy of state · film + bias over the catalogue.

    Args:
        states: [U, T, k].
        following: [U, T] index of the film that came next.
        mask: [U, T] True where there is one.
        films: [M + 1, k].
        bias: [M + 1, 1].
        most: steps taken, drawn at random where there are more.
    """
    chosen = torch.nonzero(mask.flatten()).squeeze(1)
    if len(chosen) == 0:
        # Ranks that train together wait for the gradient of every weight.
        return (states.sum() + films.sum() + bias.sum()) * 0.0
    if len(chosen) > most:
        chosen = chosen[torch.randint(len(chosen), (most,))]
    scores = states.flatten(0, 1)[chosen] @ films[1:].T + bias[1:, 0]  # [N, M]
    return nn.functional.cross_entropy(scores, following.flatten()[chosen] - 1)
