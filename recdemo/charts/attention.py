"""What a model weighs: pairs of fields, watched films, and whether the weights tell the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from recdemo.answers.explanation import FIELD_NAMES, Weights, pair_label
from recdemo.answers.removal import Curves
from recdemo.charts.style import CATEGORIES, ROW, SIGNED, TOTAL, UP, distinct, heat_map, sized
from recdemo.core.wording import FILM, Words
from recdemo.data.catalogue import shorten


def pair_map(
    fields: Sequence[str], values: Mapping[str, float], *, signed: bool, unit: str, w: Words = FILM
) -> go.Figure:
    """One number per pair of fields, as the triangle below the diagonal; a pair without one stays empty.

    Args:
        fields: F field names, as in `FieldTerms`.
        values: by `recdemo.answers.explain.pair_label`.
        signed: colours about zero; otherwise from zero up.
        unit: what the numbers are.
    """
    names = [w(FIELD_NAMES[name]) for name in fields]
    size = len(names)
    grid = np.full((size, size), np.nan)
    for row in range(size):
        for column in range(row):
            grid[row, column] = values.get(pair_label(fields[column], fields[row], w), np.nan)
    figure = heat_map(
        grid[1:, :-1], names[:-1], names[1:], signed=signed, colorbar={"title": {"text": unit}},
        hover="%{y} × %{x}<br>" + unit + " %{z:.4f}",
    )  # fmt: skip
    figure.update_xaxes(tickangle=-40)
    return sized(figure, size, extra=104, row=22)


def cross_map(
    fields: Sequence[str], layer: np.ndarray, held: np.ndarray, w: Words = FILM
) -> go.Figure:
    """What each pair of fields adds in one layer of crosses: the field that multiplies (rows), the one read (columns).

    Args:
        fields: F field names.
        layer: [F, F], as `recdemo.answers.attention.crosses` has it for each layer.
        held: [F] fields that hold something; the cells of others stay empty.
    """
    names = [w(FIELD_NAMES[name]) for name in fields]
    grid = np.where(np.outer(held, held), layer, np.nan)
    figure = heat_map(
        grid, names, names, signed=True, colorbar={"title": {"text": "adds"}},
        hover="%{y} times what is read of %{x}<br>adds %{z:.4f}",
    )  # fmt: skip
    figure.update_xaxes(tickangle=-40)
    return sized(figure, len(names), extra=130)


def gate_map(gates: pd.DataFrame, w: Words = FILM) -> go.Figure:
    """How much of each field (rows) each of two streams (columns) reads, from 0 to 2; 1 is as it comes.

    Args:
        gates: as `recdemo.answers.attention.streams` has them.
    """
    grid = gates[["visitor", "film"]].to_numpy(dtype=float)
    figure = heat_map(
        grid, ["Gates set by the visitor", w("Gates set by the film")], gates["field"],
        hover="%{y}<br>%{x}: %{z:.3f}", colorscale=SIGNED, zmin=0.0, zmax=2.0, **_legend(grid),
    )  # fmt: skip
    figure.update_xaxes(side="top", tickangle=0)
    return sized(figure, len(gates))


def history_map(table: pd.DataFrame, targets: dict[int, str], *, unit: str = "weight") -> go.Figure:
    """Weight of each watched film (rows, latest first) for each target (columns), or what it adds.

    Args:
        table: as `recdemo.answers.explain.history_weights` or `film_terms` returns it.
        targets: titles by film id, in the order of the columns.
        unit: what the numbers are.
    """
    table = table[::-1]
    grid = table[list(targets)].to_numpy(dtype=float)
    figure = heat_map(
        grid,
        distinct([shorten(title, 22) for title in targets.values()]),
        distinct([shorten(title, 26) for title in table["title"]]),
        hover="%{y}<br>for %{x}: %{z:.4f}",
        **_legend(grid, unit),
    )
    # Aslant, titles side by side fit a phone too.
    figure.update_xaxes(side="top", tickangle=0 if len(targets) == 1 else -40)
    return sized(figure, len(table), extra=108, row=24 if len(table) > 20 else 27)


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
    figure.update_xaxes(title="size of the weight", rangemode="tozero")
    figure.update_yaxes(title="logit moves by, without it", rangemode="tozero")
    return sized(figure, 8)


def removal_curves(curves: Curves, item: str) -> go.Figure:
    """How far the logit is from the full one: left while the heaviest items are taken away, right while they are put in; and
    by lot."""
    figure = make_subplots(cols=2, shared_yaxes=True, horizontal_spacing=0.06)
    sides = (
        ("taken away", curves.deleted, curves.deleted_by_lot),
        ("put in", curves.inserted, curves.inserted_by_lot),
    )
    for column, (verb, by_weight, by_lot) in enumerate(sides, start=1):
        for name, distance, colour in (
            ("at random", by_lot, TOTAL),
            ("heaviest first", by_weight, UP),
        ):
            figure.add_scatter(
                x=curves.counts,
                y=distance,
                name=name,
                mode="lines",
                line={"color": colour, "width": 3 if colour == UP else 2},
                fill="tonexty" if colour == UP else None,
                showlegend=column == 1,
                hovertemplate=f"%{{x}} {item}s {verb}: %{{y:.3f}} away",
                row=1,
                col=column,
            )
        figure.update_xaxes(title=f"{item}s {verb}", row=1, col=column)
    figure.update_yaxes(title="logit away from the full one", rangemode="tozero", row=1, col=1)
    return sized(figure, 7)


def head_map(table: pd.DataFrame, w: Words = FILM) -> go.Figure:
    """Where a film looks: films watched (rows, latest first, the film itself on top), heads and their mean.

    Args:
        table: as `recdemo.answers.attention.head_weights` returns it.
    """
    table = table[::-1]
    heads = [name for name in table if name not in ("movie_id", "title")]
    grid = table[heads].to_numpy(dtype=float)
    rows = [f"The {w.film} itself", *(shorten(title) for title in table["title"][1:])]
    return _map(
        np.column_stack([grid, grid.mean(axis=1)]),
        columns=[*(f"Head {head}" for head in heads), "Mean"],
        rows=rows,
        hover="%{x} looks at %{y}: %{z:.1%}",
    )


def look_map(weights: np.ndarray, titles: Sequence[str], *, shares: bool = True) -> go.Figure:
    """Which film watched looks at which: the film that looks (rows) and the one looked at (columns), both
    latest first.

    Args:
        weights: [n, n] of one head, or the mean of several; oldest film first.
        titles: of the n films.
        shares: a row sums to one; if not, weights may be negative, and have any size.
    """
    names = [shorten(title, 24) for title in titles[::-1]]
    hover = "looks at %{x}: %{z:.1%}" if shares else "takes of %{x}: %{z:+.4f}"
    figure = _map(weights[::-1, ::-1], columns=names, rows=names, hover="%{y}<br>" + hover)
    figure.update_xaxes(tickangle=-40, side="bottom")
    figure.update_layout(height=figure.layout.height + 90)
    return figure


def evolution_lines(
    table: pd.DataFrame, targets: Mapping[int, str], focus: int, w: Words = FILM
) -> go.Figure:
    """The logit after each film for each target, and below how far each film moved the interest for one.

    Args:
        table: as `recdemo.answers.attention.evolution` returns it.
        targets: titles by film id.
        focus: the target whose gates are shown.
    """
    figure = make_subplots(
        rows=2, shared_xaxes=True, row_heights=[0.62, 0.38], vertical_spacing=0.06
    )
    for number, (movie, title) in enumerate(targets.items()):
        mine = table[table["target"] == movie]
        figure.add_scatter(
            x=mine["step"],
            y=mine["logit"],
            customdata=mine["title"],
            name=shorten(title, 36),
            mode="lines+markers",
            line={
                "color": CATEGORIES[number % len(CATEGORIES)],
                "width": 3 if movie == focus else 1.5,
            },
            hovertemplate="after %{customdata}: %{y:.3f}",
            row=1,
            col=1,
        )
    mine = table[table["target"] == focus]
    figure.add_bar(
        x=mine["step"],
        y=mine["gate"],
        customdata=np.column_stack([mine["title"], mine["attention"]]),
        marker={"color": TOTAL},
        hovertemplate="%{customdata[0]}<br>moves the interest by %{y:.1%}, attention %{customdata[1]:.1%}"
        "<extra></extra>",
        showlegend=False,
        row=2,
        col=1,
    )
    steps = table.drop_duplicates("step").sort_values("step")
    few = len(steps) <= 14
    figure.update_xaxes(
        row=2,
        col=1,
        title=None if few else f"{w.films} {w.watched}, from the oldest to the latest",
        tickvals=steps["step"] if few else None,
        ticktext=[shorten(title, 22) for title in steps["title"]] if few else None,
        tickangle=-40 if few else 0,
    )
    figure.update_yaxes(row=1, col=1, title="logit so far")
    figure.update_yaxes(row=2, col=1, title="moved by", rangemode="tozero", tickformat=".0%")
    figure = sized(figure, 14)
    figure.update_layout(
        showlegend=len(targets) > 1, hovermode="x unified" if len(targets) > 1 else "closest"
    )
    return figure


def _map(grid: np.ndarray, *, columns: Sequence[str], rows: Sequence[str], hover: str) -> go.Figure:
    """Attention as a heat map, the first row on top; its colours have two sides where some of it is negative."""
    figure = heat_map(grid, distinct(columns), distinct(rows), hover=hover, **_legend(grid))
    figure.update_xaxes(side="top", tickangle=0)
    return sized(figure, len(rows), row=24 if len(rows) > 20 else ROW)


def _legend(grid: np.ndarray, unit: str = "weight") -> dict[str, Any]:
    """Numbers in the cells where there are few, which need no colour bar; else the bar."""
    if grid.size <= 120:
        digits = 2 if np.nanmax(np.abs(grid), initial=0.0) >= 0.1 else 4
        text = {"texttemplate": f"%{{z:.{digits}f}}", "textfont": {"size": 11}}
        return {**text, "showscale": False}
    return {"colorbar": {"title": {"text": unit}}}
