"""The visitor changed: slopes of ranks before and after, and what each watched film holds up."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from recdemo.answers.drop import Drop
from recdemo.charts.style import DOWN, TOTAL, UP, distinct, sized
from recdemo.core.wording import FILM, Words
from recdemo.data.catalogue import shorten

LABEL = 19  # characters of a line of a label; two such columns leave room for the lines on a phone
SIDE = 138  # pixels for each of these columns
KINDS = {"rises": UP, "falls": DOWN, "same place": TOTAL, "watched": TOTAL}


def slopes(films: pd.DataFrame, k: int, words: Words = FILM) -> go.Figure:
    """Each film's rank before, left, and after, right. Films below the list stand under it, each with its rank.

    Args:
        films: as in `recdemo.answers.counterfactual.RankChanges`.
        k: length of the lists.
        words: what people call films.
    """
    sides = [films["rank_before"], films["rank_after"]]
    places = [_places(ranks, k) for ranks in sides]
    kinds = [_kind(*pair) for pair in zip(*sides, strict=True)]
    figure = go.Figure()
    found = {kind: [row for row, own in enumerate(kinds) if own == kind] for kind in KINDS}
    for kind, rows in found.items():
        figure.add_scatter(
            x=[side for _ in rows for side in (0, 1, None)],
            y=[place for row in rows for place in (places[0][row], places[1][row], None)],
            mode="lines",
            line={"color": KINDS[kind], "width": 2, "dash": "dot" if kind == "watched" else None},
            hoverinfo="skip",
        )
    for kind, rows in found.items():  # on top of all lines
        ends = [(row, side) for row in rows for side in (0, 1)]
        ranks = [_rank(sides[side][row]) for row, side in ends]
        figure.add_scatter(
            x=[side for _, side in ends],
            y=[places[side][row] for row, side in ends],
            text=ranks,
            customdata=[_hover(films.loc[row], words) for row, _ in ends],
            mode="markers+text",
            name=words(kind),
            marker={"size": 21, "color": KINDS[kind], "opacity": 1},
            textfont={"color": "#FFFFFF", "size": [11 if len(r) < 4 else 9 for r in ranks]},
            cliponaxis=False,
            hovertemplate="%{customdata}<extra></extra>",
        )
    titles = [_two_lines(title) for title in films["title"]]
    labels = []
    for side, column in enumerate(places):
        labels += [_label(side, place, t) for place, t in zip(column, titles, strict=True)]
        labels.append(_label(side, 0.2, "<b>after</b>" if side else "<b>before</b>"))
        if max(column) > k:
            labels.append(_label(side, k + 1, f"<i>not in the first {k}</i>"))
    legend = {  # plotly's own would wrap within the narrow part between the labels
        "text": " \u2003".join(
            f'<span style="color:{KINDS[kind]};font-size:18px">●</span> {words(kind)} {len(rows)}'
            for kind, rows in found.items()
            if rows
        ),
        "x": 0.5,
        "y": 1,
        "xref": "paper",
        "yref": "paper",
        "yanchor": "bottom",
        "showarrow": False,
    }
    figure.layout.annotations = [*labels, legend]
    last = max(map(max, places))
    figure.update_xaxes(visible=False, range=[0, 1], fixedrange=True)
    figure.update_yaxes(visible=False, range=[last + 0.6, -0.2], fixedrange=True)
    figure = sized(figure, 0).update_layout(height=int(27 * (last + 0.8)) + 30)
    return figure.update_layout(margin={"l": SIDE, "r": SIDE, "t": 30, "b": 0})


def margins(drop: Drop, titles: Mapping[int, str], unit: str) -> go.Figure:
    """How a film's lead over the first film off the list moves without one watched film at a time.

    Args:
        drop: with margins.
        titles: by film id.
        unit: what the lead is counted in.
    """
    names = distinct([shorten(titles[movie], 26) for movie, _ in drop.alone])
    lines = [
        {
            "type": "scatter",
            "x": [drop.margin, value],
            "y": [name, name],
            "mode": "lines+markers+text",
            "line": {"color": DOWN if value < drop.margin else UP, "width": 3},
            "marker": {"size": [0, 12], "opacity": 1},
            "text": ["", f"{value:+.2f}"],
            "textposition": "middle left" if value < drop.margin else "middle right",
            "cliponaxis": False,
            "hovertemplate": f"without {name}<br>lead {value:+.3f}<extra></extra>",
        }
        for name, (_, value) in zip(names, drop.alone, strict=True)
    ]
    ends = [0.0, drop.margin, *(value for _, value in drop.alone)]
    span = max(ends) - min(ends) or 1.0
    marks = ((drop.margin, "with all", "left"), (0.0, "off the list", "right"))
    top = {"y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False}
    upright = {"type": "line", "y0": 0, "y1": 1, "yref": "paper", "layer": "below"}
    dashed = {"color": TOTAL, "width": 1.5, "dash": "dash"}
    figure = go.Figure(
        lines,
        {
            "xaxis": {
                "title": {"text": f"lead over rank {drop.k + 1} ({unit})"},
                "range": [min(ends) - 0.25 * span, max(ends) + 0.35 * span],
                "zeroline": False,
            },
            "yaxis": {"autorange": "reversed", "dtick": 1},
            "annotations": [
                {"x": x, "text": text, "xanchor": end, **top} for x, text, end in marks
            ],
            "shapes": [{"x0": x, "x1": x, "line": dashed, **upright} for x, _, _ in marks],
        },
    )
    sized(figure, len(names), row=24, extra=76).layout.margin.t = 28
    return figure


def _places(ranks: pd.Series, k: int) -> list[float]:
    """Height of each film: its rank within the list, then one below another."""
    below = ranks[~(ranks <= k).fillna(False)].sort_values(na_position="last")
    places = ranks.astype(float)
    places[below.index] = [k + 2.0 + place for place in range(len(below))]
    return places.tolist()


def _kind(before: int, after: int) -> str:
    if pd.isna(before) or pd.isna(after):
        return "watched"
    return "rises" if after < before else "falls" if after > before else "same place"


def _rank(rank: int) -> str:
    return "–" if pd.isna(rank) else str(rank)


def _hover(film: pd.Series, words: Words) -> str:
    ranks = [film["rank_before"], film["rank_after"]]
    said = [words.watched if pd.isna(rank) else f"rank {rank:,}" for rank in ranks]
    return f"{film['title']}<br>{' → '.join(said)}"


def _label(side: int, place: float, text: str) -> dict[str, Any]:
    """Text beside a point, outward."""
    return {
        "x": side,
        "y": place,
        "text": text,
        "showarrow": False,
        "xanchor": "left" if side else "right",
        "align": "left" if side else "right",
        "xshift": 16 if side else -16,
        "font": {"size": 11},
    }


def _two_lines(title: str) -> str:
    """A film's title in up to two lines, cut where it needs more; the year is kept."""
    most = 2 * LABEL
    while len(lines := wrap(shorten(title, most), LABEL)) > 2:
        most -= 1
    return "<br>".join(lines)
