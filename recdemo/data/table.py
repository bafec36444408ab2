"""A person's own file, CSV or Parquet, as a table of text: whatever it holds, a `Table` or a clear `DataError`.

Nothing is interpreted here but encoding and separators; `recdemo.data.own` says what the columns mean.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from recdemo.data.dataset import DataError

MAX_BYTES = 50_000_000
MAX_ROWS = 1_000_000
MAX_COLUMNS = 100
MAX_CELL = 1_000  # characters
MAX_CELLS = 20_000_000  # of a Parquet file, whose size says little
MAX_TEXT = 200_000_000  # bytes of one of its columns
SHOWN = 20  # problems named; the others are counted

Kind = Literal["csv", "parquet"]
SUFFIXES: dict[str, Kind] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}

# What a file begins with that is no CSV, and the way out.
_OTHERS = {
    b"PAR1": "is a Parquet file; read it as Parquet",
    b"\x1f\x8b": "is packed with gzip; unpack it first",
    b"PK\x03\x04": "is a zip or an Excel file; unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "is an old Excel file; save the sheet as CSV",
    b"SQLite format 3": "is a database; export the table of ratings as CSV",
    b"%PDF": "is a PDF; export the ratings as CSV",
}
_NOTHING = "is empty; choose a file with a header and ratings"
_BLOCK = 50_000  # rows turned into columns at a time
_SAMPLE = 65_536  # characters that separators are guessed from


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the file that cannot be used as it is.

    Args:
        text: what is wrong, with the value and the way out.
        row: as a spreadsheet counts, the header being row 1; of a Parquet file the first row is 1; None for
            what is no row's fault.
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
    """

    name: str
    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    ragged: tuple[Problem, ...] = ()
    ragged_count: int = 0


def read_table(source: bytes | str | Path, kind: Kind | None = None, *, name: str = "") -> Table:
    """Read a file, or its content.

    Args:
        source: content, or path.
        kind: left out, a path's ending decides, or how the content begins.
        name: for messages; a path's own name if left out.

    Raises:
        DataError: it cannot be read, is empty or over a limit; names the row where there is one.
    """
    raw: bytes
    if isinstance(source, bytes | bytearray | memoryview):
        raw, name = bytes(source), name or "the file"
    else:
        path = Path(source)
        name, kind = name or path.name, kind or SUFFIXES.get(path.suffix.lower())
        try:
            _check_size(name, path.stat().st_size)
            raw = path.read_bytes()
        except OSError as error:
            raise DataError(f"{path} cannot be read ({error.strerror or error})") from error
    _check_size(name, len(raw))
    if not raw:
        raise DataError(f"{name} {_NOTHING}")
    if kind is None:
        kind = "parquet" if raw.startswith(b"PAR1") else "csv"
    table = _read_parquet(name, raw) if kind == "parquet" else _read_csv(name, raw)
    if table.frame.empty and not table.ragged:
        raise DataError(f"{name} holds a header and no ratings; add a row for each rating")
    return table


def _check_size(name: str, size: int) -> None:
    if size > MAX_BYTES:
        raise DataError(
            f"{name} has {size:,} bytes, {MAX_BYTES:,} are the limit; leave out columns or users"
        )


# CSV


def _read_csv(name: str, raw: bytes) -> Table:
    for start, problem in _OTHERS.items():
        if raw.startswith(start):
            raise DataError(f"{name} {problem}")
    encoding, notes = _encoding(name, raw)
    separator = _separator(name, _text(raw, encoding).read(_SAMPLE))
    rows = _rows(name, _text(raw, encoding), separator)
    row, header = next(rows, (0, []))
    if not header:
        raise DataError(f"{name} {_NOTHING}")
    while not header[-1]:
        header.pop()
    columns = _columns(name, row, header)
    ragged: list[Problem] = []
    ragged_count = 0
    parts: list[pd.DataFrame] = []
    numbers: list[int] = []
    cells: list[list[str]] = []

    def close_part() -> None:
        if cells:
            parts.append(pd.DataFrame(cells, index=numbers, columns=columns, dtype="str"))
            numbers.clear()
            cells.clear()

    count = 0
    for row, values in rows:
        count += 1
        if count > MAX_ROWS:
            raise DataError(f"{name} has more than {MAX_ROWS:,} rows; leave out users")
        while len(values) > len(columns) and not values[-1]:
            values.pop()
        if len(values) != len(columns):
            ragged_count += 1
            if len(ragged) < SHOWN:
                text = _ragged(values, len(columns), SEPARATORS[separator])
                ragged.append(Problem(text, row))
            continue
        numbers.append(row)
        cells.append(values)
        if len(cells) == _BLOCK:
            close_part()
    close_part()
    frame = pd.concat(parts) if parts else pd.DataFrame(columns=columns, dtype="str")
    return Table(name, frame, notes, tuple(ragged), ragged_count)


def _ragged(values: Sequence[str], wanted: int, separator: str) -> str:
    cells = f"{len(values)} cell{'s' if len(values) > 1 else ''}"
    way_out = (
        "add what is missing"
        if len(values) < wanted
        else f"put text that holds a {separator} in quotation marks"
    )
    return f"{cells} where the header has {wanted}, beginning with {values[0][:40]!r}; {way_out}"


def _text(raw: bytes, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(raw), encoding, newline="")


def _encoding(name: str, raw: bytes) -> tuple[str, tuple[str, ...]]:
    """Encoding, and a sentence where it had to be guessed."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        if _decodes(raw, "utf-16") and "\0" not in raw.decode("utf-16"):
            return "utf-16", ()
        raise DataError(f"{name} begins like UTF-16 and is not; save it as UTF-8")
    if b"\0" in raw:
        row = raw.count(b"\n", 0, raw.index(b"\0")) + 1
        raise DataError(
            f"{name}, row {row:,}: a zero byte, so this is no text; save it as CSV in UTF-8"
        )
    if _decodes(raw, "utf-8"):
        return "utf-8-sig", ()
    encoding, known_as = (
        ("cp1252", "Windows-1252") if _decodes(raw, "cp1252") else ("latin-1", "Latin-1")
    )
    note = f"The file is not UTF-8 and was read as {known_as}: look at letters with accents."
    return encoding, (note,)


def _decodes(raw: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for start in range(0, len(raw), 1 << 20):
            decoder.decode(raw[start : start + (1 << 20)])
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _separator(name: str, sample: str) -> str:
    """The separator that gives the header most columns, of those that most rows agree with."""
    lines = [line for line in sample.splitlines() if line.strip("".join(SEPARATORS) + " \"'")]
    if not lines:
        raise DataError(f"{name} {_NOTHING}")
    scores = {separator: _agreement(sample, separator) for separator in SEPARATORS}
    best = max(scores, key=lambda separator: scores[separator])
    if scores[best] == (0.0, 0):
        raise DataError(
            f"{name}, row 1: one column only, {lines[0][:80]!r}; separate columns by commas, semicolons, tabs "
            "or bars"
        )
    return best


def _agreement(sample: str, separator: str) -> tuple[float, int]:
    """Share of the first rows as wide as the header, and how wide that is; zeros for a single column."""
    rows = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
    widths: list[int] = []
    try:
        for values in rows:
            if any(value.strip() for value in values):
                widths.append(len(values))
            if len(widths) > SHOWN:
                break
    except csv.Error:
        pass
    if not widths or widths[0] < 2:
        return 0.0, 0
    return round(sum(width == widths[0] for width in widths) / len(widths), 1), widths[0]


def _rows(name: str, text: io.TextIOWrapper, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Number and trimmed cells of each row that is not blank."""
    reader = csv.reader(text, delimiter=separator, strict=True)
    row = 0
    while True:
        row += 1
        try:
            values = [*map(str.strip, next(reader))]
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                f"{name}, row {row:,}: the quotation marks do not match up ({error}); within quotation marks "
                "write two for one"
            ) from error
        together = len("".join(values))
        if not together:
            continue
        if together > MAX_CELL and (longest := max(map(len, values))) > MAX_CELL:
            raise DataError(
                f"{name}, row {row:,}: a cell of {longest:,} characters, {MAX_CELL:,} are the limit; shorten it, or "
                "look for a quotation mark that is never closed"
            )
        yield row, values


def _columns(name: str, row: int, header: Sequence[str]) -> list[str]:
    """Names of the columns; one without a name gets its number."""
    if len(header) > MAX_COLUMNS:
        raise DataError(f"{name} has {len(header):,} columns, {MAX_COLUMNS} are the limit")
    columns = [text or f"column {number}" for number, text in enumerate(header, start=1)]
    if all(re.fullmatch(r"[-+0-9.,:eE ]*", text) for text in header):
        raise DataError(
            f"{name}, row {row}: expected names of columns, found {', '.join(header)[:80]!r}; put a row such as "
            "user,title,rating first"
        )
    for column in columns:
        if columns.count(column) > 1:
            raise DataError(f"{name}, row {row}: two columns are named {column!r}; rename one")
    return columns


# Parquet


def _read_parquet(name: str, raw: bytes) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(raw))
        _check_parquet(name, file)
        schema = file.schema_arrow
        texts = [field.name for field in schema if _is_text(field.type)]
        flat = [field for field in schema if not _is_of_another_kind(field.type)]
        # Texts as dictionaries, so that a long one repeated a million times stays one.
        file = pq.ParquetFile(io.BytesIO(raw), read_dictionary=texts)
        table = file.read(columns=[field.name for field in flat], use_threads=False)
        left_out = [f"{field.name} ({field.type})" for field in schema if field not in flat]
        return _text_columns(name, table, left_out)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{name} is not a whole Parquet file ({reason}); save it anew") from error


def _check_parquet(name: str, file: Any) -> None:
    facts = file.metadata
    columns = list(file.schema_arrow.names)
    if facts.num_rows > MAX_ROWS:
        raise DataError(f"{name} has {facts.num_rows:,} rows, {MAX_ROWS:,} are the limit")
    if len(columns) > MAX_COLUMNS:
        raise DataError(f"{name} has {len(columns):,} columns, {MAX_COLUMNS} are the limit")
    cells = facts.num_rows * len(columns)
    if cells > MAX_CELLS:
        raise DataError(
            f"{name} has {cells:,} cells, {MAX_CELLS:,} are the limit; leave out columns"
        )
    for column in columns:
        if columns.count(column) > 1:
            raise DataError(f"{name}: two columns are named {column!r}; rename one")


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_of_another_kind(kind: Any) -> bool:
    """Neither text nor number, time or truth."""
    import pyarrow as pa

    types = pa.types
    return bool(
        types.is_nested(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_fixed_size_binary(kind)
    )


def _text_columns(name: str, table: Any, left_out: list[str]) -> Table:
    """Every column as text; what has no text is left out, with a note."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns: dict[str, Any] = {}
    for column, values in zip(table.column_names, table.columns, strict=True):
        for chunk in values.chunks if pa.types.is_dictionary(values.type) else ():
            _check_texts(name, column, pc.binary_length(chunk.dictionary), chunk.indices)
        try:
            text = pc.fill_null(values.cast(pa.string()), "")
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
            left_out.append(f"{column} ({values.type})")
            continue
        columns[column or f"column {len(columns) + 1}"] = pc.utf8_trim_whitespace(text)
    notes = (f"Columns of other kinds are left out: {', '.join(left_out)}.",) if left_out else ()
    frame = pa.table(columns).to_pandas() if columns else pd.DataFrame()
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return Table(name, frame.astype("str"), notes)


def _check_texts(name: str, column: str, lengths: Any, indices: Any) -> None:
    """That a column's texts are neither too long nor too many: of each, and which row has which."""
    import pyarrow.compute as pc

    longest, total = pc.max(lengths).as_py() or 0, pc.sum(lengths.take(indices)).as_py() or 0
    if longest > MAX_CELL:
        raise DataError(
            f"{name}: column {column!r} holds a text of {longest:,} bytes, {MAX_CELL:,} are the limit"
        )
    if total > MAX_TEXT:
        raise DataError(
            f"{name}: column {column!r} holds {total:,} bytes of text, {MAX_TEXT:,} are the limit"
        )
