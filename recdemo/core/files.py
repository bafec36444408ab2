"""Files and folders are replaced whole: who reads one, or finds it after a crash, finds the old or the new."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write_whole(path: Path, content: bytes | str, *, sync: bool = False) -> None:
    """Replace a file at once; text becomes UTF-8.

    Args:
        path: the file; nobody else may be writing it.
        content: all of it.
        sync: wait until it is on the disk, so that it outlives a loss of power.
    """
    with draft_of(path, own=False) as draft, draft.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        if sync:
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def draft_of(path: Path, *, own: bool = True) -> Iterator[Path]:
    """A place to write a file or a folder to, which takes the name `path` at the end, or leaves nothing behind.

    Args:
        path: what is there already is replaced.
        own: a name that no other writer has, ``.NAME-…``; else ``.NAME``, so that many interrupted writers leave one.
    """
    draft = path.with_name(f".{path.name}-{secrets.token_hex(4)}" if own else f".{path.name}")
    try:
        yield draft
        _move(draft, path)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        with suppress(OSError):
            draft.unlink()
        raise


def _move(draft: Path, path: Path) -> None:
    """Give a draft its name; a folder can only take the name of one that has stepped aside."""
    if not (draft.is_dir() and path.exists()):
        draft.replace(path)
        return
    aside = draft.with_name(f"{draft.name}-old")
    path.rename(aside)
    try:
        draft.rename(path)
    except BaseException:
        aside.rename(path)
        raise
    shutil.rmtree(aside)
