"""Parquet files from outside, unpacked by a process of their own, so that this one keeps its memory and its life.

`recdemo.data.unpack` is what that process does; whatever becomes of it, there are columns here or a clear `DataError`.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from recdemo.core.errors import DataError
from recdemo.core.places import environment
from recdemo.data import limits
from recdemo.data.parquet_columns import Column, Event, Kind, LeftOut, not_whole, refusal
from recdemo.data.unpack import Order

COMMAND = (sys.executable, "-m", "recdemo.data.unpack")
_LONGEST = 1_000_000  # bytes of a line of the answer
_FAULTS = (OSError, EOFError, ValueError, TypeError, KeyError, pa.ArrowException)


@dataclass(frozen=True, slots=True)
class Columns:
    """What a file holds, column by column, and what is left out of it, as a sentence names it."""

    found: dict[str, pa.ChunkedArray] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


class Unpacker:
    """A process that unpacks files. It starts with the first one, and is ended by the end of the block around it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Unpacker:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def unpack(self, kind: Kind, name: str, raw: bytes) -> Columns:
        """The columns of a file.

        Args:
            kind: as which they are read, see `recdemo.data.parquet_columns.READERS`.
            name: for messages.
            raw: the content of the file.

        Raises:
            DataError: it is not whole, over a limit, or brought the process to its end.
        """
        order = Order(kind, name, len(raw), limits.UNPACK_MEMORY, limits.UNPACK_SECONDS)
        process = self._process or self._started(name)
        with _patience(process) as late:
            try:
                return gathered(_answered(process, order, raw))
            except _FAULTS as error:
                raise _reason(order, self._end(), error, late.is_set()) from error

    def _started(self, name: str) -> subprocess.Popen[bytes]:
        settings = environment(ARROW_DEFAULT_MEMORY_POOL="system", OMP_NUM_THREADS="1")
        problem = "cannot be unpacked: the process for it did not start"
        try:
            process = subprocess.Popen(
                COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=settings,
            )
        except OSError as error:
            raise DataError(f"{name} {problem} ({error.strerror}); try again later") from error
        self._process = process
        try:
            with _patience(process):
                if not _line(process).get("ready"):
                    raise ValueError("it says something else first")
        except _FAULTS as error:
            way_out = "'python -m recdemo.data.unpack' says why"
            raise DataError(f"{name} {problem} (exit status {self._end()}); {way_out}") from error
        return process

    def _end(self) -> int | None:
        """End the process, if there is one; gives its exit status."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.kill()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):  # it may not have taken all
                pipe.close()  # type: ignore[union-attr]
        return process.wait()


def gathered(events: Iterable[Event]) -> Columns:
    """The columns that are told of one after the other."""
    types: dict[str, pa.DataType] = {}
    arrays: dict[str, list[pa.Array]] = {}
    left_out: list[str] = []
    column = ""
    for event in events:
        if isinstance(event, Column):
            column = event.name
            types[column], arrays[column] = event.type, []
        elif isinstance(event, LeftOut):
            del arrays[column]
            left_out.append(event.what)
        else:
            arrays[column].append(event)
    found = {name: pa.chunked_array(parts, types[name]) for name, parts in arrays.items()}
    return Columns(found, left_out)


def read_parquet(
    name: str, raw: bytes, unpacker: Unpacker | None = None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Columns as in `recdemo.data.table.Table.frame`, and what was left out, in sentences.

    Args:
        name: for messages.
        raw: the content of the file.
        unpacker: that of a block in which more files are read; None for one of its own.

    Raises:
        DataError: it is not whole, or over a limit.
    """
    if unpacker is None:
        with Unpacker() as own:
            return read_parquet(name, raw, own)
    columns = unpacker.unpack("texts", name, raw)
    left_out = f"Columns of other kinds are left out: {', '.join(columns.left_out)}."
    names, more = limits.distinct(name, list(columns.found))
    kind = pd.StringDtype("pyarrow", na_value=np.nan)
    try:
        found = pa.table(list(columns.found.values()), names)
    except pa.ArrowInvalid as error:  # columns of different lengths
        raise refusal("texts", name, not_whole(error)) from error
    frame = found.to_pandas(types_mapper=lambda _: kind) if names else pd.DataFrame()
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return frame.astype("str"), (*[left_out] * bool(columns.left_out), *more)


def _answered(process: subprocess.Popen[bytes], order: Order, raw: bytes) -> Iterator[Event]:
    """What the process answers, checked, since it may be damaged itself."""
    assert process.stdin is not None
    process.stdin.write(order.line())
    process.stdin.write(raw)
    process.stdin.flush()
    size = 0
    while "done" not in (said := _line(process)):
        if "refused" in said:
            raise DataError(said["refused"])
        if "left_out" in said:
            yield LeftOut(said["left_out"])
            continue
        with pa.ipc.open_stream(process.stdout) as column:
            yield Column(said["column"], column.schema.field(0).type)
            for batch in column:
                batch.validate(full=True)
                size += batch.nbytes
                if size > limits.MAX_ANSWER:
                    raise ValueError("it holds more than it may")
                yield batch.column(0)


def _line(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    if not (line := process.stdout.readline(_LONGEST)):
        raise EOFError
    said = json.loads(line)
    if not isinstance(said, dict):
        raise ValueError(said)
    return said


@contextmanager
def _patience(process: subprocess.Popen[bytes]) -> Iterator[threading.Event]:
    """Ends a process that takes too long; gives whether it was."""
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(limits.UNPACK_WAIT, end)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _reason(order: Order, status: int | None, error: Exception, late: bool) -> DataError:
    """Why there is no answer; `status` is how the process ended: minus the signal, if it was one."""
    code = -(status or 0)
    if late or code == getattr(signal, "SIGXCPU", None):
        seconds = limits.UNPACK_WAIT if late else order.seconds
        problem = f"takes more than {seconds:.0f} s to unpack"
        return refusal(order.kind, order.name, problem, "leave out columns, or rows")
    how = signal.Signals(code).name if code in set(signal.Signals) else f"exit status {status}"
    told = f"unpacking it ended with {how}" if isinstance(error, EOFError | OSError) else error
    return refusal(order.kind, order.name, not_whole(told))
