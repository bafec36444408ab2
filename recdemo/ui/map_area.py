"""What a person does on the map: clicks a film, or draws around an area, which the link holds as the corners of a polygon."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from recdemo.ui import engine, state
from recdemo.ui.visit import Visit

MAP = "embeddings_map"  # under which streamlit keeps what was clicked
DRAWN = "embeddings_drawn"  # which map that was: a space and a method
TAKEN = "embeddings_taken"  # what was clicked or drawn last
CORNERS = 24  # of an area at most: the link has to stay short
SCALE = 1000  # places are held in thousandths; maps are about one high
_CORNER = re.compile(r"-?\d{1,5}\.-?\d{1,5}")


def choose(visit: Visit, movie: int) -> Visit:
    """Look at a film: it becomes the first of the visit's targets."""
    visit = visit.showing("ep", "")
    return replace(visit, targets=tuple(dict.fromkeys((movie, *visit.targets[1:]))))


def fly_to(movie: int) -> None:
    """Look at a film and its neighbours, close up."""
    state.go(choose(state.current(), movie).showing("ea", "").showing("ez", "True"))


def close() -> None:
    """The whole map, and nothing on it."""
    visit = state.current()
    for name in ("ea", "ez"):
        visit = visit.showing(name, "")
    state.go(visit.showing("ep", "0") if visit.targets else visit)


def take() -> None:
    """A film clicked on the map becomes the one looked at, and what was drawn around an area. Taken once, before
    anything is drawn."""
    selection = st.session_state.get(MAP, {}).get("selection", {})
    outline = (selection.get("lasso") or selection.get("box") or [None])[-1]
    points = selection.get("points", [])
    movie = next((point["customdata"] for point in points if "customdata" in point), None)
    told = str(outline) if outline else movie
    if told == st.session_state.get(TAKEN):
        return
    st.session_state[TAKEN] = told
    if outline:
        corners = corners_of(outline)
        if corners is not None:
            code = encode(st.session_state.get(DRAWN, ""), corners)
            state.go(state.current().showing("ea", code).showing("ep", "").showing("ez", ""))
    elif isinstance(movie, int) and movie in engine.all_labels():
        state.go(choose(state.current(), movie))


def corners_of(outline: Mapping[str, Any]) -> np.ndarray | None:
    """[E, 2] corners of what was drawn, as streamlit tells it; none where it is no area."""
    try:
        x, y = (np.array(outline[axis], dtype=float) for axis in "xy")
    except (KeyError, TypeError, ValueError):
        return None
    if len(x) != len(y) or not (np.isfinite(x).all() and np.isfinite(y).all()):
        return None
    if len(x) == 2:  # a box, by two corners
        x, y = x[[0, 1, 1, 0]], y[[0, 0, 1, 1]]
    kept = np.unique(np.linspace(0, len(x) - 1, min(CORNERS, len(x))).round().astype(int))
    return np.stack([x, y], 1)[kept] if len(kept) > 2 else None


def encode(drawn: str, corners: np.ndarray) -> str:
    """An area of a map for the link."""
    return f"{drawn}_" + "_".join(
        f"{x}.{y}" for x, y in (SCALE * corners).round().astype(int).tolist()
    )


def decode(drawn: str, text: str) -> np.ndarray | None:
    """[E, 2] what `encode` wrote of this map; none for another map, and for nonsense."""
    told, *corners = text.split("_")
    if told != drawn or not 3 <= len(corners) <= CORNERS:
        return None
    if not all(map(_CORNER.fullmatch, corners)):
        return None
    return np.array([corner.split(".") for corner in corners], dtype=float) / SCALE
