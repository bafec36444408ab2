"""What a fit learns from: ratings that all stay in memory, or parts of whole users, read one at a time.

In shards, an epoch goes over the parts in random order, and within a part over its rows in random order: memory is
bounded by the largest part, and a batch never mixes users of two. The parts are read again for each pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Protocol

import torch
from torch import Tensor

from recdemo.core.vocabulary import Split
from recdemo.data import split_ratings
from recdemo.data.shards import PartedDataset
from recdemo.encoding.encode import profile_of
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema

Shard = tuple[Ratings, Tensor]  # ratings, and [N] which of them train, validate and test


class Source(Protocol):
    """Ratings in one part or several, each of whole users."""

    @property
    def schema(self) -> Schema: ...

    @property
    def profile(self) -> Tensor:
        """[users, 3] of all parts."""
        ...

    def __len__(self) -> int:
        """How many parts there are."""
        ...

    def __getitem__(self, number: int) -> Shard: ...


class InMemory:
    """Ratings that stay in memory: one part.

    Args:
        ratings: all of them.
        part: [N] which train, validate and test.
    """

    def __init__(self, ratings: Ratings, part: Tensor) -> None:
        self.schema, self.profile = ratings.schema, ratings.profile
        self._part = ratings, part

    def __len__(self) -> int:
        return 1

    def __getitem__(self, number: int) -> Shard:
        return self._part


class Sharded:
    """A data set in parts, of which the one asked for last is in memory.

    Args:
        dataset: the parts.
        schema: vocabularies; every film rated must be in them.
        split: which ratings train, validate and test; each part is split by itself.
    """

    def __init__(self, dataset: PartedDataset, schema: Schema, split: Split) -> None:
        self.dataset, self.schema, self.split = dataset, schema, split
        self._earlier = [0, *accumulate(dataset.users_of)]  # users of the parts before each
        self._latest: tuple[int, Shard] | None = None
        self.profile = profile_of(dataset.users)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, number: int) -> Shard:
        if self._latest is None or self._latest[0] != number:
            self._latest = None  # let go before the next is read
            part = self.dataset[number]
            ratings = Ratings(
                part,
                self.schema,
                every_film=self.split == "last",
                earlier_users=self._earlier[number],
            )
            which = torch.as_tensor(split_ratings(part.ratings, self.split))
            self._latest = number, (ratings, which)
        return self._latest[1]


def each(source: Source) -> Iterator[Shard]:
    """The parts in their order."""
    return (source[number] for number in range(len(source)))
