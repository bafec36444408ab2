"""Sums of second parts: which pairs there are, and what a planted world gives, by a loop."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recdemo.answers.analogies import second_parts, try_all
from recdemo.answers.embeddings import analogy
from recdemo.answers.spaces import unit


def test_second_parts_are_found_by_title() -> None:
    titles = [
        "Jaws",
        "Jaws 2",
        "Rocky II",
        "Rocky",
        "Apollo 13",
        "Speed 2: Cruise Control",
        "Speed",
    ]
    years = [1975, 1978, 1979, 1976, 1995, 1993, 1994]  # this Speed 2 came before its first part
    films = pd.DataFrame({"movie_id": range(7), "title": titles, "year": years})
    assert second_parts(films) == [(0, 1), (3, 2)]


def test_sums_are_what_a_loop_counts() -> None:
    """Second parts lie one step from the first, and a crowd stands nearer to half of these."""
    rng = np.random.default_rng(4)
    firsts, step = rng.normal(size=(6, 30)), rng.normal(size=30)
    crowd = firsts[:3] + 0.2 * rng.normal(size=(3, 30))
    directions = unit(np.concatenate([firsts, firsts + step, crowd, rng.normal(size=(20, 30))]))
    pairs, shown = [(row, row + 6) for row in range(6)], np.arange(35) != 34
    found = try_all(directions, pairs, shown, most=99)
    right, alone, held = 0, 0, {}
    for b, a in pairs:
        for c, d in pairs:
            if a != d:
                told = analogy(directions, a, b, c, 34, among=shown)
                first = told.rows[0] == d
                by_c = told.alone[told.rows == d][0] == 1
                right, alone = right + first, alone + by_c
                if first and not by_c:
                    held[c] = max(held.get(c, 0), float(told.cosines[0]))
    assert 0 < alone < right
    assert (found.sums, found.right * 30, found.alone * 30) == (30, right, alone)
    assert {one.c: one.cosine for one in found.held} == pytest.approx(held)
    assert [one.cosine for one in found.held] == pytest.approx(sorted(held.values(), reverse=True))
    assert try_all(directions, pairs[:1], shown).held == ()
    assert try_all(directions, [], shown).sums == 0
