"""A convolution over the fields: neighbouring fields are read three at a time by the same filters.

Document fig. 3-6. The printed listing slides one filter along the dimensions of the embeddings, which have no
order. Here several filters slide along the fields, whose order is ours to choose, as in Liu et al., "A
Convolutional Click Prediction Model", CIKM 2015. The order puts what belongs together side by side: profile, taste,
history, then the film.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from recdemo.blocks.embedding import FieldEmbedding, spread
from recdemo.blocks.mlp import MLP
from recdemo.contracts import Batch
from recdemo.features import Schema


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
    """

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 16,
        maps: int = 24,
        hidden: Sequence[int] = (64,),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(schema, embed_dim=embed_dim, init=0.05)
        self.convolution = nn.Conv1d(embed_dim, maps, kernel_size=3)
        windows = len(self.embedding.fields) - 2
        self.head = MLP(windows * maps, hidden, dropout=dropout)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        user, films = self.embedding.user(batch), self.embedding.films(batch)
        after_user = nn.functional.pad(user, (0, 0, 0, films.shape[1]))  # [U, F, k]
        before_film = nn.functional.pad(films, (0, 0, user.shape[1], 0))  # [N, F, k]
        from_user = self.convolution(after_user.transpose(1, 2)).flatten(1)  # [U, maps * (F - 2)]
        without_bias = nn.functional.conv1d(before_film.transpose(1, 2), self.convolution.weight)
        from_film = spread(without_bias.flatten(1), batch)  # [U, C, maps * (F - 2)]
        return self.head(torch.relu(from_user.unsqueeze(1) + from_film)).flatten()
