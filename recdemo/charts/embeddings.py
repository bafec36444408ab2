"""Small spaces of vectors as labelled points, and as a table of likeness; films are in `recdemo.charts.film_map`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from recdemo.charts.labels import labelled, window
from recdemo.charts.style import BARE, DOWN, SIGNED, UP, heat_map, sized


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
    low, size = window(figure, places)
    shown = labelled((places - low) / size, labels, first=[] if own is None else [own])
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
