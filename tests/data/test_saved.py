"""Any data set written and read again, as folder and zip; and nothing wrong let in that way."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recdemo.data import (
    DataError,
    Dataset,
    limits,
    load_dataset,
    read_saved,
    save_dataset,
    simulate,
)
from recdemo.data.dataset import people

MOVIES = pd.DataFrame(
    {
        "movie_id": [2, 5, 9],
        "title": ["Heat", "千と千尋の神隠し", "=1+1|<b>"],
        "year": [1995, 0, 2001],
        "genres": [("Action", "Film-Noir"), (), ("Drama",)],
    }
)
RATINGS = pd.DataFrame({"user_id": [1, 1, 4], "movie_id": [9, 2, 5], "rating": [0.5, 4.0, 5.0]})
DATA = Dataset(
    "own",
    "Mine",
    MOVIES,
    people(np.array([1, 4]), ["F", None], [None, 25], [0, None]),
    RATINGS,
    notes=("One.", "Two."),
    own_films=True,
)


def _same(found: Dataset, wanted: Dataset) -> None:
    for name in ("name", "title", "simulated", "notes", "own_films"):
        assert getattr(found, name) == getattr(wanted, name), name
    for name in ("movies", "users", "ratings"):
        one, other = getattr(found, name), getattr(wanted, name)
        pd.testing.assert_frame_equal(one, other, check_dtype=name == "ratings")
    assert [type(names) for names in found.movies["genres"]] == [tuple] * len(found.movies)


@pytest.mark.parametrize("name", ["set", "set.zip"])
def test_it_comes_back_the_same(tmp_path: Path, name: str) -> None:
    path = save_dataset(DATA, tmp_path / "new" / name)
    assert list(path.parent.iterdir()) == [path]
    _same(read_saved(path), DATA)
    _same(load_dataset(str(path)), DATA)
    whole = replace(DATA, ratings=RATINGS.assign(rating=[1, 4, 5]), simulated=True)
    _same(read_saved(save_dataset(whole, tmp_path / f"whole{path.suffix}")), whole)


def test_a_simulated_world_comes_back_the_same(films: pd.DataFrame, tmp_path: Path) -> None:
    world = simulate(films, users=50)
    _same(load_dataset(save_dataset(world, tmp_path / "world")), world)


def test_nothing_is_overwritten_and_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_dataset(DATA, tmp_path / "set")
    with pytest.raises(DataError, match="set exists already; remove it"):
        save_dataset(DATA, tmp_path / "set")
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="file/set cannot be written"):
        save_dataset(DATA, tmp_path / "file" / "set")

    def full(path: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DataError, match=r"other cannot be written .No space left"):
        save_dataset(DATA, tmp_path / "other")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "set"]


def _parquet(frame: pd.DataFrame) -> bytes:
    return frame.to_parquet(index=False)


def _spoiled(path: Path, **files: bytes | Callable[[bytes], bytes]) -> Path:
    """A saved set, some of its files replaced."""
    save_dataset(DATA, path)
    for name, content in files.items():
        file = next(path.glob(f"{name}.*"))
        file.write_bytes(content if isinstance(content, bytes) else content(file.read_bytes()))
    return path


def _card(**changes: Any) -> Callable[[bytes], bytes]:
    return lambda raw: json.dumps(json.loads(raw) | changes).encode()


def _frame(**changes: Any) -> Callable[[bytes], bytes]:
    return lambda raw: _parquet(pd.read_parquet(io.BytesIO(raw)).assign(**changes))


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        ("dataset", b"{", "dataset.json: Invalid JSON"),
        ("dataset", _card(format=2), "dataset.json: format Input should be 1"),
        ("dataset", _card(name=""), "dataset.json: name String should have at least 1"),
        ("dataset", _card(more=1), "dataset.json: more Extra inputs"),
        ("dataset", _card(simulated="perhaps"), "dataset.json: simulated Input should be"),
        ("movies", b"x", "movies.parquet is not a whole Parquet file"),
        (
            "movies",
            _frame(more="1"),
            "movies.parquet: columns 'movie_id, title, year, genres, more'",
        ),
        ("movies", _frame(movie_id=[2, 9, 5]), "movies.parquet: movie_id does not ascend"),
        ("movies", _frame(movie_id=[2, 5, 5]), "movies.parquet: movie_id does not ascend"),
        (
            "movies",
            _frame(movie_id=[0, 5, 9]),
            "movies.parquet: movie_id '0' is not a whole number",
        ),
        (
            "movies",
            _frame(movie_id=[2, 5, 2**40]),
            "movie_id '1099511627776' is not a whole number",
        ),
        ("movies", _frame(movie_id=["2", "5", "x"]), "movie_id 'x' is not a whole number"),
        ("movies", _frame(year=[1995, 0, 9999]), "year '9999' is not a whole number in its range"),
        ("movies", _frame(year=[1995.5, 0, 2001]), "year '1995.5' is not a whole number"),
        ("movies", _frame(title=["a", "", "b"]), "movies.parquet: a film has no title"),
        ("movies", _frame(genres="Dram"), "movies.parquet: genre 'Dram' is unknown"),
        ("users", _frame(gender=["F", "X"]), "users.parquet: gender 'X' is unknown"),
        ("users", _frame(age=[1, 26]), "users.parquet: age '26' is unknown"),
        ("users", _frame(occupation=[21, 1]), "users.parquet: occupation '21' is unknown"),
        ("users", _frame(user_id=[4, 1]), "users.parquet: user_id does not ascend"),
        ("ratings", b"", "ratings.parquet: is not a whole Parquet file"),
        ("ratings", _frame(rating="5"), "ratings.parquet: columns of int64, int64, "),
        ("ratings", _frame(rating=[6, 4, 5]), "ratings.parquet: a rating is outside 0.5 to 5"),
        ("ratings", _frame(rating=[np.nan, 4, 5]), "ratings.parquet: a rating is outside"),
        ("ratings", _frame(more=1), "ratings.parquet: columns 'user_id, movie_id, rating, more'"),
        ("ratings", _frame(movie_id=[9, 2, 6]), "a movie_id is not in movies.parquet"),
        ("ratings", _frame(user_id=[1, 1, 3]), "a user_id is not in users.parquet"),
        ("ratings", _frame(user_id=[1, 4, 1]), "the ratings of a user are not together"),
        ("ratings", _frame(movie_id=[9, 9, 5]), "a user has rated a film twice"),
        ("ratings", _parquet(RATINGS.iloc[:0]), "ratings.parquet: 0 ratings, 1 to"),
        ("ratings", _parquet(RATINGS.iloc[[0] * 500_000]), "bytes unpack to 100 times as much"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, file: str, content: Any, problem: str) -> None:
    with pytest.raises(DataError, match=problem) as error:
        read_saved(_spoiled(tmp_path / "set", **{file: content}))
    assert "set: " in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = save_dataset(DATA, tmp_path / "set")
    (path / "users.parquet").unlink()
    with pytest.raises(DataError, match=r"set: users.parquet is missing"):
        load_dataset(path)


def test_too_many_ratings_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_RATINGS", 2)
    with pytest.raises(DataError, match="3 ratings, 1 to 2 can be read"):
        read_saved(save_dataset(DATA, tmp_path / "set"))


def test_a_zip_is_trusted_no_more_than_others(tmp_path: Path) -> None:
    path = save_dataset(DATA, tmp_path / "set.zip")
    with zipfile.ZipFile(path, "a") as made:
        made.writestr("../evil", b"x")
    with pytest.raises(DataError, match="name leads out of the folder"):
        load_dataset(path)
