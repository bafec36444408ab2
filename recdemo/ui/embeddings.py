"""Pieces of the page Embeddings: the film chosen, lists with cosines, small spaces, and further questions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from recdemo.answers.embeddings import Agreement, Principal, film_table, nearest, principal
from recdemo.answers.recommend import Recommender
from recdemo.answers.spaces import Space, labels_of, own_rows, place_of, spaces
from recdemo.charts import embeddings as charts
from recdemo.core.protocols import PlacesUsers
from recdemo.core.vocabulary import QUESTIONS
from recdemo.core.wording import Words
from recdemo.data.catalogue import labels_of as titles_with_years
from recdemo.data.catalogue import shorten
from recdemo.ui import engine, state, vectors
from recdemo.ui.chart import CHART
from recdemo.ui.engine import plain
from recdemo.ui.visit import Visit


def film_of(visit: Visit) -> int:
    """The film looked at: the first target, else the latest film liked or watched, else the best known."""
    history = visit.session.history[::-1]
    liked = [film.movie_id for film in history if film.liked]
    seen = [film.movie_id for film in history]
    table = engine.films(visit.model).table
    best_known = int(table["movie_id"].iloc[table["ratings"].to_numpy().argmax()])
    return [*visit.targets, *liked, *seen, best_known][0]


def popularity_of(found: Agreement, w: Words) -> str:
    """What likeness has to do with being well known, in a sentence."""
    correlation = found.popularity
    if correlation >= 0.8:
        return f"It is also about as well known: the ranks correlate at {correlation:.2f}."
    if correlation >= 0.4:
        return f"It is often about as well known: the ranks correlate at {correlation:.2f}."
    return f"How well known {w.a_film} is hardly matters: the ranks correlate at {correlation:.2f}."


def how_to_make_maps(visit: Visit) -> str:
    """Why there is only PCA, in a sentence."""
    if engine.OF in visit.model:
        return "t-SNE and UMAP are made for the shipped models only. "
    asked = engine.card(visit.model).default_objective
    if visit.objective != asked:
        return f"t-SNE and UMAP are kept for “{QUESTIONS[asked]}” only. "
    return f"t-SNE and UMAP are missing; `python -m recdemo maps {visit.model}` makes them. "


def axis_titles(axes: Principal) -> list[str]:
    """What each axis of PCA holds."""
    return [f"axis {i} · {share:.0%} of the spread" for i, share in enumerate(axes.share, start=1)]


def films_with_cosines(
    table: pd.DataFrame,
    key: str,
    w: Words,
    width: int = 60,
    *,
    on_pick: Callable[[], None] | None = None,
    **columns: Any,
) -> None:
    """Films with their cosines as bars.

    Args:
        table: as `film_table` makes it, and further columns.
        key: of the widget.
        w: what the films are called.
        width: characters that a label is cut to.
        on_pick: called when a row is picked; left out, none can be, and rows are of the usual height.
        columns: configuration of the further columns to show.
    """
    picked: dict[str, Any] = {}
    if on_pick:
        picked = {"on_select": on_pick, "selection_mode": "single-cell", "row_height": 28}
    st.dataframe(
        table.assign(film=[shorten(label, width) for label in titles_with_years(table)]),
        key=key,
        hide_index=True,
        column_order=[*([] if on_pick else ["rank"]), "film", "cosine", *columns],
        column_config={
            "rank": st.column_config.NumberColumn("#", width=35),
            "film": st.column_config.TextColumn(w.Film, width=190),
            "cosine": st.column_config.ProgressColumn(
                "Cosine",
                format="%.2f",
                min_value=0.0,
                max_value=1.0,
                width=85,
                help="1 is the same direction, 0 nothing in common.",
            ),
            **columns,
        },
        alt=f"{len(table)} {w.films} with their cosines",
        **picked,
    )


def show_values(model: Recommender, visit: Visit, space: Space) -> None:
    """A small space: labelled map and likeness side by side."""
    w = engine.words(visit.model)
    directions, labels = (
        vectors.directions(model, space),
        labels_of(space.kind, model.checkpoint.schema.genre_names),
    )
    cosines = directions @ directions.T
    first, second = np.triu_indices(len(labels), 1)
    pairs = cosines[first, second]

    def name(pair: int) -> str:
        return f"**{labels[first[pair]]}** and **{labels[second[pair]]}** ({pairs[pair]:+.2f})"

    if len(pairs) > 1:
        most, least = name(int(pairs.argmax())), name(int(pairs.argmin()))
        st.markdown(f"Most alike are {most}, least alike {least}.")
    else:
        verdict = "are much alike" if pairs[0] > 0.3 else "have little in common"
        verdict = "are opposites" if pairs[0] < -0.3 else verdict
        st.markdown(f"{name(0)} {verdict}.")
    axes = principal(directions)
    own = own_rows(model.checkpoint.schema, visit.session).get(space.kind)
    left, right = st.columns(2, gap="medium")
    with left:
        st.plotly_chart(
            charts.value_map(
                axes.project(directions),
                labels,
                own,
                axis_titles(axes),
                path=space.kind in ("age", "year"),
            ),
            key="embeddings_values",
            config=CHART,
            alt=f"Map of {len(labels)} vectors: {w(space.title)}",
        )
    with right:
        st.plotly_chart(
            charts.likeness_map(cosines, labels),
            key="embeddings_likeness",
            config=CHART,
            alt=f"Heat map of the cosines of {len(labels)} vectors",
        )
    mine = "" if own is None else f" The orange point is this visitor's: {labels[own]}."
    st.caption(
        f"A point is {w(space.meaning)}, as PCA sees it; labels that do not fit appear when you point at them.{mine} A cell is the cosine of its row and its column: 1 "
        "is the same direction, 0 nothing in common, −1 opposite."
    )


def show_other(
    model: Recommender, visit: Visit, space: Space, shown: np.ndarray, movie: int
) -> None:
    """The same film's neighbours in another model."""
    w = engine.words(visit.model)
    films, menu = engine.films(visit.model), engine.peers(visit.model)
    others = [key for key in menu if key != visit.model]
    if not others:
        st.info(f"No other model knows the same {w.films}.", icon=":material/info:")
        return
    first = next((k for k in ("mf", "fm") if k in others), others[0])
    key = st.selectbox(
        "Other model",
        others,
        format_func=lambda key: engine.card(key).title,
        **state.shown("eo", "embeddings_other", others, first),
    )
    asked = visit.with_model(key, menu[key])
    other = engine.recommender(asked.model, asked.objective)
    theirs = spaces(other.checkpoint.model).get("film")
    if theirs is None:
        st.info(
            f"{engine.card(key).title} has no vectors of {w.films}.",
            icon=":material/visibility_off:",
        )
        return
    lists = []
    for one, its in ((model, space), (other, theirs)):
        directions = vectors.directions(one, its)
        row = one.checkpoint.schema.index_of(movie) - 1
        near = nearest(directions, directions[row], among=shown, without=[row])
        lists.append(film_table(films.table, *near))
    shared = set(lists[0]["movie_id"]) & set(lists[1]["movie_id"])
    by_chance = len(lists[0]) * len(lists[1]) / max(int(shown.sum()) - 1, 1)
    st.markdown(
        f"**{len(shared)} of {len(lists[0])}** neighbours of {plain(films.labels[movie])} are the same in both; "
        f"two lists drawn at random would share {by_chance:.2f}."
    )
    columns = st.columns(2, gap="medium")
    for column, table, about in zip(columns, lists, (visit, asked), strict=True):
        with column:
            st.markdown(f"**{engine.card(about.model).title}**, {QUESTIONS[about.objective]}")
            films_with_cosines(
                table.assign(both=table["movie_id"].isin(shared)),
                f"embeddings_list_{about.model}",
                w,
                28,
                both=st.column_config.CheckboxColumn("Both", width=50),
            )


def show_visitor(model: Recommender, visit: Visit, space: Space, shown: np.ndarray) -> None:
    """What the visitor's place is, and the films around it."""
    w = engine.words(visit.model)
    network, title = model.checkpoint.model, engine.card(visit.model).title
    if not isinstance(network, PlacesUsers) or space.key != "film":
        st.info(
            f"{title} has no single vector of a visitor among these vectors of {w.films}; the {w.films} {w.watched} are "
            "marked on the map.",
            icon=":material/person_off:",
        )
        return
    place = place_of(model, visit.session)
    if place is None:
        st.info(
            f"{title} knows nothing of this visitor yet: add {w.films} in the sidebar.",
            icon=":material/history:",
        )
        return
    near = nearest(vectors.directions(model, space), place, among=shown)
    table = film_table(engine.films(visit.model).table, *near)
    seen = table["movie_id"].isin(visit.session.movie_ids)
    st.markdown(
        f"The visitor's place is {w(network.user_meaning)}. **{int(seen.sum())} of the {len(table)}** {w.films} nearest "
        f"to it have been {w.watched}."
    )
    films_with_cosines(
        table.assign(seen=seen),
        "embeddings_visitor",
        w,
        seen=st.column_config.CheckboxColumn(f"{w.watched.capitalize()}", width=65),
    )


def offer_others(visit: Visit) -> None:
    """Models to choose instead, one of each family."""
    menu, own = engine.peers(visit.model), engine.card(visit.model).family
    families: dict[str, str] = {}
    for key in menu:
        families.setdefault(engine.card(key).family, key)
    families.pop(own, None)
    with st.container(horizontal=True):
        for key in families.values():
            st.button(
                engine.card(key).title,
                key=f"embeddings_use_{key}",
                on_click=lambda key=key: state.go(state.current().with_model(key, menu[key])),
            )
