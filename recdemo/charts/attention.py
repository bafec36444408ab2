"""What a model weighs: pairs of fields, watched films, and whether the weights tell the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from recdemo.catalogue import shorten
from recdemo.charts.style import POSITIVE, ROW, SIGNED, UP, distinct, sized
from recdemo.explain import FIELD_NAMES, Weights, pair_label


def pair_map(
    fields: Sequence[str], values: Mapping[str, float], *, signed: bool, unit: str
) -> go.Figure:
    """One number per pair of fields, as the triangle below the diagonal; a pair without one stays empty.

    Args:
        fields: F field names, as in `FieldTerms`.
        values: by `recdemo.explain.pair_label`.
        signed: colours about zero; otherwise from zero up.
        unit: what the numbers are.
    """
    names = [FIELD_NAMES[name] for name in fields]
    size = len(names)
    grid = np.full((size, size), np.nan)
    for row in range(size):
        for column in range(row):
            grid[row, column] = values.get(pair_label(fields[column], fields[row]), np.nan)
    limit = float(np.nanmax(np.abs(grid))) or 1.0
    figure = go.Figure(
        go.Heatmap(
            z=grid[1:, :-1],
            x=names[:-1],
            y=names[1:],
            colorscale=SIGNED if signed else POSITIVE,
            zmin=-limit if signed else 0.0,
            zmax=limit,
            xgap=2,
            ygap=2,
            hoverongaps=False,
            colorbar={"title": {"text": unit}, "thickness": 12},
            hovertemplate="%{y} × %{x}<br>" + unit + " %{z:.4f}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(tickangle=-40, showgrid=False)
    return sized(figure, size, extra=130)


def history_map(table: pd.DataFrame, targets: dict[int, str]) -> go.Figure:
    """Weight of each watched film (rows, latest first) for each target (columns).

    Args:
        table: as `recdemo.explain.history_weights` returns it.
        targets: titles by film id, in the order of the columns.
    """
    table = table[::-1]
    grid = table[list(targets)].to_numpy(dtype=float)
    limit = float(np.nanmax(np.abs(grid), initial=0.0)) or 1.0
    signed = bool((grid < 0).any())
    width = max(11, 36 // len(targets))  # characters that fit above a column
    figure = go.Figure(
        go.Heatmap(
            z=grid,
            x=distinct(["<br>".join(wrap(shorten(t, 44), width)) for t in targets.values()]),
            y=distinct([shorten(title) for title in table["title"]]),
            colorscale=SIGNED if signed else POSITIVE,
            zmin=-limit if signed else 0.0,
            zmax=limit,
            xgap=2,
            ygap=2,
            hoverongaps=False,
            texttemplate="%{z:.2f}" if grid.size <= 120 else None,
            colorbar={"title": {"text": "weight"}, "thickness": 12},
            hovertemplate="%{y}<br>for %{x}: %{z:.4f}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(side="top", tickangle=0, showgrid=False)
    return sized(figure, len(table), extra=100, row=24 if len(table) > 20 else ROW)


def weight_against_removal(weights: Weights) -> go.Figure:
    """Each item's weight beside what taking it away does; points on a rising line mean faithful weights."""
    size = np.abs(weights.weights)
    effect = np.abs(weights.removal)
    figure = go.Figure(
        go.Scatter(
            x=size,
            y=effect,
            mode="markers",
            marker={"size": 9, "color": UP, "opacity": 0.75},
            text=[shorten(label, 60) for label in weights.labels],
            hovertemplate="%{text}<br>weight %{x:.4f}<br>logit moves by %{y:.4f}<extra></extra>",
        )
    )
    figure.update_xaxes(title=f"size of the {weights.axis}'s weight", rangemode="tozero")
    figure.update_yaxes(title="logit moves by, without it", rangemode="tozero")
    return sized(figure, 8)
