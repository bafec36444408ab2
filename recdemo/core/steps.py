"""How one answer is computed, step by step: the typed data, and the recorder that a forward pass tells its steps.

A model or block hands what it makes to `note`, which gives it back: ``weights = note("weights", softmax(scores), "softmax",
scores)``. While nobody records, that is all. Within `record`, in this thread alone, the step is put down: what was made, by
which operation, from which earlier steps (found by their memory, so that a view of a tensor is the tensor) and with which
parameters. A callable stands for what only a recording makes. Nothing here imports torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np

Operation = Literal[
    "input",  # given
    "lookup",  # read from tables; the sum of its parameters, where it has any
    "sum",  # each input summed over the axes that the output lacks; all of these, and parameters, added
    "mean",  # of one input over the axes that the output lacks
    "product",  # of the inputs, axis by axis
    "dot",  # the product of the first two inputs, summed over the axes that the output lacks; further inputs are added
    "weighted_sum",  # as dot: weights first, then what is weighed
    "matmul",  # as dot
    "scale",  # times the parameter `factor`
    "softmax",  # over the last axis
    "layer",  # W x + b, x the inputs side by side
    "network",  # what its own steps make: the value of the last
    "concat",  # the inputs side by side
    "part",  # the numbers from `start` to `stop` of the last axis
    "last",  # the last of the first axis; zero where there is none
    "pairs",  # Σ over pairs i < j of v_i ⊙ v_j, of the first axes of the inputs one after the other; times `factor`
    "pair_products",  # v_i ⊙ v_j of each pair: within the first input, within the second, then across, second by second
    "pair_layer",  # W [x, q, x − q, x ⊙ q] + b
    "relu_net",  # hᵀ ReLU(W x + b)
    "sigmoid_net",  # hᵀ σ(W x + b)
    "cross",  # x_0 (x · w) + b + x, of x_0 and x
    "cross_v2",  # x_0 ⊙ (W x + b) + x
    "convolution",  # windows of `size` rows of the inputs, one after the other, from row `start` to `stop`
    "strongest",  # the largest over the first axis, of a floor where there is one, and the bias
    "gated_layer",  # W (g ⊙ x) + b, x the inputs but the last side by side, g the last
    "fusion",  # w_1 · o_1, w_2 · o_2 and o_1 W_h o_2 of each head
    "solve",  # (Σ c q qᵀ + everything + pull I)⁻¹ Σ c q, scaled
    "rnn",
    "gru",
    "lstm",
    "augru",  # states of a GRU whose update gate is scaled by the second input
    "update_gates",  # of it, the mean
    "project",  # W x + b of each row of the inputs, times `factor`, cut into heads; `part` of several, `turned` by place
    "softmax_dot",  # softmax(q · k) over the last axis; `causal`: over what is not later; `scaled` by 1 / √d
    "attend",  # W [Σ a v of each head, side by side] + b
    "feed_forward",  # y + W_2 ReLU(W_1 LayerNorm(y) + b_1) + b_2, y the sum of the inputs
    "feed_forward_post",  # LayerNorm(y + W_2 ReLU(W_1 y + b_1) + b_2), y LayerNorm of the sum of the inputs
    "silu_project",  # SiLU(W LayerNorm(x)) of each row, its `part` of four, cut into heads
    "silu",  # SiLU(q · k + b) / how many films are looked at, b by how far apart two films are
    "gated",  # x + W (u ⊙ LayerNorm(Σ a v of each head, side by side)) + b, of x, a and v; u as a silu_project of x
    "norm",
    "batch_norm",
    "dice",
    "relu",
    "leaky_relu",
    "sigmoid",
    "tanh",
    "score",  # from the logit to what a list shows
]
LEAVES = ("input", "lookup")
MANY = 1000  # numbers of a step that JSON says in short
ANSWER = "logit"  # the id of the step whose value the model returns
Term = tuple[str, float]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Axis:
    """What one axis of a step's values counts: films by title, fields by name, or numbers without a name.

    `parts` are names and sizes of the stretches that stand side by side along it.
    """

    name: str
    size: int
    labels: tuple[str, ...] = ()
    movie_ids: tuple[int, ...] = ()
    parts: tuple[tuple[str, int], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """What there is of it, for JSON."""
        found: dict[str, Any] = {"name": self.name, "size": self.size}
        for name in ("labels", "movie_ids", "parts"):
            if value := getattr(self, name):
                found[name] = list(map(list, value)) if name == "parts" else list(value)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One operation of an answer.

    Args:
        id: unique; a step folded into another is called ``parent.id``.
        name: for people.
        symbol: LaTeX of the value.
        formula: LaTeX of the operation.
        operation: which.
        inputs: ids of the steps read.
        parent: id of the step that this one is folded into; empty at the top.
        axes: of the values.
        values: what was made.
        says: one plain sentence.
        parameters: weights and constants of the operation, by name.
        sums: for each cell, in row-major order, the terms that add up to it, the largest first; empty where a cell is no sum.
    """

    id: str
    name: str
    symbol: str
    formula: str
    operation: Operation
    inputs: tuple[str, ...]
    parent: str
    axes: tuple[Axis, ...]
    values: np.ndarray
    says: str
    parameters: Mapping[str, np.ndarray] = field(default_factory=dict)
    sums: tuple[tuple[Term, ...], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON: numbers to six significant digits; more than a thousand of them to a thousandth of the largest; no parameters.

        Where a folded step only brings so many to one size, or adds them up by weights that stand there too, they are None.
        """
        many = self.values.size > MANY
        hidden = many and self.parent and self.operation in ("norm", "attend")
        names = ("id", "name", "symbol", "formula", "operation", "parent", "says")
        found: dict[str, Any] = {name: getattr(self, name) for name in names}
        found["inputs"] = list(self.inputs)
        found["axes"] = [axis.as_dict() for axis in self.axes]
        found["values"] = None if hidden else _short(self.values)
        if self.sums:
            found["sums"] = [[[label, _digits(x)] for label, x in cell] for cell in self.sums]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """One answer as it was computed: the steps to the logit of one film, and the last to the figure that a list shows."""

    model: str
    title: str
    objective: str
    movie_id: int
    film: str
    logit: float
    score: float
    score_name: str
    steps: tuple[Step, ...]

    def __getitem__(self, step: str) -> Step:
        return next(one for one in self.steps if one.id == step)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        names = ("model", "title", "objective", "movie_id", "film", "logit", "score", "score_name")
        return {name: getattr(self, name) for name in names} | {
            "steps": [step.as_dict() for step in self.steps]
        }


def _short(values: np.ndarray) -> Any:
    if values.size > MANY:
        largest = float(np.abs(values).max())
        places = 2 - math.floor(math.log10(largest)) if largest else 0
        return _nested(np.round(values, places).tolist(), lambda value: value)
    return _nested(values.tolist(), _digits)


def _nested(value: Any, short: Callable[[float], float]) -> Any:
    if isinstance(value, list):
        return [_nested(one, short) for one in value]
    made = short(value)
    return int(made) if made.is_integer() else made


def _digits(value: float) -> float:
    return float(f"{value:.6g}")


@dataclass(slots=True)
class Note:
    """What a forward pass said of a step. Values and parameters are whatever it works with."""

    value: Any
    operation: Operation
    inputs: list[str]
    parent: str
    labels: Sequence[Any]
    parameters: dict[str, Any]


class Tape:
    """The steps of one forward pass, in order; a step that opens stands after those folded into it."""

    def __init__(self) -> None:
        self.notes: dict[str, Note] = {}
        self._made_by: dict[tuple[int, int], str] = {}  # memory → id
        self._kept: list[Any] = []  # so that no memory is used twice
        self._opened: list[str] = []
        self._waiting: dict[str, str] = {}  # steps that have opened and have no value yet
        self._latest: dict[str, str] = {}  # of several by one name

    def add(
        self,
        id: str,
        value: Any,
        operation: Operation,
        inputs: Sequence[Any],
        labels: Sequence[Any],
        parameters: dict[str, Any],
    ) -> None:
        """See `note`."""
        waiting = self._waiting.pop(self._path(id), "")
        found = [
            self._named(one, waiting) if isinstance(one, str) else self.maker(one) for one in inputs
        ]
        own = waiting or self._free(id)
        parent = self._opened[-1] if self._opened else ""
        self.notes[own] = Note(value, operation, found, parent, labels, parameters)
        self._remember(value, own)

    def alias(self, value: Any, source: Any) -> None:
        """See `same`."""
        if maker := self._named(source) if isinstance(source, str) else self.maker(source):
            self._remember(value, maker)

    def maker(self, value: Any) -> str:
        """The id of the step that made a tensor; empty where none did."""
        return self._made_by.get(_memory(value), "")

    def open(self, id: str) -> None:
        """From here on steps are folded into one that will be noted after `close`."""
        own = self._free(id)
        self._waiting[self._path(id)] = own
        self._opened.append(own)

    def close(self) -> None:
        """See `open`."""
        self._opened.pop()

    def _remember(self, value: Any, own: str) -> None:
        self._kept.append(value)
        self._made_by[_memory(value)] = own

    def _path(self, id: str) -> str:
        return f"{self._opened[-1]}.{id}" if self._opened else id

    def _free(self, id: str) -> str:
        path, number = self._path(id), 2
        own = path
        while own in self.notes or own in self._waiting.values():
            own = f"{path}_{number}"
            number += 1
        self._latest[path] = own
        return own

    def _named(self, id: str, within: str = "") -> str:
        """The latest step of that name, within a step, beside those that are noted now, or around them."""
        around = [f"{step}." for step in (within, *reversed(self._opened)) if step] + [""]
        return next((self._latest[a + id] for a in around if a + id in self._latest), "")


def _memory(value: Any) -> tuple[int, int]:
    return value.data_ptr(), value.numel()


_TAPE: ContextVar[Tape | None] = ContextVar("tape", default=None)


@contextmanager
def record() -> Iterator[Tape]:
    """The steps that this thread notes within."""
    tape = Tape()
    token = _TAPE.set(tape)
    try:
        yield tape
    finally:
        _TAPE.reset(token)


@contextmanager
def unrecorded() -> Iterator[None]:
    """Nothing is noted within: for what is tried over and over on the way to a step."""
    token = _TAPE.set(None)
    try:
        yield
    finally:
        _TAPE.reset(token)


def note(
    id: str,
    value: Value,
    operation: Operation,
    *inputs: Any,
    labels: Sequence[Any] = (),
    by: Any = None,
    **parameters: Any,
) -> Value:
    """A step, if somebody records; its value in any case.

    Args:
        id: what it is called in `recdemo.answers.step_words`.
        value: what was made; or a callable for what only a recording makes.
        operation: how.
        inputs: the tensors it was made from, or the ids of their steps.
        labels: of its first axis, fields or pairs of fields, where no input has them.
        by: a module whose weights are the parameters.
        parameters: weights and constants; callables for what only a recording makes.
    """
    tape = _TAPE.get()
    if tape is not None:
        made = value() if callable(value) else value
        given = dict(by.state_dict()) if by is not None else {}
        given |= {name: x() if callable(x) else x for name, x in parameters.items()}
        tape.add(id, made, operation, inputs, labels, given)
    return value


def same(value: Value, source: Any) -> Value:
    """`value`, which is what `source` is, a tensor or the id of a step, or its rows that are asked about, in other memory."""
    tape = _TAPE.get()
    if tape is not None:
        tape.alias(value, source)
    return value


class folded:  # noqa: N801 – reads as a statement
    """``with folded("head"):`` what is noted within is folded into the step "head", which is noted next."""

    __slots__ = ("id", "tape")

    def __init__(self, id: str) -> None:
        self.id, self.tape = id, _TAPE.get()

    def __enter__(self) -> None:
        if self.tape is not None:
            self.tape.open(self.id)

    def __exit__(self, *_: object) -> None:
        if self.tape is not None:
            self.tape.close()


def opened(id: str, make: Callable[..., Value], *inputs: Any) -> Value:
    """``make(*inputs)`` as one step that opens: what it notes is folded into it."""
    with folded(id):
        made = make(*inputs)
    return note(id, made, "network", *inputs)
