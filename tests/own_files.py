"""Small tables as a person brings them, the data sets they make, and what is refused."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from recdemo.data import DataError, Dataset, Mapping, Table, read_table, to_dataset

FILMS = pd.DataFrame(
    {
        "movie_id": [6, 34, 73, 260, 2019],
        "title": ["Heat", "Babe", "Les Misérables", "Star Wars: A New Hope", "Seven Samurai"],
        "year": [1995, 1995, 1995, 1977, 1954],
        "genres": [("Action",), ("Comedy",), ("Drama",), ("Sci-Fi",), ("Action", "Drama")],
    }
)
CSV = "user,title,rating\nann,Amélie (2001),4\nbob,Heat (1995),3.5\n"
BY_TITLE = Mapping(user="user", title="title", rating="rating")
BY_ID = Mapping(user="user", movie_id="movie_id", rating="rating")


def table_of(text: str) -> Table:
    return read_table(text.strip().encode(), name="mine.csv")


def data_of(text: str, mapping: Mapping = BY_TITLE, **more: Any) -> Dataset:
    return to_dataset(table_of(text), mapping, FILMS, **{"fewest": 1, **more})


def tuples(frame: pd.DataFrame) -> list[tuple]:
    return list(frame.itertuples(index=False, name=None))


def cells_of(content: bytes | str, **more: Any) -> list[list[str]]:
    raw = content.encode() if isinstance(content, str) else content
    return read_table(raw, **more).frame.to_numpy().tolist()


def refused(content: bytes | str, problem: str, **more: Any) -> None:
    raw = content.encode() if isinstance(content, str) else content
    with pytest.raises(DataError, match=problem) as error:
        read_table(raw, name="mine.csv", **more)
    assert str(error.value).startswith("mine.csv")


def parquet_of(frame: pd.DataFrame, **more: Any) -> bytes:
    return frame.to_parquet(index=False, **more)
