"""Small tables as a person brings them, and the data sets they make."""

from __future__ import annotations

from typing import Any

import pandas as pd

from recdemo.data import Dataset, Mapping, Table, read_table, to_dataset

FILMS = pd.DataFrame(
    {
        "movie_id": [6, 34, 73, 260, 2019],
        "title": ["Heat", "Babe", "Les Misérables", "Star Wars: A New Hope", "Seven Samurai"],
        "year": [1995, 1995, 1995, 1977, 1954],
        "genres": [("Action",), ("Comedy",), ("Drama",), ("Sci-Fi",), ("Action", "Drama")],
    }
)
BY_TITLE = Mapping(user="user", title="title", rating="rating")
BY_ID = Mapping(user="user", movie_id="movie_id", rating="rating")


def table_of(text: str) -> Table:
    return read_table(text.strip().encode(), name="mine.csv")


def data_of(text: str, mapping: Mapping = BY_TITLE, **more: Any) -> Dataset:
    return to_dataset(table_of(text), mapping, FILMS, **{"fewest": 1, **more})


def tuples(frame: pd.DataFrame) -> list[tuple]:
    return list(frame.itertuples(index=False, name=None))
