"""A convolution over the words of a title."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class TextCNN(nn.Module):
    """Filters as wide as a word vector, over windows of a few words; the strongest answer of each is kept.

    Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014; document 000.

    Args:
        word_dim: width d of a word vector.
        filters: number of filters per window size.
        windows: sizes of the windows, in words.
    """

    def __init__(
        self, word_dim: int, *, filters: int = 64, windows: Sequence[int] = (2, 3, 4)
    ) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv1d(word_dim, filters, size) for size in windows)

    def forward(self, words: Tensor) -> Tensor:
        """[N, words, d], padded with zeros → [N, filters * windows]."""
        channels = words.transpose(1, 2)  # [N, d, words]
        strongest = [layer(channels).amax(2) for layer in self.convolutions]
        return torch.cat(strongest, dim=1)
