"""A traced model as text for Graphviz. Colours are seen on light and dark; a page may give the text its own."""

from __future__ import annotations

from recdemo.anatomy.diagram import Box, Diagram, shape_text
from recdemo.charts.style import CATEGORIES
from recdemo.core.wording import counted
from recdemo.data.catalogue import shorten

INK = "#717B89"  # as far from white as from the dark page
BLUE, ORANGE, GREEN, *_ = CATEGORIES
COLOURS = {"input": INK, "block": BLUE, "table": ORANGE, "output": GREEN}
SHADE = "22"  # opacity of a box's inside
SHAPES = 2  # tensors named on an edge


def dot(diagram: Diagram) -> str:
    """The boxes that an answer needed, in the frames they stand in, with the shapes that pass between them."""
    lines = [
        "digraph {",
        "graph [bgcolor=transparent, rankdir=TB, nodesep=0.22, ranksep=0.34, pad=0.1, "
        f'fontname="Helvetica", fontsize=11, fontcolor="{INK}"]',
        f'node [shape=box, style="rounded,filled", margin="0.12,0.07", fontname="Helvetica", fontsize=12, '
        f'fontcolor="{INK}"]',
        f'edge [color="{INK}", fontcolor="{INK}", fontname="Helvetica", fontsize=10, arrowsize=0.6]',
    ]
    inputs = [box for box in diagram.drawn if box.kind == "input"]
    lines += ["{rank=source", *map(_node, inputs), "}"]
    lines += _framed("", [box for box in diagram.drawn if box.kind != "input"], diagram.frames)
    drawn = {box.path for box in diagram.drawn}
    for edge in diagram.edges:
        if not drawn.issuperset((edge.source, edge.target)):
            continue
        style = ""
        if edge.weights:
            style = ' [style=dashed, constraint=false, label="  its weights"]'
        elif edge.shapes != ((),):
            shown = [shape_text(shape) for shape in edge.shapes[:SHAPES]]
            shown += ["…"] * (len(edge.shapes) > SHAPES)
            text = r"\l".join(f" {shape}" for shape in shown)
            style = rf' [label="{text}\l"]'
        lines.append(f"{_quoted(edge.source)} -> {_quoted(edge.target)}{style}")
    return "\n".join([*lines, "}"])


def _framed(frame: str, boxes: list[Box], frames: dict[str, str]) -> list[str]:
    """Boxes within a frame, the frames inside it first."""
    lines = []
    inner = {path for path in frames if _within(path, frame) and path != frame}
    outermost = [
        path
        for path in frames
        if path in inner and not any(_within(path, o) for o in inner - {path})
    ]
    rest = boxes
    for path in outermost:
        held = [box for box in rest if _within(box.path, path)]
        rest = [box for box in rest if box not in held]
        if held:
            lines += [
                f"subgraph {_quoted('cluster ' + path)} {{",
                f'label="{path.removeprefix(frame).strip(".").replace("_", " ")}: {frames[path]}"',
                f'style="rounded,dashed"; color="{INK}"; labeljust=l; margin=10',
                *_framed(path, held, frames),
                "}",
            ]
    return [*lines, *map(_node, rest)]


def _within(path: str, frame: str) -> bool:
    return not frame or path == frame or path.startswith(frame + ".")


def _node(box: Box) -> str:
    colour = COLOURS[box.kind]
    rows = [box.title, box.detail]
    if box.kind == "block":
        rows.append(counted(box.parameters, "parameter"))
    label = r"\n".join(shorten(row, 44) for row in rows)
    look = f'color="{colour}", fillcolor="{colour}{SHADE}"'
    return f"{_quoted(box.path)} [{look}, label={_quoted(label)}]"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', r"\"") + '"'
