"""A taste in a minute, on Home: a grid of well-known films to say of what one thought of them, until one is somebody."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import streamlit as st

from recdemo.charts.style import CATEGORIES
from recdemo.core.errors import CheckpointError
from recdemo.core.wording import Words, counted
from recdemo.data.catalogue import genre_names
from recdemo.ui import engine, state
from recdemo.ui.engine import plain
from recdemo.ui.history import ICONS
from recdemo.ui.visit import Visit

if TYPE_CHECKING:
    import numpy as np

TILES, ENOUGH = 12, 5
_SHOWN, _PASSED = "taste_shown", "taste_passed"  # of this browser session: ids


def draw(visit: Visit) -> None:
    """The grid, and how far one is. `visit`: with the films that the model knows."""
    films, w = engine.films(visit.model), engine.words(visit.model)
    said = visit.session.movie_ids
    _head(len(said), w)  # at once: what follows waits for the model on a cold server
    from recdemo.answers.taste import to_ask

    shown: list[int] = to_ask(
        films.table,
        TILES,
        said=said,
        shown=st.session_state.get(_SHOWN, []),
        passed=st.session_state.setdefault(_PASSED, set()),
        vectors=_vectors(visit) if said else None,
    )
    st.session_state[_SHOWN] = shown
    if not shown:
        st.caption(f"There is no other {w.film} to ask about.")
        return
    names = genre_names(films.table)
    table = films.table.set_index("movie_id").loc[shown]
    _colour({m: genres[0] for m, genres in table["genres"].items() if genres}, names)
    with st.container(horizontal=True, key="taste_grid"):
        for movie, title, year, genres in table[["title", "year", "genres"]].itertuples():
            _tile(int(movie), title, year, genres, w)


def _vectors(visit: Visit) -> np.ndarray | None:
    """The films to the model chosen, where it has them; none on a cold server, where they would be waited for."""
    if "torch" not in sys.modules:
        return None
    from recdemo.answers.spaces import spaces

    with suppress(CheckpointError):  # the page of a list says why
        model = engine.recommender(visit.model, visit.objective, p_like=False).checkpoint.model
        if space := spaces(model).get("film"):
            return space.vectors()
    return None


def _head(said: int, w: Words) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="taste_head"):
        with st.container(width="stretch"):
            st.markdown(f"### A taste in a minute\n{_how_far(said, w)}")
        st.button(
            f"Other {w.films}",
            key="taste_others",
            icon=":material/refresh:",
            help=f"I have {w.watched} none of these: ask about others",
            on_click=lambda: st.session_state[_PASSED].update(st.session_state[_SHOWN]),
        )
        if st.button(
            "See the list",
            key="taste_done",
            icon=":material/arrow_forward:",
            type="primary" if said >= ENOUGH else "secondary",
            disabled=not said,
        ):
            st.switch_page("pages/recommend.py")


def _how_far(said: int, w: Words) -> str:
    marks = "●" * min(said, ENOUGH) + "○" * max(0, ENOUGH - said)
    if not said:
        return (
            f"{marks} Say whether you liked five {w.films}, and every model has something to go by."
        )
    if said < ENOUGH:
        return f"{marks} {ENOUGH - said} more. The {w.films} asked about next are those that would tell most."
    return (
        f"{marks} {counted(said, w.film)}: enough for every model. Each further answer tells more."
    )


def _colour(genre_of: dict[int, str], names: tuple[str, ...]) -> None:
    """The edge of each tile in the colour of its first genre."""
    rules = (
        f".st-key-taste_{movie} {{border-top: 4px solid {CATEGORIES[names.index(genre) % len(CATEGORIES)]};}}"
        for movie, genre in genre_of.items()
    )
    st.html(f"<style>{''.join(rules)}</style>")


def _tile(movie: int, title: str, year: int, genres: tuple[str, ...], w: Words) -> None:
    with st.container(border=True, key=f"taste_{movie}"):
        about = " · ".join([*([str(year)] if year else []), *genres[:2]])
        st.markdown(f"**{plain(title)}**  \n{plain(about)}")
        with st.container(horizontal=True, key=f"taste_buttons_{movie}"):
            for liked, name in ((True, "Liked"), (False, "Disliked")):
                st.button(
                    f"{name}: {plain(title)}",
                    key=f"taste_{name}_{movie}",
                    icon=ICONS[liked],
                    help=name,
                    width="stretch",
                    on_click=lambda liked=liked: state.go(state.current().add(movie, liked)),
                )
            st.button(
                f"Not {w.watched}: {plain(title)}",
                key=f"taste_skip_{movie}",
                icon=":material/visibility_off:",
                help=f"Not {w.watched}",
                type="tertiary",
                on_click=lambda: st.session_state[_PASSED].add(movie),
            )
