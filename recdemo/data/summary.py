"""What a data set holds, as counts and means over groups: small, and fit to be shipped where ratings are not.

No cell says anything of fewer than five users: such groups are left out, such bins of a histogram merged with
their neighbour. `python -m recdemo data aggregates` writes the file.
"""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any, get_args

import numpy as np
import pandas as pd
from pydantic import BaseModel, Field

from recdemo.core.errors import CheckpointError
from recdemo.core.vocabulary import LIKED_FROM, PROFILE, Split
from recdemo.data import TEST, TRAIN, VALIDATION, DataError, Dataset, parts_of

FILE = "aggregates.json"
FEWEST = 5  # users behind a number
DIGITS = 5
TASTES = ("gender", "age")  # fields whose groups are big enough to ask what they like

Share = Annotated[float, Field(ge=0, le=1)]
Stars = Annotated[float, Field(ge=0.5, le=5)]


class Group(BaseModel):
    """The ratings of a group of users, or of films."""

    users: int = Field(ge=FEWEST)
    ratings: int
    mean_stars: Stars
    liked: Share  # of the ratings


class Range(BaseModel):
    """How many users or films have from `low` to `high` ratings."""

    low: int
    high: int
    count: int


class Parts(BaseModel):
    """Ratings of each part of a split."""

    train: int
    validation: int
    test: int


class Aggregates(BaseModel):
    """``aggregates.json``."""

    name: str
    title: str
    simulated: bool
    date: str
    users: int = Field(ge=FEWEST)
    films: int = Field(ge=1)
    films_rated: int
    ratings: int = Field(ge=1)
    mean_stars: Stars
    liked: Share
    stars: dict[float, int]  # ratings by number of stars
    genres: dict[str, Group]  # a film of several genres counts for each
    years: dict[int, Group]  # by year of release, where it is known
    profile: dict[str, dict[str, Group]]  # by field, by code; empty where a source does not know
    crowd: dict[str, dict[int, Annotated[int, Field(ge=FEWEST)]]]  # users by gender, by age group
    # By field, code, genre: share of the group's likes.
    tastes: dict[str, dict[str, dict[str, Share]]]
    head: list[Share] = Field(min_length=101, max_length=101)  # see `head`
    per_film: list[Range]
    per_user: list[Range]
    split: dict[Split, Parts]

    @property
    def density(self) -> float:
        """Share of all pairs of a user and a film that are rated."""
        return self.ratings / (self.users * self.films)


def aggregates_of(dataset: Dataset, date: str) -> Aggregates:
    """Count a data set.

    Args:
        dataset: any.
        date: of today.

    Raises:
        DataError: it has fewer than five users.
    """
    if dataset.ratings["user_id"].nunique() < FEWEST:
        raise DataError(
            f"{dataset.title} has fewer than {FEWEST} users; counts would tell about each"
        )
    movies, users = dataset.movies, dataset.users
    rated = dataset.ratings.assign(liked=dataset.ratings["rating"] >= LIKED_FROM)
    rated = rated.merge(users, on="user_id").merge(movies[["movie_id", "year"]], on="movie_id")
    by_genre = rated.merge(movies[["movie_id", "genres"]].explode("genres"), on="movie_id")
    per_film, per_user = (
        rated[name].value_counts().reindex(frame[name], fill_value=0).to_numpy()
        for name, frame in {"movie_id": movies, "user_id": users}.items()
    )
    stars = rated["rating"].value_counts()
    return Aggregates(
        name=dataset.name,
        title=dataset.title,
        simulated=dataset.simulated,
        date=date,
        users=len(users),
        films=len(movies),
        films_rated=int((per_film > 0).sum()),
        ratings=len(rated),
        mean_stars=round(float(rated["rating"].mean()), DIGITS),
        liked=round(float(rated["liked"].mean()), DIGITS),
        stars={float(n): int(stars.get(n, 0)) for n in sorted({1, 2, 3, 4, 5, *stars.index})},
        genres=_groups(by_genre, "genres"),
        years=_groups(rated[rated["year"] > 0], "year"),
        profile={
            field: {str(code): group for code, group in _groups(rated, field).items()}
            for field in PROFILE
        },
        crowd=_crowd(users),
        tastes={field: _tastes(rated, by_genre, field) for field in TASTES},
        head=head(per_film),
        per_film=ranges(per_film),
        per_user=ranges(per_user, fewest=FEWEST),
        split={how: _parts(dataset, how) for how in get_args(Split)},
    )


def head(counts: np.ndarray) -> list[float]:
    """Share of all ratings that the most rated 0, 1, … 100% of the films hold."""
    summed = np.concatenate([[0], np.sort(counts)[::-1].cumsum()])
    films = np.round(np.arange(101) * len(counts) / 100).astype(int)
    return np.round(summed[films] / summed[-1], DIGITS).tolist()


def ranges(counts: np.ndarray, fewest: int = 1) -> list[Range]:
    """A histogram in ranges that double: 0, 1, 2–3, 4–7, …; empty ones are left out.

    A range with fewer than `fewest` joins the next one, at the upper end the one before.
    """
    found: list[Range] = []
    low, waiting = 0, 0
    for number, count in enumerate(np.bincount(np.frexp(counts)[1]).tolist()):  # 0 → 0, 2–3 → 2
        low = low if waiting else 2**number >> 1
        high = 2**number - 1
        waiting += count
        if waiting >= fewest:
            found.append(Range(low=low, high=high, count=waiting))
            waiting = 0
    if waiting and found:
        last = found.pop()
        found.append(Range(low=last.low, high=high, count=last.count + waiting))
    return found


def read_aggregates(path: Path) -> Aggregates:
    """Read ``aggregates.json``.

    Raises:
        CheckpointError: missing, or not such a file.
    """
    try:
        return Aggregates.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        first = " ".join(str(error).splitlines()[:3])
        raise CheckpointError(
            f"{path} does not hold the counts of a data set ({first}); restore it, or make it with "
            "'python -m recdemo data aggregates ml-1m'"
        ) from error


def _groups(rated: pd.DataFrame, column: str) -> dict[Any, Group]:
    """Each value of a column that enough users stand behind."""
    counted = rated.groupby(column).agg(
        users=("user_id", "nunique"),
        ratings=("liked", "size"),
        mean_stars=("rating", "mean"),
        liked=("liked", "mean"),
    )
    counted = counted[counted["users"] >= FEWEST].round(DIGITS)
    return {key: Group(**row) for key, row in counted.to_dict("index").items()}


def _crowd(users: pd.DataFrame) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = {}
    for (gender, age), count in users.groupby(["gender", "age"]).size().items():
        if count >= FEWEST:
            found.setdefault(gender, {})[age] = int(count)
    return found


def _tastes(rated: pd.DataFrame, by_genre: pd.DataFrame, field: str) -> dict[str, dict[str, float]]:
    """Of the likes of each group, the share that goes to films of each genre."""
    likes = rated[rated["liked"]].groupby(field).size()
    of_genre = by_genre[by_genre["liked"]].groupby([field, "genres"])["user_id"]
    found: dict[str, dict[str, float]] = {}
    cells: dict[tuple[Hashable, str], int] = of_genre.nunique().to_dict()
    sizes = of_genre.size()
    for (code, genre), users in cells.items():
        if users >= FEWEST:
            share = round(float(sizes[code, genre] / likes[code]), DIGITS)
            found.setdefault(str(code), {})[genre] = share
    return found


def _parts(dataset: Dataset, how: Split) -> Parts:
    rows = np.bincount(parts_of(dataset, how), minlength=3).tolist()
    return Parts(train=rows[TRAIN], validation=rows[VALIDATION], test=rows[TEST])
