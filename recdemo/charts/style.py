"""What all charts share: colours safe for colour-blind readers, sizes, labels."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

UP, DOWN, TOTAL = "#0072B2", "#D55E00", "#7A8594"
# Okabe and Ito's colours, told apart by colour-blind readers, on light and dark.
CATEGORIES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
# Opaque, so that plotly can tell which text is readable on a cell, in a light and in a dark page.
SIGNED = [[0.0, DOWN], [0.5, "#DDE2E9"], [1.0, UP]]
POSITIVE = [[0.0, "#E9EDF2"], [1.0, UP]]
ROW = 30  # pixels for one bar or row


def distinct(labels: Sequence[str]) -> list[str]:
    """Labels that plotly does not merge: a repeated one gets invisible marks at its end."""
    seen: dict[str, int] = {}
    out = []
    for label in labels:
        seen[label] = seen.get(label, -1) + 1
        out.append(label + "\u200b" * seen[label])
    return out


def sized(figure: go.Figure, rows: int, *, extra: int = 70, row: int = ROW) -> go.Figure:
    """The figure, as high as its rows need, with room for the labels of both axes."""
    layout = figure.layout  # one by one: an update takes ten times as long
    layout.height = extra + row * max(rows, 3)
    layout.margin = {"l": 8, "r": 8, "t": 16, "b": 8}
    layout.showlegend = False
    layout.xaxis.automargin = layout.yaxis.automargin = True
    return figure
