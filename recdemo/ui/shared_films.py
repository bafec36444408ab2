"""Catalogues as pages need them, held for all visitors: those of the worlds for good, those of kept models a few at a time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from recdemo import checkpoints
from recdemo.data.catalogue import labels_of, read_catalogue
from recdemo.data.search import FilmSearch
from recdemo.ui.shelf import Shelf, stamp

if TYPE_CHECKING:
    from recdemo.encoding.schema import Schema

OF_VISITORS = Shelf(8)


@dataclass(frozen=True, eq=False)
class Films:
    """A catalogue as pages need it. Shared by all visitors: nobody changes it."""

    table: pd.DataFrame  # as in catalogue.csv
    labels: dict[int, str]  # "title (year)" by film id, in catalogue order
    ids: list[int]

    @cached_property
    def search(self) -> FilmSearch:
        """What finds its films."""
        return FilmSearch(self.table)

    @cached_property
    def schema(self) -> Schema:
        """One for all models of the catalogue, which so share its memory."""
        from recdemo.encoding.schema import Schema

        return Schema(self.table)


def read(path: Path) -> Films:
    """A catalogue.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    if path in shipped():
        return _shipped_films(str(path), stamp(path))
    return OF_VISITORS.get((path,), lambda: _read(path))


@st.cache_resource(show_spinner=False, max_entries=6)
def _shipped_films(path: str, stamp: tuple[int, int]) -> Films:
    return _read(Path(path))


def _read(path: Path) -> Films:
    table = read_catalogue(path)
    ids = table["movie_id"].tolist()
    return Films(table=table, labels=dict(zip(ids, labels_of(table), strict=True)), ids=ids)


def shipped() -> list[Path]:
    """The catalogues of the worlds."""
    return [checkpoints.root(world.key) / checkpoints.CATALOGUE for world in checkpoints.worlds()]


def of_folder(base: Path | None = None) -> Path:
    """A folder's catalogue; that of a world where it is the same, so that it is held once."""
    path, those = (base or checkpoints.root()) / checkpoints.CATALOGUE, shipped()
    if path not in those:
        own = _digest(str(path), stamp(path))
        path = next((one for one in those if _digest(str(one), stamp(one)) == own), path)
    return path


@st.cache_resource(show_spinner=False, max_entries=100)
def _digest(path: str, stamp: tuple[int, int]) -> str:
    """What a file holds; nothing where it cannot be read."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""
