"""Embeddings: the vectors a model has learned, as a map; what lies near what; where the visitor stands."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "Embeddings",
    "🗺️",
    "What the model holds to be alike. Click a film on the map, or search one, to see its neighbours.",
)

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from recdemo.catalogue import shorten
from recdemo.charts import embed as charts
from recdemo.contracts import QUESTIONS, PlacesUsers
from recdemo.embed import (
    Space,
    analogy,
    between_neighbours,
    film_table,
    labels_of,
    nearest,
    own_rows,
    place_of,
    principal,
    spaces,
)
from recdemo.models import CARDS
from recdemo.recommend import Recommender
from recdemo.ui import engine, frame, state, vectors
from recdemo.ui.engine import plain
from recdemo.ui.visit import Visit
from recdemo.ui.why import CHART

MAP = "embeddings_map"  # the key under which streamlit keeps what was clicked
NEAR = 10  # neighbours shown
ANALOGIES = 5
METHODS = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
METHOD_HELP = (
    "**PCA** turns the space until it casts the widest shadow: distances are real, but most dimensions are "
    "not seen. **t-SNE** and **UMAP** keep neighbours together; how far clusters lie apart, and how large "
    "they are, means little there."
)
COLOURS: dict[charts.Colour, str] = {
    "genre": "Genre",
    "year": "Year",
    "viewers": "Viewers",
    "likes": "Like rate",
}
VIEWERS = {0: "All films", 20: "20+ viewers", 100: "100+ viewers", 500: "500+ viewers"}
# The one chart that is explored: buttons to zoom in, out and back.
ZOOM = {"modeBarButtons": [["zoomIn2d", "zoomOut2d", "resetScale2d"]], "displaylogo": False}
ASK = ("A − B + C", "Another model", "The visitor")


def choose(visit: Visit, movie: int) -> Visit:
    """Look at a film: it becomes the first of the visit's targets."""
    return replace(visit, targets=tuple(dict.fromkeys((movie, *visit.targets[1:]))))


def take_click() -> None:
    """A film clicked on the map becomes the one looked at. Taken once, before anything is drawn."""
    points = st.session_state.get(MAP, {}).get("selection", {}).get("points", [])
    movie = next((point["customdata"] for point in points if "customdata" in point), None)
    if movie != st.session_state.get("embeddings_clicked"):
        st.session_state["embeddings_clicked"] = movie
        if movie is not None:
            state.go(choose(state.current(), int(movie)))


def film_of(visit: Visit) -> int:
    """The film looked at: the first target, else the latest film liked or watched, else the best known."""
    history = visit.session.history
    liked = [film.movie_id for film in history if film.liked]
    seen = [film.movie_id for film in history]
    table = engine.films().table
    best_known = int(table["movie_id"].iloc[table["ratings"].to_numpy().argmax()])
    return next(iter([*visit.targets[:1], *reversed(liked), *reversed(seen), best_known]))


def one_of(key: str, options: Sequence[Any], default: Any) -> None:
    """A widget keeps its choice from one model to the next, where the next offers it."""
    if st.session_state.get(key) not in options:
        st.session_state[key] = default


def show_neighbours(table: pd.DataFrame, key: str, width: int = 60, **columns: Any) -> None:
    """Films with their cosines as bars; labels cut to `width` characters."""
    labels = engine.films().labels
    st.dataframe(
        table.assign(film=[shorten(labels[movie], width) for movie in table["movie_id"]]),
        key=key,
        hide_index=True,
        column_order=["rank", "film", "cosine", *columns],
        column_config={
            "rank": st.column_config.NumberColumn("#", width=35),
            "film": st.column_config.TextColumn("Film", width=190),
            "cosine": st.column_config.ProgressColumn(
                "Cosine", format="%.2f", min_value=0.0, max_value=1.0, width=85
            ),
            **columns,
        },
        alt=f"{len(table)} films with their cosines",
    )


def places_of(
    model: Recommender, space: Space, directions: np.ndarray, place: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None, list[str], str]:
    """Controls of the map: places of the films and of the visitor, axis titles, and how to read them."""
    made = vectors.maps(model) if space.key == "film" else {}
    options = [method for method in METHODS if method == "pca" or (method, 2) in made]
    one_of("embeddings_method", options, options[-1])
    method = st.segmented_control(
        "Map",
        options,
        format_func=METHODS.__getitem__,
        required=True,
        help=METHOD_HELP,
        key="embeddings_method",
        persist_state="session",
    )
    sizes = [2, 3] if method == "pca" or (method, 3) in made else [2]
    one_of("embeddings_size", sizes, 2)
    size = st.segmented_control(
        "Dimensions",
        sizes,
        format_func=lambda size: f"{size}-D",
        required=True,
        key="embeddings_size",
        persist_state="session",
    )
    if method == "pca":
        axes = principal(directions, size)
        titles = [
            f"axis {i} · {share:.0%} of the spread" for i, share in enumerate(axes.share, start=1)
        ]
        read = f"The {size} axes hold {sum(axes.share):.0%} of the spread; the rest is not seen. "
        visitor = None if place is None else axes.project(place)
        if visitor is not None:
            read += "The visitor's place is exact. "
        return axes.project(directions), visitor, titles, read
    places = made[method, size]
    read = "Near means alike; distances between clusters mean little, and the axes have no unit. "
    if place is None:
        visitor = None
    else:
        visitor = between_neighbours(directions, places, place)
        read += "The visitor stands at the weighted mean of their ten nearest films' places. "
    return places, visitor, [""] * size, read


def show_films(model: Recommender, visit: Visit, space: Space, viewers: int) -> None:
    """A space of films: map, neighbours, and further questions."""
    films, schema = engine.films(), model.checkpoint.schema
    directions = vectors.directions(model, space)
    place = place_of(model, visit.session) if space.key == "film" else None
    movie = film_of(visit)
    row = schema.index_of(movie) - 1
    with st.container(horizontal=True, vertical_alignment="bottom"):
        places, visitor, axes, how_to_read = places_of(model, space, directions, place)
        colour = st.segmented_control(
            "Colour",
            list(COLOURS),
            format_func=COLOURS.__getitem__,
            default="genre",
            required=True,
            key="embeddings_colour",
            persist_state="session",
        )
        close_up = len(axes) == 2 and st.toggle(
            "Close-up",
            help="Zoom in on the film chosen and its neighbours, and name them.",
            key="embeddings_close",
            persist_state="session",
        )
    shown = films.table["ratings"].to_numpy() >= viewers
    rows, cosines = nearest(directions, directions[row], NEAR, among=shown, without=[row])
    table = film_table(films.table, rows, cosines)
    found = vectors.agreement(model, space, viewers)
    st.markdown(
        f"**The nearest film shares a genre {found.genre:.0%} of the time; by chance "
        f"{found.chance:.0%}.** {popularity_of(found.popularity)} A vector here is {space.meaning}."
    )
    left, right = st.columns([3, 2], gap="medium")
    with left:
        watched = {schema.index_of(f.movie_id) - 1: f.liked for f in visit.session.history}
        marks = charts.Marks(row, rows.tolist(), watched, visitor)
        st.plotly_chart(
            charts.film_map(places, films.table, shown, colour, marks, axes, close_up=close_up),
            key=MAP,
            on_select="rerun",
            selection_mode="points",
            config=ZOOM,
            alt=f"Map of {int(shown.sum())} films; {films.labels[movie]} and its neighbours stand out",
        )
    with right:
        st.markdown(f"**Nearest to {plain(films.labels[movie])}**")
        show_neighbours(table, "embeddings_near", 28)
        own = set(films.table["genres"].iloc[row])
        sharing = sum(bool(own & set(genres)) for genres in table["genres"])
        st.caption(
            f"{sharing} of {len(table)} share a genre with it. A cosine of 1 is the same direction, 0 nothing "
            "in common."
        )
    st.caption(
        how_to_read
        + ("Click a point to choose it. " if len(axes) == 2 else "Choose a film above. ")
        + "Lines lead from the film chosen to its neighbours."
    )
    question = st.segmented_control(
        "Ask further",
        ASK,
        default=ASK[0],
        required=True,
        key="embeddings_question",
        persist_state="session",
    )
    if question == ASK[0]:
        show_analogy(model, space, shown)
    elif question == ASK[1]:
        show_other(model, visit, space, shown, movie)
    else:
        show_visitor(model, visit, space, shown)


def popularity_of(correlation: float) -> str:
    """What likeness has to do with being well known, in a sentence."""
    if correlation >= 0.8:
        return f"It is also about as well known: the ranks correlate at {correlation:.2f}."
    if correlation >= 0.4:
        return f"It is often about as well known: the ranks correlate at {correlation:.2f}."
    return f"How well known a film is hardly matters: the ranks correlate at {correlation:.2f}."


def show_values(model: Recommender, visit: Visit, space: Space) -> None:
    """A small space: labelled map and likeness side by side."""
    directions, labels = vectors.directions(model, space), labels_of(space.kind)
    cosines = directions @ directions.T
    first, second = np.triu_indices(len(labels), 1)
    pairs = cosines[first, second]
    most, least = int(pairs.argmax()), int(pairs.argmin())

    def name(pair: int) -> str:
        return f"**{labels[first[pair]]}** and **{labels[second[pair]]}** ({pairs[pair]:+.2f})"

    st.markdown(
        f"Most alike are {name(most)}, least alike {name(least)}."
        if len(pairs) > 1
        else f"The cosine of {name(0)} is all there is between two."
    )
    axes = principal(directions)
    own = own_rows(model.checkpoint.schema, visit.session).get(space.kind)
    left, right = st.columns(2, gap="medium")
    with left:
        st.plotly_chart(
            charts.value_map(
                axes.project(directions),
                labels,
                own,
                [f"axis {i} · {s:.0%} of the spread" for i, s in enumerate(axes.share, start=1)],
                path=space.kind in ("age", "year"),
            ),
            key="embeddings_values",
            config=CHART,
            alt=f"Map of {len(labels)} vectors: {space.title}",
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
        f"A point is {space.meaning}; the map is PCA's.{mine} A cell is the cosine of its row and column: 1 the "
        "same direction, 0 nothing in common, −1 opposite."
    )


def show_analogy(model: Recommender, space: Space, shown: np.ndarray) -> None:
    """A is to B as what is to C?"""
    films, schema = engine.films(), model.checkpoint.schema
    directions = vectors.directions(model, space)
    keys = ("embeddings_a", "embeddings_b", "embeddings_c")
    example = vectors.best_example(model, space) or tuple(films.ids[:3])

    def use_example() -> None:
        st.session_state.update(zip(keys, example, strict=True))

    for key, movie in zip(keys, example, strict=True):
        one_of(key, films.ids, movie)
    for column, key, label in zip(st.columns(3), keys, ("A", "− B", "+ C"), strict=True):
        column.selectbox(
            label,
            films.ids,
            format_func=films.labels.__getitem__,
            key=key,
            persist_state="session",
        )
    a, b, c = (st.session_state[key] for key in keys)
    found = analogy(
        directions, *(schema.index_of(m) - 1 for m in (a, b, c)), ANALOGIES, among=shown
    )
    table = film_table(films.table, found.rows, found.cosines).assign(alone=found.alone)
    first = films.labels[int(table["movie_id"].iloc[0])]
    lead = f"{plain(films.labels[a])} is to {plain(films.labels[b])} as **{plain(first)}** is to {plain(films.labels[c])}"
    kept = int((found.alone <= ANALOGIES).sum())
    st.markdown(
        f"{lead}. {kept} of the {len(table)} listed would be nearest to C without A and B, too"
        + (": subtracting tells little here." if 2 * kept > ANALOGIES else ".")
    )
    show_neighbours(
        table,
        "embeddings_analogy",
        alone=st.column_config.NumberColumn(
            "# for C alone", help="Where the film stands among the neighbours of C itself", width=90
        ),
    )
    if (a, b, c) != example:
        st.button(
            "An example this model is good at", icon=":material/lightbulb:", on_click=use_example
        )
    st.caption(
        "Vectors of length one are added and subtracted; the films nearest to the result are listed, A, B and "
        "C left out."
    )


def show_other(
    model: Recommender, visit: Visit, space: Space, shown: np.ndarray, movie: int
) -> None:
    """The same film's neighbours in another model."""
    films, menu = engine.films(), engine.menu()
    others = [key for key in menu if key != visit.model]
    if not others:
        st.info("No other model is trained.", icon=":material/info:")
        return
    one_of("embeddings_other", others, next((k for k in ("mf", "fm") if k in others), others[0]))
    key = st.selectbox(
        "Other model",
        others,
        format_func=lambda key: CARDS[key].title,
        key="embeddings_other",
        persist_state="session",
    )
    asked = visit.with_model(key, menu[key])
    other = engine.recommender(asked.model, asked.objective)
    theirs = spaces(other.checkpoint.model).get("film")
    if theirs is None:
        st.info(f"{CARDS[key].title} has no vectors of films.", icon=":material/visibility_off:")
        return
    lists = []
    for one, its in ((model, space), (other, theirs)):
        directions = vectors.directions(one, its)
        row = one.checkpoint.schema.index_of(movie) - 1
        near = nearest(directions, directions[row], NEAR, among=shown, without=[row])
        lists.append(film_table(films.table, *near))
    shared = set(lists[0]["movie_id"]) & set(lists[1]["movie_id"])
    st.markdown(
        f"**{len(shared)} of {NEAR}** neighbours of {plain(films.labels[movie])} are the same in both; two lists "
        f"drawn at random would share {NEAR**2 / max(int(shown.sum()), 1):.2f}."
    )
    columns = st.columns(2, gap="medium")
    for column, table, one in zip(columns, lists, (visit, asked), strict=True):
        with column:
            st.markdown(f"**{CARDS[one.model].title}**, {QUESTIONS[one.objective]}")
            show_neighbours(
                table.assign(both=table["movie_id"].isin(shared)),
                f"embeddings_list_{one.model}",
                28,
                both=st.column_config.CheckboxColumn("Both", width=50),
            )


def show_visitor(model: Recommender, visit: Visit, space: Space, shown: np.ndarray) -> None:
    """What the visitor's place is, and the films around it."""
    network, title = model.checkpoint.model, CARDS[visit.model].title
    if not isinstance(network, PlacesUsers) or space.key != "film":
        st.info(
            f"{title} has no one vector of a visitor among these vectors of films; films watched are marked "
            "on the map.",
            icon=":material/person_off:",
        )
        return
    place = place_of(model, visit.session)
    if place is None:
        st.info(
            f"{title} knows nothing of this visitor yet: add films in the sidebar.",
            icon=":material/history:",
        )
        return
    table = film_table(
        engine.films().table, *nearest(vectors.directions(model, space), place, NEAR, among=shown)
    )
    seen = table["movie_id"].isin(visit.session.movie_ids)
    st.markdown(
        f"The visitor's place is {network.user_meaning}. **{int(seen.sum())} of the {len(table)}** films nearest to it "
        "have been watched."
    )
    show_neighbours(
        table.assign(seen=seen),
        "embeddings_visitor",
        seen=st.column_config.CheckboxColumn("Watched", width=65),
    )


def offer_others() -> None:
    """Models that have vectors: one of each family."""
    menu = engine.menu()
    families: dict[str, str] = {}
    for key in menu:
        families.setdefault(CARDS[key].family, key)
    with st.container(horizontal=True):
        for key in families.values():
            if key != state.current().model:
                st.button(
                    CARDS[key].title,
                    key=f"embeddings_use_{key}",
                    on_click=lambda key=key: state.go(state.current().with_model(key, menu[key])),
                )


take_click()
with frame.page() as visit:
    model = engine.recommender(visit.model, visit.objective)
    title = CARDS[visit.model].title
    found = spaces(model.checkpoint.model)
    if not found:
        st.info(
            f"{title} has no vectors: it counts. Choose a model that has learned some:",
            icon=":material/visibility_off:",
        )
        offer_others()
        st.stop()
    one_of("embeddings_space", list(found), next(iter(found)))
    left, middle, right = st.columns([3, 3, 2], gap="small")
    key = left.selectbox(
        "Space",
        list(found),
        format_func=lambda key: found[key].title,
        help="The tables of vectors that this model has.",
        key="embeddings_space",
        persist_state="session",
    )
    space = found[key]
    if space.kind == "film":
        films = engine.films()
        middle.selectbox(
            "Film",
            films.ids,
            format_func=films.labels.__getitem__,
            **state.bound("embeddings_film", film_of(visit), choose),
        )
        viewers = right.selectbox(
            "Films shown",
            list(VIEWERS),
            index=1,
            format_func=VIEWERS.__getitem__,
            help="The vector of a film that few people rated has hardly left where chance put it. Map, "
            "neighbours and figures keep to the films shown.",
            key="embeddings_viewers",
            persist_state="session",
        )
        show_films(model, visit, space, viewers)
    else:
        show_values(model, visit, space)
