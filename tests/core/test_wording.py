"""Numbers and names as people write them."""

from __future__ import annotations

import pytest

from recdemo.core.wording import counted, cut


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 films"), (1, "1 film"), (2, "2 films"), (1234, "1,234 films")]
)
def test_only_one_film_is_a_film(number: int, words: str) -> None:
    assert counted(number, "film") == words


def test_a_text_is_cut_only_where_it_is_too_long() -> None:
    assert cut("x" * 40) == "x" * 40
    assert cut("x" * 41) == "x" * 39 + "…"
    assert cut("abcdef", 3) == "ab…"
