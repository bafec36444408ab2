"""The files of a data set as bytes, from a zip or from a folder, and nothing written to disk.

`open_archive` finds the layout by the files that are there; a `Member` is one of those files, and
the one place that turns a bad line into a `DataError` with the file and the line number. A zip is
never unpacked: a file is read only after its name, size, packing and ratio were found harmless.
"""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

import numpy as np

from recdemo.core.errors import DataError
from recdemo.data.grouplens import OFFICIAL_SITE
from recdemo.data.limits import check_file

DIGITS = 18  # of a number: any such number fits int64
_NOT_WHOLE = f"is not a whole number of up to {DIGITS} digits"
MAX_MEMBER_BYTES = 200_000_000  # read at once; ratings.dat of MovieLens-1M has 25 million
MAX_STREAM_BYTES = 2_000_000_000  # read in pieces; ratings.csv of MovieLens-32M has 877 million
MAX_RATIO = 100  # of unpacked to packed; ratings pack to a quarter
RATIO_FROM = 1_000_000  # unpacked bytes below which no ratio does harm
MAX_MEMBERS = 1000
FRESH_COPY = f"get a fresh copy of the official zip from {OFFICIAL_SITE}"
_FAULTS = (  # what reading a zip that is not one can raise
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    NotImplementedError,
    OverflowError,
    ValueError,
)

# The files each layout needs. The last one is how `recdemo.data.saved` keeps any data set.
LAYOUTS: dict[str, tuple[str, ...]] = {
    "ml-1m": ("movies.dat", "users.dat", "ratings.dat"),
    "ml-100k": ("u.item", "u.user", "u.data"),
    "ml-latest": ("movies.csv", "ratings.csv"),
    "mind": ("news.tsv", "behaviors.tsv"),
    "recdemo": ("dataset.json", "movies.parquet", "users.parquet", "ratings.parquet"),
}


class Member:
    """One file of an archive, in memory.

    Args:
        where: how an error names the file, e.g. ``ml-1m.zip: ml-1m/users.dat``.
        raw: its bytes; Windows line ends and empty lines at the end do not count.
    """

    def __init__(self, where: str, raw: bytes) -> None:
        self.where = where
        self.raw = raw.replace(b"\r\n", b"\n").rstrip(b"\n")

    def error(self, line: int, problem: str) -> DataError:
        """The error to raise for a problem on a line (the first line is 1)."""
        return DataError(f"{self.where}, line {line}: {problem}; correct the line or {FRESH_COPY}")

    def refuse(self, bad: np.ndarray, values: np.ndarray, problem: str, first: int = 1) -> None:
        """Raise for the first line that is bad, if any; ``{}`` in the problem is its value, `first` the first line."""
        if bad.any():
            row = int(bad.argmax())
            value = str(values[row]).removesuffix(".0")
            raise self.error(first + row, problem.replace("{}", value, 1))

    def rows(self, separator: str, fields: int) -> Iterator[tuple[int, list[str]]]:
        """Line number and fields of each line of a latin-1 text file."""
        for line, text in enumerate(self._lines, start=1):
            values = text.split(separator)
            if len(values) != fields:
                raise self._wrong_count(line, values, separator, fields)
            yield line, values

    def numbers(self, separator: str, fields: int) -> np.ndarray:
        """[lines, fields] int64 of a file of whole numbers; row i is line i + 1."""
        if not self.raw:
            raise self.error(1, "the file is empty")
        number, raw = rb"\d{1,%d}+" % DIGITS, self.raw + b"\n"
        mark = separator.encode()
        well_formed = re.compile(rb"(?:" + re.escape(mark).join([number] * fields) + rb"\n)*+")
        match = well_formed.match(raw)
        end = match.end() if match else 0
        if end < len(raw):
            raise self._not_numbers(raw.count(b"\n", 0, end) + 1, separator, fields)
        flat = np.fromstring(raw.replace(mark, b" ").decode("ascii"), dtype=np.int64, sep=" ")
        return flat.reshape(-1, fields)

    def whole_number(self, line: int, text: str, what: str) -> int:
        """The number that a field holds, or an error that names it."""
        if not _is_whole(text):
            raise self.error(line, f"{what} {text!r} {_NOT_WHOLE}")
        return int(text)

    @cached_property
    def _lines(self) -> list[str]:
        if not self.raw:
            raise self.error(1, "the file is empty")
        lines = self.raw.split(b"\n")
        for line, text in enumerate(lines, start=1):
            if not text.isascii() and _is_utf8(text):
                raise self.error(line, "the text is UTF-8 where MovieLens files are latin-1")
            if b"\0" in text or text.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise self.error(line, "the text is UTF-16 or binary; MovieLens files are latin-1")
        return [text.decode("latin-1") for text in lines]

    def _not_numbers(self, line: int, separator: str, fields: int) -> DataError:
        values = self.raw.split(b"\n")[line - 1].decode("latin-1").split(separator)
        if len(values) != fields:
            return self._wrong_count(line, values, separator, fields)
        bad = next(value for value in values if not _is_whole(value))
        return self.error(line, f"{bad!r} {_NOT_WHOLE}")

    def _wrong_count(self, line: int, values: list[str], separator: str, fields: int) -> DataError:
        wanted = f"{fields} fields separated by {separator!r}"
        return self.error(line, f"expected {wanted}, found {len(values)}")


@dataclass(frozen=True, slots=True)
class Archive:
    """Where the files of one layout lie.

    Args:
        path: the zip or the folder that was given.
        layout: key of `LAYOUTS`.
        folder: the folder inside ``path``, ending in "/", or "" for ``path`` itself.
    """

    path: Path
    layout: str
    folder: str

    def member(self, name: str) -> Member:
        """Read one file of lines.

        Raises:
            DataError: it cannot be read, or the zip is damaged.
        """
        return Member(self.where(name), self.read(name))

    def read(self, name: str) -> bytes:
        """Read one file whole.

        Raises:
            DataError: it cannot be read, is too large, or the zip is damaged.
        """
        with self.stream(name, MAX_MEMBER_BYTES) as file:
            return file.read()

    @contextmanager
    def stream(self, name: str, most: int = MAX_STREAM_BYTES) -> Iterator[IO[bytes]]:
        """Open one file to be read in pieces.

        Raises:
            DataError: it cannot be read, has more than `most` bytes, or the zip is damaged.
        """
        where = self.where(name)
        try:
            if self.path.is_dir():
                inside = self.path / (self.folder + name)
                _check_size(where, inside.stat().st_size, most)
                with inside.open("rb") as file:
                    yield file
                return
            with zipfile.ZipFile(self.path) as archive:
                info = archive.getinfo(self.folder + name)
                _check_member(where, info, most)
                with archive.open(info) as file:
                    yield file
        except _FAULTS as error:
            raise DataError(f"{where} is damaged ({error}); {FRESH_COPY}") from error
        except (OSError, RuntimeError) as error:
            raise DataError(f"{where} cannot be read ({error}); {FRESH_COPY}") from error

    def where(self, name: str) -> str:
        """How an error names one of the files."""
        return f"{self.path.name}: {self.folder}{name}"


def open_archive(path: str | Path) -> Archive:
    """Recognise a layout in a zip, a folder, or a folder's subfolders.

    Raises:
        DataError: nothing there, a damaged or unsafe zip, no layout or two of them, or a file missing.
    """
    path = Path(path)
    names = _member_names(path)
    found = sorted(
        {
            (layout, name[: -len(file)])
            for name in names
            for layout, files in LAYOUTS.items()
            for file in files
            if name == file or name.endswith(f"/{file}")
        }
    )
    if not found:
        wanted = " or ".join(", ".join(files) for files in LAYOUTS.values())
        inner = next((name for name in sorted(names) if name.lower().endswith(".zip")), None)
        hint = f"unpack {inner}, which lies in it, and give that, or " if inner else ""
        raise DataError(f"{path} holds no MovieLens files ({wanted}); {hint}{FRESH_COPY}")
    whole = [place for place in found if not _missing(names, *place)]
    if len(whole) > 1 or (not whole and len(found) > 1):
        places = " and ".join(f"{layout} in {folder or './'}" for layout, folder in whole or found)
        raise DataError(f"{path} holds more than one data set: {places}; name one of them")
    layout, folder = (whole or found)[0]
    for file in _missing(names, layout, folder):
        raise DataError(f"{path.name}: {folder}{file} is missing; {FRESH_COPY}")
    return Archive(path, layout, folder)


def _missing(names: set[str], layout: str, folder: str) -> list[str]:
    return [file for file in LAYOUTS[layout] if folder + file not in names]


def _member_names(path: Path) -> set[str]:
    check_file(path)
    if not path.exists():
        raise DataError(f"{path} does not exist; check the path or {FRESH_COPY}")
    try:
        if path.is_dir():
            files = [*path.glob("*"), *path.glob("*/*")]
            return {file.relative_to(path).as_posix() for file in files if file.is_file()}
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.filename.startswith("__MACOSX/")]
    except _FAULTS as error:
        raise DataError(f"{path} is not a whole zip file ({error}); {FRESH_COPY}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error}); {FRESH_COPY}") from error
    if len(members) > MAX_MEMBERS:
        raise DataError(
            f"{path.name} lists {len(members):,} files, more than the limit of {MAX_MEMBERS:,}; {FRESH_COPY}"
        )
    for member in members:
        _check_name(path, member)
    counts = Counter(member.filename for member in members)
    for name, times in counts.most_common(1):
        if times > 1:
            raise DataError(f"{path.name} lists {name!r} {times} times; {FRESH_COPY}")
    return set(counts)


def _check_name(path: Path, member: zipfile.ZipInfo) -> None:
    """Names that lead out of a folder, and links: no data set has any."""
    name = member.filename
    parts = re.split(r"[/\\]", name)
    if ".." in parts or parts[0] == "" or re.match(r"[A-Za-z]:", name):
        problem = "a file whose name leads out of the folder it is unpacked in"
    elif stat.S_ISLNK(member.external_attr >> 16):
        problem = "a link in place of a file"
    else:
        return
    raise DataError(f"{path.name} holds {name!r}, {problem}; {FRESH_COPY}")


def _check_member(where: str, member: zipfile.ZipInfo, most: int) -> None:
    """What would be dear or impossible to unpack."""
    if member.flag_bits & 1:
        raise DataError(
            f"{where} is encrypted; unpack it with its password, and zip it without one"
        )
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        method = f"method {member.compress_type}"
        raise DataError(f"{where} is packed by {method}; zip it by the usual method, deflate")
    _check_size(where, member.file_size, most)
    ratio = member.file_size / max(member.compress_size, 1)
    if member.file_size > RATIO_FROM and ratio > MAX_RATIO:
        raise DataError(
            f"{where} unpacks to {ratio:,.0f} times its size, more than the limit of {MAX_RATIO}; "
            f"{FRESH_COPY}"
        )


def _check_size(where: str, size: int, most: int) -> None:
    if size > most:
        raise DataError(f"{where} unpacks to more than {most:,} bytes; {FRESH_COPY}")


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= DIGITS


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
