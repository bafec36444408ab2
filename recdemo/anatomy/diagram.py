"""A model as it really runs: which block reads what, and the shape of every tensor that passes between them.

The picture is drawn from one answer. A copy of the model's structure, which shares its weights, is run under hooks
that say when a block begins and ends, and under a mode of torch that sees every operation on tensors. Each tensor
remembers which blocks it came from; where it enters another block, there is an edge, and the edge has the
shape the tensor had when it left. So nothing is drawn by hand, and the loaded model, which all visitors share, is not
touched.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import pandas as pd
import torch
from torch import Tensor, nn

from recdemo.anatomy.describe import describe, words_of
from recdemo.anatomy.flow import Call, Flow, Origin, Shape, watch
from recdemo.blocks.causal import CausalLayer
from recdemo.blocks.head import InterestHead
from recdemo.blocks.interaction import FactorizationMachine
from recdemo.blocks.solved import FilmSum
from recdemo.blocks.transformer import DecoderLayer, EncoderLayer
from recdemo.core.batch import Batch

Kind = Literal["input", "block", "table", "output"]

# Blocks that are drawn as a frame around what they hold; all others are one box each.
FRAMES = (
    FactorizationMachine,
    InterestHead,
    EncoderLayer,
    DecoderLayer,
    CausalLayer,
    FilmSum,
    nn.ModuleList,
)
# What a model reads, in words, and the fields of `Batch` it consists of.
INPUTS = {
    "(user)": ("User's number", ("user",)),
    "(profile)": ("Profile", ("gender", "age", "occupation")),
    "(taste)": ("Taste", ("favourite_genre", "last_five")),
    "(history)": ("Films watched", ("history", "feedback")),
    "(candidates)": ("Films to score", ("target_movie",)),
}
OUTPUT = "(answer)"


@dataclass(frozen=True, slots=True)
class Box:
    """One part of a model, or what it reads or answers.

    Args:
        path: where it is in the model, as ``head.network``; of an input, a name in `INPUTS` between brackets.
        kind: ``table`` is a tensor of the model's own, as a bias.
        title: name for people.
        detail: what it is, in a few words.
        parameters: learned numbers in it.
        used: whether this answer needed it.
    """

    path: str
    kind: Kind
    title: str
    detail: str
    parameters: int = 0
    used: bool = True


@dataclass(frozen=True, slots=True)
class Edge:
    """What passes from one box to another.

    Args:
        source: path.
        target: path.
        shapes: of the tensors, as they left the source.
        weights: the target reads the source's weights themselves, as the fit of a new user's vector does.
    """

    source: str
    target: str
    shapes: tuple[Shape, ...]
    weights: bool = False


@dataclass(frozen=True, slots=True)
class Layer:
    """One module of the model.

    Args:
        path: where it is.
        name: of its class.
        inputs: shapes of the tensors it was called with; empty where its weights were read directly.
        outputs: shapes of what it gave, or of its weights.
        parameters: its own, without those of modules inside it.
        calls: how often it was called.
    """

    path: str
    name: str
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    parameters: int
    calls: int


@dataclass(frozen=True, slots=True)
class Diagram:
    """A model's answer to one batch, as boxes and edges, and all its layers."""

    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    layers: tuple[Layer, ...]
    frames: dict[str, str]  # path of a frame -> what it is
    logits: Tensor  # [B]

    @property
    def parameters(self) -> int:
        """Learned numbers of the whole model."""
        return sum(box.parameters for box in self.boxes)

    @property
    def drawn(self) -> tuple[Box, ...]:
        """The boxes that this answer needed."""
        return tuple(box for box in self.boxes if box.used)


def trace(model: nn.Module, batch: Batch) -> Diagram:
    """Run a model once and see what it does.

    Args:
        model: in evaluation mode; it is left as it is.
        batch: as for ``model(batch)``.
    """
    weights = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    twin = copy.deepcopy(model, dict(weights))  # a structure of its own, the same weights
    inside, frames = _boxes(twin)
    flow = Flow(_owners(twin, inside))
    for name, (_, read) in INPUTS.items():
        for field in read:
            tensor = getattr(batch, field)
            flow.remember(tensor, Origin({name: {tuple(tensor.shape): None}}))
    calls = watch(twin, inside, flow)
    with torch.inference_mode(), flow:
        logits = twin(batch)
    flow.arrive(OUTPUT, logits)
    used = {end for source, target, _ in flow.edges for end in (source, target)}
    return Diagram(
        boxes=tuple(_all_boxes(model, inside, batch, logits, used)),
        edges=tuple(
            Edge(source, target, tuple(shapes), weights)
            for (source, target, weights), shapes in flow.edges.items()
        ),
        layers=tuple(_layers(model, calls)),
        frames=frames,
        logits=logits,
    )


def _boxes(model: nn.Module) -> tuple[dict[str, str], dict[str, str]]:
    """Path of the box that each module is in, and what each frame is. Modules without tensors are neither."""
    inside: dict[str, str] = {}
    frames: dict[str, str] = {}

    def walk(path: str, module: nn.Module) -> None:
        if not any(True for _ in chain(module.parameters(), module.buffers())):
            return
        zoo = type(module).__module__.startswith("recdemo.models.")
        if not path or zoo or isinstance(module, FRAMES):
            if path and not isinstance(module, nn.ModuleList):
                frames[path] = words_of(type(module).__name__)
            for name, child in module.named_children():
                walk(f"{path}.{name}" if path else name, child)
            return
        for name, _ in module.named_modules(prefix=path):
            inside[name] = path

    walk("", model)
    return inside, frames


def _owners(model: nn.Module, inside: dict[str, str]) -> dict[int, str]:
    """The box that each tensor of the model belongs to, by its `id`; none for what several share, as genres."""
    named = chain(model.named_parameters(), model.named_buffers(remove_duplicate=False))
    found: dict[int, set[str]] = {}
    for path, tensor in named:
        found.setdefault(id(tensor), set()).add(inside.get(path.rpartition(".")[0]) or path)
    return {tensor: boxes.pop() for tensor, boxes in found.items() if len(boxes) == 1}


def _all_boxes(
    model: nn.Module, inside: dict[str, str], batch: Batch, logits: Tensor, used: set[str]
) -> Iterator[Box]:
    """Inputs, what the model holds in the order of its constructor, and the output."""
    for name, (title, read) in INPUTS.items():
        if name in used:
            shapes = dict.fromkeys(tuple(getattr(batch, field).shape) for field in read)
            yield Box(name, "input", title, ", ".join(map(shape_text, shapes)))
    for path in dict.fromkeys(inside.values()):
        module = model.get_submodule(path)
        count = sum(p.numel() for p in module.parameters())
        yield Box(path, "block", _title(path), describe(module), count, path in used)
    for path, tensor in (*model.named_parameters(), *model.named_buffers()):
        if path.rpartition(".")[0] in inside:
            continue
        learned = isinstance(tensor, nn.Parameter)
        if learned or path in used:
            detail = shape_text(tuple(tensor.shape)) if tensor.dim() else "one number"
            detail += "" if learned else ", not learned"
            count = tensor.numel() if learned else 0
            yield Box(path, "table", _title(path), detail, count, path in used)
    yield Box(OUTPUT, "output", "Answer", shape_text(tuple(logits.shape)))


def _layers(model: nn.Module, calls: dict[str, Call]) -> Iterator[Layer]:
    """Every module that was called or has weights of its own, in the order of the constructor."""
    for path, module in model.named_modules():
        own = list(module.parameters(recurse=False))
        call = calls.get(path)
        if not path or not (call or own):
            continue
        yield Layer(
            path=path,
            name=type(module).__name__,
            inputs=call.inputs if call else (),
            outputs=call.outputs if call else tuple(tuple(p.shape) for p in own),
            parameters=sum(p.numel() for p in own),
            calls=call.times if call else 0,
        )


def shape_text(shape: Shape) -> str:
    """``[1, 50, 32]``."""
    return f"[{', '.join(map(str, shape))}]"


def _title(path: str) -> str:
    return path.rpartition(".")[2].replace("_", " ")


def parts_of(diagram: Diagram) -> pd.DataFrame:
    """What the model holds, the largest first: ``part``, ``what``, ``share`` of all parameters, ``parameters``."""
    rows = [
        (name.replace("_", " "), detail, count / max(diagram.parameters, 1), count)
        for name, detail, count in (
            (box.path, box.detail, box.parameters)
            for box in diagram.boxes
            if box.kind in ("block", "table")
        )
    ]
    table = pd.DataFrame(rows, columns=["part", "what", "share", "parameters"])
    return table.sort_values("parameters", ascending=False, kind="stable", ignore_index=True)


def where_parameters_are(diagram: Diagram) -> str:
    """The largest part, in a sentence."""
    if not diagram.parameters:
        return "Nothing here is learned by gradient: it is counted."
    top = parts_of(diagram).iloc[0]
    return f"{top['share']:.0%} of the {diagram.parameters:,} parameters are in “{top['part']}”, {top['what']}."


def unused_parts(diagram: Diagram) -> list[str]:
    """What this answer did not need, by the outermost name that holds nothing it did need."""
    needed = {box.path.split(".")[0] for box in diagram.drawn}
    idle = [box.path for box in diagram.boxes if not box.used]
    names = (path if path.split(".")[0] in needed else path.split(".")[0] for path in idle)
    return [name.replace("_", " ") for name in dict.fromkeys(names)]


def layers_of(diagram: Diagram) -> pd.DataFrame:
    """Every layer with the shapes it read and gave, as text."""
    rows = [
        (
            layer.path,
            layer.name,
            "  ".join(map(shape_text, layer.inputs)),
            "  ".join(map(shape_text, layer.outputs)),
            layer.parameters,
            layer.calls,
        )
        for layer in diagram.layers
    ]
    return pd.DataFrame(rows, columns=["layer", "class", "reads", "gives", "parameters", "calls"])
