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
from typing import Literal

import pandas as pd

from recdemo.core.wording import counted
from recdemo.data import limits
from recdemo.data.dataset import DataError
from recdemo.data.parquet import read_parquet

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
            limits.check_size(name, path.stat().st_size)
            raw = path.read_bytes()
        except OSError as error:
            raise DataError(f"{path} cannot be read ({error.strerror or error})") from error
    limits.check_size(name, len(raw))
    if not raw:
        raise DataError(f"{name} {_NOTHING}")
    if kind is None:
        kind = "parquet" if raw.startswith(b"PAR1") else "csv"
    table = Table(name, *read_parquet(name, raw)) if kind == "parquet" else _read_csv(name, raw)
    if table.frame.empty and not table.ragged:
        raise DataError(f"{name} holds a header and no ratings; add a row for each rating")
    return table


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
        if count > limits.MAX_ROWS:
            raise DataError(f"{name} has more than {limits.MAX_ROWS:,} rows; leave out users")
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
    way_out = (
        "add what is missing"
        if len(values) < wanted
        else f"put text that holds a {separator} in quotation marks"
    )
    return f"{counted(len(values), 'cell')} where the header has {wanted}, beginning with {values[0][:40]!r}; {way_out}"


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
            f"{name}, row {row:,}: a zero byte, so this is not text; save it as CSV in UTF-8"
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
        if together > limits.MAX_CELL and (longest := max(map(len, values))) > limits.MAX_CELL:
            raise DataError(
                f"{name}, row {row:,}: a cell of {longest:,} characters, {limits.MAX_CELL:,} are the limit; shorten it, or "
                "look for a quotation mark that is never closed"
            )
        yield row, values


def _columns(name: str, row: int, header: Sequence[str]) -> list[str]:
    """Names of the columns; one without a name gets its number."""
    columns = [text or f"column {number}" for number, text in enumerate(header, start=1)]
    if all(re.fullmatch(r"[-+0-9.,:eE ]*", text) for text in header):
        raise DataError(
            f"{name}, row {row}: expected names of columns, found {', '.join(header)[:80]!r}; put a row such as "
            "user,title,rating first"
        )
    limits.check_columns(name, columns, f", row {row}")
    return columns
