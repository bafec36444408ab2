"""The catalogue beside the checkpoints: back as it was, and refused by name where it is none."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from recdemo.checkpoints import CATALOGUE, CheckpointError, load
from recdemo.data import Dataset
from recdemo.data.catalogue import catalogue_of, read_catalogue, write_catalogue


def test_catalogue_comes_back_as_it_was(tmp_path: Path, world: Dataset) -> None:
    catalogue = catalogue_of(world)
    catalogue.loc[0, "title"] = 'NA, "or" Näh|e'
    write_catalogue(catalogue, tmp_path / CATALOGUE)
    pd.testing.assert_frame_equal(read_catalogue(tmp_path / CATALOGUE), catalogue)


def test_catalogue_counts_ratings_and_likes(world: Dataset) -> None:
    rated = list(zip(world.ratings["movie_id"], world.ratings["rating"], strict=True))
    for row in catalogue_of(world).itertuples():
        stars = [star for movie, star in rated if movie == row.movie_id]
        assert (row.ratings, row.likes) == (len(stars), sum(star >= 4 for star in stars))


def test_missing_catalogue_is_named(base: Path) -> None:
    (base / CATALOGUE).unlink()
    with pytest.raises(CheckpointError, match="missing") as error:
        load("fm", "like", base)
    assert str(base / CATALOGUE) in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"movie_id,title\n1,One\n",
        b"\xff\xfe\x00\x00,\n",
        b'"never closed\n',
        b"a,b\n1,2,3,4\n1\n",
    ],
    ids=["empty", "columns", "not utf-8", "quote", "ragged"],
)
def test_what_is_no_catalogue_is_named(content: bytes, base: Path) -> None:
    (base / CATALOGUE).write_bytes(content)
    with pytest.raises(CheckpointError) as error:
        load("fm", "like", base)
    assert str(base / CATALOGUE) in str(error.value)


def test_a_genre_unknown_here_is_named(base: Path) -> None:
    text = (base / CATALOGUE).read_text().replace("Western", "Eastern")
    (base / CATALOGUE).write_text(text)
    with pytest.raises(CheckpointError, match="Eastern") as error:
        load("fm", "like", base)
    assert str(base / CATALOGUE) in str(error.value)


@pytest.mark.parametrize("column", ["movie_id", "year", "ratings"])
def test_a_catalogue_with_a_word_for_a_number_is_refused(
    tmp_path: Path, world: Dataset, column: str
) -> None:
    films = catalogue_of(world)
    films[column] = films[column].astype(object)
    films.loc[1, column] = "many"
    write_catalogue(films, tmp_path / CATALOGUE)
    with pytest.raises(CheckpointError, match=column):
        read_catalogue(tmp_path / CATALOGUE)
