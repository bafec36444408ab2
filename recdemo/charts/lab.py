"""Curves of activations, and what several formulas make of one history."""

from __future__ import annotations

from textwrap import wrap

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from recdemo.anatomy.lab import ACTIVATIONS
from recdemo.charts.style import CATEGORIES, distinct, heat_map, sized
from recdemo.data.catalogue import shorten

BAND = "rgba(204, 121, 167, 0.25)"  # RReLU's colour, seen through
DASHES = ("solid", "dash", "dot", "dashdot", "solid")
ROW = 26  # pixels for one film watched


def curves(table: pd.DataFrame) -> go.Figure:
    """Each activation above, its slope below, over the same inputs.

    Args:
        table: as `recdemo.anatomy.lab.activation_curves` returns it.
    """
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    for name, curve in table.groupby("name", sort=False):
        number = ACTIVATIONS.index(str(name))
        line = {"color": CATEGORIES[number], "dash": DASHES[number], "width": 2.5}
        if (curve["low"] != curve["high"]).any():
            edge = {"color": CATEGORIES[number], "width": 0}
            for column, fill in (("low", None), ("high", "tonexty")):
                figure.add_scatter(
                    x=curve["x"],
                    y=curve[column],
                    line=edge,
                    fill=fill,
                    fillcolor=BAND,
                    hoverinfo="skip",
                    showlegend=False,
                    mode="lines",
                    legendgroup=name,
                    row=1,
                    col=1,
                )
        for row, column in enumerate(("y", "slope"), start=1):
            figure.add_scatter(
                x=curve["x"],
                y=curve[column],
                name=str(name),
                legendgroup=name,
                showlegend=row == 1,
                mode="lines",
                line=line,
                hovertemplate=f"{name}, x = %{{x:.2f}}: %{{y:.3f}}<extra></extra>",
                row=row,
                col=1,
            )
    figure.update_yaxes(title="f(x)", row=1, col=1)
    figure.update_yaxes(title="slope f′(x)", row=2, col=1)
    figure.update_xaxes(title="input x", row=2, col=1)
    return sized(figure, 0, extra=400).update_layout(showlegend=True)


def weights(table: pd.DataFrame, targets: dict[int, str], most: float) -> go.Figure:
    """Share of each watched film (rows, latest first) for each film asked about (columns).

    Args:
        table: as `recdemo.answers.explain.history_weights` returns it, weights adding up to one.
        targets: titles by film id, in the order of the columns.
        most: the weight of the darkest colour, so that several such maps can be compared.
    """
    table = table[::-1]
    grid = table[list(targets)].to_numpy(dtype=float)
    above = ["<br>".join(wrap(shorten(title[:-7], 18), 10)) for title in targets.values()]
    figure = heat_map(
        grid,
        distinct(above),
        distinct([shorten(title, 24) for title in table["title"]]),
        hover="%{y}<br>for %{x}: %{z:.1%}",
        signed=False,
        zmax=most,
        showscale=False,
        texttemplate="%{z:.0%}" if np.size(grid) <= 80 else None,
    )
    figure.update_xaxes(side="top", tickangle=0)
    return sized(figure, len(table), extra=64, row=ROW)
