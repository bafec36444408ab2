"""A logit taken apart: what models that are sums say of their summands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class FieldTerms:
    """The terms of a factorisation machine; bias + all the others = logit, row by row.

    Pairs are in the order (0, 1), (0, 2), … (F − 2, F − 1) of the fields.
    """

    fields: tuple[str, ...]  # names, F
    bias: Tensor  # []
    linear: Tensor  # [B, F]
    pairs: Tensor  # [B, F(F-1)/2] what each pair adds, attention included
    attention: Tensor | None = None  # [B, F(F-1)/2] weights of the pairs, summing to one
    deep: Tensor | None = None  # [B] what an MLP beside the machine adds
    mixed: bool = False  # the visitor's terms read the film's, too, as deeper cross layers do


@dataclass(frozen=True, slots=True)
class CrossTerms:
    """The terms of a cross network; bias + all the others = logit, row by row."""

    fields: tuple[str, ...]  # names, F
    bias: Tensor  # []
    linear: Tensor  # [B, F] what each field adds by itself
    pairs: Tensor  # [B, layers, F, F] field that multiplies × field that is read
    deep: Tensor  # [B] what an MLP beside the network adds


@dataclass(frozen=True, slots=True)
class StreamTerms:
    """The terms of two streams and their product; bias + streams + heads = logit, row by row.

    The gates of the first stream read the visitor, those of the second the film.
    """

    fields: tuple[str, ...]  # names, F
    gates: Tensor  # [B, 2, F] how much of each field a stream reads, 0 to 2; the mean over the field's numbers
    bias: Tensor  # []
    streams: Tensor  # [B, 2] what each stream adds by itself
    heads: Tensor  # [B, H] what each head of their product adds
