"""Parquet files unpacked where no harm is done: in a small process of its own, with limits of memory and time.

pyarrow makes room for a page by what the page says, and ends the process over some kinds of damage. So ``python -m
recdemo.data.unpack`` does here what `recdemo.data.parquet` asks of it, and is all that a file can bring down. It imports neither
pandas nor torch, so that it starts in .3 s.

It is asked by a line of JSON (`Order`) and the bytes of the file. It answers a line of JSON for each column, ``{"column":
name}``, and the column as an Arrow stream; then ``{"left_out": what}`` where that column cannot be read after all. The last line is
``{"done": true}``, or ``{"refused": a sentence}``. Then it may be asked again.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import IO, Any

import pyarrow as pa

from recdemo.core.errors import DataError
from recdemo.data.parquet_columns import READERS, Column, Event, Kind, refusal


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked.

    Args:
        kind: as which the columns are read, see `recdemo.data.parquet_columns`.
        name: of the file, for messages.
        size: of the file, in bytes.
        memory: bytes that may be taken beside the file's own.
        seconds: of the processor that it may take.
    """

    kind: Kind
    name: str
    size: int
    memory: int
    seconds: int

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


def main() -> None:
    """Answer until nothing more is asked, or nobody listens."""
    import pyarrow.parquet  # noqa: F401  # what it takes is no file's

    asked, out = sys.stdin.buffer, sys.stdout.buffer
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    held = _held()
    with suppress(BrokenPipeError):
        _say(out, ready=True)
        while line := asked.readline():
            order = Order(**json.loads(line))
            _limit(order, held)
            _say(out, **_answered(order, asked, out))


def _answered(order: Order, asked: IO[bytes], out: IO[bytes]) -> dict[str, Any]:
    """Write the columns; gives the last line."""
    try:
        raw = asked.read(order.size)
        _write(out, READERS[order.kind](order.name, raw))
    except DataError as error:
        return {"refused": str(error)}
    except MemoryError:
        return {"refused": str(too_much(order))}
    return {"done": True}


def too_much(order: Order) -> DataError:
    """What is said of a file that takes more memory than it may."""
    return refusal(
        order.kind,
        order.name,
        f"takes more than {order.memory / 1e6:,.0f} MB of memory to unpack",
        "leave out columns, or save it with smaller row groups",
    )


def _write(out: IO[bytes], events: Iterable[Event]) -> None:
    writer = None
    try:
        for event in events:
            if isinstance(event, pa.Array):
                assert writer is not None
                writer.write_batch(pa.record_batch([event], ["column"]))
                continue
            if writer is not None:
                writer.close()
                writer = None
            if isinstance(event, Column):
                _say(out, column=event.name)
                writer = pa.ipc.new_stream(out, pa.schema([("column", event.type)]))
            else:
                _say(out, left_out=event.what)
    finally:
        if writer is not None:
            writer.close()


def _say(out: IO[bytes], **what: object) -> None:
    out.write(json.dumps(what).encode() + b"\n")
    out.flush()


def _held() -> int | None:
    """Bytes of memory of its own to write in that this process holds (Linux only)."""
    with suppress(OSError, ValueError, StopIteration), open("/proc/self/status") as lines:
        said = next(line for line in lines if line.startswith("VmData:"))
        return int(said.split()[1]) * 1024
    return None


def _limit(order: Order, held: int | None) -> None:
    """No more memory and time than the order allows, as far as the system can: Linux both, macOS time, Windows neither."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = math.ceil(used.ru_utime + used.ru_stime) + order.seconds
    limited = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_CPU, seconds)]
    if held is not None:
        limited.append((resource.RLIMIT_DATA, held + order.size + order.memory))
    for kind, most in limited:
        hard = resource.getrlimit(kind)[1]
        with suppress(OSError, ValueError):  # a limit set from outside may be lower
            resource.setrlimit(kind, (most, hard))


if __name__ == "__main__":
    main()
