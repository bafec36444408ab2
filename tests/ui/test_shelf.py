"""What is held of what visitors made: no more than a few models, none that was deleted, no more files than fit."""

from __future__ import annotations

import gc
import os
import weakref
from pathlib import Path

import pytest
from starlette.exceptions import HTTPException
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from recdemo.jobs.control import ALLOWED_VARIABLE
from recdemo.ui import uploads
from recdemo.ui.shelf import Shelf


class Made:
    """Something made of files."""


@pytest.fixture
def files(tmp_path: Path) -> list[tuple[Path, ...]]:
    found = []
    for name in "abcd":
        (tmp_path / name).write_text(name)
        found.append((tmp_path / name,))
    return found


def test_the_least_used_goes_when_there_are_too_many(files: list[tuple[Path, ...]]) -> None:
    shelf, (a, b, c, _) = Shelf(2), files
    first, second = shelf.get(a, Made), weakref.ref(shelf.get(b, Made))
    assert shelf.get(a, Made) is first
    shelf.get(c, Made)
    gc.collect()
    assert second() is None
    assert shelf.get(a, Made) is first


def test_what_is_deleted_or_replaced_goes(files: list[tuple[Path, ...]]) -> None:
    shelf, (a, b, c, _) = Shelf(4), files
    deleted, changed, stays = (weakref.ref(shelf.get(one, Made)) for one in (a, b, c))
    a[0].unlink()
    os.utime(b[0], (1, 1))
    shelf.sweep()
    gc.collect()
    assert (deleted(), changed(), stays()) == (None, None, shelf.get(c, Made))


def test_an_error_is_not_held(files: list[tuple[Path, ...]]) -> None:
    shelf = Shelf(2)
    with pytest.raises(ZeroDivisionError):
        shelf.get(files[0], lambda: 1 // 0)
    assert shelf.get(files[0], lambda: 1) == 1


def take(manager: MemoryUploadedFileManager, session: str, size: int) -> bool:
    """Upload a file; whether it was taken."""
    number = str(sum(map(len, manager.file_storage.values())))
    file = UploadedFileRec(number, "x.csv", "text/csv", bytes(size))
    try:
        uploads.check(manager, session, file)
    except HTTPException:
        return False
    manager.add_file(session, file)
    return True


def test_uploads_are_bounded_in_number_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_BYTES", 1000)
    monkeypatch.setattr(uploads, "MOST_WHERE_OFF", 100)
    monkeypatch.setattr(uploads, "MOST_OF_ALL", 2500)
    monkeypatch.delenv(ALLOWED_VARIABLE, raising=False)
    manager = MemoryUploadedFileManager("/upload")
    assert [take(manager, "small", 1) for _ in range(uploads.MOST_FILES + 1)] == [
        *[True] * uploads.MOST_FILES,
        False,
    ]
    assert [take(manager, "large", 600), take(manager, "large", 600)] == [True, False]
    assert take(manager, "other", 1000)
    assert not take(manager, "one more", 1000), "all together are bounded, too"
    manager.remove_session_files("other")
    assert take(manager, "one more", 1000), "who has left makes room"
    monkeypatch.setenv(ALLOWED_VARIABLE, "off")
    assert [take(manager, "history", 101), take(manager, "history", 100)] == [False, True]
