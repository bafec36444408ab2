"""Titles: a convolution over their words, and vectors that are learned from pieces of words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

from recdemo.core.batch import Pieces
from recdemo.core.recording import note


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
        some = torch.linalg.vector_norm(words, dim=-1) > 0
        lengths = (some * places).amax(1)  # [N] words before the padding
        parts = [_strongest(words, lengths, cast(nn.Conv1d, c)) for c in self.convolutions]
        return note("title_features", torch.cat(parts, dim=1), "concat", *parts)


def _strongest(words: Tensor, lengths: Tensor, convolution: nn.Conv1d) -> Tensor:
    """The largest value of each filter over all windows, [N, words, d] → [N, filters].

    A window is a stretch of the words' vectors laid end to end, so that the convolution is one matrix product: for
    filters this small it takes half the time. Of the windows that hold padding alone, most, none is multiplied.
    """
    size, (_, most, dim) = convolution.kernel_size[0], words.shape
    count = most - size + 1  # windows of a title
    weight = convolution.weight.transpose(1, 2).flatten(1)  # [filters, size * d]
    left = lengths.unsqueeze(1)
    row, place = (torch.arange(count) < left).nonzero(as_tuple=True)
    windows = words.flatten().unfold(0, size * dim, dim).index_select(0, row * most + place)
    nothing = words.new_zeros(left.shape).masked_fill(left >= count, -torch.inf)  # [N, 1]
    answers = note(f"windows_{size}", windows @ weight.T, "word_windows", words, by=convolution)
    largest = cast(Tensor, _Largest.apply(answers, row, nothing.expand(-1, len(weight))))
    largest = largest if convolution.bias is None else largest + convolution.bias
    return note(
        f"strongest_{size}", largest, "strongest", answers, floor=nothing, bias=convolution.bias
    )


class _Largest(torch.autograd.Function):
    """The largest of some rows, by the group they belong to, and of a floor.

    What `scatter_reduce` computes. Its gradient, shared by those that are equally large, takes a third of the time here.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, group: Tensor, floor: Tensor) -> Tensor:
        """Values [R, f], their groups [R] and a floor [N, f] that does not learn → [N, f]."""
        largest = floor.scatter_reduce(0, group.unsqueeze(1).expand_as(values), values, "amax")
        ctx.save_for_backward(values == largest.index_select(0, group), group)
        ctx.groups = len(floor)
        return largest

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> tuple[Tensor, None, None]:
        hit, group = ctx.saved_tensors
        hit = hit.to(given[0].dtype)
        equal = hit.new_zeros(ctx.groups, hit.shape[1]).index_add_(0, group, hit)
        return (given[0] / equal.clamp(min=1)).index_select(0, group).mul_(hit), None, None


class LearnedText(nn.Module):
    """Vectors of texts: what is known of each, plus the weighted sum of the vectors of its pieces, which are learned.

    Before training that sum is a random projection of the pieces' weights: texts that share pieces are close from the start.

    Args:
        known: [R, d] vectors that do not learn, zero where there is none.
        pieces: of the same R texts.
        size: length of a sum before training, on average.
    """

    known: Tensor
    ids: Tensor
    weights: Tensor
    starts: Tensor

    def __init__(self, known: Tensor, pieces: Pieces, *, size: float) -> None:
        super().__init__()
        for name, value in {
            "known": known,
            "ids": pieces.ids,
            "weights": pieces.weights,
            "starts": pieces.starts,
        }.items():
            self.register_buffer(name, value, persistent=False)
        dim = known.shape[1]
        self.table = nn.Parameter(torch.randn(pieces.count, dim) * (size / dim**0.5))

    def forward(self) -> Tensor:
        """[R, d]."""
        weights = self.weights
        learned = embedding_bag(
            self.ids, self.table, self.starts, mode="sum", per_sample_weights=weights
        )
        return self.known + learned
