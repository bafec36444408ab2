"""What speaks for each film of a list, all films asked together: to take ten logits apart takes a model little longer than one.

The terms are those of `recdemo.answers.explain`, which reads them from here: what a list says of a film in passing, and what is
said when somebody asks why, are the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from recdemo.answers.explanation import Term
from recdemo.answers.summands import is_exact, logits_without, summands
from recdemo.core.protocols import ShowsFields
from recdemo.core.session import Session
from recdemo.core.terms import FieldTerms
from recdemo.data.catalogue import labels_of

if TYPE_CHECKING:
    from recdemo.answers.score import Scorer

AVERAGED = 24  # films that a model asked again and again is averaged over, for the average film
TOP = 3  # a film is said to be the reason only if its term is one of so many that weigh most
MOST_LEFT_OUT = 30  # latest films of a history that are left out in turn
SMALLEST = 0.005  # a smaller term is zero as people read it


@dataclass(frozen=True, slots=True, eq=False)
class Reasons:
    """What adds up to the logits of C films, beside another film or the average of all not watched."""

    movie_ids: tuple[int, ...]
    terms: tuple[Term, ...]  # T; the values are those of the first film
    values: np.ndarray  # [C, T]
    beside: np.ndarray  # [T] the other film's, or the mean of the films averaged over
    films: int  # that it is the mean of
    fields: FieldTerms | None = None  # of a factorisation machine, as it gives them

    def covers(self, movie_id: int, against: int | None) -> bool:
        """Whether a film can be set beside another one, or the average, by what is here."""
        return movie_id in self.movie_ids and (against is None or against in self.movie_ids)

    def terms_of(self, movie_id: int) -> tuple[Term, ...]:
        """What adds up to a film's logit."""
        return self._with(self._of(movie_id))

    def other(self, against: int | None) -> np.ndarray:
        """[T] What adds up to the logit of the film that others are set beside."""
        return self._of(against) if against in self.movie_ids else self.beside

    def more(self, movie_id: int, against: int | None = None) -> tuple[Term, ...]:
        """What each of a film's terms is more than the other's."""
        return self._with(self._of(movie_id) - self.other(against))

    def _of(self, movie_id: int | None) -> np.ndarray:
        return np.asarray(self.values[self.movie_ids.index(movie_id)])

    def _with(self, values: np.ndarray) -> tuple[Term, ...]:
        return tuple(replace(t, value=v) for t, v in zip(self.terms, values.tolist(), strict=True))


def reasons(
    recommender: Scorer,
    session: Session,
    movie_ids: Sequence[int],
    logits: np.ndarray,
    against: int | None = None,
) -> Reasons:
    """Take the logits of several films apart.

    Args:
        recommender: the model.
        session: who asks.
        movie_ids: films not watched, one at least.
        logits: what `Scorer.logits` gives for this session.
        against: the film that they are set beside; None for the average of all not watched. For a model without terms of its
            own the average is over some of them, evenly spread over its ranking.
    """
    schema = recommender.checkpoint.schema
    read = session.latest(recommender.checkpoint.schema.history_length)
    rivals = _rivals(recommender, session, against, logits)
    films = [schema.index_of(movie) for movie in movie_ids]
    titles = titles_of(recommender, read.movie_ids)
    parts = summands(recommender, read, titles, torch.tensor([*films, *rivals]))
    return Reasons(
        movie_ids=tuple(movie_ids),
        terms=parts.terms,
        values=parts.values[: len(films)],
        beside=parts.values[len(films) :].mean(0),
        films=len(rivals),
        fields=parts.fields,
    )


def because(found: Reasons, session: Session) -> dict[int, int]:
    """For each film with a film watched as a reason, that one: liked, and with the largest term for it, which is among the
    few largest of all terms beside the average film. Films without one are left out."""
    liked = {film.movie_id for film in session.history if film.liked}
    said = {}
    for movie in found.movie_ids:
        largest = sorted(found.more(movie), key=lambda term: -abs(term.value))[:TOP]
        for term in largest:
            if term.movie_id in liked and term.value > SMALLEST:
                said[movie] = term.movie_id
                break
    return said


def gives_films(recommender: Scorer) -> bool:
    """Whether the terms of a model are films; a factorisation machine's are fields."""
    return not isinstance(recommender.checkpoint.model, ShowsFields)


def what_mattered(recommender: Scorer, session: Session, movie_ids: Sequence[int]) -> list[int]:
    """The films that a model reads of a history, those first without which the logits of a list move most.

    Of a long history the latest `MOST_LEFT_OUT` are left out in turn; the others follow, latest first.
    """
    read = session.latest(recommender.checkpoint.schema.history_length)
    older, tried = read.movie_ids[:-MOST_LEFT_OUT], read.movie_ids[-MOST_LEFT_OUT:]
    if not (tried and movie_ids):
        return tried
    films = torch.tensor([recommender.checkpoint.schema.index_of(movie) for movie in movie_ids])
    logits, without = logits_without(recommender, read, films, last=len(tried))
    moved = np.abs(logits - without).mean(1)
    order = np.argsort(-moved, kind="stable")
    return [*(tried[place] for place in order), *older[::-1]]


def titles_of(recommender: Scorer, movie_ids: Sequence[int]) -> tuple[str, ...]:
    """Titles with years, told apart from each other."""
    schema = recommender.checkpoint.schema
    rows = recommender.catalogue.iloc[[schema.index_of(movie) - 1 for movie in movie_ids]]
    return tuple(labels_of(rows))


def _rivals(
    recommender: Scorer, session: Session, against: int | None, logits: np.ndarray
) -> list[int]:
    """The indices of the films that a film is set beside."""
    if against is not None:
        return [recommender.checkpoint.schema.index_of(against)]
    unseen = 1 + np.flatnonzero(recommender.unseen(session))
    if is_exact(recommender) or len(unseen) <= AVERAGED:
        return unseen.tolist()
    ranked = unseen[np.argsort(-logits[unseen - 1], kind="stable")]
    # The middle film of each of as many equal parts of the ranking.
    return ranked[((np.arange(AVERAGED) + 0.5) * len(ranked) / AVERAGED).astype(int)].tolist()
