"""Frames and explanations to plotly figures. No streamlit; colours are safe for colour-blind readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from recdemo.catalogue import shorten
from recdemo.explain import FIELD_NAMES, Explanation, Weights, pair_label

UP, DOWN, TOTAL = "#0072B2", "#D55E00", "#7A8594"
# Opaque, so that plotly can tell which text is readable on a cell, in a light and in a dark page.
_SIGNED = [[0.0, DOWN], [0.5, "#DDE2E9"], [1.0, UP]]
_POSITIVE = [[0.0, "#E9EDF2"], [1.0, UP]]
ROW = 30  # pixels for one bar or row


def waterfall(explanation: Explanation, most: int = 10) -> go.Figure:
    """The terms of a logit as steps that end at it. Terms that read only the visitor are one step: they say
    nothing about why it is this film. Small terms are another.

    Args:
        explanation: any.
        most: number of terms shown one by one.
    """
    terms = explanation.terms_frame()
    visitor, film = terms[terms["visitor_only"]], terms[~terms["visitor_only"]]
    shown, rest = film.head(most), film[most:]
    labels = [shorten(label) for label in shown["label"]]
    values = shown["value"].tolist()
    if len(rest):
        labels.append(f"{len(rest)} smaller terms")
        values.append(float(rest["value"].sum()))
    if len(visitor):
        labels.insert(0, f"Visitor alone ({len(visitor)} terms)")
        values.insert(0, float(visitor["value"].sum()))
    labels.append("Logit")
    figure = go.Figure(
        go.Waterfall(
            orientation="h",
            measure=["relative"] * len(values) + ["total"],
            y=_distinct(labels),
            x=[*values, explanation.total],
            text=[f"{value:+.2f}" for value in [*values, explanation.total]],
            textposition="outside",
            increasing={"marker": {"color": UP}},
            decreasing={"marker": {"color": DOWN}},
            totals={"marker": {"color": TOTAL}},
            connector={"line": {"color": "rgba(128,128,128,0.4)", "width": 1}},
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    ends = np.cumsum(values)
    span = max(ends.max(), 0) - min(ends.min(), 0) or 1.0
    figure.update_xaxes(
        title="logit",
        range=[min(ends.min(), 0) - 0.14 * span, max(ends.max(), 0) + 0.14 * span],
        zeroline=True,
    )
    figure.update_yaxes(autorange="reversed")
    return _sized(figure, len(labels))


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
            colorscale=_SIGNED if signed else _POSITIVE,
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
    return _sized(figure, size, extra=130)


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
            x=_distinct(["<br>".join(wrap(shorten(t, 44), width)) for t in targets.values()]),
            y=_distinct([shorten(title) for title in table["title"]]),
            colorscale=_SIGNED if signed else _POSITIVE,
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
    return _sized(figure, len(table), extra=100, row=24 if len(table) > 20 else ROW)


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
    return _sized(figure, 8)


def _distinct(labels: Sequence[str]) -> list[str]:
    """Labels that plotly does not merge: a repeated one gets invisible marks at its end."""
    seen: dict[str, int] = {}
    out = []
    for label in labels:
        seen[label] = seen.get(label, -1) + 1
        out.append(label + "\u200b" * seen[label])
    return out


def _sized(figure: go.Figure, rows: int, *, extra: int = 70, row: int = ROW) -> go.Figure:
    figure.update_layout(
        height=extra + row * max(rows, 3),
        margin={"l": 8, "r": 8, "t": 16, "b": 8},
        showlegend=False,
        xaxis={"automargin": True},
        yaxis={"automargin": True},
    )
    return figure
