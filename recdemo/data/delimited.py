"""CSV and its kin as rows of text: encoding, separator, quotation marks, and whether there is a header."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import pandas as pd

from recdemo.core.errors import DataError
from recdemo.core.wording import counted
from recdemo.data import limits
from recdemo.data.columns import is_known
from recdemo.data.dates import date_reader
from recdemo.data.limits import LOOKED_AT, NOTHING, SHOWN
from recdemo.data.marks import number, said_reader

_UNIT = "\x1f"  # in place of two colons, as the reader knows separators of one letter only
SEPARATORS = {
    ",": "comma",
    ";": "semicolon",
    "\t": "tab",
    "|": "bar",
    _UNIT: "double colon",
    " ": "space",
}
_SEEN = ",;\t|:"
# Encodings of other alphabets; one is taken where the names of columns are known when read so.
_ENCODINGS = {
    "cp1251": "Windows-1251",
    "koi8_r": "KOI8-R",
    "gb18030": "GB 18030",
    "big5": "Big5",
    "shift_jis": "Shift JIS",
    "euc_jp": "EUC-JP",
    "cp949": "Korean Windows",
    "cp1250": "Windows-1250",
}
_BEFORE = re.compile(r"#|sep=.?$")  # lines before a header that are none: remarks, and Excel's hint
_BLOCK = 50_000  # rows turned into columns at a time
_SAMPLE = 65_536  # characters that separators are guessed from


class QuotesError(DataError):
    """The quotation marks of a file do not match up."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What a file holds.

    Args:
        frame: text columns; the index is each row's number, the first line being 1.
        notes: what was guessed, one sentence each.
        ragged: the first rows with more or fewer cells than the header: number and problem.
        ragged_count: how many there are.
        header: whether the columns have names.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...]
    ragged: tuple[tuple[int, str], ...]
    ragged_count: int
    header: bool


def read_delimited(name: str, raw: bytes) -> Rows:
    """The rows of a text file.

    Raises:
        DataError: it is no text, no table, or over a limit; names the row where there is one.
    """
    encoding, notes = _encoding(name, raw)
    separator = _separator(name, _text(raw, encoding).read(_SAMPLE))
    quoting: list[dict[str, object]] = [{"strict": True}]
    if b'\\"' in raw:  # marks within marks as programs write them
        quoting.append({"strict": True, "escapechar": "\\", "doublequote": False})
    if separator in ("\t", _UNIT):  # where marks are often letters like others
        quoting.append({"quoting": csv.QUOTE_NONE})
    problem: QuotesError | None = None
    for way in quoting:
        try:
            return _read(name, _rows(name, _text(raw, encoding), separator, way), separator, notes)
        except QuotesError as error:
            problem = problem or error
    raise problem or DataError(f"{name} {NOTHING}")


def _read(
    name: str, rows: Iterator[tuple[int, list[str]]], separator: str, notes: tuple[str, ...]
) -> Rows:
    ahead = [*islice(rows, LOOKED_AT + 1)]
    if not ahead:
        raise DataError(f"{name} {NOTHING}")
    first, header = ahead[0][0], list(ahead[0][1])
    while not header[-1]:
        header.pop()
    has_names = _is_header(header, [values for _, values in ahead[1:]])
    if has_names:
        ahead = ahead[1:]
    else:
        notes += (
            f"Row {first} is read as values, since it is no header; the columns are called by their numbers.",
        )
        header = [""] * len(header)
    columns, more = limits.distinct(name, header, f", row {first}")
    ragged: list[tuple[int, str]] = []
    ragged_count = 0
    parts: list[pd.DataFrame] = []
    numbers: list[int] = []
    cells: list[list[str]] = []

    def close_part() -> None:
        if cells:
            parts.append(pd.DataFrame(cells, index=numbers, columns=columns, dtype="str"))
            numbers.clear()
            cells.clear()

    for count, (row, values) in enumerate(chain(ahead, rows), start=1):
        if count > limits.MAX_ROWS:
            raise DataError(f"{name} has more than {limits.MAX_ROWS:,} rows; leave out users")
        while len(values) > len(columns) and not values[-1]:
            values.pop()
        if len(values) != len(columns):
            ragged_count += 1
            if len(ragged) < SHOWN:
                ragged.append((row, _ragged(values, len(columns), SEPARATORS[separator])))
            continue
        numbers.append(row)
        cells.append(values)
        if len(cells) == _BLOCK:
            close_part()
    close_part()
    frame = pd.concat(parts) if parts else pd.DataFrame(columns=columns, dtype="str")
    return Rows(frame, notes + more, tuple(ragged), ragged_count, has_names)


def _is_header(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Whether a row holds names: some are known, or nothing in it is a value, or stands again below itself."""
    if any(map(is_known, first)):
        return True
    said = said_reader(first)
    when = date_reader(first)
    if any(number(text) is not None or said(text) or when(text) for text in first):
        return False
    below = [set(column) for column in zip(*others, strict=False)]
    return not any(text and text in column for text, column in zip(first, below, strict=False))


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
    known = _ENCODINGS | {"cp1252": "Windows-1252", "latin-1": "Latin-1"}
    fitting = (way for way in _ENCODINGS if _names_columns(raw, way) and _decodes(raw, way))
    encoding = next(fitting, "cp1252" if _decodes(raw, "cp1252") else "latin-1")
    note = f"The file is not UTF-8 and was read as {known[encoding]}: look at letters with accents."
    return encoding, (note,)


def _names_columns(raw: bytes, encoding: str) -> bool:
    """Whether a name of a column in other than English letters is known when it is read so."""
    line = next((line for line in raw[:_SAMPLE].splitlines() if line.strip()), b"")
    text = line.decode(encoding, errors="replace").translate(dict.fromkeys(map(ord, _SEEN), "\t"))
    names = (cell.strip(" \"'") for cell in text.split("\t"))
    return any(is_known(name) for name in names if not name.isascii())


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
    lines = [line for line in sample.splitlines() if line.strip(_SEEN + " \"'")]
    while lines and _BEFORE.match(lines[0]):
        sample = sample[sample.index(lines.pop(0)) :].partition("\n")[2]
    if not lines:
        raise DataError(f"{name} {NOTHING}")
    scores = {separator: _agreement(sample, separator) for separator in SEPARATORS}
    if scores.pop(" ") < (1.0, 3) or max(scores.values()) > (0.0, 0):
        scores[" "] = (0.0, 0)  # words lie between spaces too
    else:
        return " "
    best = max(scores, key=lambda separator: scores[separator])
    if scores[best] == (0.0, 0):
        raise DataError(
            f"{name}, row 1: one column only, {lines[0][:80]!r}; separate columns by commas, semicolons, tabs "
            "or bars"
        )
    return best


def _agreement(sample: str, separator: str) -> tuple[float, int]:
    """Share of the first rows as wide as the header, and how wide that is; zeros for a single column."""
    rows = csv.reader(_lines(io.StringIO(sample, newline=""), separator), delimiter=separator)
    widths: list[int] = []
    try:
        for values in rows:
            if any(value.strip() for value in values):
                widths.append(len(values))
            if len(widths) > LOOKED_AT:
                break
    except csv.Error:
        pass
    if not widths or widths[0] < 2:
        return 0.0, 0
    return round(sum(width == widths[0] for width in widths) / len(widths), 1), widths[0]


def _lines(text: Iterable[str], separator: str) -> Iterable[str]:
    return (line.replace("::", _UNIT) for line in text) if separator == _UNIT else text


def _rows(
    name: str, text: io.TextIOWrapper, separator: str, quoting: dict[str, object]
) -> Iterator[tuple[int, list[str]]]:
    """Number and trimmed cells of each row that is not blank; of a very long cell the beginning."""
    csv.field_size_limit(limits.MAX_BYTES)
    reader = csv.reader(_lines(text, separator), delimiter=separator, **quoting)  # type: ignore[arg-type]
    row, begun = 0, False
    while True:
        row += 1
        try:
            values = [*map(str.strip, next(reader))]
        except StopIteration:
            return
        except csv.Error as error:
            raise QuotesError(
                f"{name}, row {row:,}: the quotation marks do not match up ({error}); within quotation marks "
                "write two for one"
            ) from error
        together = len("".join(values))
        if not together or (not begun and _BEFORE.match(values[0])):
            continue
        begun = True
        if together > limits.MAX_CELL:  # what is cut is still too long to be used
            values = [value[: limits.MAX_CELL + 1] for value in values]
        yield row, values
