"""Where things lie: in a checkout beside the package; of an installed package, what is shipped lies inside it."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
IN_CHECKOUT = (_PACKAGE.parent / "streamlit_app.py").is_file()
IMPORTED_FROM = _PACKAGE.parent  # what a process of its own finds the package by
# Where data and runs go unless asked otherwise.
PROJECT = _PACKAGE.parent if IN_CHECKOUT else Path.cwd()
_SHIPPED = _PACKAGE.parent if IN_CHECKOUT else _PACKAGE / "shipped"


def shipped(name: str) -> Path:
    """A file or folder that comes with recdemo: ``checkpoints``, ``NOTICE``."""
    return _SHIPPED / name


def environment(**more: str) -> dict[str, str]:
    """That of a process of its own, which finds this very package, and imports nothing from the folder it is started in.

    Args:
        more: variables set beside.
    """
    paths = [str(IMPORTED_FROM), *filter(None, [os.environ.get("PYTHONPATH")])]
    found = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}
    return {**os.environ, **found, **more}
