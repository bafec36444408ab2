"""A convolution over the words of a title."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

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
        places = torch.arange(1, words.shape[1] + 1)
        lengths = (words.any(-1) * places).amax(1)  # [N] words before the padding
        parts = [_strongest(words, lengths, cast(nn.Conv1d, c)) for c in self.convolutions]
        return torch.cat(parts, dim=1)


def _strongest(words: Tensor, lengths: Tensor, convolution: nn.Conv1d) -> Tensor:
    """The largest value of each filter over all windows, [N, words, d] → [N, filters].

    A window is a stretch of the words' vectors laid end to end, so that the convolution is one matrix product: for
    filters this small it takes half the time. Of the windows that hold padding alone, most, none is multiplied.
    """
    size, dim = convolution.kernel_size[0], words.shape[2]
    windows = words.flatten(1).unfold(1, size * dim, dim)  # [N, windows, size * d]
    weight = convolution.weight.transpose(1, 2).flatten(1)  # [filters, size * d]
    left = lengths.unsqueeze(1)
    row, place = (torch.arange(windows.shape[1]) < left).nonzero(as_tuple=True)
    values = windows[row, place] @ weight.T
    nothing = torch.where(left < windows.shape[1], 0.0, -torch.inf).expand(-1, len(weight))
    rows = row.unsqueeze(1).expand_as(values)
    strongest = nothing.scatter_reduce(0, rows, values, "amax")
    return strongest if convolution.bias is None else strongest + convolution.bias
