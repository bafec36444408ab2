"""What all charts share: one template, colours safe for colour-blind readers, sizes, labels, heat maps.

Streamlit adds the fonts and colours of the page, light or dark, to the template.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio

UP, DOWN, TOTAL = "#0072B2", "#D55E00", "#7A8594"
# Okabe and Ito's colours, told apart by colour-blind readers, on light and dark.
CATEGORIES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
# Opaque, so that plotly can tell which text is readable on a cell, in a light and in a dark page.
SIGNED = [[0.0, DOWN], [0.5, "#DDE2E9"], [1.0, UP]]
POSITIVE = [[0.0, "#E9EDF2"], [1.0, UP]]
LINE = "rgba(128,128,128,0.6)"  # of what stands behind the data, seen on light and dark
ROW = 30  # pixels for one bar or row
# A legend stands above its chart, to the left; charts that need one say so.
TEMPLATE = go.layout.Template(
    layout={
        "showlegend": False,
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom"},
        "hoverlabel": {"align": "left"},
        "colorway": CATEGORIES,
        "xaxis": {"automargin": True},
        "yaxis": {"automargin": True},
    },
    data={"heatmap": [{"xgap": 2, "ygap": 2, "hoverongaps": False, "colorbar": {"thickness": 12}}]},
)
pio.templates["recdemo"] = TEMPLATE
# Of axes without a unit.
BARE: dict[str, Any] = {"showticklabels": False, "zeroline": False, "showgrid": False}
MARGIN = {"l": 8, "r": 8, "t": 16, "b": 8}  # not in the template: Streamlit has its own there


def distinct(labels: Sequence[str]) -> list[str]:
    """Labels that plotly does not merge: a repeated one gets invisible marks at its end."""
    seen: dict[str, int] = {}
    out = []
    for label in labels:
        seen[label] = seen.get(label, -1) + 1
        out.append(label + "\u200b" * seen[label])
    return out


def sized(figure: go.Figure, rows: int, *, extra: int = 70, row: int = ROW) -> go.Figure:
    """The figure in our template, as high as its rows need, with room for the labels of both axes."""
    layout = figure.layout  # one by one: an update takes ten times as long
    layout.template = "recdemo"
    layout.height = extra + row * max(rows, 3)
    layout.margin = MARGIN
    return figure


def heat_map(
    grid: np.ndarray,
    columns: Sequence[str],
    rows: Sequence[str],
    *,
    hover: str,
    signed: bool | None = None,
    **cells: Any,
) -> go.Figure:
    """Numbers as colours, the first row on top; to be `sized`.

    Args:
        grid: [rows, columns]; NaN stays empty.
        columns, rows: labels; `distinct` ones.
        hover: what the pointer reads.
        signed: colours have two sides, about zero; where some number is negative if left out.
        cells: further settings of the trace, also in place of the scale made here.
    """
    limit = float(np.nanmax(np.abs(grid), initial=0.0)) or 1.0
    signed = bool((grid < 0).any()) if signed is None else signed
    scale: dict[str, Any] = {
        "colorscale": SIGNED if signed else POSITIVE,
        "zmin": -limit if signed else 0.0,
        "zmax": limit,
    }
    hovertemplate = f"{hover}<extra></extra>"
    figure = go.Figure(
        go.Heatmap(z=grid, x=columns, y=rows, hovertemplate=hovertemplate, **scale | cells)
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(showgrid=False)
    return figure
