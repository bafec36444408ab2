"""Labels beside points, so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Of a label, in parts of a chart as wide and high as on a laptop: one letter, one line, half a point.
LETTER, LINE_HEIGHT, DOT = 0.016, 0.045, 0.012


Box = tuple[float, float, float, float]


def labelled(
    places: np.ndarray, labels: Sequence[str], *, first: Sequence[int] = ()
) -> dict[str, list[str]]:
    """Labels and the sides of their points they stand on, so that none covers another or a point, or leaves
    the chart.

    Args:
        places: [N, 2] in parts of the chart's width and height.
        labels: N texts; one that finds no room is left out.
        first: rows that choose their side before all others, and are never left out.
    """
    texts, sides = [""] * len(labels), ["middle right"] * len(labels)
    taken = [(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in places]
    for row in [*first, *(row for row in range(len(labels)) if row not in first)]:
        (x, y), width = places[row], LETTER * len(labels[row])
        rooms = {
            "middle right": (x + DOT, y - LINE_HEIGHT / 2, x + DOT + width, y + LINE_HEIGHT / 2),
            "middle left": (x - DOT - width, y - LINE_HEIGHT / 2, x - DOT, y + LINE_HEIGHT / 2),
            "top center": (x - width / 2, y + DOT, x + width / 2, y + DOT + LINE_HEIGHT),
            "bottom center": (x - width / 2, y - DOT - LINE_HEIGHT, x + width / 2, y - DOT),
        }
        free = [
            side
            for side, room in rooms.items()
            if min(room) >= 0 and max(room) <= 1 and not any(_meet(room, other) for other in taken)
        ]
        if free or row in first:
            texts[row], sides[row] = labels[row], [*free, "top center"][0]
            taken.append(rooms[sides[row]])
    return {"text": texts, "textposition": sides}


def _meet(one: Box, other: Box) -> bool:
    """Whether two boxes (left, bottom, right, top) overlap."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
