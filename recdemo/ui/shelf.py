"""What all visitors share of what visitors made: loaded when first asked for, a few at a time, and let go when its files are gone."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import RLock
from typing import TypeVar, cast

Stamp = tuple[int, int]
Files = tuple[Path, ...]
Made = TypeVar("Made")


class Shelf:
    """Things made of files, the latest used ones.

    Args:
        most: held at a time.
    """

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, RLock()
        self._held: OrderedDict[Files, tuple[tuple[Stamp, ...], object]] = OrderedDict()

    def get(self, files: Files, make: Callable[[], Made]) -> Made:
        """What is made of these files; made again when one of them has changed."""
        stamps = tuple(map(stamp, files))
        with self._lock:
            found = self._held.pop(files, None)
            if found is None or found[0] != stamps:
                found = stamps, make()
            self._held[files] = found
            while len(self._held) > self._most:
                self._held.popitem(last=False)
        return cast("Made", found[1])

    def sweep(self) -> None:
        """Let go of what no longer has its files."""
        with self._lock:
            for files, (stamps, _) in list(self._held.items()):
                if tuple(map(stamp, files)) != stamps:
                    del self._held[files]

    def __len__(self) -> int:
        return len(self._held)


def stamp(path: Path) -> Stamp:
    """Changes when a file does."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)
