"""A person's own file as a table of text: whatever it holds, a `Table` or a clear `DataError`.

Nothing is interpreted here but encoding, separators and packing; `recdemo.data.own` says what the columns mean.
"""

from __future__ import annotations

import gzip
import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from recdemo.core.errors import DataError
from recdemo.data import limits
from recdemo.data.delimited import read_delimited
from recdemo.data.limits import NOTHING, SHOWN
from recdemo.data.parquet import Unpacker, read_parquet
from recdemo.data.records import read_records

__all__ = ["SHOWN", "SUFFIXES", "Problem", "Table", "is_table", "read_table"]

Kind = Literal["csv", "json", "parquet"]
SUFFIXES: dict[str, Kind] = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".txt", ".dat", ".data", ".inter"), "csv"),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), "json"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
}
PACKED = ".gz"
_PARQUET, _GZIP, _ZIP = b"PAR1", b"\x1f\x8b", b"PK\x03\x04"

# What a file begins with that is no CSV, and the way out.
_OTHERS = {
    _PARQUET: "is a Parquet file; read it as Parquet",
    _ZIP: "is a zip or an Excel file; unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "is an old Excel file; save the sheet as CSV",
    b"SQLite format 3": "is a database; export the table of ratings as CSV",
    b"%PDF": "is a PDF; export the ratings as CSV",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the file that cannot be used as it is.

    Args:
        text: what is wrong, with the value and the way out.
        row: as a spreadsheet counts, the header being row 1; of a Parquet or JSON file, or one without
            a header, the first row is 1; None for what is no row's fault.
    """

    text: str
    row: int | None = None

    def __str__(self) -> str:
        return self.text if self.row is None else f"row {self.row:,}: {self.text}"


@dataclass(frozen=True, slots=True)
class Table:
    """What a file holds.

    Args:
        name: of the file, for messages.
        frame: text columns; the index is each row's number as `Problem.row` counts. A cell without a value
            is an empty text.
        notes: what was guessed or left out, one sentence each.
        ragged: the first rows with more or fewer cells than the header; none of these is in `frame`.
        ragged_count: how many there are.
        header: whether the columns have names of their own.
    """

    name: str
    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    ragged: tuple[Problem, ...] = ()
    ragged_count: int = 0
    header: bool = True


def read_table(
    source: bytes | str | Path,
    kind: Kind | None = None,
    *,
    name: str = "",
    unpacker: Unpacker | None = None,
) -> Table:
    """Read a file, or its content.

    Args:
        source: content, or path.
        kind: left out, the content decides, or else the ending of its name.
        name: for messages; a path's own name if left out.
        unpacker: of Parquet, where more files are read; None for one of its own.

    Raises:
        DataError: it cannot be read, is empty or over a limit; names the row where there is one.
    """
    raw: bytes
    if isinstance(source, bytes | bytearray | memoryview):
        raw, name = bytes(source), name or "the file"
    else:
        path = Path(source)
        name = name or path.name
        try:
            limits.check_file(path)
            limits.check_size(name, path.stat().st_size)
            raw = path.read_bytes()
        except OSError as error:
            raise DataError(f"{path} cannot be read ({error.strerror or error})") from error
    limits.check_size(name, len(raw))
    if raw.startswith(_GZIP):
        raw = _unpacked(name, raw)
    if not raw.strip():
        raise DataError(f"{name} {NOTHING}")
    table = _read(name, raw, kind or _kind_of(name, raw), unpacker)
    if table.frame.empty and not table.ragged:
        raise DataError(f"{name} holds a header and no ratings; add a row for each rating")
    return table


def is_table(path: Path) -> bool:
    """Whether a path leads to a file that is to be read as a table: any but a zip, whatever its name ends with."""
    if not path.is_file() or path.suffix.lower() == ".zip":
        return False
    if kind_named(path.name):
        return True
    with path.open("rb") as file:
        return file.read(len(_ZIP)) != _ZIP


def kind_named(name: str) -> Kind | None:
    """What the ending of a file's name says, ``.gz`` behind it or not."""
    return SUFFIXES.get(Path(name.lower().removesuffix(PACKED)).suffix)


def _kind_of(name: str, raw: bytes) -> Kind:
    """What the content says, or else the name."""
    if raw.startswith(_PARQUET):
        return "parquet"
    begins = raw[:200].removeprefix(b"\xef\xbb\xbf").split()[:2]
    if begins and (begins[0].startswith((b"{", b"[{")) or begins[0] == b"["):
        return "json"
    return "json" if kind_named(name) == "json" else "csv"


def _read(name: str, raw: bytes, kind: Kind, unpacker: Unpacker | None) -> Table:
    if kind == "parquet":
        return Table(name, *read_parquet(name, raw, unpacker))
    for start, problem in _OTHERS.items():
        if raw.startswith(start):
            raise DataError(f"{name} {problem}")
    if kind == "json":
        return Table(name, *read_records(name, raw))
    rows = read_delimited(name, raw)
    ragged = tuple(Problem(text, row) for row, text in rows.ragged)
    return Table(name, rows.frame, rows.notes, ragged, rows.ragged_count, rows.header)


def _unpacked(name: str, raw: bytes) -> bytes:
    """What a gzip file holds, as far as it may be read."""
    try:
        with gzip.open(io.BytesIO(raw)) as file:
            unpacked = file.read(limits.MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name} is not a whole gzip file ({error}); pack it again") from error
    if len(unpacked) > limits.MAX_BYTES:
        raise DataError(
            f"{name} unpacks to more than {limits.MAX_BYTES:,} bytes, which are the limit; leave out columns or users"
        )
    return unpacked
