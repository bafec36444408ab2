"""Any `Dataset` as a folder or a zip of our own, so that another process can read it by its path.

``dataset.json`` says what it is, three Parquet files hold films, users and ratings. Nothing in them is ever run, and
all of it is checked at reading, since anybody may hand in such a folder.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import BaseModel, Field, ValidationError

from recdemo.core.errors import DataError
from recdemo.core.files import draft_of
from recdemo.core.vocabulary import AGES, GENDERS, OCCUPATIONS
from recdemo.data.archive import LAYOUTS, Archive, open_archive
from recdemo.data.catalogue import unknown_genres
from recdemo.data.dataset import Dataset, people
from recdemo.data.parquet import Unpacker
from recdemo.data.parquet_columns import again, check_columns, not_whole
from recdemo.data.table import read_table

LAYOUT = "recdemo"
MAX_ID = 10_000_000
MAX_YEAR = 3000


class _Card(BaseModel, extra="forbid"):
    format: Literal[1] = 1
    name: Annotated[str, Field(min_length=1, max_length=100)]
    title: Annotated[str, Field(min_length=1, max_length=500)]
    simulated: bool
    own_films: bool
    item: Annotated[str, Field(pattern=r"^[a-z]{1,20}$")] = "film"
    notes: Annotated[tuple[str, ...], Field(max_length=100)]


def save_dataset(dataset: Dataset, path: Path) -> Path:
    """Write a data set to a new folder, or to a new zip where the path ends so; it appears only whole.

    Raises:
        DataError: there is something already, or it cannot be written.
    """
    with whole(path) as draft:
        if path.suffix == ".zip":
            with zipfile.ZipFile(draft, "x") as archive:
                for name, content in _contents(dataset):
                    archive.writestr(name, content)
        else:
            draft.mkdir()
            for name, content in _contents(dataset):
                (draft / name).write_bytes(content)
    return path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A place to write to, which takes the name `path` at the end, or leaves nothing behind.

    Raises:
        DataError: there is something already, or it cannot be written.
    """
    if path.exists():
        raise DataError(f"{path} exists already; remove it, or choose another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft_of(path) as draft:
            yield draft
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error.strerror or error})") from error


def read_saved(source: str | Path | Archive) -> Dataset:
    """Read what `save_dataset` wrote.

    Raises:
        DataError: something is missing, damaged or out of range; names the file.
    """
    archive = source if isinstance(source, Archive) else open_archive(source)
    card, tables = read_card(archive), LAYOUTS[LAYOUT][1:]
    with Unpacker() as unpacker:
        movies, users = (_texts(archive, name, unpacker) for name in tables[:2])
        return _checked(
            archive,
            Dataset(
                card.name,
                card.title,
                _movies(archive, tables[0], movies),
                _users(archive, tables[1], users),
                _ratings(archive, tables[2], unpacker),
                card.simulated,
                card.notes,
                card.own_films,
                item=card.item,
            ),
        )


def read_card(archive: Archive) -> _Card:
    """What ``dataset.json`` says.

    Raises:
        DataError: it is missing or damaged.
    """
    card_file = LAYOUTS[LAYOUT][0]
    try:
        return _Card.model_validate_json(archive.read(card_file))
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(map(str, wrong["loc"]))
        raise _error(archive, card_file, f"{where} {wrong['msg']}".strip()) from error


def _contents(dataset: Dataset) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file."""
    card_file, *tables = LAYOUTS[LAYOUT]
    card = _Card(
        name=dataset.name,
        title=dataset.title,
        simulated=dataset.simulated,
        own_films=dataset.own_films,
        item=dataset.item,
        notes=dataset.notes,
    )
    yield card_file, (card.model_dump_json(indent=1) + "\n").encode()
    movies = dataset.movies.assign(genres=dataset.movies["genres"].map("|".join))
    for name, frame in zip(tables, (movies, dataset.users, dataset.ratings), strict=True):
        yield name, frame.to_parquet(index=False)


def _error(archive: Archive, name: str, problem: str) -> DataError:
    return again(archive.where(name), problem)


def _texts(archive: Archive, name: str, unpacker: Unpacker) -> pd.DataFrame:
    """Films or users as columns of text."""
    raw = archive.read(name)
    return read_table(raw, "parquet", name=archive.where(name), unpacker=unpacker).frame


def _movies(archive: Archive, name: str, frame: pd.DataFrame) -> pd.DataFrame:
    check_columns(archive.where(name), frame.columns, ["movie_id", "title", "year", "genres"])
    genres = [tuple(names.split("|")) if names else () for names in frame["genres"]]
    if not frame["title"].all():
        raise _error(archive, name, "a film has no title")
    movies = pd.DataFrame(
        {
            "movie_id": _whole(archive, name, frame["movie_id"], range(1, MAX_ID + 1)),
            "title": frame["title"].to_numpy(),
            "year": _whole(archive, name, frame["year"], range(MAX_YEAR)),
            "genres": genres,
        }
    )
    if unknown := unknown_genres(movies):
        raise _error(archive, name, f"genre {unknown[0]!r} is unknown")
    return movies


def _users(archive: Archive, name: str, frame: pd.DataFrame) -> pd.DataFrame:
    check_columns(archive.where(name), frame.columns, ["user_id", "gender", "age", "occupation"])
    codes: dict[str, dict[str, Any]] = {
        "gender": {code: code for code in GENDERS},
        "age": {str(code): code for code in AGES},
        "occupation": {str(code): code for code in OCCUPATIONS},
    }
    known: dict[str, list[Any]] = {}
    for column, code_of in codes.items():
        wrong = set(frame[column]) - {"", *code_of}
        if wrong:
            raise _error(archive, name, f"{column} {min(wrong)!r} is unknown")
        known[column] = [code_of.get(text) for text in frame[column]]
    return people(_whole(archive, name, frame["user_id"], range(1, 2**62)), **known)


def _ratings(archive: Archive, name: str, unpacker: Unpacker) -> pd.DataFrame:
    columns = unpacker.unpack("ratings", archive.where(name), archive.read(name)).found
    try:
        frame: pd.DataFrame = pa.table(columns).to_pandas()
    except pa.ArrowInvalid as error:  # columns of different lengths
        raise _error(archive, name, not_whole(error)) from error
    if not frame["rating"].between(0.5, 5).all():
        raise _error(archive, name, "a rating is outside 0.5 to 5")
    return frame


def _whole(archive: Archive, name: str, texts: pd.Series, bounds: range) -> np.ndarray:
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy()
    wrong = ~((numbers >= bounds.start) & (numbers < bounds.stop) & (numbers % 1 == 0))
    if wrong.any():
        value = texts.iloc[int(wrong.argmax())]
        raise _error(
            archive, name, f"{texts.name} {value[:40]!r} is not a whole number in its range"
        )
    return numbers.astype(np.int64)


def _checked(archive: Archive, dataset: Dataset) -> Dataset:
    """The data set itself, if its three tables keep what `Dataset` promises."""
    movies_file, users_file, ratings_file = LAYOUTS[LAYOUT][1:]
    ratings = dataset.ratings
    for name, ids, table in (
        (movies_file, dataset.movies["movie_id"], ratings["movie_id"]),
        (users_file, dataset.users["user_id"], ratings["user_id"]),
    ):
        if not (ids.is_monotonic_increasing and ids.is_unique):
            raise _error(archive, name, f"{ids.name} does not ascend")
        if not table.isin(ids).all():
            raise _error(archive, ratings_file, f"a {ids.name} is not in {name}")
    if not ratings["user_id"].is_monotonic_increasing:
        raise _error(archive, ratings_file, "the ratings of a user are not together")
    once = ["user_id", "movie_id"]
    if "impression" in ratings:
        once.append("impression")
        of_users = ratings.groupby("user_id", sort=False)["impression"]
        shown = ratings[ratings["impression"] != 0]
        owners = shown.groupby("impression")["user_id"].nunique()
        if of_users.diff().min() < 0 or ratings["impression"].min() < 0 or (owners > 1).any():
            raise _error(archive, ratings_file, "impressions are not each of one user, in time")
    if ratings.duplicated(once).any():
        raise _error(archive, ratings_file, "a user has rated a film twice")
    return dataset
