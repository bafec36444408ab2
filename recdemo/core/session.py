"""Who a visitor is and what they watched."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from recdemo.core.errors import RequestError
from recdemo.core.vocabulary import (
    AGES,
    DISLIKED,
    GENDERS,
    JUST_WATCHED,
    LIKED,
    OCCUPATIONS,
    Gender,
)

MAX_SESSION_FILMS = 500


@dataclass(frozen=True, slots=True)
class Watched:
    """One film of a visitor's history.

    Args:
        movie_id: MovieLens-1M id.
        liked: True liked, False disliked, None just watched.
    """

    movie_id: int
    liked: bool | None = None

    def __post_init__(self) -> None:
        try:
            if isinstance(self.movie_id, bool):
                raise TypeError
            object.__setattr__(self, "movie_id", operator.index(self.movie_id))  # numpy's ids too
        except TypeError:
            raise RequestError(f"movie_id must be a whole number, not {self.movie_id!r}") from None
        if self.liked not in (True, False, None):
            raise RequestError(f"liked must be True, False or None, not {self.liked!r}")

    @property
    def feedback(self) -> int:
        """The feedback id of this film: LIKED, DISLIKED or JUST_WATCHED."""
        if self.liked is None:
            return JUST_WATCHED
        return LIKED if self.liked else DISLIKED


@dataclass(frozen=True, slots=True)
class Session:
    """Who a visitor is and what they watched, oldest film first. None means unknown.

    Args:
        gender: "F" or "M".
        age: first year of a MovieLens-1M age group, one of 1 18 25 35 45 50 56.
        occupation: MovieLens-1M code, 0 to 20.
        history: films in the order watched, each at most once.

    Raises:
        RequestError: a value outside these ranges, a film listed twice, or more than 500 films.
    """

    gender: Gender | None = None
    age: int | None = None
    occupation: int | None = None
    history: Sequence[Watched] = field(default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "history", tuple(self.history))
        for name in ("age", "occupation"):
            value = getattr(self, name)
            if value is not None and type(value) is not int:
                raise RequestError(f"{name} must be a whole number, not {value!r}")
        if self.gender is not None and self.gender not in tuple(GENDERS):
            raise RequestError(f"gender {self.gender!r} is unknown; use 'F', 'M' or leave it out")
        if self.age is not None and self.age not in AGES:
            known = " ".join(map(str, AGES))
            raise RequestError(f"age {self.age!r} is not an age group; use one of {known}")
        if self.occupation is not None and self.occupation not in OCCUPATIONS:
            raise RequestError(f"occupation {self.occupation!r} is unknown; use 0 to 20")
        if len(self.history) > MAX_SESSION_FILMS:
            raise RequestError(
                f"a history of {len(self.history)} films is too long; keep {MAX_SESSION_FILMS} at most"
            )
        seen: set[int] = set()
        for film in self.history:
            if not isinstance(film, Watched):
                raise RequestError(f"history holds {film!r}; give recdemo.Watched(movie_id, liked)")
            if film.movie_id in seen:
                raise RequestError(f"film {film.movie_id} is in the history twice; keep it once")
            seen.add(film.movie_id)

    @property
    def movie_ids(self) -> list[int]:
        """Ids of the films watched, oldest first."""
        return [film.movie_id for film in self.history]

    def latest(self, films: int) -> Session:
        """With so many films of its history at most, the latest: what a model reads of it."""
        if len(self.history) <= films:
            return self
        return replace(self, history=self.history[-films:])
