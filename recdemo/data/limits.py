"""How much of a person's own file is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from recdemo.core.errors import DataError

MAX_BYTES = 50_000_000
MAX_ROWS = 1_000_000
MAX_COLUMNS = 100
MAX_CELL = 1_000  # characters of a cell that is used
MAX_CELLS = 20_000_000  # of a Parquet or JSON file, whose size says little
MAX_TEXT = 100_000_000  # bytes of all texts of a Parquet file together, as of a CSV's that is read
MAX_UNPACKED = 200_000_000  # bytes of a Parquet file as it says itself
MAX_RATINGS = 10_000_000  # of a saved data set
UNPACK_MEMORY = 220_000_000  # bytes to unpack a Parquet file with, beside its own and what Python and pyarrow take
UNPACK_SECONDS = 10  # of the processor
UNPACK_WAIT = 120.0  # seconds by the clock
MAX_ANSWER = 500_000_000  # bytes of all that is unpacked: ten million ratings of four numbers, or cells with their texts
SHOWN = 20  # problems named; the others are counted
LOOKED_AT = 20  # rows and values that it is guessed from how a file is written
NOTHING = "is empty; choose a file with a header and ratings"


def check_file(path: Path) -> None:
    """Refuse what is there and neither a file nor a folder: a device may never end, and a pipe never begin.

    Raises:
        DataError: it is.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise DataError(f"{path} is a device or a pipe, not a file; copy what it gives to a file")


def check_size(name: str, size: int) -> None:
    if size > MAX_BYTES:
        raise DataError(
            f"{name} has {size:,} bytes, more than the limit of {MAX_BYTES:,}; leave out columns or users"
        )


def distinct(
    name: str, columns: Sequence[str], where: str = ""
) -> tuple[list[str], tuple[str, ...]]:
    """Columns by names that tell them apart, and a sentence for each that got another; too many are refused.

    `where` follows the name of the file.
    """
    if len(columns) > MAX_COLUMNS:
        raise DataError(
            f"{name} has {len(columns):,} columns, more than the limit of {MAX_COLUMNS}; leave out those of no use"
        )
    found: list[str] = []
    notes = []
    for place, column in enumerate(columns, start=1):
        called = column or f"column {place}"
        again = 1
        while called in found:
            again += 1
            called = f"{column or f'column {place}'} ({again})"
        if again > 1:
            notes.append(f"Another column is named {column!r} too, and is called {called!r} here.")
        found.append(called)
    return found, tuple(notes)
