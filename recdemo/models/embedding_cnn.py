"""A convolution over the fields: neighbouring fields are read three at a time by the same filters.

Document fig. 3-6. The printed listing slides one filter along the dimensions of the embeddings, which have no
order. Here several filters slide along the fields, whose order is ours to choose, as in Liu et al., "A
Convolutional Click Prediction Model", CIKM 2015. The order puts what belongs together side by side: profile, taste,
history, then the film.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from recdemo.blocks.embedding import FieldEmbedding, spread
from recdemo.blocks.mlp import MLP, through
from recdemo.core.batch import Batch
from recdemo.core.recording import folded, note
from recdemo.encoding.schema import Schema


class EmbeddingCNN(nn.Module):
    """MLP(flatten(ReLU(Conv1d(v_1 … v_F)))), kernel 3 along the fields, the k dimensions as channels.

    A convolution is a sum over its inputs: the user's fields with zeros for the film's, and the film's
    with zeros for the user's, are convolved apart, once per user and once per film, and added.

    Args:
        schema: vocabularies.
        embed_dim: k.
        maps: number of filters.
        hidden: widths of the MLP's hidden layers.
        dropout: share of hidden units dropped in training.
        recency: of the history's fields, see `FieldEmbedding`.
        prior: how many films that say nothing stand beside those watched, see `history_shares`.
        content: a film watched stands there with its genres and year too.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 16,
        maps: int = 24,
        hidden: Sequence[int] = (64,),
        dropout: float = 0.2,
        recency: float | None = None,
        prior: float = 0.0,
        content: bool = False,
    ) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(
            schema, embed_dim=embed_dim, init=0.05, recency=recency, prior=prior, content=content
        )
        self.convolution = nn.Conv1d(embed_dim, maps, kernel_size=3)
        windows = len(self.embedding.fields) - 2
        self.head = MLP(windows * maps, hidden, dropout=dropout)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        user, films = self.embedding.user(batch), self.embedding.films(batch)
        reach = self.convolution.kernel_size[0] - 1
        after_user = nn.functional.pad(user, (0, 0, 0, films.shape[1]))  # [U, F, k]
        before_film = nn.functional.pad(films, (0, 0, reach, 0))
        from_user = self.convolution(after_user.transpose(1, 2))  # [U, maps, F - 2]
        from_film = nn.functional.conv1d(before_film.transpose(1, 2), self.convolution.weight)
        # The windows over the user's fields alone enter the first layer once per user.
        first, *rest = self.head.layers
        weight = cast(Tensor, first.weight).view(-1, *from_user.shape[1:])  # [h, maps, F - 2]
        alone = user.shape[1] - reach
        (w_alone, w_both), (of_user, both) = (
            [part.flatten(1) for part in tensor.tensor_split([alone], dim=2)]
            for tensor in (weight, from_user)
        )
        both = both.unsqueeze(1) + spread(from_film.flatten(1), batch)
        self._note_windows("visitor_windows", of_user, 0, alone)
        self._note_windows("film_windows", both, alone, from_user.shape[2])
        of_user = note("visitor_maps", torch.relu(of_user), "relu", of_user)
        both = note("film_maps", torch.relu(both), "relu", both)
        with folded("head"):
            from_alone = of_user @ w_alone.T + cast(Tensor, first.bias)  # [U, h]
            hidden = from_alone.unsqueeze(1) + both @ w_both.T  # [U, C, h]
            whole = partial(torch.cat, (w_alone, w_both), dim=1)
            note("layer", hidden, "layer", of_user, both, weight=whole, bias=first.bias)
            logits = through(rest, hidden).flatten()
        return note("head", logits, "network", of_user, both)

    def _note_windows(self, id: str, made: Tensor, start: int, stop: int) -> None:
        """Windows from one to another, [U, maps * windows]."""
        fields = self.embedding.fields
        note(
            id,
            lambda: made.unflatten(-1, (-1, stop - start)),
            "convolution",
            "visitor_fields",
            "film_fields",
            by=self.convolution,
            labels=[fields[window : window + 3] for window in range(start, stop)],
            start=start,
            stop=stop,
        )
