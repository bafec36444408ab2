"""What all visitors share: the films and the loaded models."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st
import torch

from recdemo import checkpoints
from recdemo.catalogue import read_catalogue
from recdemo.checkpoints import Checkpoint
from recdemo.contracts import OBJECTIVES, CheckpointError, Objective
from recdemo.features import Schema
from recdemo.models import CARDS
from recdemo.recommend import Recommender


@dataclass(frozen=True, slots=True)
class Films:
    """The catalogue as pages need it. Shared by all visitors: nobody changes it."""

    table: pd.DataFrame  # as in catalogue.csv
    labels: dict[int, str]  # "title (year)" by film id, in catalogue order
    ids: list[int]
    schema: Schema  # shared by all models


def films() -> Films:
    """The catalogue.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    path = checkpoints.root() / checkpoints.CATALOGUE
    return _films(str(path), _stamp(path))


def recommender(model: str, objective: Objective) -> Recommender:
    """A loaded model, shared by all visitors; loaded anew when its files change.

    Raises:
        CheckpointError: it, or the catalogue, is missing or damaged.
    """
    checkpoint = _loaded(model, objective)
    if objective == "like":
        return Recommender(checkpoint)
    try:
        return Recommender(checkpoint, Recommender(_loaded(model, "like")))
    except CheckpointError as error:
        return Recommender(checkpoint, problem=str(error))


def plain(text: str) -> str:
    """Text with everything escaped that markdown would read as markup, as in ``M*A*S*H``."""
    return re.sub(r"([\\`*_\[\]$:~<>#|])", r"\\\1", text)


@st.cache_resource(show_spinner=False, max_entries=2)
def _films(path: str, stamp: tuple[int, int]) -> Films:
    table = read_catalogue(Path(path))
    ids = table["movie_id"].tolist()
    titles = zip(table["title"], table["year"], strict=True)
    return Films(
        table=table,
        labels=dict(zip(ids, (f"{title} ({year})" for title, year in titles), strict=True)),
        ids=ids,
        schema=Schema(table),
    )


def _loaded(model: str, objective: Objective) -> Checkpoint:
    base = checkpoints.root()
    folder = checkpoints.folder_of(model, objective, base)
    files = (base / checkpoints.CATALOGUE, folder / checkpoints.CARD, folder / checkpoints.WEIGHTS)
    return _checkpoint(model, objective, str(base), tuple(map(_stamp, files)))


@st.cache_resource(show_spinner="Loading the model…", max_entries=len(CARDS) * len(OBJECTIVES))
def _checkpoint(
    model: str, objective: Objective, base: str, stamps: tuple[tuple[int, int], ...]
) -> Checkpoint:
    torch.set_num_threads(1)  # a second thread waits for a busy core longer than it helps
    return checkpoints.load(model, objective, Path(base), films().schema)


def _stamp(path: Path) -> tuple[int, int]:
    """Changes when a file does."""
    if not path.exists():
        return (0, 0)
    return (path.stat().st_mtime_ns, path.stat().st_size)
