"""Maps of vectors: films as points, small spaces as labelled points and as a table of likeness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from recdemo.charts.labels import labelled
from recdemo.charts.style import CATEGORIES, DOWN, SIGNED, UP, heat_map, sized
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
# Symbol on a flat map, in space (where plotly has fewer), and name.
WATCHED: dict[bool | None, tuple[str, str, str]] = {
    True: ("triangle-up", "diamond", "Liked"),
    False: ("triangle-down", "cross", "Disliked"),
    None: ("square", "circle", "Just seen"),
}
CROWD = 40  # films watched from which on their marks are small
HEIGHT = 440
MARGIN = 0.1  # around the points of a small chart, in parts of what they span
SMALLEST = 0.03  # part of the map that a close-up shows at least
BARE: dict[str, Any] = {"showticklabels": False, "zeroline": False, "showgrid": False}
SIDE = {
    "showticklabels": False,
    "zeroline": False,
    "backgroundcolor": "rgba(0,0,0,0)",
    "gridcolor": "rgba(128,128,128,0.35)",
}
OLDEST = 1940  # films before it share a colour: there are few


@dataclass(frozen=True, slots=True)
class Marks:
    """What stands out on a map of films; rows of the catalogue."""

    chosen: int
    neighbours: Sequence[int] = ()  # nearest first
    watched: Mapping[int, bool | None] = field(default_factory=dict)
    visitor: np.ndarray | None = None  # [d] on the map


def film_map(
    places: np.ndarray,
    films: pd.DataFrame,
    shown: np.ndarray,
    colour: Colour,
    marks: Marks,
    axes: Sequence[str],
    *,
    close_up: bool = False,
) -> go.Figure:
    """Films as points, in two or three dimensions. Each point carries its film's id.

    Args:
        places: [M, 2 or 3] in catalogue order.
        films: the catalogue.
        shown: [M] True for the films drawn; those marked are drawn in any case.
        colour: what colours say.
        marks: the film chosen, its neighbours, films watched, and the visitor.
        axes: titles; empty where an axis says nothing.
        close_up: of the film chosen and its neighbours, with their titles; on a flat map only.
    """
    figure, flat = go.Figure(), places.shape[1] == 2
    for name, rows, marker in _groups(films, shown, colour):
        marker = {"opacity": 0.35 if close_up else 0.8, **marker, "size": 5 if flat else 3}
        last = {"legendrank": 2000} if marker["color"] is OTHER else {}
        _points(figure, places[rows], films.iloc[rows], name, marker, **last)
    _mark(figure, places, films, marks)
    if close_up:
        _zoom(figure, places, films, [marks.chosen, *marks.neighbours])
    sized(figure, 0, extra=HEIGHT - 90).update_layout(
        margin={"t": 8},
        showlegend=True,
        legend={"y": -0.12 if axes[0] else -0.04, "yanchor": "top", "itemsizing": "constant"},
        dragmode="pan" if flat else "orbit",
    )
    if flat:
        figure.update_xaxes(title=axes[0], **BARE)
        figure.update_yaxes(title=axes[1], **BARE)
    else:
        names = ("xaxis", "yaxis", "zaxis")
        figure.update_scenes(
            {n: {"title": {"text": t}, **SIDE} for n, t in zip(names, axes, strict=True)},
            aspectmode="cube",
        )
    return figure


def _groups(
    films: pd.DataFrame, shown: np.ndarray, colour: Colour
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
        "y": 1.0,
        "yanchor": "bottom",
        "thickness": 10,
        "len": 0.8,
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
            "title": {"text": "people who rated it"},
            "tickvals": ticks,
            "ticktext": [f"{10**tick:,}" for tick in ticks],
        }
    else:
        values, known = films["likes"].to_numpy(dtype=float) / np.maximum(ratings, 1), rated
        limits = (0.0, 1.0)
        bar |= {"title": {"text": "share of them who liked it"}, "tickformat": ".0%"}
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
    return [*unknown, ("Films", rows, marker)]


def _points(
    figure: go.Figure,
    places: np.ndarray,
    films: pd.DataFrame,
    name: str,
    marker: dict[str, Any],
    **more: Any,
) -> None:
    """Add films as points that say which film they are."""
    x, y, *z = np.ascontiguousarray(places.T, dtype=np.float32)
    trace: dict[str, Any] = {
        "x": x,
        "y": y,
        "name": name,
        "mode": "markers",
        "marker": marker,
        "customdata": films["movie_id"].to_numpy(),
        "hovertext": _hover(films),
        "hovertemplate": "%{hovertext}<extra></extra>",
        "showlegend": "colorbar" not in marker,
        **more,
    }
    if not z:  # a point clicked does not pale the others
        same = {"marker": {"opacity": marker["opacity"]}}
        trace |= {"selected": same, "unselected": same}
    _add(figure, trace, z)


def _add(figure: go.Figure, trace: dict[str, Any], z: Sequence[np.ndarray]) -> None:
    """All traces of a map are of one kind, drawn in the order added."""
    if z:
        figure.add_scatter3d(z=z[0], **trace)
    else:
        figure.add_scattergl(**trace)


def _mark(figure: go.Figure, places: np.ndarray, films: pd.DataFrame, marks: Marks) -> None:
    """Films watched, the visitor, the film chosen, and its neighbours at the end of lines."""
    flat = places.shape[1] == 2
    outlined = {"color": FILL, "opacity": 1.0, "line": {"color": OUTLINE, "width": 1.5}}

    def mark(rows: list[int], name: str, marker: dict[str, Any], **more: Any) -> None:
        marker = outlined | marker
        _points(figure, places[rows], films.iloc[rows], name, marker, **more)

    for liked, (symbol, solid, name) in WATCHED.items():
        rows = [row for row, reaction in marks.watched.items() if reaction is liked]
        if rows:
            size = 11 if len(marks.watched) <= CROWD else 7
            mark(rows, name, {"symbol": symbol if flat else solid, "size": size if flat else 5})
    if marks.neighbours:
        near = list(marks.neighbours)
        ends = np.full((3 * len(near), places.shape[1]), np.nan)  # line by line, a gap after each
        ends[0::3], ends[1::3] = places[marks.chosen], places[near]
        x, y, *z = ends.T
        lines: dict[str, Any] = {"x": x, "y": y, "mode": "lines", "hoverinfo": "skip"}
        lines |= {"line": {"color": LINE, "width": 1.5}, "showlegend": False}
        _add(figure, lines, z)
        numbered = _hover(films.iloc[near])
        numbered += [f"<br>neighbour {number}" for number in range(1, len(near) + 1)]
        mark(near, "Neighbours", {"size": 10 if flat else 5}, hovertext=numbered, showlegend=False)
    if marks.visitor is not None:
        x, y, *z = marks.visitor[:, None]
        star: dict[str, Any] = {"x": x, "y": y, "mode": "markers", "name": "Visitor"}
        star["hovertemplate"] = "This visitor<extra></extra>"
        star["marker"] = outlined | {"color": VISITOR, "size": 20 if flat else 9}
        star["marker"]["symbol"] = "star" if flat else "diamond-open"
        _add(figure, star, z)
    inverse = {"color": OUTLINE, "line": {"color": FILL, "width": 3}, "size": 16 if flat else 9}
    mark([marks.chosen], "Chosen", inverse, showlegend=False)


def _zoom(figure: go.Figure, places: np.ndarray, films: pd.DataFrame, rows: Sequence[int]) -> None:
    """Show a part of the map only, and the titles of some films in it."""
    near = places[list(rows)]
    inside = window(figure, near, least=SMALLEST * np.ptp(places, axis=0))
    labels = [
        f"\u2003{shorten(label_of(film.title, film.year), 26)}\u2003"  # clear of the mark
        for film in films.iloc[list(rows)].itertuples()
    ]
    figure.add_scattergl(
        x=near[:, 0],
        y=near[:, 1],
        mode="text",
        textfont={"weight": "bold"},
        hoverinfo="skip",
        showlegend=False,
        **labelled(inside, labels, first=[0]),
    )


def window(figure: go.Figure, places: np.ndarray, least: np.ndarray | float = 0.0) -> np.ndarray:
    """Limit a flat chart to some places, with room around them; where they are in it, from 0 to 1: [N, 2]."""
    low, high = places.min(0), places.max(0)
    size = np.maximum(high - low, np.maximum(least, 1e-6))
    low = (low + high - size) / 2 - MARGIN * size
    size = (1 + 2 * MARGIN) * size
    figure.update_xaxes(range=[low[0], low[0] + size[0]])
    figure.update_yaxes(range=[low[1], low[1] + size[1]])
    return np.asarray((places - low) / size)


def _hover(films: pd.DataFrame) -> np.ndarray:
    """What the pointer reads of each film; an array, which plotly takes without looking at each entry."""
    columns = (films[name] for name in ("title", "year", "genres", "ratings"))
    texts = [
        f"<b>{shorten(label_of(title, year), 52)}</b><br>{', '.join(genres) or 'no genre'}"
        f"<br>{ratings:,} viewers"
        for title, year, genres, ratings in zip(*columns, strict=True)
    ]
    return np.array(texts, dtype=object)


def value_map(
    places: np.ndarray, labels: Sequence[str], own: int | None, axes: Sequence[str], *, path: bool
) -> go.Figure:
    """A small space as labelled points.

    Args:
        places: [N, 2].
        labels: N names.
        own: the visitor's row.
        axes: titles.
        path: join the points in order, as ages or years.
    """
    mine = [row == own for row in range(len(labels))]
    x, y = places.T
    named = [f"<b>{label}</b>" if m else label for label, m in zip(labels, mine, strict=True)]
    figure = go.Figure()
    inside = window(figure, places)
    shown = labelled(inside, labels, first=[] if own is None else [own])
    shown["text"] = [full if text else "" for full, text in zip(named, shown["text"], strict=True)]
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines+markers+text" if path else "markers+text",
        line={"color": "rgba(128,128,128,0.45)", "width": 1.5},
        marker={
            "size": [15 if own_row else 9 for own_row in mine],
            "color": [DOWN if own_row else UP for own_row in mine],
        },
        hovertext=list(labels),
        hovertemplate="%{hovertext}<extra></extra>",
        **shown,
    )
    figure.update_xaxes(title=axes[0], **BARE)
    figure.update_yaxes(title=axes[1], **BARE)
    return sized(figure, 14)


def likeness_map(cosines: np.ndarray, labels: Sequence[str]) -> go.Figure:
    """The cosine of every two values, [N, N]."""
    figure = heat_map(
        cosines,
        list(labels),
        list(labels),
        hover="%{y} and %{x}<br>cosine %{z:.3f}",
        colorscale=SIGNED,
        zmin=-1.0,
        zmax=1.0,
        xgap=1,
        ygap=1,
        texttemplate="%{z:.2f}" if len(labels) <= 8 else None,
        colorbar={"title": {"text": "cosine"}},
    )
    figure.update_xaxes(type="category", tickangle=-50)
    figure.update_yaxes(type="category")
    return sized(figure, 14)
