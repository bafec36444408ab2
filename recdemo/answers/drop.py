"""What it takes to move a film: the fewest watched films whose removal drops it out of the first k.

This is a counterfactual explanation as in Tran, Ghazimatin and Saha Roy, "Counterfactual Explanations for Neural
Recommenders" (SIGIR 2021). They follow influence functions and let any other film take its place; here the model is asked
again for every set tried, and what was tried is part of the answer.

A film taken away counts as not watched, but not as a rival: only films that were never watched compete for the
first k places. Otherwise a film taken away could be its own replacement, and say nothing about the one asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from recdemo.answers.counterfactual import check_k, enumerated, ranks_of
from recdemo.core.session import Session
from recdemo.core.wording import FILM, Words

if TYPE_CHECKING:
    from recdemo.answers.recommend import Recommender

CHUNK_ROWS = 4_000  # sessions times films scored at once: what stays in the cache
FOLDED_ROWS = 131_072  # the same for models that fold visitors in
# Films of the history times rivals compared with, and the fewest rivals, to choose the next step ...
STEP_ROWS, STEP_RIVALS = 16_000, 250
ROWS, RIVALS = 12_000, 1000  # ... and to say that a set fails
STRONGEST = 10  # watched films whose margins are told
STEPS = 6  # the most films taken away
SETS = 60  # sets tried besides films alone: all of two films, then of three, as far as they are no more
CLOSE = 1e-4  # a margin nearer to zero is decided by asking for that session alone


@dataclass(frozen=True, slots=True)
class Drop:
    """What it takes to drop a film out of the first k, and how far that is certain.

    Args:
        movie_id: the film.
        k: length of the list.
        rank: where it stands among the films not watched; None if it is watched itself.
        films: the fewest watched films found without which it is not among the first k, in the order watched;
            empty where none are needed or found.
        rank_after: where `Recommender.recommend` has it without them.
        tried: every set of up to this many watched films was tried.
        parts_tried: every smaller set made of `films` was tried.
        rivals: as many films, the nearest by score, is it compared with before a set is said to fail.
        rank_bare: where it stands, among the films not watched, without any history.
        unread: the history moves no score at all.
        margin: its logit minus that of the first film off the list.
        alone: that margin without one watched film, for those whose absence lowers it most, lowest first; below
            zero it is off the list.
    """

    movie_id: int
    k: int
    rank: int | None
    films: tuple[int, ...] = ()
    rank_after: int | None = None
    tried: int = 0
    parts_tried: bool = False
    rivals: int = 0
    rank_bare: int | None = None
    unread: bool = False
    margin: float = float("nan")
    alone: tuple[tuple[int, float], ...] = ()

    @property
    def smallest(self) -> bool:
        """Every smaller set was tried."""
        return bool(self.films) and len(self.films) <= self.tried + 1


def what_it_takes(
    recommender: Recommender,
    session: Session,
    movie_id: int,
    k: int = 10,
    *,
    logits: np.ndarray | None = None,
) -> Drop:
    """The fewest watched films without which a film is not among the first k.

    Each film alone is tried first. Where none suffices, up to `STEPS` films are taken away one by one, each time
    the one that brings the film nearest to its fall; then smaller sets are tried, all of them while they are few.

    Args:
        recommender: the model.
        session: who asks.
        movie_id: the film to drop.
        k: length of the list.
        logits: what `Recommender.logits` gives for this session, if it has been asked already.

    Raises:
        RequestError: k is below one, or a film is not in the catalogue.
    """
    check_k(k)
    film = recommender.checkpoint.schema.index_of(movie_id) - 1
    if movie_id in session.movie_ids:
        return Drop(movie_id, k, None)
    logits = recommender.logits(session) if logits is None else logits
    bare = recommender.logits(replace(session, history=()))
    race = _Race(recommender, session, film, k, _nearest(recommender, session, film, logits, bare))
    drop = Drop(
        movie_id,
        k,
        race.rank(logits),
        rivals=race.enough,
        rank_bare=race.rank(bare),
        unread=bool(np.array_equal(logits, bare)),
    )
    if race.rank(logits) > k or not session.history or drop.unread:
        return drop

    singles = [(movie,) for movie in race.read()]
    if len(singles) > STRONGEST:
        order = np.argsort(race.margins(singles, race.few), kind="stable")
        singles = [singles[i] for i in order.tolist()]
    margin, *alone = race.margins([(), *singles[:STRONGEST]], len(race.rivals)).tolist()
    first = singles[int(np.argmin(alone))]
    films = first if min(alone) < 0 else race.best(singles[STRONGEST:])
    tried, parts_tried = 1, False
    if not films:
        films, tried, parts_tried = race.search(first)
    pairs = sorted(zip(alone, (movie for (movie,) in singles), strict=False))
    drop = replace(
        drop,
        tried=tried,
        parts_tried=parts_tried,
        margin=margin,
        alone=tuple((movie, value) for value, movie in pairs),
    )
    if not films:
        return drop
    rest = race.without(films)
    after = ranks_of(recommender.logits(rest), recommender.unseen(rest))
    ordered = tuple(movie for movie in session.movie_ids if movie in films)
    return replace(drop, films=ordered, rank_after=int(after[film]))


def in_sentences(
    found: Drop, session: Session, labels: Mapping[int, str], name: str, w: Words = FILM
) -> tuple[str, str]:
    """The answer, and how far it is certain; empty where that goes without saying.

    Args:
        found: as `what_it_takes` returns it.
        session: who asked.
        labels: titles of the whole catalogue, by film id.
        name: of the model, for people.
        w: what the films are called.
    """
    title, size = f"**{labels[found.movie_id]}**", len(session.history)
    if found.rank is not None and found.rank > found.k:
        return f"{title} is not among the first {found.k}: it has rank {found.rank:,}.", ""
    if not size:
        return f"{title} is there without any history: no {w.film} holds it up.", ""
    if found.unread:
        return (
            f"Nothing would: with or without the history, {name} gives every {w.film} exactly the same score.",
            "",
        )
    smaller = max(len(found.films) - 1, 0) if found.smallest else found.tried
    none = f"no set of up to {smaller} {w.films}" if smaller > 1 else f"no {w.film} alone"
    note = f" {w.Films} taken away may themselves come back into the list; as rivals they do not count here."
    if found.rivals < len(labels) - size - 1:
        note += f" What fails was compared with the {found.rivals:,} {w.films} nearest by score."
    if found.films:
        names = enumerated([f"**{labels[movie]}**" for movie in found.films], STEPS)
        answer = f"Without {names}, {title} falls from rank {found.rank} to {found.rank_after:,}."
        proof = f"This is the smallest set: {none} does it, all were tried."
        if len(found.films) == 1:
            proof = f"One {w.film} is enough; the list was computed again without it."
        elif not found.smallest:
            proof = (
                f"Found step by step: {none} does it, and every part of this set was tried, too."
            )
        return answer, proof + note
    if found.rank_bare is not None and found.rank_bare > found.k:
        bare = f"Without any history it has rank {found.rank_bare:,}, but no few {w.films} do it."
    else:
        bare = "Without any history it is still there."
    proof = f"{none.capitalize()} does it, nor do up to {STEPS} taken away step by step."
    if found.tried >= size:
        proof = f"Every set of {w.watched} {w.films} was tried."
    return f"Nothing found that drops {title}. {bare}", proof + note


def strongest_support(found: Drop, labels: Mapping[int, str], w: Words = FILM) -> str:
    """Which film watched holds the film up most; `found` with margins, labels as in `in_sentences`."""
    movie, lead = found.alone[0]
    if lead >= found.margin:
        return f"No {w.film} {w.watched} holds it up: without any of them it leads by more."
    return f"**{labels[movie]}** holds it up most: without it the lead falls from {found.margin:+.2f} to {lead:+.2f}."


@dataclass(frozen=True, slots=True, eq=False)
class _Race:
    """A film among those not watched, as watched films are taken away."""

    recommender: Recommender
    session: Session
    film: int  # row of the catalogue
    k: int
    rivals: np.ndarray  # rows of the other films not watched, nearest by score first

    @property
    def few(self) -> int:
        """Rivals to compare with where the next step is chosen."""
        return max(STEP_RIVALS, STEP_ROWS // max(1, len(self.read())))

    @property
    def enough(self) -> int:
        """Rivals to compare with before a set is said to fail: all, unless the history is long."""
        return min(len(self.rivals), max(RIVALS, ROWS // max(1, len(self.read()))))

    def without(self, gone: Collection[int]) -> Session:
        """The visitor without some films."""
        kept = [film for film in self.session.history if film.movie_id not in gone]
        return replace(self.session, history=kept)

    def read(self, gone: Collection[int] = ()) -> list[int]:
        """The films that a model reads of the history, when some are taken away."""
        return (
            self.without(gone).latest(self.recommender.checkpoint.schema.history_length).movie_ids
        )

    def rank(self, logits: np.ndarray) -> int:
        """Where the film stands by the logits [M] of all films."""
        same = logits[self.rivals] == logits[self.film]
        ahead = (logits[self.rivals] > logits[self.film]) | (same & (self.rivals < self.film))
        return 1 + int(ahead.sum())

    def margins(self, sets: Sequence[Collection[int]], rivals: int) -> np.ndarray:
        """The film's logit minus that of the first other film off the list, without each set of films.

        With fewer rivals than there are, what is below zero stays so, and what is above may still fall.

        Args:
            sets: film ids.
            rivals: compare with the nearest so many.

        Returns:
            [len(sets)] below zero where the film is not among the first k; infinite without k rivals.
        """
        if len(self.rivals) < self.k or not sets:
            return np.full(len(sets), np.inf)
        rows = np.append(self.rivals[: max(rivals, self.k)], self.film)
        logits = _logits(self.recommender, [self.without(gone) for gone in sets], rows)
        margins = logits[:, -1] - np.partition(logits[:, :-1], -self.k, axis=1)[:, -self.k]
        # Several sessions at once are rounded otherwise than one.
        for close in np.flatnonzero(np.abs(margins) < CLOSE).tolist():
            rank = self.rank(self.recommender.logits(self.without(sets[close])))
            margins[close] = -CLOSE if rank > self.k else CLOSE
        return margins

    def best(self, sets: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        """The set that throws the film out furthest; empty if none does."""
        margins = self.margins(sets, self.enough)
        return sets[int(margins.argmin())] if margins.min(initial=0.0) < 0 else ()

    def search(self, first: tuple[int, ...]) -> tuple[tuple[int, ...], int, bool]:
        """Films that suffice, the size up to which all sets were tried, and whether all parts were: see `Drop`.

        Args:
            first: the film to begin with; no film alone suffices.
        """
        films = self._step_by_step(first)
        watched, tried, left = self.session.movie_ids, 1, SETS
        most = len(films) - 1 if films else len(watched)
        while tried < most and (left := left - comb(len(watched), tried + 1)) >= 0:
            tried += 1
            if smaller := self.best(list(combinations(watched, tried))):
                return smaller, tried, False
        if len(films) <= tried + 1:
            return films, tried, False
        for size in range(tried + 1, len(films)):
            if smaller := self.best(list(combinations(films, size))):
                return smaller, tried, True
        return films, tried, True

    def _step_by_step(self, gone: tuple[int, ...]) -> tuple[int, ...]:
        """Films taken away one by one until they suffice; empty if they never do."""
        while len(gone) < STEPS and (left := self.read(gone)):
            margins = self.margins([(*gone, movie) for movie in left], self.few)
            gone = (*gone, left[int(margins.argmin())])
            if margins.min() < 0:
                return gone
        return ()


def _nearest(
    recommender: Recommender, session: Session, film: int, logits: np.ndarray, bare: np.ndarray
) -> np.ndarray:
    """Rows of the other films not watched, those first that come nearest to a film, or furthest ahead of it, with
    all of the history or none of it."""
    rivals = np.flatnonzero(recommender.unseen(session))
    rivals = rivals[rivals != film]
    ahead = np.maximum(logits - logits[film], bare - bare[film])[rivals]
    return rivals[np.argsort(-ahead, kind="stable")]


def _logits(recommender: Recommender, sessions: Sequence[Session], rows: np.ndarray) -> np.ndarray:
    """[U, C] raw output of some films, rows of the catalogue, for several sessions."""
    import torch

    from recdemo.encoding.encode import encode
    from recdemo.models import card_of

    schema, model = recommender.checkpoint.schema, recommender.checkpoint.model
    candidates = torch.from_numpy(rows + 1)
    # Somebody who is folded in costs more than the scores after it, and many are folded in as quickly as one.
    most = FOLDED_ROWS if card_of(recommender.checkpoint.card.model).knows_users else CHUNK_ROWS
    size = max(1, most // len(rows))
    parts = []
    with torch.inference_mode():
        for start in range(0, len(sessions), size):
            batch = encode(schema, sessions[start : start + size], candidates)
            parts.append(model(batch).numpy())
    return np.concatenate(parts).reshape(len(sessions), -1).astype(np.float64)
