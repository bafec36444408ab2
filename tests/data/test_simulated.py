"""The simulated world: repeatable, well-formed, with the tastes and the order that it claims."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recdemo.core.vocabulary import AGES, GENDERS, GENRES, OCCUPATIONS
from recdemo.data import TEST, TRAIN, DataError, Dataset, planted_taste, simulate, split_by_order


@pytest.fixture(scope="module")
def world(films: pd.DataFrame) -> Dataset:
    return simulate(films, users=600, seed=3)


def _genre_matrix(films: pd.DataFrame) -> np.ndarray:
    return np.array([[genre in names for genre in GENRES] for names in films["genres"]], float)


def test_same_seed_same_world(films: pd.DataFrame, world: Dataset) -> None:
    again = simulate(films.sample(frac=1, random_state=1), users=600, seed=3)
    pd.testing.assert_frame_equal(again.ratings, world.ratings)
    pd.testing.assert_frame_equal(again.users, world.users)
    pd.testing.assert_frame_equal(again.movies, world.movies)
    other = simulate(films, users=600, seed=4)
    assert not other.ratings.equals(world.ratings)


def test_it_has_the_shape_of_every_dataset(films: pd.DataFrame, world: Dataset) -> None:
    assert world.simulated
    assert world.name == "simulated"
    assert list(world.movies) == ["movie_id", "title", "year", "genres"]
    assert list(world.users) == ["user_id", "gender", "age", "occupation"]
    assert list(world.ratings) == ["user_id", "movie_id", "rating"]
    assert world.users["user_id"].tolist() == list(range(1, 601))
    assert set(world.users["gender"]) <= set(GENDERS)
    assert set(world.users["age"]) <= set(AGES)
    assert set(world.users["occupation"]) <= set(OCCUPATIONS)
    assert world.ratings["rating"].between(1, 5).all()
    assert world.ratings["user_id"].is_monotonic_increasing
    assert world.ratings["movie_id"].isin(films["movie_id"]).all()
    assert not world.ratings.duplicated(["user_id", "movie_id"]).any()
    assert world.ratings.groupby("user_id").size().between(20, 200).all()
    assert world.ratings["user_id"].nunique() == 600


def test_stars_follow_the_planted_taste(world: Dataset) -> None:
    rated = world.ratings.merge(world.users).merge(world.movies)
    people = zip(rated["gender"], rated["age"], rated["occupation"], strict=True)
    planted = np.stack([planted_taste(*person) for person in people])
    genres = _genre_matrix(rated)
    match = (planted * genres).sum(1) / genres.sum(1)
    assert np.corrcoef(match, rated["rating"])[0, 1] > 0.3


@pytest.mark.parametrize("column", ["gender", "age", "occupation"])
def test_each_part_of_a_person_matters(column: str) -> None:
    person = {"gender": "F", "age": 25, "occupation": 4}
    other = person | {column: {"gender": "M", "age": 56, "occupation": 20}[column]}
    assert planted_taste(**person).shape == (len(GENRES),)
    assert np.abs(planted_taste(**person) - planted_taste(**other)).max() > 0.3


def test_popularity_has_a_long_tail_and_follows_the_catalogue(films: pd.DataFrame) -> None:
    counts = np.arange(400) ** 2
    world = simulate(films.assign(ratings=counts), users=300)
    drawn = world.ratings["movie_id"].value_counts().reindex(films["movie_id"], fill_value=0)
    assert drawn.to_numpy()[200:].sum() > 3 * drawn.to_numpy()[:200].sum()


def test_history_beats_popularity_on_the_next_film(world: Dataset) -> None:
    part = split_by_order(world.ratings)
    row_of = {movie: row for row, movie in enumerate(world.movies["movie_id"])}
    film = world.ratings["movie_id"].map(row_of).to_numpy()
    user = world.ratings["user_id"].to_numpy()
    genres, years = _genre_matrix(world.movies), world.movies["year"].to_numpy(float)
    popularity = np.log1p(np.bincount(film[part == TRAIN], minlength=len(row_of)))
    hits = np.zeros(2)
    rows = np.flatnonzero(part == TEST)[::5]
    for row in rows:
        seen = film[np.searchsorted(user, user[row]) : row]
        last = seen[-5:]
        overlap = genres @ genres[last].mean(0)
        era = np.abs(years - years[last].mean()) / 8
        for which, score in enumerate((popularity, popularity + overlap - era)):
            rank = (np.delete(score, seen) > score[film[row]]).sum()
            hits[which] += rank < 10
    assert len(rows) > 500
    assert hits[1] > 1.4 * hits[0]


def test_a_catalogue_smaller_than_a_history_is_watched_at_most_once(films: pd.DataFrame) -> None:
    world = simulate(films.head(15), users=5)
    assert len(world.ratings) == 5 * 15
    assert not world.ratings.duplicated(["user_id", "movie_id"]).any()


def test_what_it_cannot_do_it_says(films: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="users must be 1 or more, not 0"):
        simulate(films, users=0)
    with pytest.raises(DataError, match="the catalogue lacks year, genres"):
        simulate(films[["movie_id", "title"]])
    with pytest.raises(DataError, match="needs the catalogue"):
        simulate(None)
    with pytest.raises(DataError, match="holds no film"):
        simulate(films.head(0))
