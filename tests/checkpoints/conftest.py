"""A small world, and a folder with one checkpoint over its films."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from recdemo.checkpoints import CATALOGUE, folder_of
from recdemo.data import Dataset, simulate
from recdemo.data.catalogue import catalogue_of, write_catalogue
from recdemo.encoding.schema import Schema


@pytest.fixture(scope="module")
def world(small_films: pd.DataFrame) -> Dataset:
    return simulate(small_films, users=20, seed=1)


@pytest.fixture(scope="module")
def _shelf(
    tmp_path_factory: pytest.TempPathFactory,
    world: Dataset,
    schema: Schema,
    make_model: Callable,
    write_checkpoint: Callable,
) -> Path:
    base = tmp_path_factory.mktemp("shelf")
    write_catalogue(catalogue_of(world), base / CATALOGUE)
    write_checkpoint(folder_of("fm", "like", base), "fm", make_model("fm", schema), schema)
    return base


@pytest.fixture
def base(_shelf: Path, tmp_path: Path) -> Path:
    """A folder with a catalogue and one checkpoint, FM for `like`, to do with as one likes."""
    shutil.copytree(_shelf, tmp_path / "checkpoints")
    return tmp_path / "checkpoints"


@pytest.fixture
def folder(base: Path) -> Path:
    return folder_of("fm", "like", base)
