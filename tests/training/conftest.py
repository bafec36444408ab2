"""A small world to learn from, and a model of fixed answers."""

from __future__ import annotations

import pandas as pd
import pytest
from taste import Taste, parts_of
from torch import Tensor

from recdemo.data import simulate
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema


@pytest.fixture(scope="module")
def ratings(small_films: pd.DataFrame) -> Ratings:
    """60 users over 38 films."""
    world = simulate(small_films, users=60, seed=1)
    return Ratings(world, Schema(world.movies, history_length=6))


@pytest.fixture(scope="module")
def part(ratings: Ratings) -> Tensor:
    return parts_of(ratings)


@pytest.fixture
def taste(ratings: Ratings) -> Taste:
    return Taste(ratings.schema.size)
