"""A person's own Parquet file as columns of text, whatever it holds, or a clear `DataError`.

A small file can hold much: a text repeated a million times is packed to nothing. So what it says of itself is looked at
first, and then it is read column by column, some rows at a time, until there is more text than may be.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recdemo.core.errors import DataError
from recdemo.data import limits

_TEXTS = (pa.string(), pa.large_string())
_READ_AS_TEXTS = (*_TEXTS, pa.string_view())
_PLAIN = (
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_temporal,
    pa.types.is_null,
)
BATCH = 20_000  # rows read at a time


def read_parquet(name: str, raw: bytes) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Columns as in `recdemo.data.table.Table.frame`, and what was left out, in sentences."""
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(raw))
        _check_parquet(name, file)
        schema = file.schema_arrow
        flat = [field for field in schema if _is_flat(field.type)]
        texts = [field.name for field in flat if field.type in _READ_AS_TEXTS]
        # Texts as dictionaries, so that a long one repeated a million times stays one until it is counted.
        file = pq.ParquetFile(io.BytesIO(raw), read_dictionary=texts)
        left_out = [f"{field.name} ({field.type})" for field in schema if field not in flat]
        columns: dict[str, Any] = {}
        size = 0
        for field in flat:
            try:
                columns[field.name], size = _text(name, file, field.name, size)
            except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
                left_out.append(f"{field.name} ({field.type})")
        return _framed(name, columns, left_out)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{name} is not a whole Parquet file ({reason}); save it again") from error


def _check_parquet(name: str, file: Any) -> None:
    facts = file.metadata
    columns = list(file.schema_arrow.names)
    if facts.num_rows > limits.MAX_ROWS:
        raise DataError(f"{name} has {facts.num_rows:,} rows, {limits.MAX_ROWS:,} are the limit")
    limits.distinct(name, columns)
    cells = facts.num_rows * len(columns)
    if cells > limits.MAX_CELLS:
        raise DataError(
            f"{name} has {cells:,} cells, {limits.MAX_CELLS:,} are the limit; leave out columns"
        )
    # Not column by column: where the facts of one are damaged, pyarrow ends the process.
    groups = map(facts.row_group, range(facts.num_row_groups))
    unpacked = sum(group.total_byte_size for group in groups)
    if unpacked > limits.MAX_UNPACKED:
        raise DataError(
            f"{name} unpacks to {unpacked:,} bytes, {limits.MAX_UNPACKED:,} are the limit; leave out columns"
        )


def _is_flat(kind: pa.DataType) -> bool:
    """Text, a number, a time or a truth: what can be read without becoming much.

    Other kinds, such as bytes, lists and those that a library has added, can repeat a long value a million times in full.
    """
    if pa.types.is_dictionary(kind):
        return kind.value_type != pa.string_view() and _is_flat(kind.value_type)
    return kind in _READ_AS_TEXTS or any(test(kind) for test in _PLAIN)


def _text(name: str, file: Any, column: str, size: int) -> tuple[Any, int]:
    """A column as text, and how many bytes of text there are with it.

    Raises:
        DataError: they are too many.
    """
    chunks = []
    for batch in file.iter_batches(BATCH, columns=[column], use_threads=False):
        batch.validate(full=True)  # a damaged file may point beyond its dictionary
        values = batch.column(0)
        if pa.types.is_dictionary(values.type) and values.type.value_type in _TEXTS:
            # Of very long ones the beginning: what is cut is still too long to be used.
            short = pc.utf8_slice_codeunits(values.dictionary, 0, limits.MAX_CELL + 1)
            short = pc.utf8_trim_whitespace(short)
            size = _counted(name, column, pc.binary_length(short).take(values.indices), size)
            text = pa.DictionaryArray.from_arrays(values.indices, short).cast(pa.large_string())
        else:
            text = pc.utf8_trim_whitespace(values.cast(pa.large_string()))
            size = _counted(name, column, pc.binary_length(text), size)
        chunks.append(pc.fill_null(text, "") if text.null_count else text)
    return pa.chunked_array(chunks, pa.large_string()), size


def _counted(name: str, column: str, lengths: Any, before: int) -> int:
    total = before + (pc.sum(lengths).as_py() or 0)
    if total > limits.MAX_TEXT:
        raise DataError(
            f"{name}: up to column {column!r} it holds {total:,} bytes of text, {limits.MAX_TEXT:,} are the limit; leave out "
            "columns, or rows"
        )
    return int(total)


def _framed(
    name: str, columns: dict[str, Any], left_out: list[str]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    notes = (f"Columns of other kinds are left out: {', '.join(left_out)}.",) if left_out else ()
    names, more = limits.distinct(name, list(columns))
    kind = pd.StringDtype("pyarrow", na_value=np.nan)
    found = pa.table(list(columns.values()), names)
    frame = found.to_pandas(types_mapper=lambda _: kind) if columns else pd.DataFrame()
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return frame.astype("str"), notes + more
