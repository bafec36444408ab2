"""How all models stand: ranking, quality against speed, calibration, groups of users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from recdemo.charts.style import CATEGORIES, DOWN, LINE, TOTAL, UP, sized
from recdemo.core.figures import METRICS
from recdemo.core.report import Bin
from recdemo.data.catalogue import shorten
from recdemo.leaderboard.published import Published
from recdemo.leaderboard.table import Row, figure_of, is_baseline

LABEL = 24  # characters of a title in a chart


def ranking(
    rows: Sequence[Row],
    name: str,
    baselines: Sequence[Row],
    chosen: str,
    printed: Sequence[Published] = (),
) -> go.Figure:
    """One dot per model, the first row on top, with its deviation over seeds where that is known.

    Args:
        rows: in the order to show; each has the figure.
        name: of the figure.
        baselines: drawn as vertical lines, whether or not they are among the rows.
        chosen: key of the model to set apart.
        printed: figures of others, drawn hollow below the rows and a line: they rank nobody.
    """
    metric = METRICS[name]
    found = [(row, figure) for row in rows if (figure := figure_of(row, name))]
    figure = go.Figure(
        go.Scatter(
            x=[value.mean for _, value in found],
            y=[row.title for row, _ in found],
            mode="markers",
            error_x={
                "array": [value.deviation or 0.0 for _, value in found],
                "thickness": 1.5,
                "width": 4,
                "color": LINE,
                "visible": any(value.deviation for _, value in found),
            },
            marker={
                "size": [13 if row.model == chosen else 10 for row, _ in found],
                "symbol": ["diamond" if is_baseline(row) else "circle" for row, _ in found],
                "color": [_colour(row.model, is_baseline(row), chosen) for row, _ in found],
                "opacity": 1,
            },
            customdata=[
                ("" if value.deviation is None else f" ± {value.deviation:.4f}", row.family)
                for row, value in found
            ],
            hovertemplate="%{y}<br>%{customdata[1]}<br>"
            + metric.title
            + " %{x:.4f}%{customdata[0]}<extra></extra>",
        )
    )
    for row in baselines:
        value = figure_of(row, name)
        if value is not None:
            figure.add_vline(
                value.mean,
                line={"color": TOTAL, "width": 1, "dash": "dash"},
                annotation={"text": row.title, "font": {"color": TOTAL}, "showarrow": False},
                annotation_position="top",
            )
    if printed:
        figure.add_scatter(
            x=[None, *(one.figures[name] for one in printed)],
            y=["<b>In print</b>", *(f"<i>{one.title}</i>" for one in printed)],
            mode="markers",
            marker={"size": 9, "symbol": "circle-open", "color": TOTAL, "line": {"width": 2}},
            customdata=["", *(one.source for one in printed)],
            hovertemplate="%{y}<br>%{customdata}<br>"
            + metric.title
            + " %{x:.3f}, in print<extra></extra>",
        )
        figure.add_hline(len(found), line={"color": LINE, "width": 1})
    figure.update_yaxes(autorange="reversed", dtick=1)
    figure.update_xaxes(title=_axis(name), tickformat=_ticks(name), nticks=5)
    lines = len(found) + (len(printed) + 1 if printed else 0)
    return sized(figure, lines, extra=86, row=22).update_layout(margin={"t": 26})


def speed(table: pd.DataFrame, name: str, front: Sequence[int], chosen: str) -> go.Figure:
    """A figure against the time of an answer, better ones higher up, with the line of those that nobody beats in
    both. What is far worse than most lies below the picture, see `out_of_picture`.

    Args:
        table: as `recdemo.leaderboard.table.as_frame` returns it, each row timed and measured.
        name: of the figure.
        front: places of the unbeaten, as `recdemo.leaderboard.intervals.pareto` gives them.
        chosen: key of the model to set apart.
    """
    metric = METRICS[name]
    inside = ~out_of_picture(table, name).to_numpy()
    near, log = table[name][inside], np.log10(table["milliseconds"].to_numpy(dtype=float))
    room = 0.1 * (near.max() - near.min() or abs(near.max()) or 1.0)
    bottom, top = near.min() - room, near.max() + room
    first, span = log[inside].min(), np.ptp(log[inside]) or 1.0
    across, up = (log - first) / span, (table[name] - bottom).to_numpy() / (top - bottom)
    sides = ["right" if x < 0.25 else "left" if x > 0.75 else "center" for x in across]

    def place(i: int, side: str) -> str:
        if i == front[-1] or (i in front and side == "right"):
            return f"top {side}"
        return "middle left" if i in front else f"bottom {side}"  # left of the line is nobody

    places = [place(i, side) for i, side in enumerate(sides)]
    text = [""] * len(table)
    for i in _named(table, front, chosen, across, up if metric.better > 0 else 1 - up, places):
        if inside[i]:
            text[i] = shorten(table["title"][i], LABEL)
    line = table.iloc[list(front)]
    figure = go.Figure(
        [
            go.Scatter(
                x=line["milliseconds"],
                y=line[name],
                mode="lines",
                line={"color": LINE, "width": 1.5, "shape": "hv"},
                hoverinfo="skip",
            ),
            go.Scatter(
                x=table["milliseconds"],
                y=table[name],
                mode="markers+text",
                text=text,
                textposition=places,
                marker={
                    "size": [13 if key == chosen else 10 for key in table["model"]],
                    "symbol": ["diamond" if b else "circle" for b in table["baseline"]],
                    "color": [
                        _colour(key, baseline, chosen)
                        for key, baseline in zip(table["model"], table["baseline"], strict=True)
                    ],
                    "opacity": [
                        1 if i in front or key == chosen else 0.7
                        for i, key in enumerate(table["model"])
                    ],
                },
                customdata=table["title"],
                hovertemplate="%{customdata}<br>%{x:.1f} ms<br>"
                + metric.title
                + " %{y:.4f}<extra></extra>",
            ),
        ]
    )
    figure.update_yaxes(
        title=_axis(name),
        tickformat=_ticks(name),
        range=[bottom, top] if metric.better > 0 else [top, bottom],
    )
    figure.update_xaxes(
        title="milliseconds for one visitor, all films (log scale)",
        type="log",
        range=[first - 0.1 * span - 0.05, first + 1.1 * span + 0.05],
        tickvals=[
            n * 10.0**e for e in range(-2, 4) for n in ((1, 3) if span > 1 else (1, 2, 3, 5, 7))
        ],
    )
    return sized(figure, min(max(len(table), 8), 9), row=28)


def out_of_picture(table: pd.DataFrame, name: str) -> pd.Series:
    """[rows] True for those so much worse than most (Tukey's outer fence) that a chart is better without them."""
    better = METRICS[name].better * table[name]
    low, high = better.quantile(0.25), better.quantile(0.75)
    return better < low - 3 * (high - low)


def calibration(curves: Mapping[str, Sequence[Bin]]) -> go.Figure:
    """Share liked against the probability said, one line per model; on the diagonal they are equal.

    Args:
        curves: bins by the model's title, at most six.
    """
    figure = go.Figure(
        go.Scatter(
            x=[0, 1],
            y=[0, 1],
            mode="lines",
            line={"color": LINE, "dash": "dash", "width": 1.5},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    symbols = ("circle", "square", "triangle-up", "diamond", "x", "star")
    for (title, bins), colour, symbol in zip(curves.items(), CATEGORIES, symbols, strict=False):
        figure.add_scatter(
            x=[part.predicted for part in bins],
            y=[part.liked for part in bins],
            name=title,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"size": 8, "symbol": symbol},
            customdata=[part.count for part in bins],
            hovertemplate=f"{title}<br>said %{{x:.1%}}<br>liked %{{y:.1%}}<br>%{{customdata:,}} ratings"
            "<extra></extra>",
        )
    share = {"tickformat": ".0%", "range": [0, 1], "dtick": 0.25}
    figure.update_xaxes(title="chance of liking, as the model says", **share)
    figure.update_yaxes(title="share liked in fact", **share)
    return sized(figure, 11).update_layout(showlegend=True)


def groups(
    table: pd.DataFrame, name: str, title: str, other: pd.DataFrame | None, other_title: str
) -> go.Figure:
    """A figure for each group of users, with what chance leaves open, beside another model's.

    Args:
        table: as `recdemo.leaderboard.intervals.slices` returns it.
        name: of the figure.
        title: of the model.
        other: the same of the model to compare with; None for none.
        other_title: its title.
    """
    figure = go.Figure()
    pairs = [(other, other_title, TOTAL, "diamond")] if other is not None else []
    for part, label, colour, symbol in [*pairs, (table, title, UP, "circle")]:
        figure.add_scatter(
            x=part["value"],
            y=[f"{g} · {n:,}" for g, n in zip(part["group"], part["count"], strict=True)],
            name=label,
            mode="markers",
            marker={"size": 10, "color": colour, "symbol": symbol},
            error_x={
                "array": part["margin"].fillna(0.0),
                "color": colour,
                "thickness": 1.2,
                "width": 3,
                "visible": bool(part["margin"].notna().any()),
            },
            customdata=part["margin"],
            hovertemplate=f"{label}<br>%{{y}}<br>{METRICS[name].title} %{{x:.4f}} ± %{{customdata:.4f}}"
            "<extra></extra>",
        )
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title=_axis(name), tickformat=_ticks(name), nticks=5)
    figure = sized(figure, len(table), extra=100, row=24)
    return figure.update_layout(showlegend=True, legend_traceorder="reversed")


def _colour(model: str, baseline: bool, chosen: str) -> str:
    if model == chosen:
        return DOWN
    return TOTAL if baseline else UP


def _axis(name: str) -> str:
    metric = METRICS[name]
    return metric.title if metric.better > 0 else f"{metric.title} (lower is better)"


def _ticks(name: str) -> str:
    return ".0%" if name == "coverage" else ""


def _named(
    table: pd.DataFrame,
    front: Sequence[int],
    chosen: str,
    across: np.ndarray,
    up: np.ndarray,
    places: Sequence[str],
) -> list[int]:
    """Rows to label: the best, the chosen, baselines, then the front from its fast end; no label over another, nor, but for
    the best and the chosen, over a point.

    Args:
        table, front, chosen: as in `speed`.
        across, up: [rows] where each is in the picture, 0 to 1.
        places: [rows] where its label would be, as plotly says it.
    """
    always = [front[-1], *np.flatnonzero(table["model"] == chosen)]
    wanted = [*always, *front[-2:], *np.flatnonzero(table["baseline"]), *front]
    shift = {"top": 0.05, "middle": 0.0, "bottom": -0.05, "left": -1, "center": 0, "right": 1}
    named: dict[int, tuple[float, float, float]] = {}  # where each label is, and half its width
    for i in dict.fromkeys(map(int, wanted)):
        high, side = places[i].split()
        half = 0.013 * min(len(table["title"][i]), LABEL)
        x, y = across[i] + shift[side] * (half + 0.03), up[i] + shift[high]
        points = (np.abs(up - y) < 0.03) & (np.abs(across - x) < half)
        points[i] = False
        apart = all(abs(y - v) > 0.049 or abs(x - u) > half + w for u, v, w in named.values())
        if apart and (i in always or not points.any()):
            named[i] = (x, y, half)
    return list(named)
