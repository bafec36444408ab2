"""Labels beside points, so that none covers another, and the part of a chart that holds some places."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

# Of a label, in parts of a chart as wide and high as on a laptop: one letter, one line, half a point.
LETTER, LINE_HEIGHT, DOT = 0.016, 0.045, 0.012
MARGIN = 0.1  # around the points of a small chart, in parts of what they span


Box = tuple[float, float, float, float]


def labelled(
    places: np.ndarray,
    labels: Sequence[str],
    *,
    first: Sequence[int] = (),
    taken: Sequence[Box] = (),
    letter: float = LETTER,
    line: float = LINE_HEIGHT,
) -> dict[str, list[str]]:
    """Labels and the sides of their points they stand on, so that none covers another or a point, or leaves
    the chart.

    Args:
        places: [N, 2] in parts of the chart's width and height.
        labels: N texts; one that finds no room is left out.
        first: rows that choose their side before all others, and are never left out.
        taken: where other things stand, (left, bottom, right, top) each.
        letter, line: width and height of a letter, in parts of the chart's.
    """
    texts, sides = [""] * len(labels), ["middle right"] * len(labels)
    taken = [*taken, *map(dot_of, places)]
    for row in [*first, *(row for row in range(len(labels)) if row not in first)]:
        rooms = rooms_of(places[row], labels[row], letter=letter, line=line)
        free = [
            side
            for side, room in rooms.items()
            if min(room) >= 0 and max(room) <= 1 and not any(meet(room, other) for other in taken)
        ]
        if free or row in first:
            texts[row], sides[row] = labels[row], [*free, "top center"][0]
            taken.append(rooms[sides[row]])
    return {"text": texts, "textposition": sides}


def rooms_of(
    place: np.ndarray, label: str, *, letter: float = LETTER, line: float = LINE_HEIGHT
) -> dict[str, Box]:
    """What a label covers on each side of its point, first on the side with more room: on a phone, where a chart is a third as
    wide, it is there still."""
    (x, y), width = place, letter * len(label)
    beside: dict[str, Box] = {
        "middle right": (x + DOT, y - line / 2, x + DOT + width, y + line / 2),
        "middle left": (x - DOT - width, y - line / 2, x - DOT, y + line / 2),
    }
    if x > 0.5:
        beside = dict(reversed(beside.items()))
    return {
        **beside,
        "top center": (x - width / 2, y + DOT, x + width / 2, y + DOT + line),
        "bottom center": (x - width / 2, y - DOT - line, x + width / 2, y - DOT),
    }


def dot_of(place: np.ndarray) -> Box:
    """What a point covers."""
    x, y = place
    return x - DOT, y - DOT, x + DOT, y + DOT


def meet(one: Box, other: Box) -> bool:
    """Whether two boxes (left, bottom, right, top) overlap."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def window(
    figure: go.Figure,
    places: np.ndarray,
    *,
    least: np.ndarray | float = 0.0,
    margin: float = MARGIN,
    beside: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Limit a flat chart to some places, with room around them.

    Args:
        figure: the chart.
        places: [N, 2].
        least: what it shows at least, across and up.
        margin: room around, in parts of what the places span.
        beside: more room on the right, in parts of all that.

    Returns:
        [2] its lower left corner, and [2] its size.
    """
    low, high = places.min(0), places.max(0)
    size = np.maximum(high - low, np.maximum(least, 1e-6))
    low = (low + high - size) / 2 - margin * size
    size = (1 + 2 * margin) * size * [1 + beside, 1]
    figure.update_xaxes(range=[low[0], low[0] + size[0]])
    figure.update_yaxes(range=[low[1], low[1] + size[1]])
    return low, size
