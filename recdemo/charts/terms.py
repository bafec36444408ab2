"""A score as the sum of its terms."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from recdemo.answers.explanation import Explanation
from recdemo.charts.style import DOWN, TOTAL, UP, distinct, sized
from recdemo.data.catalogue import shorten

LEFT = 0.4  # of the steps' width kept free beside the lowest, enough for a number on a phone
RIGHT = 48  # pixels kept free for the numbers of the highest


def waterfall(explanation: Explanation, most: int = 10) -> go.Figure:
    """The terms of a logit as steps that end at it. What the film is not the reason of comes first: the terms that
    read only the visitor, as one step, or the score without any history. Small terms are one step too, the last.

    Args:
        explanation: any.
        most: number of terms shown one by one.
    """
    terms = explanation.terms_frame()
    base, visitor = terms["kind"] == "base", terms["visitor_only"]
    film = terms[~base & ~visitor]
    shown, rest = film.head(most), film[most:]
    labels = [shorten(label) for label in shown["label"]]
    values = shown["value"].tolist()
    if len(rest):
        labels.append(f"{len(rest)} smaller terms")
        values.append(float(rest["value"].sum()))
    for term in terms[base].itertuples():
        labels.insert(0, term.label)
        values.insert(0, term.value)
    if visitor.any():
        labels.insert(0, f"Visitor alone ({visitor.sum()} terms)")
        values.insert(0, float(terms["value"][visitor].sum()))
    labels.append(explanation.unit.capitalize())
    ends = np.cumsum(values)
    low, high = min(ends.min(), 0), max(ends.max(), 0)
    span = high - low or 1.0
    figure = go.Figure(
        go.Waterfall(
            orientation="h",
            measure=["relative"] * len(values) + ["total"],
            y=distinct(labels),
            x=[*values, explanation.total],
            text=[f"{value:+.2f}" for value in [*values, explanation.total]],
            textposition="outside",
            increasing={"marker": {"color": UP}},
            decreasing={"marker": {"color": DOWN}},
            totals={"marker": {"color": TOTAL}},
            connector={"line": {"color": "rgba(128,128,128,0.4)", "width": 1}},
            hovertemplate="%{y}: %{text}<extra></extra>",
            cliponaxis=False,
        ),
        {
            "xaxis": {
                "title": {"text": explanation.unit},
                # A step downwards has its number on its left, where the labels are.
                "range": [low - (LEFT if low < 0 else 0.02) * span, high + 0.02 * span],
                "zeroline": True,
            },
            "yaxis": {"autorange": "reversed"},
        },
    )
    sized(figure, len(labels)).layout.margin.r = RIGHT
    return figure
