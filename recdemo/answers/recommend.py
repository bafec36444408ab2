"""From a visitor's session to a ranked list: the whole catalogue is scored, films watched are left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recdemo import checkpoints
from recdemo.answers.explain import explain
from recdemo.answers.explanation import Explanation
from recdemo.answers.reasons import Reasons
from recdemo.answers.score import Scorer
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.core.session import Session
from recdemo.core.vocabulary import Objective
from recdemo.encoding.schema import Schema
from recdemo.models import objective_of

MAX_K = 5000


@dataclass(frozen=True)
class Recommender(Scorer):
    """A checkpoint that answers sessions. It keeps nothing of a visitor and may be shared.

    Args:
        checkpoint: the model that ranks.
        liker: the ``like`` model of the same kind, for `p_like` beside a ranking; None where there is none.
        problem: why there is no `liker`, if it should be there.
    """

    liker: Recommender | None = None
    problem: str = ""

    @classmethod
    def load(
        cls, model: str, objective: Objective | None = None, schema: Schema | None = None
    ) -> Recommender:
        """See `recdemo.load`, and `checkpoints.load` about the schema."""
        model, base = checkpoints.place_of(model)
        objective = objective_of(model, objective)
        checkpoint = checkpoints.load(model, objective, base, schema)
        if objective != "next" or not checkpoints.likes_too(model, base):
            return cls(checkpoint)
        try:
            return cls(checkpoint, cls(checkpoints.load(model, "like", base, checkpoint.schema)))
        except CheckpointError as error:  # the ranking stands without it; p_like is then unknown
            return cls(checkpoint, problem=str(error))

    def recommend(
        self,
        session: Session,
        k: int = 10,
        *,
        genres: Collection[str] = (),
        years: tuple[int, int] | None = None,
        logits: np.ndarray | None = None,
    ) -> pd.DataFrame:
        """The k best films the visitor has not watched.

        Args:
            session: who asks.
            k: length of the list, 1 to `MAX_K`; fewer rows come back where fewer films are left.
            genres: keep films with at least one of these; empty keeps all.
            years: keep films released from the first to the second year.
            logits: what `logits` gives for this session, if it has been asked already.

        Returns:
            Columns ``rank``, ``movie_id``, ``title``, ``year``, ``genres`` (tuple), ``score`` (see
            `scores`; filters do not change it), ``p_like`` (by the `like` model of this kind, NaN where
            there is none), ``ratings`` (how many people rated the film). Best first; equal scores in
            catalogue order.

        Raises:
            RequestError: k, a genre or a film of the history is out of range.
        """
        if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= MAX_K:
            raise RequestError(f"k must be a whole number from 1 to {MAX_K}, not {k!r}")
        films = self.catalogue
        wanted = self.candidates(session, genres, years)
        logits = self.logits(session) if logits is None else logits
        best = np.argsort(-logits, kind="stable")
        best = best[wanted[best]][:k]
        scores = self.scores(session, logits)[best]
        if self.objective == "like":
            p_like = scores
        elif self.liker is not None:
            p_like = self.liker.scores(session)[best]
        else:
            p_like = np.full(len(best), np.nan)
        columns = ["movie_id", "title", "year", "genres"]
        table = films.iloc[best][columns].reset_index(drop=True)
        table.insert(0, "rank", np.arange(1, len(best) + 1))
        return table.assign(score=scores, p_like=p_like, ratings=films["ratings"].to_numpy()[best])

    def candidates(
        self, session: Session, genres: Collection[str] = (), years: tuple[int, int] | None = None
    ) -> np.ndarray:
        """[M] True for the films that may be on a list, in catalogue order; see `recommend`."""
        known = self.checkpoint.schema.genre_names
        unknown = [genre for genre in genres if genre not in known]
        if unknown:
            raise RequestError(f"genre {unknown[0]!r} is unknown; use some of {', '.join(known)}")
        films, wanted = self.catalogue, self.unseen(session)
        if genres:
            wanted &= films["genres"].map(lambda names: bool(set(names) & set(genres))).to_numpy()
        if years is not None:
            wanted &= films["year"].between(*years).to_numpy()
        return wanted

    def explain(
        self,
        session: Session,
        movie_id: int,
        *,
        against: int | None = None,
        logits: np.ndarray | None = None,
        shared: Reasons | None = None,
    ) -> Explanation:
        """Why this film scores what it scores, see `recdemo.answers.explain.explain`."""
        return explain(self, session, movie_id, against=against, logits=logits, shared=shared)


def leaning(genres: Sequence[Sequence[str]]) -> list[tuple[str, int]]:
    """What a list leans to: up to two genres that a third of its films have at least, with how many do.

    Args:
        genres: of each film on the list.
    """
    common = Counter(genre for names in genres for genre in names).most_common(2)
    return [(name, films) for name, films in common if 3 * films >= len(genres)]
