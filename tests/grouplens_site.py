"""What a server that plays GroupLens holds, and fetching from it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from recdemo.data import DataError
from recdemo.data.download import fetch_zip
from recdemo.data.grouplens import Source

CONTENT = bytes(range(256)) * 2000
NEWER = CONTENT[::-1]
HALF = len(CONTENT) // 2


class Site:
    """What the server holds, how it behaves, and what it was asked."""

    def __init__(self) -> None:
        self.content, self.tag = CONTENT, '"one"'
        self.ranges = True  # whether it knows how to send a part
        self.cut: int | None = None  # bytes sent before the connection breaks
        self.stall: int | None = None  # bytes sent before nothing more comes
        self.status = 0
        self.location = ""
        self.says_length = True
        self.asked: list[str | None] = []  # Range of each request
        self.base = ""


def source_of(md5: str | None = hashlib.md5(CONTENT).hexdigest(), megabytes: int = 1) -> Any:
    return Source("Made up", md5, megabytes, 1, "https://example.org", "It may not.")


def fetch(site: Site, folder: Path, **more: Any) -> Path:
    return fetch_zip("ml-100k", folder, base=site.base, **more)


def fails(site: Site, folder: Path, problem: str) -> str:
    with pytest.raises(DataError, match=problem) as error:
        fetch(site, folder)
    return str(error.value)


def left_in(folder: Path) -> list[int]:
    """Sizes of what lies in a folder."""
    return sorted(path.stat().st_size for path in folder.iterdir())
