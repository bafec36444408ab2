"""How much of a person's own file is read."""

from __future__ import annotations

from collections.abc import Sequence

from recdemo.data.dataset import DataError

MAX_BYTES = 50_000_000
MAX_ROWS = 1_000_000
MAX_COLUMNS = 100
MAX_CELL = 1_000  # characters
MAX_CELLS = 20_000_000  # of a Parquet file, whose size says little
MAX_TEXT = 200_000_000  # bytes of one of its columns


def check_size(name: str, size: int) -> None:
    if size > MAX_BYTES:
        raise DataError(
            f"{name} has {size:,} bytes, {MAX_BYTES:,} are the limit; leave out columns or users"
        )


def check_columns(name: str, columns: Sequence[str], where: str = "") -> None:
    """That columns are neither too many nor named alike; `where` follows the name of the file."""
    if len(columns) > MAX_COLUMNS:
        raise DataError(f"{name} has {len(columns):,} columns, {MAX_COLUMNS} are the limit")
    for column in columns:
        if columns.count(column) > 1:
            raise DataError(f"{name}{where}: two columns are named {column!r}; rename one")
