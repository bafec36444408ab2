"""What all visitors share: the films and the loaded models."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st
import torch

from recdemo import checkpoints
from recdemo.catalogue import read_catalogue
from recdemo.contracts import OBJECTIVES, Objective
from recdemo.models import CARDS
from recdemo.recommend import Recommender


@st.cache_data(show_spinner=False)
def _films(path: str, modified: int) -> pd.DataFrame:
    catalogue = read_catalogue(Path(path))
    label = catalogue["title"] + " (" + catalogue["year"].astype(str) + ")"
    return catalogue.assign(label=label).set_index("movie_id", drop=False)


def films_by_id() -> pd.DataFrame:
    """The catalogue with a ``label`` ("title (year)"), indexed by film id.

    Raises:
        RequestError: the catalogue is missing or damaged.
    """
    path = checkpoints.root() / checkpoints.CATALOGUE
    return _films(str(path), path.stat().st_mtime_ns if path.exists() else 0)


@st.cache_resource(show_spinner="Loading the model…", max_entries=2 * len(CARDS) * len(OBJECTIVES))
def _recommender(model: str, objective: Objective, fingerprint: tuple[float, ...]) -> Recommender:
    torch.set_num_threads(1)  # a second thread waits for a busy core longer than it helps
    return Recommender.load(model, objective)


def recommender(model: str, objective: Objective) -> Recommender:
    """A loaded model, shared by all visitors; loaded anew when its files change.

    Raises:
        CheckpointError: missing or damaged.
        RequestError: the catalogue is.
    """
    fingerprint: list[float] = []
    for folder in (checkpoints.folder_of(model, o) for o in OBJECTIVES):
        for name in (checkpoints.CARD, checkpoints.WEIGHTS):
            path = folder / name
            fingerprint += [path.stat().st_mtime_ns, path.stat().st_size] if path.exists() else [0]
    return _recommender(model, objective, tuple(fingerprint))
