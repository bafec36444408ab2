"""What a Parquet file holds, column by column, as what it is or as text, or a clear `DataError`; no memory is safe from it.

So it is called where that does no harm, see `recdemo.data.unpack`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from recdemo.core.errors import DataError
from recdemo.data import limits
from recdemo.data.archive import MAX_RATIO, RATIO_FROM

Kind = Literal["texts", "ratings"]
BATCH = 20_000  # rows read at a time
LONG_BATCH = 250  # of texts, each of which may be long
JOINED = 4_000_000  # bytes of text that are handed on together

_TEXTS = (pa.string(), pa.large_string(), pa.string_view())
_PLAIN = (
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_temporal,
    pa.types.is_null,
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column begins; its arrays follow."""

    name: str
    type: pa.DataType


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The column begun last is none after all; `what` is how a sentence names it."""

    what: str


@dataclass(slots=True)
class _Size:
    """Bytes of the text of a file, up to where it has been read."""

    name: str
    total: int = 0

    def add(self, column: str, lengths: pa.Array) -> None:
        """Count the bytes of some rows.

        Raises:
            DataError: they are too many.
        """
        self.total += pc.sum(lengths).as_py() or 0
        if self.total > limits.MAX_TEXT:
            raise DataError(
                f"{self.name}: up to column {column!r} it holds {self.total:,} bytes of text, more than the limit of {limits.MAX_TEXT:,}; "
                "leave out columns, or rows"
            )


Event: TypeAlias = "Column | LeftOut | pa.Array"


def texts(name: str, raw: bytes) -> Iterator[Event]:
    """A person's own file, each flat column as text (large_string), without nulls.

    A small file can hold much: a text repeated a million times is packed to nothing. So what it says of itself is looked at
    first, and then it is read column by column, some rows at a time, until there is more text than may be.

    Raises:
        DataError: it is not whole, or over a limit.
        MemoryError: of the system.
    """
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(raw))
        _check_sizes(name, file)
        schema = file.schema_arrow
        flat = [field for field in schema if _is_flat(field.type)]
        for field in schema:
            if field not in flat:
                yield Column(field.name, pa.large_string())
                yield LeftOut(f"{field.name} ({field.type})")
        size = _Size(name)
        for field in flat:
            yield Column(field.name, pa.large_string())
            rows = LONG_BATCH if field.type in _TEXTS else BATCH
            batches = _batches(file, field.name, rows)
            try:
                yield from _joined(_text(field.name, values, size) for values in batches)
            except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
                yield LeftOut(f"{field.name} ({field.type})")
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise refusal("texts", name, not_whole(error)) from error


def ratings(name: str, raw: bytes) -> Iterator[Event]:
    """The ratings of a saved data set: columns of int64, the stars perhaps of double.

    Raises:
        DataError: it is not whole, has other columns, or more than may be.
        MemoryError: of the system.
    """
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(raw))
        names, types = file.schema_arrow.names, file.schema_arrow.types
        impressions = ["impression"] * ("impression" in names)
        check_columns(name, names, ["user_id", "movie_id", "rating", *impressions])
        if {*types[:2], *types[3:]} != {pa.int64()} or types[2] not in (pa.int64(), pa.float64()):
            raise again(name, f"columns of {', '.join(map(str, types))}")
        rows = file.metadata.num_rows
        if not 1 <= rows <= limits.MAX_RATINGS:
            raise again(name, f"{rows:,} ratings, 1 to {limits.MAX_RATINGS:,} can be read")
        if rows * len(names) * 8 > max(RATIO_FROM, MAX_RATIO * len(raw)):
            raise again(name, f"{len(raw):,} bytes unpack to {MAX_RATIO} times as much")
        for column, kind in zip(names, types, strict=True):
            yield Column(column, kind)
            yield from _batches(file, column)
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise again(name, not_whole(error)) from error


READERS: dict[Kind, Callable[[str, bytes], Iterator[Event]]] = {"texts": texts, "ratings": ratings}


def refusal(kind: Kind, name: str, problem: str, way_out: str = "save it again") -> DataError:
    """What is wrong with a file, and the way out; there is one only for a data set that we saved."""
    return again(name, problem) if kind == "ratings" else DataError(f"{name} {problem}; {way_out}")


def again(where: str, problem: str) -> DataError:
    """What is wrong with a file of a saved data set."""
    return DataError(f"{where}: {problem}; make the data set again")


def not_whole(reason: object) -> str:
    """What is wrong with a damaged file."""
    return f"is not a whole Parquet file ({' '.join(str(reason).split())[:200]})"


def check_columns(where: str, found: Iterable[str], wanted: list[str]) -> None:
    """Of a file of a saved data set.

    Raises:
        DataError: they are others.
    """
    if list(found) != wanted:
        raise again(where, f"columns {', '.join(found)[:200]!r}, expected {', '.join(wanted)!r}")


def _check_sizes(name: str, file: Any) -> None:
    facts = file.metadata
    columns = list(file.schema_arrow.names)
    if facts.num_rows > limits.MAX_ROWS:
        raise DataError(
            f"{name} has {facts.num_rows:,} rows, more than the limit of {limits.MAX_ROWS:,}"
        )
    limits.distinct(name, columns)
    cells = facts.num_rows * len(columns)
    if cells > limits.MAX_CELLS:
        raise DataError(
            f"{name} has {cells:,} cells, more than the limit of {limits.MAX_CELLS:,}; leave out columns"
        )
    # Not column by column: where the facts of one are damaged, pyarrow ends the process.
    groups = map(facts.row_group, range(facts.num_row_groups))
    unpacked = sum(group.total_byte_size for group in groups)
    if unpacked > limits.MAX_UNPACKED:
        raise DataError(
            f"{name} unpacks to {unpacked:,} bytes, more than the limit of {limits.MAX_UNPACKED:,}; leave out columns"
        )


def _is_flat(kind: pa.DataType) -> bool:
    """Text, a number, a time or a truth: what can be read without becoming much.

    Other kinds, such as bytes, lists and those that a library has added, can repeat a long value a million times in full.
    """
    if pa.types.is_dictionary(kind):
        return kind.value_type != pa.string_view() and _is_flat(kind.value_type)
    return kind in _TEXTS or any(test(kind) for test in _PLAIN)


def _batches(file: Any, column: str, most: int = BATCH) -> Iterator[pa.Array]:
    """A column, `most` rows at a time.

    Raises:
        ValueError: it has more rows than the file says, by which its size was judged.
    """
    rows = 0
    for batch in file.iter_batches(most, columns=[column], use_threads=False):
        batch.validate(full=True)  # a damaged file may point beyond its dictionary
        rows += len(batch)
        if rows > file.metadata.num_rows:
            raise ValueError(f"column {column!r} has more rows than it says")
        yield batch.column(0)


def _text(column: str, values: pa.Array, size: _Size) -> pa.Array:
    """Some rows of a column as text.

    Raises:
        DataError: there is too much of it with them.
    """
    if pa.types.is_dictionary(values.type) and values.type.value_type in _TEXTS:
        # One that stands for many is counted before it is many.
        short = _short(values.dictionary)
        size.add(column, pc.binary_length(short).take(values.indices))
        text = pa.DictionaryArray.from_arrays(values.indices, short).cast(pa.large_string())
    else:
        text = _short(values.cast(pa.large_string()))
        size.add(column, pc.binary_length(text))
    return pc.fill_null(text, "") if text.null_count else text


def _short(text: pa.Array) -> pa.Array:
    """Trimmed, and of very long ones the beginning: what is cut is still too long to be used."""
    return pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(text, 0, limits.MAX_CELL + 1))


def _joined(arrays: Iterable[pa.Array]) -> Iterator[pa.Array]:
    """The same rows in fewer arrays."""
    held: list[pa.Array] = []
    for array in arrays:
        held.append(array)
        if sum(one.nbytes for one in held) >= JOINED:
            yield pa.concat_arrays(held)
            held = []
    if held:
        yield pa.concat_arrays(held)
