"""A score as the sum of its terms, or as what lifts it over another film's."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from recdemo.answers.explanation import Explanation
from recdemo.charts.style import DOWN, TOTAL, UP, distinct, sized
from recdemo.data.catalogue import shorten

LEFT = 0.4  # of the steps' width kept free beside the lowest, enough for a number on a phone
SAME = 1e-6  # a smaller difference is rounding
RIGHT = 48  # pixels kept free for the numbers of the highest


def waterfall(explanation: Explanation, most: int = 10, *, whole: bool = True) -> go.Figure:
    """The terms of a logit as steps that end at it. What the film is not the reason of comes first: the terms that
    read only the visitor, as one step, or the score without any history. Small terms are one step too, the last.

    Args:
        explanation: any.
        most: number of terms shown one by one.
        whole: from zero; else from the logit of the film that it is set beside, by what each term is more than that
            film's.
    """
    if whole:
        terms, other = explanation.terms_frame(), None
    else:
        other = explanation.contrast
        terms = explanation.contrast_frame().assign(value=lambda frame: frame["more"])
        # What only reads the visitor is the same for all films: it has gone into the other film's logit.
        terms = terms[terms["more"].abs() >= SAME]
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
    if other:
        labels.insert(0, shorten(other.title[0].upper() + other.title[1:]))
        values.insert(0, other.logit)
    labels.append(explanation.unit.capitalize())
    ends = np.cumsum(values)
    ends = ends if other else np.append(ends, 0)
    low, high = ends.min(), ends.max()
    span = high - low or 1.0
    figure = go.Figure(
        go.Waterfall(
            orientation="h",
            measure=["absolute" if other else "relative"]
            + ["relative"] * (len(values) - 1)
            + ["total"],
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
                "range": [low - (LEFT if other or low < 0 else 0.02) * span, high + 0.02 * span],
                "zeroline": True,
            },
            "yaxis": {"autorange": "reversed"},
        },
    )
    sized(figure, len(labels), row=21, extra=54).layout.margin.r = RIGHT
    return figure
