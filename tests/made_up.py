"""Made-up input: odd texts, JSON of which some values are others, and how much of it is tried."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from trials import trials

EVIL = (
    *("", " ", "-", ".", "..", "~", "~nobody", "/", "/dev/zero", "0", "-1", "1e999", "NaN", "9" * 400),
    *("260l-1d", "260", "F", "din", "next", "\ud800", "\0", "\u202e", "²", "٣", "[/bold]", "[", "{}"),
    *("<img src=//evil.example>", "![x](http://evil.example)", "$x$", "2000-01-01", "9999-99-99"),
    *("x" * 300, "a/" * 3000, "null", "true", '["a"]', "👍", "4/5", "simulated", "-m", "--json"),
)  # fmt: skip
# Any character, halves of some as well.
ODD = st.sampled_from(EVIL) | st.text(st.characters(codec=None, exclude_categories=()), max_size=6)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | ODD
JSON = PLAIN | st.lists(PLAIN, max_size=2) | st.dictionaries(ODD, PLAIN, max_size=2)


def inputs(count: int) -> Callable[[Any], Any]:
    """So many, or with RECDEMO_LONG_TESTS=1 five times as many, the same every time."""
    return settings(
        max_examples=trials(count, 5 * count),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def like(model: BaseModel) -> st.SearchStrategy[bytes]:
    """JSON of which some values, anywhere, are others, and bytes that may be cut or none."""
    whole = json.loads(model.model_dump_json())
    places = list(_places(whole))

    def spoil(changes: list[tuple[tuple[Any, ...], Any]], end: int | None) -> bytes:
        found = json.loads(json.dumps(whole))
        for place, value in changes:
            inside = found
            with suppress(TypeError, KeyError, IndexError):  # a change before took it away
                for name in place[:-1]:
                    inside = inside[name]
                inside[place[-1]] = value
        return json.dumps(found).encode()[:end]

    changes = st.lists(st.tuples(st.sampled_from(places), JSON), max_size=3)
    ends = st.none() | st.none() | st.integers(0, 200)
    return st.builds(spoil, changes, ends) | st.binary(max_size=50)


def _places(value: Any, at: tuple[Any, ...] = ()) -> Any:
    if isinstance(value, dict):
        yield (*at, "more")
        for name, inside in value.items():
            yield (*at, name)
            yield from _places(inside, (*at, name))
    elif isinstance(value, list):
        for number, inside in enumerate(value):
            yield (*at, number)
            yield from _places(inside, (*at, number))


def sentence(text: str) -> None:
    """Something that a page and a console can show."""
    assert text.strip()
    assert len(text) < 2000
    text.encode()
