"""One kept model on a shelf, the same for all tests of a file, and its zip."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from small_world import make_desk

from recdemo.jobs import control, kept, kept_zip, store


@pytest.fixture(scope="module")
def shelf(world: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, bytes]:
    """A folder of runs with one done and kept as "Mine", the run's id, and the zip."""
    with pytest.MonkeyPatch.context() as patch:
        desk = make_desk(world, tmp_path_factory.mktemp("shelf"), patch)
        run = desk.done()
        kept.keep(run.id, "Mine")
        return desk.home, run.id, kept_zip.export("mine")


@pytest.fixture
def home(shelf: tuple[Path, str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to do with as one likes."""
    shutil.copytree(shelf[0], tmp_path / "runs")
    monkeypatch.setenv(store.ROOT_VARIABLE, str(tmp_path / "runs"))
    monkeypatch.delenv(control.ALLOWED_VARIABLE, raising=False)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "runs"


@pytest.fixture
def packed(shelf: tuple[Path, str, bytes]) -> bytes:
    return shelf[2]
