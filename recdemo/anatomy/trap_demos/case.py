"""What every demonstration is given, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from recdemo.answers.explain import titles_of
from recdemo.answers.recommend import Recommender
from recdemo.core.batch import Batch
from recdemo.core.session import Session, Watched
from recdemo.encoding.encode import encode


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What a trap does here.

    Args:
        finding: one sentence, made of the numbers.
        rows: what is measured, with the trap, and done right.
        note: how to read the rows, where that needs a word.
    """

    finding: str
    rows: tuple[tuple[str, str, str], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A model, a visitor and the films asked about, as a demonstration needs them."""

    recommender: Recommender
    session: Session
    movie_ids: tuple[int, ...]

    @property
    def model(self) -> Any:
        return self.recommender.checkpoint.model

    @property
    def titles(self) -> tuple[str, ...]:
        return titles_of(self.recommender, self.movie_ids)

    @property
    def read(self) -> list[Watched]:
        """Films of the history that the model reads."""
        return list(self.session.latest(self.recommender.checkpoint.schema.history_length).history)

    @property
    def batch(self) -> Batch:
        """The films asked about, for the one visitor: U = 1, C films."""
        schema = self.recommender.checkpoint.schema
        films = torch.tensor([schema.index_of(movie) for movie in self.movie_ids])
        return encode(schema, [self.session], films)

    @property
    def like(self) -> Recommender:
        """The model that gives a chance of liking."""
        return self.recommender.liker or self.recommender

    def like_logits(self) -> Tensor:
        """Of the whole catalogue, [M]."""
        return torch.from_numpy(self.like.logits(self.session))

    def rows_of(self, logits: Tensor) -> Tensor:
        """Of the films asked about, out of the whole catalogue's."""
        return logits[self.batch.target_movie - 1]


def chances(case: Case, printed: Tensor, right: Tensor) -> list[tuple[str, str, str]]:
    """Chances [M] of the films asked about."""
    pairs = zip(case.rows_of(printed).tolist(), case.rows_of(right).tolist(), strict=True)
    return [
        (title, f"{p:.1%}", f"{r:.1%}") for title, (p, r) in zip(case.titles, pairs, strict=True)
    ]
