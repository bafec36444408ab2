"""What is asked of the allocator, and what happens where there is none to ask."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import pytest

from recdemo.core import allocator


class Library:
    """The C library, as far as it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[int, ...]]] = []

    def mallopt(self, *given: int) -> None:
        self.asked.append(("mallopt", given))

    def malloc_trim(self, *given: int) -> None:
        self.asked.append(("malloc_trim", given))


def test_the_allocator_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    allocator.few_heaps()
    allocator.give_back()
    assert library.asked == [("mallopt", (-8, 2)), ("malloc_trim", (0,))]


@pytest.mark.parametrize("error", [OSError, TypeError])
@pytest.mark.parametrize("ask", [allocator.few_heaps, allocator.give_back])
def test_without_such_a_library_nothing_happens(
    ask: Callable[[], None], error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(_: object) -> None:
        raise error("as on Windows")

    monkeypatch.setattr(ctypes, "CDLL", absent)
    ask()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())  # a library without these functions
    ask()
