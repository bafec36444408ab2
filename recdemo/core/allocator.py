"""What the C library's allocator keeps of memory that is no longer used. Elsewhere than on glibc nothing happens."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_ARENAS, MOST_ARENAS = -8, 2  # M_ARENA_MAX of glibc's malloc.h
_ELSEWHERE = (OSError, AttributeError, TypeError)  # no such function, or (Windows) no such library


def few_heaps() -> None:
    """Let threads share few heaps: each keeps what was once held in it."""
    with suppress(*_ELSEWHERE):
        ctypes.CDLL(None).mallopt(_ARENAS, MOST_ARENAS)


def give_back() -> None:
    """Return to the system what is held in reserve, as after large things have been read and thrown away."""
    with suppress(*_ELSEWHERE):
        ctypes.CDLL(None).malloc_trim(0)
