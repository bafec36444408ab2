"""Follows the tensors of one answer from block to block: torch tells of every operation, hooks of every module."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

Shape = tuple[int, ...]


# Operations that lay tensors side by side or add them up: what comes out is of all of them alike.
JOINS = {"add", "__add__", "__radd__", "sub", "__sub__", "__rsub__", "cat", "stack", "where"}
# How many tensors are read for what they hold; of the others only the shape is taken.
VALUES_READ = {"expand_as": 1, "view_as": 1, "new_zeros": 0, "new_ones": 0, "zeros_like": 0}
REPEATS = {"unsqueeze", "expand", "expand_as", "repeat_interleave"}  # make nothing new


@dataclass(frozen=True, slots=True)
class Origin:
    """Which boxes a tensor came from, and the shapes it had, as keys, when it left each."""

    shapes: dict[str, dict[Shape, None]]
    weights: bool = False  # made of weights alone


class Flow(TorchFunctionMode):
    """Follows tensors from box to box. Such a mode holds for the thread that entered it only.

    Args:
        owners: the box that each parameter and buffer belongs to, by its `id`.
    """

    def __init__(self, owners: dict[int, str]) -> None:
        super().__init__()
        self.owners = owners
        self.running: list[str] = []  # boxes whose forward is running, outermost first
        self.edges: dict[tuple[str, str, bool], dict[Shape, None]] = {}
        self.read_inputs = False  # by the box that runs: what it gives is not made of weights alone
        self._origins: dict[int, tuple[Tensor, Origin]] = {}  # the tensor keeps its id its own

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

    def remember(self, tensor: Tensor, origin: Origin) -> None:
        """Where a tensor came from."""
        self._origins[id(tensor)] = (tensor, origin)

    def arrive(self, box: str, tensor: Tensor) -> None:
        """A tensor is read by a box."""
        origin = self._origin(tensor)
        raw = id(tensor) in self.owners
        self.read_inputs |= bool(origin and not origin.weights)
        for source, shapes in (origin.shapes if origin else {}).items():
            if source != box:
                self.edges.setdefault((source, box, raw), {}).update(shapes)

    def leave(self, box: str, given: Any, result: Any) -> None:
        """A box has been called from outside all boxes and gives its result."""
        read = [self._origin(tensor) for tensor in _tensors(given)]
        weights = not self.read_inputs and all(origin and origin.weights for origin in read)
        for tensor in _tensors(result):
            if id(tensor) not in self.owners:
                self.remember(tensor, Origin({box: {tuple(tensor.shape): None}}, weights))

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
                self.remember(tensor, Origin({box: {shape: None} for box in boxes}))
            return
        passed: dict[str, dict[Shape, None]] = {}
        for origin in origins:
            for box, shapes in origin.shapes.items():
                passed[box] = passed.get(box, {}) | shapes
        alone = len(given) == 1 and len(passed) == 1 and name not in REPEATS
        for tensor in made:
            now = {box: {tuple(tensor.shape): None} for box in passed} if alone else passed
            self.remember(tensor, Origin(now, len(own) == len(origins)))

    def _origin(self, tensor: Tensor) -> Origin | None:
        if box := self.owners.get(id(tensor)):
            return Origin({box: {tuple(tensor.shape): None}}, weights=True)
        return self._origins[id(tensor)][1] if id(tensor) in self._origins else None


def watch(twin: nn.Module, inside: dict[str, str], flow: Flow) -> dict[str, Call]:
    """Have a model tell when each of its modules, and each public method of a block, begins and ends.

    Returns:
        What each module was called with, filled in as it runs.
    """
    calls: dict[str, Call] = {}

    def begin(path: str) -> None:
        if path in inside:
            flow.read_inputs = flow.read_inputs and bool(flow.running)
            flow.running.append(inside[path])

    def end(path: str, given: Any, result: Any) -> None:
        if path in inside:
            box = flow.running.pop()
            if not flow.running:
                flow.leave(box, given, result)
        now = Call(_shapes(given), _shapes(result), 1)
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
class Call:
    """Shapes of the largest of a module's calls, and how many there were."""

    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    times: int

    def and_also(self, other: Call) -> Call:
        largest = max(self, other, key=lambda call: sum(map(math.prod, call.outputs)))
        return replace(largest, times=self.times + other.times)


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
