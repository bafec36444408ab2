"""The recorder that a forward pass tells its steps.

A model or block hands what it makes to `note`, which gives it back: ``weights = note("weights", softmax(scores), "softmax",
scores)``. While nobody records, that is all. Within `record`, in this thread alone, the step is put down: what was made, by
which operation, from which earlier steps (found by their memory, so that a view of a tensor is the tensor) and with which
parameters. A callable stands for what only a recording makes. Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from recdemo.core.steps import Operation

Value = TypeVar("Value")


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
        with unrecorded():
            made = value() if callable(value) else value
            given = dict(by.state_dict()) if by is not None else {}
            given |= {name: x() if callable(x) else x for name, x in parameters.items()}
        tape.add(id, made, operation, inputs, labels, given)
    return value


def same(value: Value, source: Any) -> Value:
    """Tell the recording that `value` holds what `source` does, whole or in part, in other memory; gives `value` back.

    `source` is a tensor that was noted, or the id of its step.
    """
    tape = _TAPE.get()
    if tape is not None:
        tape.alias(value, source)
    return value


def is_recorded() -> bool:
    """Whether somebody records, in this thread."""
    return _TAPE.get() is not None


def again(make: Callable[[], object]) -> None:
    """Within a recording, make for the film asked about what was made ahead for all, so that its steps are noted."""
    if _TAPE.get() is not None:
        make()


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
