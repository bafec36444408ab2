"""Data for the tests: a small made-up catalogue, and the real sets where they are at hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recdemo.contracts import GENRES
from recdemo.data import DATA_VARIABLE, Dataset, find_data, read_movielens

REAL_DATA = {"ml_1m", "ml_100k"}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real_data: needs the MovieLens files; skipped without them")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that asks for a real data set, so that none can be forgotten."""
    for item in items:
        if REAL_DATA & set(getattr(item, "fixturenames", ())):
            item.add_marker("real_data")


def _real(name: str, catalogue: pd.DataFrame | None = None) -> Dataset:
    path = find_data(name)
    if path is None:
        pytest.skip(f"{name} is not at hand; set {DATA_VARIABLE} to the folder of {name}.zip")
    return read_movielens(path, catalogue)


@pytest.fixture(scope="session")
def ml_1m() -> Dataset:
    """MovieLens-1M itself."""
    return _real("ml-1m")


@pytest.fixture(scope="session")
def ml_100k(ml_1m: Dataset) -> Dataset:
    """MovieLens-100K over the films of MovieLens-1M."""
    return _real("ml-100k", ml_1m.movies)


@pytest.fixture(scope="session")
def films() -> pd.DataFrame:
    """A made-up catalogue of 400 films, each with one to three genres."""
    rng = np.random.default_rng(7)
    genres = [tuple(rng.choice(GENRES, rng.integers(1, 4), replace=False)) for _ in range(400)]
    return pd.DataFrame(
        {
            "movie_id": np.arange(1, 401) * 3,
            "title": [f"Film {number}" for number in range(400)],
            "year": rng.integers(1950, 2001, 400),
            "genres": genres,
        }
    )
