"""Films as points of a map: what its regions hold, what the visitor watched, and what lies near one film."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from recdemo.answers.regions import Region
from recdemo.charts.labels import Box, dot_of, labelled, meet, rooms_of, window
from recdemo.charts.style import BARE, CATEGORIES, sized
from recdemo.core.wording import FILM, Words
from recdemo.data.catalogue import label_of, shorten

Colour = Literal["genre", "year", "viewers", "likes"]
# A film of several genres takes the colour of the first of these it has; the rest are grey.
NAMED_GENRES = ("Children's", "Horror", "Sci-Fi", "Action", "Comedy", "Drama")
OTHER = "#8A94A0"
# From blue over grey to orange: told apart by colour-blind readers, and from a light and a dark page.
SPECTRUM = [[0.0, "#2F7FC1"], [0.5, "#9AA3AD"], [1.0, "#EE9B00"]]
# Marks are white and dark, so that they stand out on points of any colour, on a light and on a dark page.
FILL, OUTLINE = "#FFFFFF", "#1B2430"
LINE = "rgba(128,128,128,0.9)"
VISITOR = "#F0E442"
WATCHED: dict[bool | None, tuple[str, str]] = {  # symbol and name
    True: ("triangle-up", "Liked"),
    False: ("triangle-down", "Disliked"),
    None: ("square", "Just seen"),
}
CROWD = 40  # films watched from which on their marks are small
NAMED = 12  # films watched, the latest, that are named
HEIGHT = 500  # where the page gives none
SMALLEST = 0.03  # part of the map that a close-up shows at least
# Room on the right of a close-up for what lies over the map, in parts of what is looked at.
BESIDE = 0.6
STEPS_ASIDE = (0, 1, -1, 2, -2, 3, -3)  # of a region's name off its place, in halves of its height
OLDEST = 1940  # films before it share a colour: there are few
LETTER, LINE_HEIGHT = 0.009, 0.035  # of a name, in parts of a map as on a laptop


@dataclass(frozen=True, slots=True)
class Marks:
    """What stands out on a map of films; rows of the catalogue."""

    chosen: int | None = None
    neighbours: Sequence[int] = ()  # nearest first
    watched: Mapping[int, bool | None] = field(default_factory=dict)
    visitor: np.ndarray | None = None  # [2] on the map
    regions: Sequence[Region] = ()
    area: np.ndarray | None = None  # [E, 2] corners of what was drawn around


def film_map(
    places: np.ndarray,
    films: pd.DataFrame,
    shown: np.ndarray,
    colour: Colour,
    marks: Marks,
    axes: Sequence[str],
    *,
    close_up: bool = False,
    draws: bool = False,
    w: Words = FILM,
) -> go.Figure:
    """Films as points. Each point carries its film's id.

    Args:
        places: [M, 2] in catalogue order.
        films: the catalogue.
        shown: [M] True for the films drawn; those marked are drawn in any case.
        colour: what colours say.
        marks: what stands out.
        axes: titles; empty where an axis says nothing.
        close_up: of the film chosen and its neighbours, with their titles.
        draws: dragging draws around films, and does not move the map.
        w: what films are called.
    """
    figure = go.Figure()
    size = 5 if shown.sum() < 5000 else 4
    for name, rows, marker in _groups(films, shown, colour, w):
        marker = {"opacity": 0.35 if close_up else 0.8, **marker, "size": size}
        last = {"legendrank": 2000} if marker["color"] is OTHER else {}
        _points(figure, places[rows], films.iloc[rows], name, marker, w, **last)
    _mark(figure, places, films, marks, w)
    sized(figure, 0).update_layout(
        height=HEIGHT,
        margin={"t": 8, "b": 4},
        showlegend=True,
        legend={"y": 0, "yanchor": "top", "itemsizing": "constant"},
        dragmode="lasso" if draws else "pan",
        uirevision=f"{axes} {close_up and marks.chosen}",
        selectionrevision=f"{marks.area} {draws}",
    )
    figure.update_xaxes(title=axes[0], **BARE)
    figure.update_yaxes(title=axes[1], **BARE)
    if close_up and marks.chosen is not None:
        _zoom(figure, places, films, [marks.chosen, *marks.neighbours])
    else:
        _name_regions(figure, places, films, marks, *window(figure, places[shown], margin=0.03))
    return figure


def _groups(
    films: pd.DataFrame, shown: np.ndarray, colour: Colour, w: Words
) -> list[tuple[str, np.ndarray, dict[str, Any]]]:
    """Name, rows and marker of each group of points."""
    if colour == "genre":
        group = films["genres"].map(
            lambda names: next((name for name in NAMED_GENRES if name in names), "Others")
        )
        found = [
            (name, np.flatnonzero(shown & (group == name).to_numpy()), {"color": tint})
            for name, tint in zip(("Others", *NAMED_GENRES), (OTHER, *CATEGORIES), strict=True)
        ]
        return [one for one in found if len(one[1])]
    ratings = films["ratings"].to_numpy(dtype=float)
    rated = ratings > 0
    bar: dict[str, Any] = {
        "orientation": "h",
        "y": 0.0,
        "yanchor": "top",
        "thickness": 8,
        "len": 0.6,
    }
    if colour == "year":
        values = films["year"].to_numpy(dtype=float)
        known = values > 0
        limits = (float(OLDEST), max(float(values.max()), OLDEST + 1.0))
        bar |= {"title": {"text": f"release year ({OLDEST} and before in one colour)"}}
    elif colour == "viewers":
        values, known = np.log10(np.maximum(ratings, 1)), rated
        limits = (0.0, float(values.max()))
        ticks = np.arange(0, int(limits[1]) + 1)
        bar |= {
            "title": {"text": "people who rated it" if w == FILM else w.audience},
            "tickvals": ticks,
            "ticktext": [f"{10**tick:,}" for tick in ticks],
        }
    else:
        values, known = films["likes"].to_numpy(dtype=float) / np.maximum(ratings, 1), rated
        limits = (0.0, 1.0)
        said = "share of them who liked it" if w == FILM else f"share of {w.audience} liked"
        bar |= {"title": {"text": said}, "tickformat": ".0%"}
    bar["title"] |= {"side": "top"}
    rows = np.flatnonzero(shown & known)
    marker = {
        "color": values[rows],
        "colorscale": SPECTRUM,
        "cmin": limits[0],
        "cmax": limits[1],
        "colorbar": bar,
    }
    rest = np.flatnonzero(shown & ~known)
    name = "Year unknown" if colour == "year" else "Rated by nobody"
    unknown = [(name, rest, {"color": OTHER, "opacity": 0.35})] if len(rest) else []
    return [*unknown, (w.Films, rows, marker)]


def _points(
    figure: go.Figure,
    places: np.ndarray,
    films: pd.DataFrame,
    name: str,
    marker: dict[str, Any],
    w: Words,
    **more: Any,
) -> None:
    """Add films as points that say which film they are. One that is clicked does not pale the others."""
    x, y = np.ascontiguousarray(places.T, dtype=np.float32)
    same = {"marker": {"opacity": marker["opacity"]}}
    trace: dict[str, Any] = {
        "x": x,
        "y": y,
        "name": name,
        "mode": "markers",
        "marker": marker,
        "customdata": films["movie_id"].to_numpy(),
        "hovertext": _hover(films, w),
        "hovertemplate": "%{hovertext}<extra></extra>",
        "showlegend": "colorbar" not in marker,
        "selected": same,
        "unselected": same,
    }
    figure.add_scattergl(**trace | more)  # all of one kind: drawn in the order added


def _mark(
    figure: go.Figure, places: np.ndarray, films: pd.DataFrame, marks: Marks, w: Words
) -> None:
    """What was drawn around, films watched, the visitor, the film chosen, and its neighbours at the end of lines."""
    outlined = {"color": FILL, "opacity": 1.0, "line": {"color": OUTLINE, "width": 1.5}}
    lines: dict[str, Any] = {"mode": "lines", "hoverinfo": "skip", "showlegend": False}

    def mark(rows: list[int], name: str, marker: dict[str, Any], **more: Any) -> None:
        marker = outlined | marker
        _points(figure, places[rows], films.iloc[rows], name, marker, w, **more)

    if marks.area is not None:
        x, y = np.concatenate([marks.area, marks.area[:1]]).T
        edge = {"color": LINE, "width": 2, "dash": "dot"}
        figure.add_scattergl(x=x, y=y, name="Area", line=edge, **lines)
    for liked, (symbol, name) in WATCHED.items():
        rows = [row for row, reaction in marks.watched.items() if reaction is liked]
        if rows:
            mark(rows, name, {"symbol": symbol, "size": 11 if len(marks.watched) <= CROWD else 7})
    if marks.chosen is not None and marks.neighbours:
        near = list(marks.neighbours)
        ends = np.full((3 * len(near), 2), np.nan)  # line by line, a gap after each
        ends[0::3], ends[1::3] = places[marks.chosen], places[near]
        x, y = ends.T
        figure.add_scattergl(x=x, y=y, line={"color": LINE, "width": 1.5}, **lines)
        numbered = _hover(films.iloc[near], w)
        numbered += [f"<br>neighbour {number}" for number in range(1, len(near) + 1)]
        mark(near, "Neighbours", {"size": 10}, hovertext=numbered, showlegend=False)
    if marks.visitor is not None:
        x, y = marks.visitor[:, None]
        star = outlined | {"color": VISITOR, "size": 20, "symbol": "star"}
        said = "This visitor<extra></extra>"
        figure.add_scattergl(
            x=x, y=y, mode="markers", name="Visitor", marker=star, hovertemplate=said
        )
    if marks.chosen is not None:
        inverse = {"color": OUTLINE, "line": {"color": FILL, "width": 3}, "size": 16}
        mark([marks.chosen], "Chosen", inverse, showlegend=False)


def _name_regions(
    figure: go.Figure,
    places: np.ndarray,
    films: pd.DataFrame,
    marks: Marks,
    low: np.ndarray,
    size: np.ndarray,
) -> None:
    """The whole map: the names of the film chosen and of the latest watched, and what its regions hold, beside these."""
    own = list(marks.watched)[::-1][:NAMED]
    rows = list(dict.fromkeys([row for row in (marks.chosen, *own) if row is not None]))
    inside = (places[rows] - low) / size
    taken = _name(figure, places, films, rows, inside, [], always=marks.chosen is not None)
    taken += map(dot_of, inside)
    for region in marks.regions:
        lines = [trait.name for trait in region.traits]
        half = np.array([0.006 * max(map(len, lines)), 0.0175 * len(lines)])
        for up in STEPS_ASIDE:
            x, y = (region.place - low) / size + [0, up * half[1]]
            room = (x - half[0], y - half[1], x + half[0], y + half[1])
            if not any(meet(room, other) for other in taken):
                figure.add_annotation(
                    x=region.place[0],
                    y=low[1] + y * size[1],
                    text="<br>".join(lines),
                    showarrow=False,
                    font={"size": 15, "weight": 700},
                )
                taken.append(room)
                break


def _zoom(figure: go.Figure, places: np.ndarray, films: pd.DataFrame, rows: list[int]) -> None:
    """Show a part of the map only, and the titles of the films in it."""
    near = places[rows]
    least = SMALLEST * np.ptp(places, axis=0)
    low, size = window(figure, near, least=least, beside=BESIDE)
    _name(
        figure, places, films, rows, (near - low) / size, [(1 / (1 + BESIDE), 0, 1, 1)], always=True
    )


def _name(
    figure: go.Figure,
    places: np.ndarray,
    films: pd.DataFrame,
    rows: list[int],
    inside: np.ndarray,
    taken: Sequence[Box],
    *,
    always: bool,
) -> list[Box]:
    """Titles beside their points, where there is room; the first one always, if asked. Returns what they cover."""
    labels = [
        shorten(label_of(film.title, film.year), 26) for film in films.iloc[rows].itertuples()
    ]
    first = [0] if always else []
    found = labelled(inside, labels, first=first, taken=taken, letter=LETTER, line=LINE_HEIGHT)
    covered = []
    sides = zip(rows, inside, found["text"], found["textposition"], strict=True)
    for row, place, text, side in sides:
        across, up = _TOWARDS[side]
        if text:
            covered.append(rooms_of(place, text, letter=LETTER, line=LINE_HEIGHT)[side])
            figure.add_annotation(
                x=places[row][0],
                y=places[row][1],
                text=text,
                showarrow=False,
                xanchor=("right", "center", "left")[across + 1],
                yanchor=("top", "middle", "bottom")[up + 1],
                xshift=10 * across,
                yshift=8 * up,
                font={"size": 12, "weight": 600},
            )
    return covered


_TOWARDS = {
    "middle right": (1, 0),
    "middle left": (-1, 0),
    "top center": (0, 1),
    "bottom center": (0, -1),
}


def _hover(films: pd.DataFrame, w: Words) -> np.ndarray:
    """What the pointer reads of each film; an array, which plotly takes without looking at each entry."""
    columns = (films[name] for name in ("title", "year", "genres", "ratings"))
    texts = [
        f"<b>{shorten(label_of(title, year), 52)}</b><br>{', '.join(genres) or f'no {w.genre}'}"
        f"<br>{ratings:,} {w.audience}"
        for title, year, genres, ratings in zip(*columns, strict=True)
    ]
    return np.array(texts, dtype=object)
