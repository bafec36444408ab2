"""The steps of an answer without a script: what each holds in words, and as a still picture."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from markupsafe import Markup

from recdemo.charts.mathml import mathml
from recdemo.charts.style import DOWN, UP
from recdemo.core.steps import Step, Trace

LARGEST = 3  # numbers told of a step
CELL = 8  # pixels
_WRAP = 64  # numbers in a row of a picture


def in_words(step: Step) -> str:
    """Name, sentence and largest values: all of a step that a picture would show."""
    return f"{step.name}. {step.says} {largest(step)}".replace("  ", " ").strip()


def largest(step: Step) -> str:
    """``Alien (1979) +1.370, …``: the largest values and where they stand; of a single number, that."""
    values = step.values
    if not step.axes:
        return f"{float(values):+.4f}"
    if not values.size:
        return "Nothing there."
    order = np.argsort(-np.abs(values), axis=None, kind="stable")[:LARGEST]
    cells = (np.unravel_index(place, values.shape) for place in order)
    return "Largest: " + "; ".join(f"{_cell(step, cell)} {values[cell]:+.3f}" for cell in cells)


def still(step: Step) -> str:
    """A picture as the address of a PNG, a pixel for a number: blue above zero, orange below, paler near it. To be shown
    `CELL` times as large."""
    grid = _as_grid(step.values)
    share = np.abs(grid) / max(float(np.nanmax(np.abs(grid), initial=0.0)), 1e-12)
    tones = np.array([[int(tone[i : i + 2], 16) for i in (1, 3, 5)] for tone in (UP, DOWN)])
    tone = tones[(grid < 0).astype(int)]
    pixels = np.nan_to_num(255 - (255 - tone) * share[..., None], nan=255).astype(np.uint8)
    return "data:image/png;base64," + base64.b64encode(_png(pixels)).decode()


def still_size(step: Step) -> tuple[int, int]:
    """Width and height to show a picture in."""
    height, width = _as_grid(step.values).shape
    return CELL * width, CELL * height


def rows(trace: Trace) -> Iterator[dict[str, str | int]]:
    """The steps at the top of an answer, for a table."""
    for step in trace.steps:
        if not step.parent:
            width, height = still_size(step) if step.values.size else (0, 0)
            yield {
                "name": step.name,
                "says": step.says,
                "formula": Markup(mathml(step.formula)),
                "picture": still(step) if step.axes and step.values.size else "",
                "width": width,
                "height": height,
                "largest": largest(step),
            }


def _cell(step: Step, cell: tuple[np.intp, ...]) -> str:
    return ", ".join(
        axis.labels[place] if axis.labels else f"{axis.name} {place + 1}"
        for axis, place in zip(step.axes, cell, strict=True)
    )


def _as_grid(values: np.ndarray) -> np.ndarray:
    """Rows and columns: panels of more axes side by side, a long row broken."""
    if values.ndim < 2:
        row = values.reshape(1, -1)
        if row.shape[1] <= _WRAP:
            return row
        lines = -(-row.shape[1] // _WRAP)
        return np.pad(
            row, ((0, 0), (0, lines * _WRAP - row.shape[1])), constant_values=np.nan
        ).reshape(lines, _WRAP)
    panels = values.reshape(-1, *values.shape[-2:])
    gap = np.full((panels.shape[1], 1), np.nan)
    return np.concatenate([part for panel in panels for part in (panel, gap)][:-1], axis=1)


def _png(pixels: np.ndarray) -> bytes:
    """[height, width, 3] as a file."""
    height, width, _ = pixels.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    lines = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )
