"""From films, sessions and ratings to tensors: one schema, one batch, for training and for answering.

Every vocabulary reserves id 0 for "unknown or padding". A history always ends before its target: for a
training row this is a matter of positions (see `Ratings.batch`), for a visitor the films watched are
never candidates (see `recdemo.recommend`).
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from recdemo.contracts import (
    AGES,
    GENDERS,
    GENRES,
    JUST_WATCHED,
    LIKED,
    LIKED_FROM,
    OCCUPATIONS,
    Batch,
    RequestError,
    Session,
)
from recdemo.data.dataset import Dataset

HISTORY_LENGTH = 50
TASTE_LENGTH = 5
TITLE_LENGTH = 10
# Upper edges of the release-year buckets: MovieLens is thin before 1980 and crowded in the nineties.
YEAR_EDGES: tuple[int, ...] = (
    1929,
    1939,
    1949,
    1959,
    1969,
    1974,
    1979,
    1984,
    1987,
    1990,
    1992,
    1993,
    1994,
    1995,
    1996,
)
YEAR_EDGES += (1997, 1998, 1999)

_GENDER_IDS = {code: i for i, code in enumerate(GENDERS, start=1)}
_AGE_IDS = {code: i for i, code in enumerate(AGES, start=1)}
_OCCUPATION_IDS = {code: i for i, code in enumerate(OCCUPATIONS, start=1)}


@dataclass(frozen=True, eq=False)
class Schema:
    """The vocabularies a model is built for. Two schemas with one `hash` read the same ids alike.

    Args:
        movies: the catalogue, as `Dataset.movies`; film index ``i`` is its row ``i - 1``.
        history_length: ``L``, the number of latest films a model sees.
    """

    movies: pd.DataFrame
    history_length: int = HISTORY_LENGTH

    genders = len(GENDERS)
    ages = len(AGES)
    occupations = len(OCCUPATIONS)
    genres = len(GENRES)
    years = len(YEAR_EDGES) + 1

    def of_length(self, history_length: int) -> Schema:
        """The same vocabularies for a model that reads so many films; what is made of the films is shared."""
        if history_length == self.history_length:
            return self
        other = self._others.get(history_length)
        if other is None:
            other = Schema(self.movies, history_length)
            other.__dict__.update(self._made_of_films, _others=self._others)
            self._others[self.history_length] = self
            self._others[history_length] = other
        return other

    @cached_property
    def _others(self) -> dict[int, Schema]:
        """By history length."""
        return {}

    @property
    def _made_of_films(self) -> dict[str, object]:
        names = (
            "movie_ids",
            "index",
            "genre_flags",
            "year_ids",
            "words",
            "title_words",
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
    def genre_flags(self) -> Tensor:
        """[M + 1, 18] one where the film has the genre; row 0 is zero."""
        flags = torch.zeros(self.size + 1, self.genres)
        for row, names in enumerate(self.movies["genres"], start=1):
            for name in names:
                flags[row, GENRES.index(name)] = 1.0
        return flags

    @cached_property
    def year_ids(self) -> Tensor:
        """[M + 1] release-year bucket, 1 to `years`; 0 where the year is unknown; row 0 is 0."""
        years = self.movies["year"].to_numpy()
        buckets = np.searchsorted(YEAR_EDGES, years, side="left") + 1
        return torch.as_tensor(np.concatenate([[0], np.where(years > 0, buckets, 0)]))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Every word of the titles, in alphabetical order; word id 0 pads."""
        return tuple(sorted({word for title in self.movies["title"] for word in words_of(title)}))

    @cached_property
    def title_words(self) -> Tensor:
        """[M + 1, 10] word ids of each title, padded at the end; row 0 is zero."""
        ids = {word: i for i, word in enumerate(self.words, start=1)}
        table = torch.zeros(self.size + 1, TITLE_LENGTH, dtype=torch.long)
        for row, title in enumerate(self.movies["title"], start=1):
            found = [ids[word] for word in words_of(title)]
            table[row, : len(found)] = torch.tensor(found)
        return table

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
            "vocabularies": [list(GENDERS), list(AGES), list(OCCUPATIONS), GENRES, YEAR_EDGES],
            "words": self.words,
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


def words_of(title: str) -> list[str]:
    """The first `TITLE_LENGTH` words of a title, in lower case and without accents, as GloVe has them."""
    plain = unicodedata.normalize("NFKD", title.lower())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.findall(r"[a-z0-9]+(?:'[a-z]+)?", plain)[:TITLE_LENGTH]


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


def favourite_genre(history: Tensor, feedback: Tensor, genre_flags: Tensor) -> Tensor:
    """The genre most frequent among the films liked; on a tie, or where none is liked, those just watched
    are counted too. A film disliked says nothing for its genres.

    Args:
        history: [U, L] film indices.
        feedback: [U, L].
        genre_flags: [M + 1, G].

    Returns:
        [U] genre id 1 to G, the lower id on a tie; 0 where no film was liked or just watched.
    """
    # All films just watched weigh less than one liked; padding is film 0 and has no genre.
    weights = torch.zeros(LIKED + 1, device=feedback.device)
    weights[JUST_WATCHED], weights[LIKED] = 1 / (2 * history.shape[1]), 1.0
    weight = weights.take(feedback)  # [U, L]
    counts = torch.nn.functional.embedding_bag(
        history, genre_flags, per_sample_weights=weight, mode="sum"
    )  # [U, G]
    top, genre = counts.max(-1)
    return torch.where(top > 0, genre + 1, 0)


def assemble(
    schema: Schema,
    *,
    user: Tensor,
    profile: Tensor,
    history: Tensor,
    feedback: Tensor,
    target_movie: Tensor,
) -> Batch:
    """Add the derived taste to raw ids. The only place where a `Batch` is made.

    Args:
        schema: the vocabularies the ids are from.
        user: [U].
        profile: [U, 3] gender, age and occupation ids.
        history: [U, L] oldest first, padded at the end.
        feedback: [U, L].
        target_movie: [U * C].
    """
    length = (history != 0).sum(1, keepdim=True)  # [U, 1]
    latest = length - 1 - torch.arange(TASTE_LENGTH, device=history.device)  # [U, 5]
    last_five = history.gather(1, latest.clamp(min=0)) * (latest >= 0)
    return Batch(
        user=user,
        gender=profile[:, 0],
        age=profile[:, 1],
        occupation=profile[:, 2],
        history=history,
        feedback=feedback,
        favourite_genre=favourite_genre(history, feedback, schema.genre_flags),
        last_five=last_five,
        target_movie=target_movie,
    )


def encode(schema: Schema, sessions: Sequence[Session], candidates: Tensor) -> Batch:
    """Sessions as a batch.

    Args:
        schema: vocabularies.
        sessions: U visitors. The latest `Schema.history_length` films of each are kept, and the batch is as long
            as the longest of these: no model works through padding that everybody has.
        candidates: [U, C] film indices to score, or [C] for the same films for everybody.

    Raises:
        RequestError: a film of a history is not in the catalogue.
    """
    size = len(sessions)
    watched = [session.history[-schema.history_length :] for session in sessions]
    length = max(1, *map(len, watched)) if watched else 1
    profile = torch.zeros(size, 3, dtype=torch.long)
    history = torch.zeros(size, length, dtype=torch.long)
    feedback = torch.zeros_like(history)
    for row, (session, films) in enumerate(zip(sessions, watched, strict=True)):
        gender = _GENDER_IDS[session.gender] if session.gender else 0
        age = 0 if session.age is None else _AGE_IDS[session.age]
        occupation = 0 if session.occupation is None else session.occupation + 1
        profile[row] = torch.tensor([gender, age, occupation])
        if films:
            history[row, : len(films)] = torch.tensor([schema.index_of(f.movie_id) for f in films])
            feedback[row, : len(films)] = torch.tensor([f.feedback for f in films])
    if candidates.dim() == 1:
        candidates = candidates.expand(size, -1)
    return assemble(
        schema,
        user=torch.zeros(size, dtype=torch.long),
        profile=profile,
        history=history,
        feedback=feedback,
        target_movie=candidates.reshape(-1),
    )


def profile_of(users: pd.DataFrame) -> Tensor:
    """[users, 3] gender, age and occupation ids of `Dataset.users`; 0 where unknown."""
    ids = {"gender": _GENDER_IDS, "age": _AGE_IDS, "occupation": _OCCUPATION_IDS}
    columns = [users[name].map(known).fillna(0).astype(np.int64) for name, known in ids.items()]
    return torch.as_tensor(np.stack(columns, axis=1))


def by_chance(share: float, shape: Sequence[int]) -> Tensor:
    """True at random for a share of all places, above 0 and rounded to 65,536ths.

    Sixteen random bits say as much here as a random float and cost a third.
    """
    size = math.prod(shape)
    drawn = torch.empty(-(-size // 4), dtype=torch.int64).random_(-(2**63), None)
    most = max(0, round(2**16 * share) - 1) - 2**15
    return drawn.view(torch.int16)[:size].view(*shape) <= most


def _followed(column: Tensor, more: int) -> Tensor:
    """[N] → [N + more], zeros at the end."""
    return torch.nn.functional.pad(column, (0, more))


class Ratings:
    """All ratings of a data set as resident tensors, from which any batch is a gather.

    A row is one rating. Its history is a window over the rows just before it of the same user, so it
    cannot hold the target or anything later.

    Args:
        dataset: users, films, ratings.
        schema: vocabularies; every film rated must be in them.
        every_film: any film rated counts as picked, not only those liked.
        earlier_users: how many users a model knows besides, with lower ids: those of earlier parts of the data.
        strangers: no model was trained on these users: their id is 0, as a visitor's.

    Raises:
        RequestError: a rated film is not in the schema's catalogue.
    """

    def __init__(
        self,
        dataset: Dataset,
        schema: Schema,
        *,
        every_film: bool = False,
        earlier_users: int = 0,
        strangers: bool = False,
    ) -> None:
        self.schema, self.earlier_users, self.strangers = schema, earlier_users, strangers
        ratings, users = dataset.ratings, dataset.users
        foreign = ~ratings["movie_id"].isin(schema.movie_ids)
        if foreign.any():
            schema.index_of(int(ratings["movie_id"][foreign].iloc[0]))
        # Narrow columns: a gather over many ratings waits for memory.
        lookup = np.zeros(int(schema.movie_ids.max()) + 1, dtype=np.int32)
        lookup[schema.movie_ids] = np.arange(1, schema.size + 1)
        user = np.searchsorted(users["user_id"].to_numpy(), ratings["user_id"].to_numpy())
        user = user.astype(np.int32)
        counts = np.bincount(user, minlength=len(users))
        start = np.concatenate([[0], np.cumsum(counts)[:-1]])

        # Histories are windows over these two, which go on for one window after the last rating.
        beyond = schema.history_length
        self._movie = _followed(torch.as_tensor(lookup[ratings["movie_id"].to_numpy()]), beyond)
        self.movie = self._movie[: len(ratings)]  # [N]
        self.stars = torch.as_tensor(ratings["rating"].to_numpy(dtype=np.float32))  # [N]
        self.liked = self.stars >= LIKED_FROM  # [N]
        # [N] what `next` asks for
        self.picked = torch.ones_like(self.liked) if every_film else self.liked
        self._feedback = _followed(self.liked.to(torch.uint8) + (LIKED - 1), beyond)
        self.feedback = self._feedback[: len(ratings)]  # [N]
        self.user = torch.as_tensor(user)  # [N] row of dataset.users
        self.start = torch.as_tensor(start)  # [users] first row of each user
        self.count = torch.as_tensor(counts)  # [users]
        self.profile = profile_of(users)  # [users, 3]

    def __len__(self) -> int:
        return len(self.movie)

    def batch(
        self,
        rows: Tensor,
        candidates: Tensor | None = None,
        *,
        forget: float = 0.0,
        shorten: float = 0.0,
        histories: bool = True,
    ) -> Batch:
        """The batch that asks about some ratings.

        Args:
            rows: [U] rating rows; user, profile and history of each are taken just before it.
            candidates: [U, C] films to score; None for the film rated (C = 1).
            forget: training only. The share of profile values, of feedbacks and of whole histories'
                feedbacks set to unknown, so that a model learns what "unknown" and "just watched"
                mean; MovieLens itself has neither.
            shorten: training only. The share of histories cut to a random number of their latest films:
                MovieLens users have rated many, a visitor of the demo begins with a few.
            histories: False leaves them empty, for a model that reads none (`recdemo.contracts.reads_history`): the
                costliest part of a batch. Strangers always have theirs.
        """
        histories = histories or self.strangers
        length = self.schema.history_length if histories else 1  # one place, of padding
        user = self.user[rows].long()
        reach = torch.full_like(rows, length if histories else 0)
        if histories and shorten:
            cut = torch.rand(len(rows)) < shorten
            reach = torch.where(cut, torch.randint(0, length + 1, rows.shape), reach)
        first = torch.maximum(self.start[user], rows - reach)  # [U]
        before = torch.arange(length) < (rows - first).unsqueeze(1)  # [U, L]
        history, feedback = (
            column.unfold(0, length, 1).index_select(0, first) * before
            for column in (self._movie, self._feedback)
        )
        profile = self.profile[user]
        if forget:
            profile = profile * (torch.rand(profile.shape) >= forget)
            unrated = by_chance(forget, feedback.shape) | by_chance(forget, (len(rows), 1))
            feedback.masked_fill_(unrated & before, JUST_WATCHED)
        targets = self.movie[rows].long() if candidates is None else candidates.reshape(-1)
        return assemble(
            self.schema,
            user=torch.zeros_like(user) if self.strangers else user + (self.earlier_users + 1),
            profile=profile,
            history=history.long(),
            feedback=feedback.long(),
            target_movie=targets,
        )
