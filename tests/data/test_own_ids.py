"""Whose numbers the ids of a file without titles are: never taken for MovieLens-1M's without a reason."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from own_files import table_of

from recdemo import checkpoints
from recdemo.data import DataError, guess_mapping, to_dataset
from recdemo.data.catalogue import read_catalogue

IN_1997, IN_2000 = 881_250_949, 978_300_760


def _rows(header: str, ids: list[int], start: int = 0, users: int = 3, sign: str = ",") -> str:
    rows = [header] if header else []
    for number, movie_id in enumerate([*ids, *ids]):
        cells = [
            1 + (number + number // len(ids)) % users,
            movie_id,
            1 + number % 5,
            *([start + number] if start else []),
        ]
        rows.append(sign.join(map(str, cells)))
    return "\n".join(rows)


SMALL, LARGE = [*range(1, 61)], [*range(3000, 3060)]
TIMED, UNTIMED = "userId,movieId,rating,timestamp", "userId,movieId,rating"


@pytest.fixture(scope="module")
def films() -> pd.DataFrame:
    return read_catalogue(checkpoints.root() / checkpoints.CATALOGUE)


@pytest.mark.parametrize(
    "text",
    [
        _rows("", SMALL, IN_1997, sign="\t"),  # u.data itself
        _rows("user id,item id,rating,timestamp", SMALL, IN_1997),
        _rows("user_id:token,item_id:token,rating:float,timestamp:float", SMALL, IN_1997),
        _rows(TIMED, SMALL, IN_1997),
        _rows(UNTIMED, [*range(1, 1683)], users=943),
    ],
)
def test_ids_of_movielens_100k_are_not_read_as_others(films: pd.DataFrame, text: str) -> None:
    found = table_of(text)
    mapping = guess_mapping(found)
    with pytest.raises(
        DataError, match=r"are MovieLens-100K's, in which 242 is Kolya.*ml-100k"
    ) as error:
        to_dataset(found, mapping, films, fewest=1)
    assert "--own-films" in str(error.value)
    assert to_dataset(found, replace(mapping, ids="ml-1m"), films, fewest=1).ratings.size
    assert to_dataset(found, mapping, films, own_films=True, fewest=1).own_films


@pytest.mark.parametrize(
    "text",
    [
        _rows("user_id,item_id,rating", SMALL),
        _rows("user_id,item_id,rating,timestamp", LARGE, IN_1997),
        _rows("user,product_id,rating", LARGE),
        _rows("", SMALL),
    ],
)
def test_ids_of_nobody_knows_whom_are_asked_about(films: pd.DataFrame, text: str) -> None:
    found = table_of(text)
    mapping = guess_mapping(found)
    with pytest.raises(DataError, match=r"which any site may have given.*--own-films.*--ids ml-1m"):
        to_dataset(found, mapping, films, fewest=1)
    assert to_dataset(found, replace(mapping, ids="ml-1m"), films, fewest=1).ratings.size


@pytest.mark.parametrize(
    "text",
    [
        _rows(UNTIMED, SMALL),
        _rows(TIMED, LARGE, IN_1997),
        _rows("userId,movieId,rating,timestamp", SMALL, IN_2000),
        _rows("", SMALL, IN_2000, sign="::"),  # ratings.dat of MovieLens-1M
        _rows("user,film,rating", SMALL),
        _rows("用户,电影id,评分", SMALL),
    ],
)
def test_ids_that_are_movielens_1m_s_are_believed_and_shown(films: pd.DataFrame, text: str) -> None:
    found = table_of(text)
    data = to_dataset(found, guess_mapping(found), films, fewest=1)
    assert len(data.ratings) > 50
    assert any("Films are known by MovieLens-1M's numbers: " in note for note in data.notes)


def test_ids_that_are_no_numbers_are_no_movielens_ids(films: pd.DataFrame) -> None:
    found = table_of("user,movie_id,rating\na,B000000001,4\na,B000000002,3\nb,7,3")
    with pytest.raises(
        DataError, match=r"'B000000001' and others are not MovieLens ids; keep the file's own"
    ):
        to_dataset(found, guess_mapping(found), films, fewest=1)


def test_no_whole_row_is_no_crash(films: pd.DataFrame) -> None:
    found = table_of("user,movieId,rating\na,7\nb,8")
    with pytest.raises(DataError, match="row 2: 2 cells where the header has 3"):
        to_dataset(found, guess_mapping(found), films)
