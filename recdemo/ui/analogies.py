"""The question A − B + C of the page Embeddings: whether such sums tell anything here, and one of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import streamlit as st

from recdemo.answers.analogies import Tried
from recdemo.answers.embeddings import analogy, film_table
from recdemo.answers.recommend import Recommender
from recdemo.answers.spaces import Space
from recdemo.core.wording import cut
from recdemo.ui import embeddings as pieces
from recdemo.ui import engine, film_box, state, vectors
from recdemo.ui.engine import plain
from recdemo.ui.visit import Visit

LISTED = 5  # films of an analogy
LINKED = "eb"  # of the three films, in the link


def _show_tried(visit: Visit, tried: Tried) -> None:
    """How often such a sum ends where it should, and some that do; each is a button that sets the three films."""
    films = engine.films(visit.model)
    if not tried.sums:
        return  # no film here is the second part of another
    told = "subtracting tells " + ("something" if tried.right > 1.2 * tried.alone else "nothing")
    st.markdown(
        f"**A sequel, minus its first part, plus another first part: {tried.right:.1%} of {tried.sums:,} such sums lead to "
        f"that film's sequel; C alone leads there in {tried.alone:.1%}.** So {told}"
        + (
            " about what a sequel is."
            if tried.held
            else " here: no sum holds that C alone does not give."
        )
        + (" Some that hold, with the cosine:" if tried.held else "")
    )
    with st.container(key="embeddings_held", horizontal=True, gap="small"):
        for number, one in enumerate(tried.held):
            movies = [films.ids[row] for row in (one.a, one.b, one.c)]
            a, b, c, d = (
                plain(cut(films.table["title"].iloc[row], 24))
                for row in (one.a, one.b, one.c, one.d)
            )
            st.button(
                f"{a} − {b} + {c} ≈ **{d}** · {one.cosine:.2f}",
                key=f"embeddings_held_{number}",
                on_click=partial(_ask, movies),
            )


def show(model: Recommender, visit: Visit, space: Space, shown: np.ndarray, viewers: int) -> None:
    """A is to B as what is to C?"""
    w = engine.words(visit.model)
    films, schema = engine.films(visit.model), model.checkpoint.schema
    directions = vectors.directions(model, space)
    example = vectors.best_example(model, space) or (films.ids[0], films.ids[1], films.ids[2])
    asked = _asked(films.labels) or example
    _show_tried(visit, vectors.tried(model, space, viewers))
    for place, column in enumerate(st.columns(3)):
        with column:
            film_box.draw(
                ("A", "− B", "+ C")[place],
                f"embeddings_{'abc'[place]}_box",
                visit.model,
                partial(_put, asked, place),
                chosen=asked[place],
            )
    a, b, c = asked
    row_a, row_b, row_c = (schema.index_of(movie) - 1 for movie in (a, b, c))
    found = analogy(directions, row_a, row_b, row_c, LISTED, among=shown)
    table = film_table(films.table, found.rows, found.cosines).assign(alone=found.alone)
    name_a, name_b, name_c, first = (
        plain(films.labels[movie]) for movie in (a, b, c, int(table["movie_id"].iloc[0]))
    )
    kept = int((found.alone <= LISTED).sum())
    st.markdown(
        f"{name_a} is to {name_b} as **{first}** is to {name_c}. {kept} of the {len(table)} listed would be "
        f"among the nearest to C without A and B, too"
        + (": subtracting tells little here." if 2 * kept > LISTED else ".")
    )
    pieces.films_with_cosines(
        table,
        "embeddings_analogy",
        w,
        alone=st.column_config.NumberColumn(
            "# for C alone",
            help=f"Where the {w.film} stands among the neighbours of C itself",
            width=90,
        ),
    )
    if (a, b, c) != example:
        st.button(
            "An example this model is good at",
            key="embeddings_example",
            icon=":material/lightbulb:",
            on_click=partial(_ask, ()),
        )
    st.caption(
        f"Vectors of length one are added and subtracted; the {w.films} nearest to the result are listed, A, B and "
        "C left out."
    )


def _asked(labels: Mapping[int, str]) -> tuple[int, int, int] | None:
    """The three films that the link asks about, where there are such."""
    told = dict(state.current().shown).get(LINKED, "").split(".")
    films = tuple(int(one) for one in told if one.isdecimal() and int(one) in labels)
    return (films[0], films[1], films[2]) if len(films) == len(told) == 3 else None


def _ask(films: Sequence[int]) -> None:
    """About these three films, or with none about the page's own example."""
    state.go(state.current().showing(LINKED, ".".join(map(str, films))))


def _put(asked: Sequence[int], place: int, movie: int) -> None:
    """Another film in one place."""
    _ask([*asked[:place], movie, *asked[place + 1 :]])
