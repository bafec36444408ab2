"""Which films to ask about: the formula beside loops, and what the grid never does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recdemo import checkpoints
from recdemo.answers.taste import NOISE, to_ask, would_tell
from recdemo.data.catalogue import read_catalogue


def test_what_an_answer_tells_is_the_variance_it_takes_away() -> None:
    """Beside a Gaussian process over opinions: their covariance matrix, conditioned answer by answer."""
    rng = np.random.default_rng(0)
    vectors, weight = rng.normal(size=(9, 3)), rng.random(9)
    said = [4, 1]
    shares = weight / weight.sum()
    length = sum(shares[g] * sum(x * x for x in vectors[g]) for g in range(9))

    def variance(answered: list[int]) -> float:
        cov = np.array([[float(a @ b) / length for b in vectors] for a in vectors])
        for f in answered:
            column = cov[:, f].copy()
            for g in range(9):
                for h in range(9):
                    cov[g, h] -= column[g] * column[h] / (NOISE + column[f])
        return sum(shares[g] * cov[g, g] for g in range(9))

    before = variance(said)
    by_hand = [before - variance([*said, f]) for f in range(9)]
    assert would_tell(vectors, weight, said) == pytest.approx(by_hand)


def test_the_grid_is_of_well_known_films_of_all_kinds_and_places_stay() -> None:
    films = read_catalogue(checkpoints.root() / checkpoints.CATALOGUE)
    first = to_ask(films, 12)
    rows = films.set_index("movie_id").loc[first]
    assert len(set(first)) == 12
    assert rows["ratings"].min() > films["ratings"].quantile(0.9)
    assert len({name for genres in rows["genres"] for name in genres}) >= 14

    vectors = np.random.default_rng(1).normal(size=(len(films), 4))
    said, passed = [first[3], 7], [first[0]]
    then = to_ask(films, 12, said=said, shown=first, passed=passed, vectors=vectors)
    assert all(then[place] == movie for place, movie in enumerate(first) if movie in then)
    assert not {*said, *passed} & set(then)
    assert set(first) & set(then)
    assert len(set(then)) == 12


def test_what_was_said_decides_what_is_asked_next() -> None:
    films = pd.DataFrame({"movie_id": [1, 2, 3], "ratings": 9, "genres": [(), (), ()]})
    vectors = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 0.9]])
    assert to_ask(films, 1, said=[1], vectors=vectors) == [3]
    assert to_ask(films, 1, said=[3], vectors=vectors) == [1]


def test_films_of_one_kind_are_not_asked_about_one_after_another() -> None:
    genres = [("Drama",), ("Drama", "War"), ("Drama",), ("Comedy",)]
    films = pd.DataFrame({"movie_id": [1, 2, 3, 4], "ratings": [9, 9, 9, 7], "genres": genres})
    assert to_ask(films, 3) == [1, 2, 4]


def test_few_films_without_genres_or_ratings_are_asked_about_too() -> None:
    films = pd.DataFrame({"movie_id": [4, 6], "ratings": 0, "genres": [(), ()]})
    assert to_ask(films, 12, shown=[99]) == [4, 6]
    assert to_ask(films, 12, said=[4], passed=[6], vectors=np.zeros((2, 3))) == []
    assert to_ask(films.iloc[:0], 12) == []
