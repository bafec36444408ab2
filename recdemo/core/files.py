"""Files are replaced whole: who reads one, or finds it after a crash, finds the old or the new."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: bytes, *, sync: bool = False) -> None:
    """Replace a file at once: whoever reads it, or finds it after a crash, finds the old or the new one."""
    draft = path.with_name(f".{path.name}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
