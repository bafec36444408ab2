"""JSON as rows of text: a list of records, a record a line, or columns; what lies within is a column named by its path."""

from __future__ import annotations

import ast
import io
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import pandas as pd

from recdemo.core.errors import DataError
from recdemo.data import limits

_DEEPEST = 4  # records within records
_LONGEST = 100_000  # characters of a line as Python writes it
_FAULTS = (ValueError, SyntaxError, RecursionError, MemoryError)


def read_records(name: str, raw: bytes) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Columns as in `recdemo.data.table.Table.frame`, and what was left out, in sentences.

    A record that holds a list of records stands for each of them: ``{"user": 1, "reviews": [{"item": 2}, {"item": 3}]}`` is
    two rows.

    Raises:
        DataError: it is not JSON, holds no records, or is over a limit.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    columns: dict[str, list[str]] = {}
    known: dict[str, str] = {}  # each text is held once
    rows = left = 0
    for record in _records(name, text):
        if not isinstance(record, dict):
            left += 1
            continue
        for row in _flat(record):
            for column, cell in row.items():
                cells = columns.setdefault(column, [])
                cells += [""] * (rows - len(cells))
                cells.append(known.setdefault(cell, cell))
            rows += 1
        if rows > limits.MAX_ROWS:
            raise DataError(f"{name} has more than {limits.MAX_ROWS:,} rows; leave out users")
        if len(columns) > limits.MAX_COLUMNS:
            raise DataError(
                f"{name} has more than {limits.MAX_COLUMNS} columns, which are the limit; leave out those of no use"
            )
        if rows * len(columns) > limits.MAX_CELLS:
            raise DataError(
                f"{name} has more than {limits.MAX_CELLS:,} cells, which are the limit; leave out columns"
            )
    if not columns:
        raise DataError(f"{name} holds no records; give a list of them, one for each rating")
    for cells in columns.values():
        cells += [""] * (rows - len(cells))
    frame = pd.DataFrame(columns, index=pd.RangeIndex(1, rows + 1), dtype="str")
    return frame, (f"Left out, not being records of ratings: {left:,}.",) if left else ()


def _records(name: str, text: str) -> Iterable[Any]:
    """The records of a file, or of its lines."""
    with suppress(*_FAULTS):
        return _list_of(json.loads(text))
    lines = enumerate(io.StringIO(text), start=1)
    return (_line(name, row, bare) for row, line in lines if (bare := line.strip().rstrip(",")))


def _line(name: str, row: int, line: str) -> Any:
    """A record as JSON, or as Python writes it."""
    with suppress(*_FAULTS):
        return json.loads(line)
    if len(line) <= _LONGEST:
        with suppress(*_FAULTS):
            return ast.literal_eval(line)
    raise DataError(
        f"{name}, row {row:,}: this is not JSON, {line[:40]!r}; write a list of records, or a record a line"
    )


def _list_of(found: Any) -> list[Any]:
    """Records, whether they lie in a list, under a name, or column by column."""
    if isinstance(found, list):
        return found
    if not isinstance(found, dict):
        return []
    for part in found.values():
        if isinstance(part, list) and part and all(isinstance(one, dict) for one in part):
            return part if len(found) == 1 or not _scalars(found) else [found]
    columns = [*found.values()]
    if columns and all(isinstance(column, dict) for column in columns):  # as pandas writes them
        keys = [*columns[0]]
        return [{name: part.get(key) for name, part in found.items()} for key in keys]
    if columns and all(isinstance(column, list) for column in columns):
        return [dict(zip(found, values, strict=False)) for values in zip(*columns, strict=False)]
    return [found]


def _scalars(record: dict[Any, Any]) -> bool:
    return any(not isinstance(value, dict | list) for value in record.values())


def _flat(record: dict[Any, Any]) -> Iterator[dict[str, str]]:
    """The rows a record stands for."""
    lists = {
        str(key): value
        for key, value in record.items()
        if isinstance(value, list) and value and all(isinstance(one, dict) for one in value)
    }
    own = dict(_fields({key: value for key, value in record.items() if str(key) not in lists}))
    if len(lists) != 1:
        yield own
        return
    ((key, parts),) = lists.items()
    for part in parts:
        yield own | dict(_fields(part, f"{_text(key)}."))


def _fields(record: dict[Any, Any], path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    for key, value in record.items():
        column = f"{path}{_text(key)}"
        if isinstance(value, dict):
            if depth < _DEEPEST:
                yield from _fields(value, f"{column}.", depth + 1)
        elif isinstance(value, list):
            if value and not any(isinstance(one, dict | list) for one in value):
                yield column, _cell("|".join(map(_text, value)))
        else:
            yield column, _cell(_text(value))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).encode(errors="replace").decode()  # half a letter is no letter


def _cell(text: str) -> str:
    return text.strip()[: limits.MAX_CELL + 1]
