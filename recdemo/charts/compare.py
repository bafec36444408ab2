"""Several models' lists for one session: ranks film by film, overlap pair by pair, range of ranks, time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.colors import sample_colorscale
from plotly.subplots import make_subplots

from recdemo.charts.style import CATEGORIES, POSITIVE, TOTAL, UP, distinct, heat_map, sized
from recdemo.data.catalogue import shorten

DENSE = 8  # from so many models on, cells are small
AGREEMENT = [[0.0, "#E9EDF2"], [1.0, "#5BA7D1"]]  # light to the end: dark text stays readable
TEXT = "#1B2430"  # on any of these colours


def shade(share: float) -> str:
    """Colour of a cell for a share of models between 0 and 1."""
    return sample_colorscale(AGREEMENT, [share])[0]


def colours_of(groups: Mapping[str, str]) -> dict[str, str]:
    """A colour for each group, in the order they first come.

    Args:
        groups: by model; at most as many different ones as there are colours.
    """
    return dict(zip(dict.fromkeys(groups.values()), CATEGORIES, strict=False))


def rank_matrix(table: pd.DataFrame, models: Mapping[str, str], k: int) -> go.Figure:
    """Films (rows) by models (columns), a film's rank in the cell where it is among the first k.

    Args:
        table: as `recdemo.answers.compare.side_by_side` returns it, with a column ``title``.
        models: labels by key, in the order of the columns; one that is not in `table` has an empty column.
        k: length of the lists.
    """
    ranks = table.reindex(columns=list(models)).to_numpy(dtype=float)
    listed = np.where(ranks <= k, ranks, np.nan)
    lists = np.broadcast_to(table["lists"].to_numpy(dtype=float)[:, None], listed.shape)
    rows = [
        f"{shorten(title, 30)} · {count}"
        for title, count in zip(table["title"], table["lists"], strict=True)
    ]
    figure = heat_map(
        np.where(np.isnan(listed), np.nan, lists),
        distinct([shorten(label, 22) for label in models.values()]),
        distinct(rows),
        hover="%{y} lists<br>%{x}: rank %{customdata}",
        text=[["" if np.isnan(rank) else f"{rank:.0f}" for rank in row] for row in listed],
        texttemplate="%{text}",
        textfont={"color": TEXT},
        customdata=ranks,
        colorscale=AGREEMENT,
        zmin=0,
        zmax=len(models),
        showscale=False,
    )
    figure.update_yaxes(dtick=1)
    figure.update_xaxes(side="top", tickangle=-60, dtick=1)
    return sized(figure, len(rows), extra=150, row=24)


def overlap_map(overlap: np.ndarray, labels: Sequence[str]) -> go.Figure:
    """Overlap of every two models, from 0 to 1; a model with itself stays empty.

    Args:
        overlap: [n, n] in the order of the labels.
        labels: of the models.
    """
    grid = overlap.copy()
    np.fill_diagonal(grid, np.nan)
    few = len(labels) < DENSE
    names = distinct([shorten(label, 22) for label in labels])
    figure = heat_map(
        grid,
        names,
        names,
        hover="%{y} and %{x}<br>overlap %{z:.3f}",
        colorscale=AGREEMENT if few else POSITIVE,
        zmin=0,
        zmax=1,
        xgap=2 if few else 1,
        ygap=2 if few else 1,
        texttemplate="%{z:.2f}" if few else None,
        textfont={"color": TEXT},
        showscale=not few,
        colorbar={"title": {"text": "overlap"}},
    )
    figure.update_yaxes(dtick=1)
    figure.update_xaxes(tickangle=-30 if few else -60, dtick=1)
    return sized(figure, len(labels), extra=90 if few else 140, row=44 if few else 20)


def rank_ranges(
    parts: Mapping[str, pd.DataFrame],
    models: Mapping[str, str],
    groups: Mapping[str, str],
    size: int,
) -> go.Figure:
    """Each film's rank by every model as a dot, on a line from the best to the worst.

    Models keep to lanes, slightly above and below the line, so that dots of one rank do not hide each other.

    Args:
        parts: by heading, rows of `recdemo.answers.compare.side_by_side` with a column ``title``, the first on top.
        models: labels by key.
        groups: what the dots are coloured by, by key.
        size: number of films ranked, the end of the axis.
    """
    heights = [len(films) for films in parts.values()]
    figure = make_subplots(
        rows=len(parts),
        shared_xaxes=True,
        row_heights=heights,
        vertical_spacing=1.6 / (sum(heights) + 4),
        subplot_titles=[f"<b>{heading}</b>" for heading in parts],
    )
    colours = colours_of(groups)
    edge = min(0.32, 0.07 * (len(models) - 1))
    lanes = dict(zip(models, np.linspace(-edge, edge, len(models)), strict=True))
    for part, films in enumerate(parts.values(), start=1):
        rows = np.arange(len(films))
        ends = films[["best", "worst"]].assign(gap=np.nan).to_numpy()
        figure.add_scatter(
            x=ends.ravel(),
            y=np.repeat(rows, 3),
            mode="lines",
            line={"color": TOTAL, "width": 1},
            hoverinfo="skip",
            row=part,
            col=1,
        )
        for name, colour in colours.items():
            members = [key for key in models if groups[key] == name]
            figure.add_scatter(
                x=films[members].to_numpy().ravel(),
                y=np.add.outer(rows, [lanes[key] for key in members]).ravel(),
                customdata=[(title, models[key]) for title in films["title"] for key in members],
                mode="markers",
                marker={"size": 8, "color": colour, "opacity": 0.85},
                hovertemplate="%{customdata[0]}<br>%{customdata[1]}: rank %{x:,}<extra></extra>",
                row=part,
                col=1,
            )
        figure.update_yaxes(
            tickvals=rows,
            ticktext=[shorten(title, 30) for title in films["title"]],
            range=[len(films) - 0.4, -0.6],
            row=part,
            col=1,
        )
    figure.update_annotations(x=0, xanchor="left", font={"size": 13})
    ticks = [tick for tick in (1, 10, 100, 1000, 10_000) if tick <= size]
    figure.update_xaxes(
        type="log",
        range=[-0.1, np.log10(size) + 0.05],
        tickvals=ticks,
        ticktext=[f"{tick:,}" for tick in ticks],
    )
    figure.update_xaxes(title="rank (logarithmic scale)", row=len(parts), col=1)
    figure.update_yaxes(zeroline=False)
    figure = sized(figure, sum(heights) + len(parts), extra=80, row=32)
    return figure.update_layout(margin={"t": 28})


def time_bars(seconds: Mapping[str, float]) -> go.Figure:
    """How long each model took, slowest on top. `seconds`: by label."""
    slowest = sorted(seconds, key=seconds.__getitem__, reverse=True)
    times = [1000 * seconds[label] for label in slowest]
    figure = go.Figure(
        go.Bar(
            orientation="h",
            x=times,
            y=distinct(slowest),
            text=[f"{time:.0f}" if time >= 10 else f"{time:.1f}" for time in times],
            textposition="outside",
            cliponaxis=False,
            marker={"color": UP},
            hovertemplate="%{y}: %{x:.1f} ms<extra></extra>",
        )
    )
    figure.update_xaxes(title="milliseconds", range=[0, 1.12 * max(times)])
    figure.update_yaxes(autorange="reversed", dtick=1)
    return sized(figure, len(times), row=22 if len(times) >= DENSE else 30)
