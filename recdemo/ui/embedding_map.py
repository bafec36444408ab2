"""The map of the Embeddings page: which space, drawn how, and what lies near the film chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

import numpy as np
import streamlit as st

from recdemo.answers.embeddings import between_neighbours, film_table, nearest, principal
from recdemo.answers.maps import Method
from recdemo.answers.recommend import Recommender
from recdemo.answers.spaces import Space, place_of
from recdemo.charts import embeddings as charts
from recdemo.ui import embeddings as pieces
from recdemo.ui import engine, film_box, state, vectors
from recdemo.ui.chart import answer, reason
from recdemo.ui.engine import plain
from recdemo.ui.visit import Visit

# The one chart that is explored: buttons to zoom in, out and back.
ZOOM = {"modeBarButtons": [["zoomIn2d", "zoomOut2d", "resetScale2d"]], "displaylogo": False}


METHODS: dict[Literal["pca"] | Method, str] = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}


METHOD_HELP = (
    "**PCA** turns the space until it casts its widest shadow: distances are real, but most dimensions are "
    "not seen. **t-SNE** and **UMAP** keep neighbours together; how far clusters lie apart, and how large "
    "they are, means little there."
)


COLOURS: dict[charts.Colour, str] = {
    "genre": "Genre",
    "year": "Year",
    "viewers": "Viewers",
    "likes": "Like rate",
}


VIEWERS = {20: "20+ viewers", 100: "100+ viewers", 500: "500+ viewers"}


FEWEST = 50  # films that a map is worth drawing of, unless there are no more


ASK = ("A − B + C", "Another model", "The visitor")


def places_of(
    model: Recommender, visit: Visit, space: Space
) -> tuple[np.ndarray, np.ndarray | None, list[str], str]:
    """Which map, and in how many dimensions: places of films and visitor, axis titles, how to read them."""
    w = engine.words(visit.model)
    directions = vectors.directions(model, space)
    place = place_of(model, visit.session) if space.key == "film" else None
    made = vectors.maps(model) if space.key == "film" else {}
    options = [method for method in METHODS if method == "pca" or (method, 2) in made]
    method = st.segmented_control(
        "Map",
        options,
        format_func=METHODS.__getitem__,
        required=True,
        label_visibility="collapsed",
        **state.shown("em", "embeddings_method", options, options[-1]),
    )
    sizes = [2, 3] if method == "pca" or (method, 3) in made else [2]
    size = cast(
        int,
        st.segmented_control(
            "Dimensions",
            sizes,
            format_func=lambda size: f"{size}-D",
            required=True,
            label_visibility="collapsed",
            **state.shown("ed", "embeddings_size", sizes, 2),
        ),
    )
    if method == "pca":
        axes = principal(directions, size)
        visitor = None if place is None else axes.project(place)
        how = f"The {size} axes hold {sum(axes.share):.0%} of the spread; the rest is not seen. "
        how += "" if visitor is None else "The visitor's place is exact. "
        if not made and space.key == "film":
            how += pieces.how_to_make_maps(visit)
        return axes.project(directions), visitor, pieces.axis_titles(axes), how
    places = made[cast(Method, method), size]
    how = "Near means alike; distances between clusters mean little, and the axes have no unit. "
    if place is None:
        return places, None, [""] * size, how
    how += f"The visitor stands at the weighted mean of their ten nearest {w.films}' places. "
    return places, between_neighbours(directions, places, place), [""] * size, how


def show_films(model: Recommender, visit: Visit, space: Space, viewers: int) -> None:
    """A space of films: map, neighbours, and further questions."""
    w = engine.words(visit.model)
    films, schema = engine.films(visit.model), model.checkpoint.schema
    movie = pieces.film_of(visit)
    row = schema.index_of(movie) - 1
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        places, visitor, axes, how_to_read = places_of(model, visit, space)
        colour = st.segmented_control(
            "Colour",
            list(COLOURS),
            format_func=COLOURS.__getitem__,
            required=True,
            label_visibility="collapsed",
            **state.shown("ec", "embeddings_colour", list(COLOURS), "genre"),
        )
        close_up = len(axes) == 2 and st.toggle(
            "Close-up",
            help=f"Zoom in on the {w.film} chosen and its neighbours, and name them.",
            **state.shown("ez", "embeddings_close", [True], False),
        )
    shown = films.table["ratings"].to_numpy() >= viewers
    directions = vectors.directions(model, space)
    rows, cosines = nearest(directions, directions[row], among=shown, without=[row])
    table = film_table(films.table, rows, cosines)
    found = vectors.agreement(model, space, viewers)
    st.markdown(
        f"**The nearest {w.film} shares a {w.genre} {found.genre:.0%} of the time; by chance "
        f"{found.chance:.0%}.** {pieces.popularity_of(found, w)} A vector here is {w(space.meaning)}."
    )
    left, right = st.columns([3, 2], gap="medium")
    with left, answer():
        watched = {schema.index_of(f.movie_id) - 1: f.liked for f in visit.session.history}
        marks = charts.Marks(row, rows.tolist(), watched, visitor)
        st.plotly_chart(
            charts.film_map(places, films.table, shown, colour, marks, axes, close_up=close_up),
            key=pieces.MAP,
            on_select="rerun",
            selection_mode="points",
            config=ZOOM,
            alt=f"Map of {int(shown.sum())} {w.films}; {films.labels[movie]} and its neighbours stand out",
        )
    with right, reason():
        st.markdown(f"**Nearest to {plain(films.labels[movie])}**")
        pieces.films_with_cosines(table, "embeddings_near", w, 28)
        own = set(films.table["genres"].iloc[row])
        sharing = sum(bool(own & set(genres)) for genres in table["genres"])
        st.caption(
            f"{sharing} of {len(table)} share a {w.genre} with it. A cosine of 1 is the same direction, 0 nothing "
            "in common."
        )
    st.caption(
        how_to_read
        + ("Click a point to choose it. " if len(axes) == 2 else f"Choose {w.a_film} above. ")
        + f"Lines lead from the {w.film} chosen to its neighbours."
        + (
            f" {w.A_film} of several {w.genres} has the colour listed first."
            if colour == "genre"
            else ""
        ),
        help=METHOD_HELP,
    )
    question = st.segmented_control(
        "Ask further",
        ASK,
        required=True,
        **state.shown("eq", "embeddings_question", ASK, ASK[0]),
    )
    if question == ASK[0]:
        pieces.show_analogy(model, visit, space, shown)
    elif question == ASK[1]:
        pieces.show_other(model, visit, space, shown, movie)
    else:
        pieces.show_visitor(model, visit, space, shown)


def draw(model: Recommender, visit: Visit, found: Mapping[str, Space]) -> None:
    """Choose a space, and how much of it; a space of films is a map, any other a few labelled points."""
    w = engine.words(visit.model)
    left, middle, right = st.columns([3, 3, 2], gap="small")
    key = left.selectbox(
        "Space",
        list(found),
        format_func=lambda key: w(found[key].title),
        label_visibility="collapsed",
        **state.shown("es", "embeddings_space", list(found), next(iter(found))),
    )
    if found[key].kind == "film":
        films = engine.films(visit.model)
        with middle:
            film_box.draw(
                w.Film,
                "embeddings_film",
                visit.model,
                lambda movie: state.go(pieces.choose(state.current(), movie)),
                chosen=pieces.film_of(visit),
                bare=True,
            )
        ratings = films.table["ratings"].to_numpy()
        names = {0: f"All {w.films}"} | VIEWERS
        options = [n for n in names if not n or (ratings >= n).sum() >= FEWEST]
        viewers = right.selectbox(
            f"{w.Films} shown",
            options,
            format_func=names.__getitem__,
            help=f"The vector of {w.a_film} that few people rated has hardly left where chance put it. Map, "
            f"neighbours and figures keep to the {w.films} shown.",
            label_visibility="collapsed",
            **state.shown("ev", "embeddings_viewers", options, options[min(1, len(options) - 1)]),
        )
        show_films(model, visit, found[key], viewers)
    else:
        pieces.show_values(model, visit, found[key])
