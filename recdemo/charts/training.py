"""How a training run goes: loss and validation figure, epoch by epoch, against the shipped model's level."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from recdemo.charts.style import DOWN, TOTAL, UP, sized
from recdemo.training.observer import Epoch


def curves(
    epochs: Sequence[Epoch],
    figure: str,
    label: str,
    shipped: float | None,
    now: tuple[float, float] | None = None,
) -> go.Figure:
    """Loss, and the validation figure that decides; the shipped model's as a dashed line.

    Args:
        epochs: so far.
        figure: key in `Epoch.metrics`.
        label: of that figure, for people.
        shipped: its level on the same question, where there is one to compare with.
        now: how far training is, in epochs, and the loss of the epoch it is in so far: an open circle.
    """
    numbers = [epoch.epoch for epoch in epochs]
    last = max([*numbers, 1, math.ceil(now[0]) if now else 1])
    drawn = make_subplots(rows=1, cols=2, horizontal_spacing=0.18, subplot_titles=("Loss", label))
    drawn.update_annotations(font_size=13)
    series = (
        ("loss", [epoch.loss for epoch in epochs], DOWN),
        (label, [epoch.metrics[figure] for epoch in epochs], UP),
    )
    for column, (name, values, colour) in enumerate(series, start=1):
        drawn.add_scatter(
            x=numbers,
            y=values,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"size": 9},
            hovertemplate=f"epoch %{{x}}<br>{name} %{{y:.4f}}<extra></extra>",
            row=1,
            col=column,
        )
    drawn.update_xaxes(title="epoch", dtick=math.ceil(last / 12), range=[0, last + last / 20])
    if not epochs:
        drawn.update_yaxes(showticklabels=False, row=1, col=2)
        drawn.add_annotation(
            text="after the first epoch",
            x=0.5,
            y=0.5,
            xref="x2 domain",
            yref="y2 domain",
            showarrow=False,
        )
    if now is not None:
        drawn.add_scatter(
            x=[now[0]],
            y=[now[1]],
            mode="markers",
            marker={"size": 9, "color": DOWN, "symbol": "circle-open", "line": {"width": 2}},
            hovertemplate="this epoch so far<br>loss %{y:.4f}<extra></extra>",
            row=1,
            col=1,
        )
    if shipped is not None:
        drawn.add_hline(
            y=shipped,
            row=1,
            col=2,
            line={"color": TOTAL, "dash": "dash", "width": 1.5},
            annotation_text="shipped",
            annotation_position="top left",
        )
    return sized(drawn, 7).update_layout(margin={"t": 36})
