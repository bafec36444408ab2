"""A small world to learn from, and a model of fixed answers."""

from __future__ import annotations

import pandas as pd
import pytest
from taste import Taste, few_ratings_of, parts_of
from torch import Tensor

from recdemo.encoding.ratings import Ratings


@pytest.fixture(scope="module")
def ratings(small_films: pd.DataFrame) -> Ratings:
    """60 users over 38 films."""
    return few_ratings_of(small_films, users=60)


@pytest.fixture(scope="module")
def part(ratings: Ratings) -> Tensor:
    return parts_of(ratings)


@pytest.fixture
def taste(ratings: Ratings) -> Taste:
    return Taste(ratings.schema.size)
