"""The map of the Embeddings page: which space, drawn how, and the panel on it about a film or an area."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

import numpy as np
import streamlit as st

from recdemo.answers.embeddings import between_neighbours, principal
from recdemo.answers.maps import Method
from recdemo.answers.recommend import Recommender
from recdemo.answers.regions import within
from recdemo.answers.spaces import Space, place_of
from recdemo.charts import film_map as charts
from recdemo.core.wording import Words
from recdemo.ui import analogies, engine, film_box, map_area, map_panel, state, vectors
from recdemo.ui import embeddings as pieces
from recdemo.ui.chart import answer
from recdemo.ui.engine import plain
from recdemo.ui.visit import Visit

# The one chart that is explored: buttons to move and draw, to zoom in, out and back.
TOOLS = {
    "modeBarButtons": [["zoomIn2d", "zoomOut2d", "resetScale2d"]],
    "displayModeBar": True,
    "displaylogo": False,
}
# t-SNE is shown first: UMAP's islands leave most of the map empty.
METHODS: dict[Literal["pca"] | Method, str] = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
METHOD_HELP = (
    "**PCA** turns the space until it casts its widest shadow: distances are real, but most dimensions "
    "cannot be seen. **t-SNE** and **UMAP** keep neighbours together; how far clusters lie apart, and how large "
    "they are, means little there."
)
DRAGS = {"move": ":material/pan_tool_alt:", "draw": ":material/lasso_select:"}
DRAGS_HELP = (
    "With the hand you move the map and click films; with the lasso you draw around an area."
)
VIEWERS = (20, 100, 500)
FEWEST = 50  # films that a map is worth drawing of, unless there are no more
ASK = ("A − B + C", "Another model", "The visitor")


def places_of(
    model: Recommender, visit: Visit, space: Space
) -> tuple[str, np.ndarray, np.ndarray | None, list[str], str]:
    """Which map: its method, places of films [M, 2] and visitor [2], axis titles, how to read them."""
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
        **state.shown("em", "embeddings_method", options, options[min(1, len(options) - 1)]),
    )
    if method == "pca":
        axes = principal(directions)
        visitor = None if place is None else axes.project(place)
        how = f"The two axes hold {sum(axes.share):.0%} of the spread; the rest cannot be seen. "
        how += "" if visitor is None else "The visitor's place is exact. "
        if not made and space.key == "film":
            how += pieces.how_to_make_maps(visit)
        return method, axes.project(directions), visitor, pieces.axis_titles(axes), how
    places = made[cast(Method, method), 2]
    how = "Near means alike; distances between clusters mean little, and the axes have no unit. "
    if place is None:
        return method, places, None, ["", ""], how
    how += f"The visitor stands at the weighted mean of their ten nearest {w.films}' places. "
    return method, places, between_neighbours(directions, places, place), ["", ""], how


def choose_colour(w: Words) -> charts.Colour:
    """What colours say."""
    names: dict[charts.Colour, str] = {
        "genre": w.genre.capitalize(),
        "year": "Year",
        "viewers": w.audience.capitalize(),
        "likes": "Like rate",
    }
    return st.selectbox(
        "Colour",
        list(names),
        format_func=names.__getitem__,
        label_visibility="collapsed",
        width=110,
        **state.shown("ec", "embeddings_colour", list(names), "genre"),
    )


def choose_viewers(visit: Visit) -> int:
    """How well known films have to be that are shown."""
    w, ratings = engine.words(visit.model), engine.films(visit.model).table["ratings"].to_numpy()
    names = {0: f"All {w.films}"} | {n: f"{n}+ {w.audience}" for n in VIEWERS}
    options = [n for n in names if not n or (ratings >= n).sum() >= FEWEST]
    return st.selectbox(
        f"{w.Films} shown",
        options,
        format_func=names.__getitem__,
        help=f"The vector of {w.a_film} with few {w.viewers} has hardly moved from its random start. Map, "
        f"neighbours and figures keep to the {w.films} shown.",
        label_visibility="collapsed",
        width=135,
        **state.shown("ev", "embeddings_viewers", options, options[min(1, len(options) - 1)]),
    )


def show_films(
    model: Recommender,
    visit: Visit,
    space: Space,
    viewers: int,
    colour: charts.Colour,
    drawn: tuple[str, np.ndarray, np.ndarray | None, list[str], str],
    draws: bool,
) -> None:
    """A space of films: the map, a panel on it, and further questions."""
    w, schema = engine.words(visit.model), model.checkpoint.schema
    films = engine.films(visit.model)
    method, places, visitor, axes, how_to_read = drawn
    name = st.session_state[map_area.DRAWN] = f"{space.key}.{method}"
    shown = films.table["ratings"].to_numpy() >= viewers
    told = dict(visit.shown)
    area = map_area.decode(name, told.get("ea", ""))
    close_up = area is None and bool(told.get("ez"))
    panel = area is not None or close_up or (bool(visit.targets) and told.get("ep") != "0")
    movie = pieces.film_of(visit)
    row = schema.index_of(movie) - 1
    with st.container(key="embeddings_finding"):
        found = vectors.agreement(model, space, viewers)
        st.markdown(
            f"**The nearest {w.film} shares a {w.genre} {found.genre:.0%} of the time; by chance "
            f"{found.chance:.0%}.** {pieces.popularity_of(found, w)}"
        )
    with st.container(key="embeddings_stage"):
        with map_panel.place(panel):
            if area is not None:
                inside = shown & within(places, area)
                chosen = map_panel.show_area(model, visit, inside, shown)
                marked = charts.Marks(chosen, area=area)
            elif panel:
                near = map_panel.show_film(model, visit, space, shown, movie)
                marked = charts.Marks(row, near)
            else:
                marked = charts.Marks()
        marks = charts.Marks(
            marked.chosen,
            marked.neighbours,
            {schema.index_of(f.movie_id) - 1: f.liked for f in visit.session.history},
            visitor,
            vectors.regions(model, space, method, places, viewers),
            area,
        )
        with answer():
            about = plain(films.labels[movie])
            st.plotly_chart(
                charts.film_map(
                    places,
                    films.table,
                    shown,
                    colour,
                    marks,
                    axes,
                    close_up=close_up,
                    draws=draws,
                    w=w,
                ),
                key=map_area.MAP,
                on_select="rerun",
                selection_mode=("points", "box", "lasso"),
                config=TOOLS,
                height="stretch",
                alt=f"Map of {int(shown.sum())} {w.films}; its regions: {_regions(marks)}"
                + (f"; {about} stands out" if marks.chosen is not None else ""),
            )
    st.caption(
        f"A vector here is {w(space.meaning)}. {how_to_read}A region is named by what is at least twice as common there as among all {w.films} shown. Click a point to "
        f"choose it; draw around {w.films} to see what they share. "
        + (f"Lines lead from the {w.film} chosen to its neighbours. " if marks.neighbours else "")
        + (
            f"{w.A_film} of several {w.genres} has the colour listed first."
            if colour == "genre"
            else ""
        ),
        help=METHOD_HELP,
    )
    question = st.segmented_control(
        "Further questions",
        ASK,
        required=True,
        **state.shown("eq", "embeddings_question", ASK, ASK[0]),
    )
    if question == ASK[0]:
        analogies.show(model, visit, space, shown, viewers)
    elif question == ASK[1]:
        pieces.show_other(model, visit, space, shown, movie)
    else:
        pieces.show_visitor(model, visit, space, shown)


def _regions(marks: charts.Marks) -> str:
    named = (" and ".join(trait.name for trait in region.traits) for region in marks.regions)
    return ", ".join(named) or "none has a name"


def draw(model: Recommender, visit: Visit, found: Mapping[str, Space]) -> None:
    """Choose a space, and how it is drawn, in one line; a space of films is a map, any other a few labelled points."""
    w = engine.words(visit.model)
    with st.container(key="embeddings_tools", horizontal=True, gap="small"):
        key = st.selectbox(
            "Space",
            list(found),
            format_func=lambda key: w(found[key].title),
            label_visibility="collapsed",
            width=110,
            **state.shown("es", "embeddings_space", list(found), next(iter(found))),
        )
        if found[key].kind == "film":
            chosen = pieces.film_of(visit) if visit.targets else None
            film_box.draw(
                w.Film, "embeddings_film", visit.model, map_area.fly_to, chosen=chosen, bare=True
            )
            drawn = places_of(model, visit, found[key])
            colour, viewers = choose_colour(w), choose_viewers(visit)
            drags = st.segmented_control(
                "Dragging",
                list(DRAGS),
                format_func=DRAGS.__getitem__,
                required=True,
                help=w(DRAGS_HELP),
                label_visibility="collapsed",
                **state.shown("et", "embeddings_drags", list(DRAGS), "move"),
            )
    if found[key].kind == "film":
        show_films(model, visit, found[key], viewers, colour, drawn, drags == "draw")
    else:
        pieces.show_values(model, visit, found[key])
