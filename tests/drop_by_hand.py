"""The fewest films whose removal drops one, checked by brute force."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from recdemo import Session
from recdemo.answers.drop import Drop, what_it_takes
from recdemo.answers.recommend import Recommender


class Lists:
    """Lists of the library for a visitor without some films, each asked for once."""

    def __init__(self, model: Recommender, session: Session) -> None:
        self.model, self.session = model, session
        self.known: dict[tuple[int, ...], list[int]] = {}

    def without(self, gone: tuple[int, ...]) -> list[int]:
        """All films, best first."""
        if gone not in self.known:
            rest = [film for film in self.session.history if film.movie_id not in gone]
            table = self.model.recommend(replace(self.session, history=rest), 5000)
            self.known[gone] = table["movie_id"].tolist()
        return self.known[gone]

    def rank(self, movie: int, gone: tuple[int, ...] = ()) -> int:
        """A film's place among those never watched."""
        never = [film for film in self.without(gone) if film not in self.session.movie_ids]
        return never.index(movie) + 1

    def sets(self, movie: int, k: int, size: int) -> list[tuple[int, ...]]:
        """All sets of so many watched films without which a film is off the list."""
        found = combinations(self.session.movie_ids, size)
        return [gone for gone in found if self.rank(movie, gone) > k]


def checked(lists: Lists, movie: int, k: int) -> Drop:
    """The answer, after everything it claims has been checked by brute force."""
    watched = lists.session.movie_ids
    drop = what_it_takes(lists.model, lists.session, movie, k)
    assert drop.rank == lists.rank(movie)
    assert drop.rank_bare == lists.rank(movie, tuple(watched))
    if drop.rank > k or not watched or drop.unread:
        assert drop.films == ()
        return drop
    for size in range(1, drop.tried + 1):
        assert not lists.sets(movie, k, size) or 0 < len(drop.films) <= size
    if drop.films:
        assert lists.rank(movie, drop.films) > k
        assert lists.without(drop.films).index(movie) + 1 == drop.rank_after
        assert list(drop.films) == [film for film in watched if film in drop.films]
        for size in range(1, len(drop.films)):
            for part in combinations(drop.films, size):
                assert lists.rank(movie, part) <= k, "a part of it suffices"
    return drop
