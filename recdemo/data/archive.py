"""MovieLens files as bytes, from the official zip or from a folder, and nothing written to disk.

`open_archive` finds the layout by the files that are there; a `Member` is one of those files, and
the one place that turns a bad line into a `DataError` with the file and the line number.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from recdemo.data.dataset import DataError

OFFICIAL_SITE = "https://grouplens.org/datasets/movielens/"
DIGITS = 18  # of a number: any such number fits int64
_NOT_WHOLE = f"is not a whole number of up to {DIGITS} digits"
MAX_MEMBER_BYTES = 200_000_000  # ratings.dat of MovieLens-1M has 25 million
FRESH_COPY = f"get a fresh copy of the official zip from {OFFICIAL_SITE}"

# The files each layout needs: films, users, ratings.
LAYOUTS: dict[str, tuple[str, str, str]] = {
    "ml-1m": ("movies.dat", "users.dat", "ratings.dat"),
    "ml-100k": ("u.item", "u.user", "u.data"),
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
    """Where the three files of one layout lie.

    Args:
        path: the zip or the folder that was given.
        layout: key of `LAYOUTS`.
        folder: the folder inside ``path``, ending in "/", or "" for ``path`` itself.
    """

    path: Path
    layout: str
    folder: str

    def member(self, name: str) -> Member:
        """Read one file.

        Raises:
            DataError: it cannot be read, or the zip is damaged.
        """
        inside = self.folder + name
        where = f"{self.path.name}: {inside}"
        try:
            if self.path.is_dir():
                return Member(where, (self.path / inside).read_bytes())
            with zipfile.ZipFile(self.path) as archive:
                if archive.getinfo(inside).file_size > MAX_MEMBER_BYTES:
                    raise DataError(
                        f"{where} unpacks to more than {MAX_MEMBER_BYTES:,} bytes; {FRESH_COPY}"
                    )
                return Member(where, archive.read(inside))
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise DataError(f"{where} is damaged ({error}); {FRESH_COPY}") from error
        except (OSError, RuntimeError) as error:
            raise DataError(f"{where} cannot be read ({error}); {FRESH_COPY}") from error


def open_archive(path: str | Path) -> Archive:
    """Recognise a MovieLens layout in a zip, a folder, or a folder's subfolders.

    Raises:
        DataError: nothing there, a damaged zip, no layout or two of them, or a file missing.
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
        raise DataError(f"{path} holds no MovieLens files ({wanted}); {FRESH_COPY}")
    if len(found) > 1:
        places = " and ".join(f"{layout} in {folder or './'}" for layout, folder in found)
        raise DataError(f"{path} holds more than one data set: {places}; name one of them")
    layout, folder = found[0]
    for file in LAYOUTS[layout]:
        if folder + file not in names:
            raise DataError(f"{path.name}: {folder}{file} is missing; {FRESH_COPY}")
    return Archive(path, layout, folder)


def _member_names(path: Path) -> set[str]:
    if not path.exists():
        raise DataError(f"{path} does not exist; check the path or {FRESH_COPY}")
    try:
        if path.is_dir():
            files = [*path.glob("*"), *path.glob("*/*")]
            return {file.relative_to(path).as_posix() for file in files if file.is_file()}
        with zipfile.ZipFile(path) as archive:
            return {name for name in archive.namelist() if not name.startswith("__MACOSX/")}
    except zipfile.BadZipFile as error:
        raise DataError(f"{path} is not a whole zip file ({error}); {FRESH_COPY}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error}); {FRESH_COPY}") from error


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= DIGITS


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
