"""How models learn. `launch`, which starts a run in a process of its own, is `recdemo.jobs.control`."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    if name != "launch":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("recdemo.jobs.control")
