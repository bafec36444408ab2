"""Which film of the catalogue an entry means: one, several that it could be, or none. Never a wrong one silently."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from recdemo.data.history.entries import Entry
from recdemo.data.titles import keys_of, names_of, part_keys, split_title

How = Literal["id", "title and year", "title", "ambiguous", "unknown"]

_BARE_YEAR = re.compile(r"(.*\w)[,\s]+((?:19|20)\d\d)")


@dataclass(frozen=True, slots=True)
class Match:
    """An entry and the films it may mean.

    Args:
        entry: what was looked for.
        films: MovieLens ids: one if it was found, several if somebody must choose, none if it is unknown.
        how: it was found; "title" where nobody said of which year it is.
    """

    entry: Entry
    films: tuple[int, ...]
    how: How


class Finder:
    """Finds films by id, or by title and year.

    Titles are compared without accents, case, punctuation, spaces and articles, wherever these stand; other names
    ("a.k.a.", original titles) count as names; Roman, Arabic and written numbers of sequels are the same. A year may be one
    off where only one film is called so. A title without a year counts where exactly one film is called so, here and among
    the films known to have been made later.

    Args:
        catalogue: ``movie_id``, ``title`` and ``year`` of the films to choose from.
        imdb: MovieLens id by IMDb number.
        later: titles and years of films outside the catalogue, to know namesakes by.
    """

    def __init__(
        self,
        catalogue: pd.DataFrame,
        imdb: Mapping[int, int] | None = None,
        later: Iterable[tuple[str, int]] = (),
    ) -> None:
        self._imdb = imdb or {}
        ids = catalogue["movie_id"].tolist()
        years = catalogue["year"].tolist()
        self._years = dict(zip(ids, years, strict=True))
        self._named: dict[str, set[int]] = defaultdict(set)  # by the title proper
        self._called: dict[str, set[int]] = defaultdict(set)  # by any name
        self._parts: dict[str, set[int]] = defaultdict(set)  # by a part of the title
        for movie, title in zip(ids, catalogue["title"].tolist(), strict=True):
            names = keys_of(title)
            self._named[names[0]].add(movie) if names else None
            for kind, keys in ((self._called, names), (self._parts, _parts_of(title))):
                for key in keys:
                    kind[key].add(movie)
        self._elsewhere: dict[str, set[int]] = defaultdict(set)
        for title, year in later:
            for key in keys_of(title):
                self._elsewhere[key].add(year)

    def find(self, entry: Entry) -> Match:
        """The film, or films, that an entry may mean."""
        named = self._by_title(entry)
        bare = named.how == "unknown" and not entry.year and _BARE_YEAR.fullmatch(entry.title)
        if bare:  # "Ran, 1985", which might have been a title such as "Blade Runner 2049"
            named = replace(
                self._by_title(replace(entry, title=bare[1], year=int(bare[2]))), entry=entry
            )
        known = (
            entry.movie_id if entry.movie_id in self._years else self._imdb.get(entry.imdb_id or 0)
        )
        if known is not None and known not in self._years:  # the id is of a film that is not here
            return Match(entry, named.films, "ambiguous" if named.films else "unknown")
        if known is None:
            return named
        if named.how in ("title and year", "title") and named.films != (known,):
            # The id says one, the title another.
            return Match(entry, (known, *named.films), "ambiguous")
        close = entry.year is None or abs(self._years[known] - entry.year) <= 2
        if close or named.films == (known,) or not entry.title:
            return Match(entry, (known,), "id")
        return Match(entry, (known,), "ambiguous")

    def _by_title(self, entry: Entry) -> Match:
        title, year = split_title(entry.title)
        year = entry.year or year
        keys = keys_of(title)
        if not keys:
            return Match(entry, (), "unknown")
        if year is None:
            return self._without_year(entry, keys)
        for index, wanted, slack in self._tries(keys):
            films = {film for key in wanted for film in index.get(key, ())}
            near = {film for film in films if abs(self._years[film] - year) <= slack}
            namesakes = slack and (len(films) > 1 or self._namesake(wanted, year))
            if index is self._parts and self._made(wanted, year):
                return Match(entry, (), "unknown")  # a film outside is called just so
            if len(near) == 1 and not namesakes:
                return Match(entry, tuple(near), "title and year")
            if near:
                return Match(entry, tuple(sorted(near)), "ambiguous")
        return Match(entry, (), "unknown")

    def _tries(
        self, keys: tuple[str, ...]
    ) -> Iterable[tuple[dict[str, set[int]], tuple[str, ...], int]]:
        """From the surest on: which index, which keys, how many years off."""
        first = keys[:1]
        yield from ((self._named, first, 0), (self._called, keys, 0))
        yield from ((self._named, first, 1), (self._called, keys, 1), (self._parts, first, 0))

    def _without_year(self, entry: Entry, keys: tuple[str, ...]) -> Match:
        films = {film for key in keys for film in self._called.get(key, ())}
        if not films:  # a part of a longer title only: never sure
            films = {film for key in keys for film in self._parts.get(key, ())}
            return Match(entry, tuple(sorted(films)), "ambiguous" if films else "unknown")
        if len(films) == 1 and not self._namesake(keys[:1], self._years[next(iter(films))]):
            return Match(entry, tuple(films), "title")
        return Match(entry, tuple(sorted(films)), "ambiguous")

    def _made(self, keys: Iterable[str], year: int) -> bool:
        """Whether a film outside the catalogue, of about that year, has the name."""
        return any(abs(other - year) <= 1 for key in keys for other in self._elsewhere.get(key, ()))

    def _namesake(self, keys: Iterable[str], year: int) -> bool:
        """Whether a film outside the catalogue, of another year, has the name."""
        return any(abs(other - year) > 1 for key in keys for other in self._elsewhere.get(key, ()))


def _parts_of(title: str) -> tuple[str, ...]:
    """Keys of the parts of a title and of its other names: ``Léon`` of ``The Professional (a.k.a. Leon: The Professional)``."""
    return tuple(key for name in (title, *names_of(title)[1:]) for key in part_keys(name))
