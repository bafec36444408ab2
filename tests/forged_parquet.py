"""Parquet files that lie about what they hold, written byte by byte: to make them honestly would take what they are to take."""

from __future__ import annotations

import struct
from dataclasses import dataclass

LONG = 2_000_000_000
INT64, DOUBLE, TEXT = 2, 5, 6
_PLAIN, _LEVELS, _POINTERS = 0, 3, 8  # encodings
_ZSTD = 6


class Wide(int):
    """A number of 64 bits."""


@dataclass(frozen=True)
class Page:
    """A page of a column.

    Args:
        content: as it lies in the file.
        says: bytes to which it unpacks, as it says itself.
        values: how many it holds.
        dictionary: whether they are those that other pages point to.
        encoding: of the values.
    """

    content: bytes
    says: int
    values: int
    dictionary: bool = False
    encoding: int = _PLAIN

    def __bytes__(self) -> bytes:
        facts = {1: self.values, 2: self.encoding}
        kind = {7: facts} if self.dictionary else {5: facts | {3: _LEVELS, 4: _LEVELS}}
        header = {1: 2 if self.dictionary else 0, 2: self.says, 3: len(self.content)} | kind
        return _thrift(header)[1] + self.content


def file_of(columns: dict[str, tuple[int, list[Page]]], rows: int, says: int = 0) -> bytes:
    """A file of one group of rows that says it is as small as it lies there.

    Args:
        columns: kind and pages of each, by its name.
        rows: as each column says.
        says: how many there are as the whole says, if not so many.
    """
    out, chunks = bytearray(b"PAR1"), []
    schema: list[object] = [{4: b"schema", 5: len(columns)}]
    for name, (kind, pages) in columns.items():
        places: dict[int, object] = {}
        start = len(out)
        for page in pages:
            places.setdefault(11 if page.dictionary else 9, Wide(len(out)))
            out += bytes(page)
        size = Wide(len(out) - start)
        said = {1: kind, 2: [_PLAIN, _LEVELS, _POINTERS], 3: [name.encode()], 4: _ZSTD}
        said |= {5: Wide(rows), 6: size, 7: size} | dict(sorted(places.items()))
        chunks.append({2: Wide(start), 3: said})
        schema.append({1: kind, 3: 0, 4: name.encode()} | ({6: 0} if kind == TEXT else {}))
    group = {1: chunks, 2: Wide(len(out)), 3: Wide(rows)}
    footer = _thrift({1: 1, 2: schema, 3: Wide(says or rows), 4: [group]})[1]
    return bytes(out + footer + struct.pack("<I", len(footer)) + b"PAR1")


def packed(*parts: bytes | tuple[bytes, int], times: int = 1) -> bytes:
    """Bytes as they are, and one byte many times, all of it repeated, as a frame of Zstandard.

    It takes 4 bytes for each 128 KiB of one byte.
    """
    body = b""
    for part in parts:
        if isinstance(part, bytes):
            body += _block(0, len(part)) + part
        else:
            whole, rest = divmod(part[1], 1 << 17)
            body += (_block(1, 1 << 17) + part[0]) * whole + (_block(1, rest) + part[0])
    return b"\x28\xb5\x2f\xfd\x00\x58" + body * times + _block(0, 0, last=True)


def one_cell() -> bytes:
    """A cell of 2 GB in 61 kB."""
    page = Page(packed(struct.pack("<I", LONG), (b"x", LONG)), LONG + 4, 1)
    return file_of({"title": (TEXT, [page])}, 1)


def many_texts(count: int = 400_000, letters: int = 2_100) -> bytes:
    """One row, which points to the first of 400,000 texts that are together 840 MB, in 4.4 MB."""
    text = packed(struct.pack("<I", letters), (b"x", letters), times=count)
    texts = Page(text, (letters + 4) * count, count, dictionary=True)
    return file_of({"title": (TEXT, [texts, _first(1)])}, 1)


def says_much(says: int = LONG) -> bytes:
    """A page of one cell that says it unpacks to 2 GB, and holds five bytes."""
    page = Page(packed(struct.pack("<I", 1), b"x"), says, 1)
    return file_of({"title": (TEXT, [page])}, 1)


def more_rows(rows: int = 30_000_000) -> bytes:
    """A file of one row, as it says, whose column holds many more."""
    text = Page(packed(struct.pack("<I", 1), b"x"), 5, 1, dictionary=True)
    return file_of({"title": (TEXT, [text, _first(rows)])}, rows, says=1)


def ratings() -> bytes:
    """Three ratings, as it says, of which the stars unpack to 2 GB."""
    numbers = packed(struct.pack("<3q", 1, 2, 3))
    few = (INT64, [Page(numbers, 24, 3)])
    much = (DOUBLE, [Page(packed((b"\0", LONG)), LONG, 3)])
    return file_of({"user_id": few, "movie_id": few, "rating": much}, 3)


def _first(rows: int) -> Page:
    """Rows that all point to the first value of a dictionary."""
    content = b"\x01" + _varint(rows << 1) + b"\0"
    return Page(packed(content), len(content), rows, encoding=_POINTERS)


def _block(kind: int, size: int, last: bool = False) -> bytes:
    return struct.pack("<I", size << 3 | kind << 1 | last)[:3]


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def _thrift(value: object) -> tuple[int, bytes]:
    """Kind and bytes of a value in Thrift's compact protocol; a struct is a dict by the numbers of its fields."""
    if isinstance(value, int):
        return 6 if isinstance(value, Wide) else 5, _varint(value << 1)
    if isinstance(value, bytes):
        return 8, _varint(len(value)) + value
    if isinstance(value, list):
        assert len(value) < 15
        kind, _ = _thrift(value[0])
        return 9, bytes([len(value) << 4 | kind]) + b"".join(_thrift(one)[1] for one in value)
    assert isinstance(value, dict)
    found, last = b"", 0
    for number, one in value.items():
        kind, content = _thrift(one)
        found += bytes([number - last << 4 | kind]) + content
        last = number
    return 12, found + b"\0"
