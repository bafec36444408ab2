"""The panel on the map: what lies near a film, or what an area holds; and what can be done with a film."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import streamlit as st

from recdemo.answers.embeddings import film_table, nearest
from recdemo.answers.recommend import Recommender
from recdemo.answers.regions import Trait, in_common
from recdemo.answers.spaces import Space
from recdemo.core.wording import Words, counted
from recdemo.data.catalogue import shorten
from recdemo.ui import embeddings as pieces
from recdemo.ui import engine, map_area, state, vectors
from recdemo.ui.chart import reason
from recdemo.ui.engine import plain
from recdemo.ui.visit import Visit

LISTED = 200  # films of an area, the best known
ROW = 28  # pixels


def place(there: bool) -> AbstractContextManager[object]:
    """Where the panel lies, if there is one."""
    return reason() if there else nullcontext()


def show_film(
    model: Recommender, visit: Visit, space: Space, shown: np.ndarray, movie: int
) -> list[int]:
    """What lies near a film: rows of the catalogue, nearest first."""
    w, films = engine.words(visit.model), engine.films(visit.model)
    directions, row = (
        vectors.directions(model, space),
        model.checkpoint.schema.index_of(movie) - 1,
    )
    rows, cosines = nearest(directions, directions[row], among=shown, without=[row])
    table = film_table(films.table, rows, cosines)
    _heading(f"**Nearest to {plain(films.labels[movie])}**")
    key = f"embeddings_near_{movie}"
    pieces.films_with_cosines(
        table, key, w, 28, on_pick=lambda: _pick(key, table["movie_id"].tolist())
    )
    own = set(films.table["genres"].iloc[row])
    sharing = sum(bool(own & set(genres)) for genres in table["genres"])
    st.caption(f"{sharing} of {len(table)} share a {w.genre} with it.")
    _actions(visit, movie, w)
    st.toggle(
        "Close-up",
        help=f"Zoom in on the {w.film} chosen and its neighbours, and name them.",
        **state.shown("ez", "embeddings_close", [True], False),
    )
    return [int(one) for one in rows]


def show_area(
    model: Recommender, visit: Visit, inside: np.ndarray, shown: np.ndarray
) -> int | None:
    """The films of an area and what they have in common; the row of the one picked."""
    w, films = engine.words(visit.model), engine.films(visit.model)
    count = int(inside.sum())
    _heading(
        f"**{counted(count, w.film)}** {said_of(in_common(vectors.traits(model), inside, shown), w)}"
    )
    rows = np.flatnonzero(inside)
    known = films.table["ratings"].to_numpy()[rows]
    rows = rows[np.argsort(-known, kind="stable")][:LISTED]
    ids = [films.ids[row] for row in rows]
    key = f"embeddings_area_{hash(tuple(ids))}"
    st.dataframe(
        {
            "film": [shorten(films.labels[movie], 28) for movie in ids],
            "ratings": films.table["ratings"].to_numpy()[rows],
        },
        key=key,
        hide_index=True,
        height=ROW * (min(len(ids), 9) + 1) + 3,
        row_height=ROW,
        on_select=lambda: _pick(key, ids),
        selection_mode="single-cell",
        column_config={
            "film": st.column_config.TextColumn(w.Film, width=185),
            "ratings": st.column_config.NumberColumn(
                w.audience.capitalize(), format="localized", width=70
            ),
        },
        alt=f"The {counted(len(ids), w.film)} of the area, the best known first",
    )
    movie = visit.targets[0] if visit.targets else None
    if movie not in ids:
        more = f"The {LISTED} best known are listed. " if count > LISTED else ""
        st.caption(f"{more}Pick {w.a_film} to add it, or to ask about it." if ids else "")
        return None
    st.markdown(f"**{plain(films.labels[movie])}**")
    _actions(visit, movie, w)
    return films.ids.index(movie)


def said_of(common: Sequence[Trait], w: Words) -> str:
    """What films have in common, as the end of a sentence."""
    if not common:
        return f"in this area, as mixed as all: no {w.genre} or decade stands out."
    named = [
        f"{trait.share:.0%} {_of(trait.name)} (of all {trait.among_all:.0%})" for trait in common
    ]
    return f"in this area: {' and '.join(named)}."


def _of(name: str) -> str:
    return f"from the {name}" if name.endswith("0s") else plain(name)


def _heading(text: str) -> None:
    """What the panel is about, and how to be rid of it."""
    with st.container(key="embeddings_heading"):
        st.markdown(text)
    st.button(
        "",
        key="embeddings_whole",
        icon=":material/close:",
        help="Back to the whole map",
        type="tertiary",
        on_click=map_area.close,
    )


def _pick(key: str, listed: Sequence[int]) -> None:
    """The film picked from a list becomes the one looked at."""
    cells = st.session_state[key]["selection"]["cells"]
    if cells:
        state.go(map_area.choose(state.current(), listed[cells[0][0]]))


def _actions(visit: Visit, movie: int, w: Words) -> None:
    """Add the film to the history, or ask about it on another page."""
    known = movie in visit.session.movie_ids
    with st.container(key="embeddings_actions", horizontal=True, gap="small"):
        st.button(
            "Like",
            key="embeddings_like",
            disabled=known,
            help="It is in the history" if known else f"Add the {w.film} to the history, as liked",
            on_click=lambda: state.go(state.current().add(movie, True)),
        )
        for page, (label, help) in {
            "attention": ("Why", f"What the model weighs when it answers about this {w.film}"),
            "inside": ("Inside", f"The answer about this {w.film}, computed step by step"),
            "recommend": ("Recommend", f"What is recommended to whoever liked this {w.film}, too"),
        }.items():
            if st.button(label, key=f"embeddings_to_{page}", help=help):
                now = map_area.choose(state.current(), movie)
                state.go(now.add(movie, True) if page == "recommend" and not known else now)
                st.switch_page(f"pages/{page}.py")
