"""A world with known tastes over the real films, for tests and for a demo without real ratings.

Every group of people leans to some genres. Each user has an own taste near that of their groups and
a favourite year, and watches films in runs of one genre and one era. So who a visitor is tells
something about what they like, and what they watched last about what comes next.

The leanings are drawn by lot, once and for all: they say nothing about real women, men, ages or
occupations. Stars = clip(round(3.5 + quality of the film + taste for its genres + noise), 1, 5).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from recdemo.core.errors import DataError
from recdemo.core.vocabulary import AGES, GENDERS, GENRES, OCCUPATIONS
from recdemo.data.dataset import Dataset
from recdemo.data.matching import check_catalogue

FEWEST, MOST = 20, 200  # films of one user
MEAN_FILMS = 75
RUN_FILMS = 6  # films of one genre and era in a row, at most

# Standard deviations, in stars.
GROUP_SPREAD = 0.45  # of each of the three groups a person is in, for one genre
OWN_SPREAD = 0.45  # of a user around their groups
QUALITY_SPREAD = 0.45
NOISE = 0.6

CHOICE_BY_TASTE = 1.0  # how much a star of taste raises the log chance of being watched
ERA_REACH = 8.0  # years from a user's favourite year that lower the log chance by 1
POPULARITY_TAIL = 1.2  # spread of log popularity where the catalogue counts no ratings
ERA_BLUR = 3.0  # years
_CHUNK = 100  # users drawn at a time: bounds the memory

_LEANINGS = np.random.default_rng(1)
GENDER_TASTE = {code: _LEANINGS.normal(0, GROUP_SPREAD, len(GENRES)) for code in GENDERS}
AGE_TASTE = {code: _LEANINGS.normal(0, GROUP_SPREAD, len(GENRES)) for code in AGES}
OCCUPATION_TASTE = {code: _LEANINGS.normal(0, GROUP_SPREAD, len(GENRES)) for code in OCCUPATIONS}


def planted_taste(gender: str, age: int, occupation: int) -> np.ndarray:
    """[18] stars by which such a person leans to each genre of ``vocabulary.GENRES``, on average."""
    return GENDER_TASTE[gender] + AGE_TASTE[age] + OCCUPATION_TASTE[occupation]


def simulate(
    catalogue: pd.DataFrame | None,
    *,
    users: int = 3000,
    seed: int = 0,
    films_seed: int | None = None,
    first_user: int = 1,
) -> Dataset:
    """Draw a world: the same for the same catalogue, users and seed.

    A world too large for memory is drawn in parts, each with its own `seed` and `first_user`, all with the
    same `films_seed`.

    Args:
        catalogue: the films, columns as in ``Dataset.movies``; a column ``ratings`` (how often each
            film was rated) sets the popularity, else it is drawn.
        users: how many people.
        seed: of all draws but the leanings of the groups, which never change.
        films_seed: of how good and how popular the films are; where left out, that is drawn with all else.
        first_user: id of the first of them.

    Raises:
        DataError: no catalogue, or no user.
    """
    films = check_catalogue(catalogue, "the simulated data")
    if users < 1:
        raise DataError(f"users must be 1 or more, not {users}")
    rng = np.random.default_rng(seed)
    of_films = rng if films_seed is None else np.random.default_rng(films_seed)
    people = _people(rng, users)
    genres = _genre_matrix(films)  # [M, 18]
    taste = _tastes(rng, people)  # [U, 18]
    match = taste @ (genres / np.maximum(genres.sum(1, keepdims=True), 1)).T  # [U, M]
    years = films["year"].to_numpy(float)
    watched = _watched(rng, match, _log_popularity(of_films, films), years)
    watched = _in_runs(rng, watched, taste, genres, years)
    quality = of_films.normal(0, QUALITY_SPREAD, len(films))
    user, film = watched["user"].to_numpy(), watched["film"].to_numpy()
    stars = 3.5 + quality[film] + match[user, film] + rng.normal(0, NOISE, len(film))
    ratings = pd.DataFrame(
        {
            "user_id": user + first_user,
            "movie_id": films["movie_id"].to_numpy()[film],
            "rating": np.clip(np.rint(stars), 1, 5).astype(np.int64),
        }
    )
    people["user_id"] += first_user - 1
    movies = films[["movie_id", "title", "year", "genres"]]
    note = "Nobody gave these ratings: tastes and ratings are drawn at random over real films."
    return Dataset("simulated", "Simulated", movies, people, ratings, True, (note,))


def _people(rng: np.random.Generator, users: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "user_id": np.arange(1, users + 1),
            "gender": rng.choice(list(GENDERS), users),
            "age": rng.choice(list(AGES), users),
            "occupation": rng.choice(list(OCCUPATIONS), users),
        }
    )


def _tastes(rng: np.random.Generator, people: pd.DataFrame) -> np.ndarray:
    """[U, 18] each user's own taste, drawn around the planted one of their groups."""
    columns = (people[column] for column in ("gender", "age", "occupation"))
    groups = np.stack([planted_taste(*person) for person in zip(*columns, strict=True)])
    return groups + rng.normal(0, OWN_SPREAD, groups.shape)


def _genre_matrix(films: pd.DataFrame) -> np.ndarray:
    """[M, 18] of 0 and 1."""
    return np.array([[genre in names for genre in GENRES] for names in films["genres"]], float)


def _log_popularity(rng: np.random.Generator, films: pd.DataFrame) -> np.ndarray:
    if "ratings" in films:
        return np.log1p(films["ratings"].to_numpy(float))
    return rng.normal(0, POPULARITY_TAIL, len(films))


def _watched(
    rng: np.random.Generator, match: np.ndarray, log_popularity: np.ndarray, years: np.ndarray
) -> pd.DataFrame:
    """Columns user and film (row numbers): who watched what, in no order yet.

    Adding Gumbel noise to the log chances and taking the n largest draws n films without
    replacement (Gumbel-top-k).
    """
    users, films = match.shape
    counts = FEWEST + rng.exponential(MEAN_FILMS - FEWEST, (users,)).astype(int)
    counts = np.minimum(counts, min(MOST, films))
    most = counts.max()
    favourite_year = rng.choice(years, users)
    parts = []
    for start in range(0, users, _CHUNK):
        chunk = slice(start, start + _CHUNK)
        distance = np.abs(years - favourite_year[chunk, None])  # [chunk, M]
        chance = CHOICE_BY_TASTE * match[chunk] + log_popularity - distance / ERA_REACH
        keys = -(chance + rng.gumbel(size=chance.shape))
        top = np.argpartition(keys, most - 1, axis=1)[:, :most]
        order = np.argsort(np.take_along_axis(keys, top, axis=1), axis=1)
        parts.append(np.take_along_axis(top, order, axis=1))
    films_of_user = np.concatenate(parts)  # [U, most], likeliest first
    kept = np.arange(most) < counts[:, None]
    return pd.DataFrame({"user": np.nonzero(kept)[0], "film": films_of_user[kept]})


def _in_runs(
    rng: np.random.Generator,
    watched: pd.DataFrame,
    taste: np.ndarray,
    genres: np.ndarray,
    years: np.ndarray,
) -> pd.DataFrame:
    """Order each user's films: runs of one genre and era, the runs themselves in random order."""
    user, film = watched["user"].to_numpy(), watched["film"].to_numpy()
    chance = np.where(genres[film] > 0, taste[user], -np.inf) + rng.gumbel(size=genres[film].shape)
    genre = chance.argmax(1)  # the one of its genres that a film was picked for; 0 if it has none
    era = years[film] + rng.normal(0, ERA_BLUR, len(film))
    rows = watched.assign(genre=genre, era=era).sort_values(["user", "genre", "era"])
    run = rows.groupby(["user", "genre"]).cumcount() // RUN_FILMS
    number = rows.assign(run=run).groupby(["user", "genre", "run"]).ngroup().to_numpy()
    turn = rng.permutation(number.max() + 1)[number]
    within = rng.random(len(rows))
    order = np.lexsort((within, turn, rows["user"].to_numpy()))
    return rows.iloc[order][["user", "film"]].reset_index(drop=True)
