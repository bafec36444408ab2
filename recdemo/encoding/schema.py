"""The vocabularies that give an index its meaning. Id 0 is always unknown or padding."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from recdemo.core.errors import RequestError
from recdemo.core.vocabulary import AGES, GENDERS, GENRES, OCCUPATIONS
from recdemo.data.catalogue import genre_names
from recdemo.encoding.words import TITLE_LENGTH, latin_words_of, words_of

HISTORY_LENGTH = 50


# Upper edges of the release-year buckets: MovieLens is thin before 1980 and crowded in the nineties.
YEAR_EDGES: tuple[int, ...] = (
    *(1929, 1939, 1949, 1959, 1969, 1974, 1979, 1984, 1987, 1990),
    *range(1992, 2000),
)


@dataclass(frozen=True, eq=False)
class Schema:
    """The vocabularies a model is built for. Two schemas with one `hash` read the same ids alike.

    Args:
        movies: the catalogue, as `Dataset.movies`; film index ``i`` is its row ``i - 1``.
        history_length: ``L``, the number of latest films a model sees.
        profiles: whether it has learned what gender, age and occupation mean; else a visitor's are unknown to it.
    """

    movies: pd.DataFrame
    history_length: int = HISTORY_LENGTH
    profiles: bool = True

    genders = len(GENDERS)
    ages = len(AGES)
    occupations = len(OCCUPATIONS)
    genres = len(GENRES)
    years = len(YEAR_EDGES) + 1

    def of_length(self, history_length: int, *, profiles: bool = True) -> Schema:
        """The same vocabularies for a model that reads so many films, and profiles or none; what is made of the films is
        shared."""
        self._others.setdefault((self.history_length, self.profiles), self)
        other = self._others.get((history_length, profiles))
        if other is None:
            other = Schema(self.movies, history_length, profiles)
            other.__dict__.update(self._made_of_films, _others=self._others)
            self._others[history_length, profiles] = other
        return other

    def same_films(self, other: Schema) -> bool:
        """Whether a film index means the same film in both, whatever else they read."""
        return np.array_equal(self.movie_ids, other.movie_ids)

    @cached_property
    def _others(self) -> dict[tuple[int, bool], Schema]:
        """By history length, and whether profiles are read."""
        return {}

    @property
    def _made_of_films(self) -> dict[str, object]:
        names = (
            "movie_ids",
            "index",
            "genre_names",
            "genre_flags",
            "year_ids",
            "_titles",
            "_meaning",
        )
        return {name: getattr(self, name) for name in names}

    @property
    def size(self) -> int:
        """M, the number of films."""
        return len(self.movies)

    @cached_property
    def movie_ids(self) -> np.ndarray:
        """[M] MovieLens ids in index order."""
        return self.movies["movie_id"].to_numpy()

    @cached_property
    def index(self) -> dict[int, int]:
        """Film index (1 to M) by MovieLens id."""
        return {int(movie): i for i, movie in enumerate(self.movie_ids, start=1)}

    @cached_property
    def genre_names(self) -> tuple[str, ...]:
        """What genre 1, 2, … are called; at most `genres`."""
        return genre_names(self.movies)

    @cached_property
    def genre_flags(self) -> Tensor:
        """[M + 1, 18] one where the film has the genre; row 0 is zero."""
        flags = np.zeros((self.size + 1, self.genres), dtype=np.float32)
        for row, names in enumerate(self.movies["genres"], start=1):
            for name in names:
                flags[row, self.genre_names.index(name)] = 1.0
        return torch.from_numpy(flags).to(torch.get_default_dtype())

    @cached_property
    def year_ids(self) -> Tensor:
        """[M + 1] release-year bucket, 1 to `years`; 0 where the year is unknown; row 0 is 0."""
        years = self.movies["year"].to_numpy()
        buckets = np.searchsorted(YEAR_EDGES, years, side="left") + 1
        return torch.as_tensor(np.concatenate([[0], np.where(years > 0, buckets, 0)]))

    @property
    def words(self) -> tuple[str, ...]:
        """Every word of the titles, in alphabetical order; word id 0 pads."""
        return self._titles[0]

    @property
    def title_words(self) -> Tensor:
        """[M + 1, 10] word ids of each title, padded at the end; row 0 is zero. More than 10 where characters are words."""
        return self._titles[1]

    @cached_property
    def _titles(self) -> tuple[tuple[str, ...], Tensor]:
        """`words` and `title_words`, each title read once."""
        titles = [words_of(title) for title in self.movies["title"]]
        words = tuple(sorted(set(chain.from_iterable(titles))))
        ids = {word: i for i, word in enumerate(words, start=1)}
        longest = max(TITLE_LENGTH, *map(len, titles))
        table = np.zeros((self.size + 1, longest), dtype=np.int64)
        for row, title in enumerate(titles, start=1):
            table[row, : len(title)] = [ids[word] for word in title]
        return words, torch.from_numpy(table)

    @cached_property
    def hash(self) -> str:
        """Digest of everything that gives an index its meaning."""
        meaning = self._meaning | {"history_length": self.history_length}
        return hashlib.sha256(json.dumps(meaning).encode()).hexdigest()[:16]

    @cached_property
    def _meaning(self) -> dict[str, object]:
        return {
            "movies": [int(movie) for movie in self.movie_ids],
            "genres": self.genre_flags.int().tolist(),
            "years": self.year_ids.tolist(),
            "vocabularies": [
                list(GENDERS),
                list(AGES),
                list(OCCUPATIONS),
                self.genre_names,
                YEAR_EDGES,
            ],
            "words": sorted({w for title in self.movies["title"] for w in latin_words_of(title)}),
        }

    def index_of(self, movie_id: int) -> int:
        """Film index of a MovieLens id.

        Raises:
            RequestError: the catalogue has no such film.
        """
        try:
            return self.index[movie_id]
        except KeyError:
            raise RequestError(
                f"film {movie_id} is not in the catalogue of {self.size} films; "
                "look its id up in checkpoints/catalogue.csv"
            ) from None


def year_label(bucket: int) -> str:
    """The years of a bucket in words, e.g. ``1994`` or ``1930–1939``; bucket 0 is unknown."""
    if bucket == 0:
        return "unknown"
    if bucket == 1:
        return f"before {YEAR_EDGES[0] + 1}"
    first = YEAR_EDGES[bucket - 2] + 1
    if bucket > len(YEAR_EDGES):
        return f"from {first}"
    last = YEAR_EDGES[bucket - 1]
    return str(first) if first == last else f"{first}–{last}"
