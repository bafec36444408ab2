"""A model as it really runs: which block reads what, and the shape of every tensor that passes between them.

The picture is drawn from one answer. A copy of the model's structure, which shares its weights, is run under hooks
that say when a block begins and ends, and under a mode of torch that sees every operation on tensors. Each tensor
remembers which blocks it came from; where it enters another block, there is an edge, and the edge has the
shape the tensor had when it left. So nothing is drawn by hand, and the loaded model, which all visitors share, is not
touched.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from types import FunctionType
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from recdemo.anatomy.describe import describe, words_of
from recdemo.blocks.causal import CausalLayer
from recdemo.blocks.head import InterestHead
from recdemo.blocks.interaction import FactorizationMachine
from recdemo.blocks.solved import FilmSum
from recdemo.blocks.transformer import DecoderLayer, EncoderLayer
from recdemo.core.batch import Batch

Shape = tuple[int, ...]
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
# Operations that lay tensors side by side or add them up: what comes out is of all of them alike.
JOINS = {"add", "__add__", "__radd__", "sub", "__sub__", "__rsub__", "cat", "stack", "where"}
# How many tensors are read for what they hold; of the others only the shape is taken.
VALUES_READ = {"expand_as": 1, "view_as": 1, "new_zeros": 0, "new_ones": 0, "zeros_like": 0}
REPEATS = {"unsqueeze", "expand", "expand_as", "repeat_interleave"}  # make nothing new


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
    flow = _Flow(_owners(twin, inside))
    for name, (_, read) in INPUTS.items():
        for field in read:
            tensor = getattr(batch, field)
            flow.remember(tensor, _Origin({name: {tuple(tensor.shape): None}}))
    calls = _watch(twin, inside, flow)
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


@dataclass(frozen=True, slots=True)
class _Origin:
    """Which boxes a tensor came from, and the shapes it had, as keys, when it left each."""

    shapes: dict[str, dict[Shape, None]]
    weights: bool = False  # made of weights alone


class _Flow(TorchFunctionMode):
    """Follows tensors from box to box. Such a mode holds for the thread that entered it only.

    Args:
        owners: the box that each parameter and buffer belongs to, by its `id`.
    """

    def __init__(self, owners: dict[int, str]) -> None:
        super().__init__()
        self.owners = owners
        self.running: list[str] = []  # boxes whose forward is running, outermost first
        self.edges: dict[tuple[str, str, bool], dict[Shape, None]] = {}
        self._origins: dict[int, tuple[Tensor, _Origin]] = {}  # the tensor keeps its id its own

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        made = list(_tensors(result))  # none where only a shape is read
        read = list(_tensors((args, kwargs))) if made else []
        read = read[: VALUES_READ.get(func.__name__, len(read))]
        given = [tensor for tensor in read if self._origin(tensor)]
        if self.running:
            for tensor in given:
                self.arrive(self.running[0], tensor)
        elif given:
            self._between(func.__name__, given, [t for t in made if id(t) not in self.owners])
        return result

    def remember(self, tensor: Tensor, origin: _Origin) -> None:
        """Where a tensor came from."""
        self._origins[id(tensor)] = (tensor, origin)

    def arrive(self, box: str, tensor: Tensor) -> None:
        """A tensor is read by a box."""
        origin = self._origin(tensor)
        raw = id(tensor) in self.owners
        for source, shapes in (origin.shapes if origin else {}).items():
            if source != box:
                self.edges.setdefault((source, box, raw), {}).update(shapes)

    def leave(self, box: str, given: Any, result: Any) -> None:
        """A box has been called from outside all boxes and gives its result."""
        read = [self._origin(tensor) for tensor in _tensors(given)]
        weights = not _holds_batch(given) and all(origin and origin.weights for origin in read)
        for tensor in _tensors(result):
            if id(tensor) not in self.owners:
                self.remember(tensor, _Origin({box: {tuple(tensor.shape): None}}, weights))

    def _between(self, name: str, given: list[Tensor], made: list[Tensor]) -> None:
        """An operation outside all boxes. With a box's weights it is that box's; else it passes on."""
        origins = [origin for tensor in given if (origin := self._origin(tensor))]
        own = [origin for origin in origins if origin.weights]
        if own and len(own) < len(origins) and name not in JOINS:
            boxes = {box for origin in own for box in origin.shapes}
            for tensor, origin in zip(given, origins, strict=True):
                if not origin.weights:
                    for box in boxes:
                        self.arrive(box, tensor)
            for tensor in made:
                shape = tuple(tensor.shape)
                self.remember(tensor, _Origin({box: {shape: None} for box in boxes}))
            return
        passed: dict[str, dict[Shape, None]] = {}
        for origin in origins:
            for box, shapes in origin.shapes.items():
                passed[box] = passed.get(box, {}) | shapes
        alone = len(given) == 1 and len(passed) == 1 and name not in REPEATS
        for tensor in made:
            now = {box: {tuple(tensor.shape): None} for box in passed} if alone else passed
            self.remember(tensor, _Origin(now, len(own) == len(origins)))

    def _origin(self, tensor: Tensor) -> _Origin | None:
        if box := self.owners.get(id(tensor)):
            return _Origin({box: {tuple(tensor.shape): None}}, weights=True)
        return self._origins[id(tensor)][1] if id(tensor) in self._origins else None


def _watch(twin: nn.Module, inside: dict[str, str], flow: _Flow) -> dict[str, _Call]:
    """Have a model tell when each of its modules, and each public method of a block, begins and ends.

    Returns:
        What each module was called with, filled in as it runs.
    """
    calls: dict[str, _Call] = {}

    def begin(path: str) -> None:
        if path in inside:
            flow.running.append(inside[path])

    def end(path: str, given: Any, result: Any) -> None:
        if path in inside:
            box = flow.running.pop()
            if not flow.running:
                flow.leave(box, given, result)
        now = _Call(_shapes(given), _shapes(result), 1)
        calls[path] = calls[path].and_also(now) if path in calls else now

    def told(path: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any) -> Any:
            if flow.running:  # called by its own block, or within another
                return method(*given)
            begin(path)
            result = method(*given)
            end(path, given, result)
            return result

        return run

    for path, module in twin.named_modules():
        module.register_forward_pre_hook(lambda _, given, path=path: begin(path))
        module.register_forward_hook(lambda _, given, result, path=path: end(path, given, result))
        if path in inside.values():
            for name in _public_methods(type(module)):
                setattr(module, name, told(path, getattr(module, name)))
    return calls


def _public_methods(kind: type[nn.Module]) -> list[str]:
    """What a block of ours can be asked for besides `forward`."""
    if not kind.__module__.startswith("recdemo."):
        return []
    return [
        name
        for name, member in vars(kind).items()
        if isinstance(member, FunctionType) and not name.startswith("_") and name != "forward"
    ]


@dataclass(frozen=True, slots=True)
class _Call:
    """Shapes of the largest of a module's calls, and how many there were."""

    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    times: int

    def and_also(self, other: _Call) -> _Call:
        largest = max(self, other, key=lambda call: sum(map(math.prod, call.outputs)))
        return replace(largest, times=self.times + other.times)


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


def _layers(model: nn.Module, calls: dict[str, _Call]) -> Iterator[Layer]:
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


def _shapes(values: Any) -> tuple[Shape, ...]:
    return tuple(tuple(tensor.shape) for tensor in _tensors(values))


def _tensors(values: Any) -> Iterator[Tensor]:
    """The tensors in nested lists, tuples and dicts."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _tensors(value)
    elif isinstance(values, dict):
        yield from _tensors(list(values.values()))


def _holds_batch(values: Any) -> bool:
    return any(isinstance(value, Batch) for value in values)
