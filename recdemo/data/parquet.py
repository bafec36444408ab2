"""A person's own Parquet file as columns of text, whatever it holds, or a clear `DataError`."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recdemo.data import limits
from recdemo.data.dataset import DataError

_TEXTS = (pa.string(), pa.large_string())


def read_parquet(name: str, raw: bytes) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Columns as in `recdemo.data.table.Table.frame`, and what was left out, in sentences."""
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(raw))
        _check_parquet(name, file)
        schema = file.schema_arrow
        flat = [field for field in schema if _is_flat(field.type)]
        texts = [field.name for field in flat if field.type in _TEXTS]
        # Texts as dictionaries, so that a long one repeated a million times stays one.
        file = pq.ParquetFile(io.BytesIO(raw), read_dictionary=texts)
        table = file.read(columns=[field.name for field in flat], use_threads=False)
        left_out = [f"{field.name} ({field.type})" for field in schema if field not in flat]
        return _text_columns(name, table, left_out)
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


def _is_flat(kind: pa.DataType) -> bool:
    """Text, a number, a time or a truth."""
    of_bytes = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    return not (pa.types.is_nested(kind) or any(test(kind) for test in of_bytes))


def _text_columns(
    name: str, table: Any, left_out: list[str]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Every column as text; what has no text is left out, with a note."""
    columns: list[tuple[str, Any]] = []
    for column, values in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_dictionary(values.type) and values.type.value_type in _TEXTS:
            values = pa.chunked_array([_cut(chunk) for chunk in values.chunks], values.type)
            _check_texts(name, column, values.chunks)
        try:
            text = pc.fill_null(values.cast(pa.string()), "")
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
            left_out.append(f"{column} ({values.type})")
            continue
        columns.append((column, pc.utf8_trim_whitespace(text)))
    notes = (f"Columns of other kinds are left out: {', '.join(left_out)}.",) if left_out else ()
    names, more = limits.distinct(name, [column for column, _ in columns])
    found = pa.table([text for _, text in columns], names)
    frame = found.to_pandas() if columns else pd.DataFrame()
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return frame.astype("str"), notes + more


def _cut(chunk: Any) -> Any:
    """Texts, of very long ones the beginning: what is cut is still too long to be used."""
    short = pc.utf8_slice_codeunits(chunk.dictionary, 0, limits.MAX_CELL + 1)
    return pa.DictionaryArray.from_arrays(chunk.indices, short)


def _check_texts(name: str, column: str, chunks: Any) -> None:
    """That a column's texts are not too many."""
    lengths = (pc.sum(pc.binary_length(one.dictionary).take(one.indices)).as_py() for one in chunks)
    total = sum(length or 0 for length in lengths)
    if total > limits.MAX_TEXT:
        raise DataError(
            f"{name}: column {column!r} holds {total:,} bytes of text, {limits.MAX_TEXT:,} are the limit; leave it out"
        )
