"""Do sums of vectors tell anything? Every second part less its first part, added to every other first part, should end at
that one's second part; what counts is how much oftener it does than the first part's own nearest film is its second part."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recdemo.answers.embeddings import EXAMPLES
from recdemo.answers.spaces import unit

_SECOND = re.compile(r"^(.+?),? (?:Part )?(?:II|2)(?::.*)?$")  # "Jaws 2", "Rocky II", "Scream 2"


@dataclass(frozen=True, slots=True)
class Held:
    """A − B + C ≈ D, where C alone is nearer to another film; rows of the catalogue."""

    a: int
    b: int
    c: int
    d: int
    cosine: float


@dataclass(frozen=True, slots=True)
class Tried:
    """All sums of second parts.

    Args:
        sums: how many.
        right: share of them that end at the second part.
        alone: share at which the film nearest to C is the second part already.
        held: some that hold only because of A and B, the nearest first, no C twice.
    """

    sums: int
    right: float
    alone: float
    held: tuple[Held, ...]


def second_parts(films: pd.DataFrame) -> list[tuple[int, int]]:
    """Rows of first and second parts: by title ("Jaws", "Jaws 2"), the later no earlier, and those of `EXAMPLES`."""
    rows = {movie: row for row, movie in enumerate(films["movie_id"].tolist())}
    years = films["year"].tolist()
    titles: dict[str, int] = {}
    for row, title in enumerate(films["title"].tolist()):
        titles.setdefault(title, row)
    found: dict[tuple[int, int], None] = {}
    for title, row in titles.items():
        first = titles.get(match[1]) if (match := _SECOND.match(title)) else None
        if first is not None and years[first] <= years[row]:
            found[first, row] = None
    for a, b, c, d in EXAMPLES:
        for first, second in ((b, a), (c, d)):
            if first in rows and second in rows:
                found[rows[first], rows[second]] = None
    return list(found)


def try_all(
    directions: np.ndarray, pairs: list[tuple[int, int]], shown: np.ndarray, most: int = 3
) -> Tried:
    """Every sum of two pairs.

    Args:
        directions: [M, k] of length one.
        pairs: rows of first and second parts; those that are not shown are left out.
        shown: [M] True for films that may be found.
        most: sums to name.
    """
    pairs = [(first, second) for first, second in pairs if shown[first] and shown[second]]
    kept = np.flatnonzero(shown)
    place = {int(row): number for number, row in enumerate(kept)}
    first, second = (np.array([place[pair[side]] for pair in pairs], dtype=int) for side in (0, 1))
    near = directions[kept][first] @ directions[kept].T  # [P, N] of first parts with all shown
    step = directions[kept][second] @ directions[kept].T - near
    own = np.arange(len(pairs))
    near[own, first] = -np.inf  # no film is its own answer
    by_c = np.argsort(-near, axis=1, kind="stable")[:, :3]  # without A and B, one of them is left
    held: list[Held] = []
    right = alone = 0
    for pair, (b, a) in enumerate(zip(first, second, strict=True)):
        others = own != pair
        sums = near + step[pair]
        sums[:, [a, b]] = -np.inf
        hits = others & (sums.argmax(1) == second)
        free = (by_c != a) & (by_c != b)
        already = others & (by_c[own, free.argmax(1)] == second)
        right, alone = right + int(hits.sum()), alone + int(already.sum())
        for i in np.flatnonzero(hits & ~already):
            c, d = first[i], second[i]
            towards = directions[kept[a]] - directions[kept[b]] + directions[kept[c]]
            cosine = float(unit(towards) @ directions[kept[d]])
            held.append(Held(int(kept[a]), int(kept[b]), int(kept[c]), int(kept[d]), cosine))
    best: dict[int, Held] = {}
    for one in sorted(held, key=lambda one: -one.cosine):
        best.setdefault(one.c, one)
    count = len(pairs) * (len(pairs) - 1)
    named = tuple(best.values())[:most]
    return Tried(count, right / max(count, 1), alone / max(count, 1), named)
