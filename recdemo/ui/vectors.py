"""Vectors, maps and what is counted over them, kept for all visitors; nobody changes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from recdemo.ui.shelf import stamp

if TYPE_CHECKING:
    from recdemo.answers.analogies import Tried
    from recdemo.answers.embeddings import Agreement
    from recdemo.answers.maps import Maps
    from recdemo.answers.recommend import Recommender
    from recdemo.answers.regions import Region, Traits
    from recdemo.answers.spaces import Space


def directions(model: Recommender, space: Space) -> np.ndarray:
    """`Space.directions`, made once."""
    return _directions(model.checkpoint.card.weights_sha256, space.key, space)


def maps(model: Recommender) -> Maps:
    """The maps beside the model's weights, or none; read again when the file changes."""
    from recdemo.answers.maps import FILE

    folder, card = model.checkpoint.folder, model.checkpoint.card
    films = model.checkpoint.schema.size
    return _maps(str(folder), stamp(folder / FILE), card.weights_sha256, films)


def agreement(model: Recommender, space: Space, viewers: int) -> Agreement:
    """`recdemo.answers.embeddings.agreement` over the films that at least `viewers` people rated."""
    return _agreement(model.checkpoint.card.weights_sha256, space.key, viewers, model, space)


def traits(model: Recommender) -> Traits:
    """Genres and decades of the model's films, counted once."""
    return _traits(model.checkpoint.card.weights_sha256, model)


def regions(
    model: Recommender, space: Space, method: str, places: np.ndarray, viewers: int
) -> list[Region]:
    """`recdemo.answers.regions.regions` of a map, over the films that at least `viewers` people rated."""
    sha = model.checkpoint.card.weights_sha256
    return _regions(sha, space.key, method, viewers, model, places)


def tried(model: Recommender, space: Space, viewers: int) -> Tried:
    """`recdemo.answers.analogies.try_all` over the films that at least `viewers` people rated."""
    return _tried(model.checkpoint.card.weights_sha256, space.key, viewers, model, space)


def best_example(model: Recommender, space: Space) -> tuple[int, int, int] | None:
    """`recdemo.answers.embeddings.best_example`, found once."""
    return _best_example(model.checkpoint.card.weights_sha256, space.key, model, space)


@st.cache_resource(show_spinner=False, max_entries=16)
def _directions(sha: str, key: str, _space: Space) -> np.ndarray:
    return _space.directions()


@st.cache_resource(show_spinner=False, max_entries=8)
def _maps(folder: str, stamp: tuple[int, int], sha: str, films: int) -> Maps:
    from recdemo.answers.maps import read

    return read(Path(folder), sha, films)


@st.cache_resource(show_spinner=False, max_entries=8)
def _traits(sha: str, _model: Recommender) -> Traits:
    from recdemo.answers.regions import traits_of

    return traits_of(_model.catalogue)


@st.cache_resource(show_spinner=False, max_entries=200)
def _regions(
    sha: str, key: str, method: str, viewers: int, _model: Recommender, _places: np.ndarray
) -> list[Region]:
    from recdemo.answers.regions import Traits, regions

    shown = _model.catalogue["ratings"].to_numpy() >= viewers
    every = traits(_model)
    return regions(_places[shown], Traits(every.names, every.flags[shown]))


@st.cache_data(show_spinner=False, max_entries=200)
def _agreement(sha: str, key: str, viewers: int, _model: Recommender, _space: Space) -> Agreement:
    from recdemo.answers.embeddings import agreement

    shown = _model.catalogue["ratings"].to_numpy() >= viewers
    flags = _model.checkpoint.schema.genre_flags[1:].numpy()
    ratings = _model.catalogue["ratings"].to_numpy()
    return agreement(directions(_model, _space)[shown], flags[shown], ratings[shown])


@st.cache_data(show_spinner=False, max_entries=200)
def _tried(sha: str, key: str, viewers: int, _model: Recommender, _space: Space) -> Tried:
    from recdemo.answers.analogies import second_parts, try_all

    films = _model.catalogue
    shown = films["ratings"].to_numpy() >= viewers
    return try_all(directions(_model, _space), second_parts(films), shown)


@st.cache_data(show_spinner=False, max_entries=200)
def _best_example(
    sha: str, key: str, _model: Recommender, _space: Space
) -> tuple[int, int, int] | None:
    from recdemo.answers.embeddings import best_example

    return best_example(directions(_model, _space), _model.checkpoint.schema)
