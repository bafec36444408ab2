"""The visitor as they are beside the visitor changed: what moves in the list.

`recdemo.answers.drop` goes the other way: which change it takes to move a film.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from recdemo.core.errors import RequestError
from recdemo.core.session import MAX_SESSION_FILMS, Session, Watched
from recdemo.core.vocabulary import AGES, GENDERS, OCCUPATIONS, Gender
from recdemo.core.wording import FILM, Words
from recdemo.data.catalogue import labels_of

if TYPE_CHECKING:
    from recdemo.answers.recommend import Recommender

Unknown = Literal["-"]
UNKNOWN: Unknown = "-"
PARTS = {"profile": "gender, age or occupation", "history": "films watched"}


@dataclass(frozen=True, slots=True)
class Change:
    """What is tried out on a visitor. None leaves a value as it is, `UNKNOWN` takes it away.

    Args:
        gender: another one.
        age: another group.
        occupation: another one.
        dropped: ids of films not watched after all.
        added: a film watched last.
    """

    gender: Gender | Unknown | None = None
    age: int | Unknown | None = None
    occupation: int | Unknown | None = None
    dropped: tuple[int, ...] = ()
    added: Watched | None = None

    def of(self, session: Session) -> Session:
        """The session changed.

        A film dropped that is not in the history is passed over; one added that is there moves to the end; a
        full history loses its oldest film to one added.
        """
        gone = {*self.dropped, *([self.added.movie_id] if self.added else [])}
        history = [film for film in session.history if film.movie_id not in gone]
        if self.added:
            history = [*history, self.added][-MAX_SESSION_FILMS:]
        values: dict[str, Any] = {
            name: None if value == UNKNOWN else value
            for name in ("gender", "age", "occupation")
            if (value := getattr(self, name)) is not None
        }
        return replace(session, **values, history=history)


@dataclass(frozen=True, slots=True, eq=False)
class RankChanges:
    """Two lists of one model, film by film."""

    k: int
    films: pd.DataFrame  # see `rank_changes`
    same_scores: bool  # every film of the catalogue has exactly the same logit in both

    @property
    def stay(self) -> int:
        """Films on both lists."""
        return int(((self.films[["rank_before", "rank_after"]] <= self.k).sum(axis=1) == 2).sum())


def rank_changes(
    recommender: Recommender,
    before: Session,
    after: Session,
    k: int = 10,
    *,
    genres: Collection[str] = (),
    years: tuple[int, int] | None = None,
    logits_before: np.ndarray | None = None,
    logits: np.ndarray | None = None,
) -> RankChanges:
    """Where the first k films of either session stand in both.

    Args:
        recommender: the model.
        before: a visitor.
        after: the same visitor, changed.
        k: length of the lists.
        genres: only films with at least one of these are ranked; empty keeps all.
        years: only films released from the first to the second year.
        logits_before: what `Recommender.logits` gives for the session before, if it has been asked already.
        logits: the same for the session after.

    Returns:
        One row per film among the first k before or after, by rank before: ``movie_id``, ``title`` (with year),
        ``rank_before``, ``rank_after`` (missing where the film is in that history), ``score_before``, ``score_after`` (as
        `Recommender.recommend` gives them, NaN where the film is in that history).

    Raises:
        RequestError: k is below one, or a film of a history is not in the catalogue.
    """
    check_k(k)
    catalogue = recommender.catalogue
    table = pd.DataFrame(
        {
            "movie_id": catalogue["movie_id"],
            "title": labels_of(catalogue),
        }
    )
    both = {
        "before": recommender.logits(before) if logits_before is None else logits_before,
        "after": recommender.logits(after) if logits is None else logits,
    }
    for name, session in (("before", before), ("after", after)):
        wanted = recommender.candidates(session, genres, years)
        ranks = pd.Series(ranks_of(both[name], wanted), dtype="Int64")
        scores = recommender.scores(session, both[name])
        table[f"rank_{name}"] = ranks.where(wanted)
        table[f"score_{name}"] = np.where(wanted, scores, np.nan)
    listed = (table[["rank_before", "rank_after"]] <= k).any(axis=1)
    return RankChanges(
        k=k,
        films=table[listed].sort_values(["rank_before", "rank_after"], ignore_index=True),
        same_scores=bool(np.array_equal(both["before"], both["after"])),
    )


def unread(recommender: Recommender, session: Session) -> tuple[str, ...]:
    """Which of ``profile`` and ``history`` make no difference to any score, found by trying others."""
    first, second = (int(movie) for movie in recommender.catalogue["movie_id"][:2])
    others = {
        "profile": [
            replace(session, gender="F", age=1, occupation=10),
            replace(session, gender="M", age=56, occupation=13),
            replace(session, gender=None, age=None, occupation=None),
        ],
        "history": [
            replace(session, history=()),
            replace(session, history=(Watched(first, True),)),
            replace(session, history=(Watched(second, False),)),
        ],
    }
    logits = recommender.logits(session)
    return tuple(
        name
        for name, tried in others.items()
        if all(np.array_equal(recommender.logits(other), logits) for other in tried)
    )


def in_words(
    change: Change, session: Session, titles: Mapping[int, str], w: Words = FILM
) -> list[str]:
    """What a change does to a visitor, piece by piece; what it leaves as it is is not named.

    Args:
        change: any.
        session: the visitor before it.
        titles: by film id.
    """
    after = change.of(session)
    names: dict[str, dict[Any, str]] = {
        "gender": {**GENDERS},
        "age": {**AGES},
        "occupation": {**OCCUPATIONS},
    }
    found = []
    for field, values in names.items():
        old, new = getattr(session, field), getattr(after, field)
        if old != new:
            said = ["unknown" if value is None else values[value] for value in (old, new)]
            found.append(f"{field} {' → '.join(said)}")
    gone = [movie for movie in session.movie_ids if movie not in set(after.movie_ids)]
    if gone:
        found.append(f"without {enumerated([titles[movie] for movie in gone])}")
    if change.added and session.history[-1:] != (change.added,):
        reaction = {True: "liked", False: "disliked", None: "seen"}[change.added.liked]
        found.append(f"{titles[change.added.movie_id]} {reaction}, {w.watched} last")
    return found


def enumerated(names: Sequence[str], most: int = 4) -> str:
    """Names in a sentence, as "A, B and C"; of more than `most`, the last are only counted."""
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def ranks_of(logits: np.ndarray, among: np.ndarray) -> np.ndarray:
    """[M] ranks from 1, as `Recommender.recommend` gives them; zero for films that are not among those asked."""
    best = np.argsort(-logits, kind="stable")
    best = best[among[best]]
    ranks = np.zeros(len(logits), dtype=np.int64)
    ranks[best] = np.arange(1, len(best) + 1)
    return ranks


def check_k(k: int) -> None:
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise RequestError(f"k must be a whole number, 1 or more, not {k!r}")


def what_moves(changes: RankChanges, w: Words = FILM) -> str:
    """How many films stay on the list, and the one that moves most."""
    films, k = changes.films, changes.k
    size = int((films["rank_before"] <= k).sum())
    stay = (
        f"All {size} {w.films} stay"
        if changes.stay == size
        else f"{changes.stay} of {size} {w.films} stay"
    )
    moves = (films["rank_before"] - films["rank_after"]).dropna()
    if moves.empty or not moves.any():
        return f"{stay}, each at its place"
    rises = moves.max() > 0
    row = films.loc[moves.idxmax() if rises else moves.idxmin()]
    return (
        f"{stay}; {row['title']} {'rises' if rises else 'falls'} most, from {row['rank_before']:,} to "
        f"{row['rank_after']:,}"
    )


def why_nothing_moves(recommender: Recommender, before: Session, after: Session, name: str) -> str:
    """Why a change moves no score.

    Args:
        recommender: the model.
        before: a visitor.
        after: the same visitor, changed, with the same scores.
        name: of the model, for people.
    """
    touched = {
        "profile": replace(after, history=()) != replace(before, history=()),
        "history": after.history != before.history,
    }
    w = recommender.words
    deaf = [w(PARTS[part]) for part in unread(recommender, before) if touched[part]]
    if deaf:
        return f"{name} {w.reads} no {' and no '.join(deaf)}: this change moves no score, and no other like it would."
    return (
        f"No score moves: nothing that {name} {w.reads} of this visitor has changed. Of a history it {w.reads} the latest "
        f"{recommender.checkpoint.schema.history_length} {w.films}."
    )
