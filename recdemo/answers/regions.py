"""What the regions of a map hold: genres and decades that are more common there than among all films.

A region is a place of the map and the films nearest to it. What it is called is counted, not learned: a genre that at least
half of its films have, and twice as many as of all films, by how surprising that is under a draw by lot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

SHARE, LIFT = 0.5, 2.0  # of a region's films at least, and times as many as of all
SURPRISE = 4.0  # standard deviations above what lot gives
PART = 40  # a region is one in so many films …
FEWEST = 15  # … and no fewer than this
GRID = (24, 14)  # places looked at, across and up
APART = (0.2, 0.1)  # in parts of the map, that names keep from each other


@dataclass(frozen=True, slots=True)
class Traits:
    """What films have in common with others: genres and decades.

    Args:
        names: T of them, genres as the catalogue calls them, then decades as ``1980s``.
        flags: [M, T] one where a film has it.
    """

    names: tuple[str, ...]
    flags: np.ndarray


@dataclass(frozen=True, slots=True)
class Trait:
    """A genre or decade of some films, beside all."""

    name: str
    share: float  # of these films that have it
    among_all: float
    surprise: float  # standard deviations above what as many films drawn by lot would have


@dataclass(frozen=True, slots=True)
class Region:
    """Some films that lie together on a map: where, and what most of them have, the most surprising first."""

    place: np.ndarray  # [2]
    traits: tuple[Trait, ...]


def traits_of(films: pd.DataFrame) -> Traits:
    """Genres and decades of a catalogue; a year of 0 is unknown, and has no decade."""
    genres = sorted({name for names in films["genres"] for name in names})
    decades = films["year"].to_numpy() // 10 * 10
    known = np.unique(decades[decades > 0])
    column = {name: number for number, name in enumerate(genres)}
    flags = np.zeros((len(films), len(genres) + len(known)), dtype=np.float32)
    for row, names in enumerate(films["genres"]):
        flags[row, [column[name] for name in names]] = 1.0
    flags[:, len(genres) :] = decades[:, None] == known
    return Traits((*genres, *(f"{decade}s" for decade in known)), flags)


def in_common(traits: Traits, chosen: np.ndarray, shown: np.ndarray, most: int = 2) -> list[Trait]:
    """What the films `chosen` [M] have in common beside all `shown` [M], the most surprising first.

    Nothing, where they are as mixed as all.
    """
    if not chosen.any():
        return []
    everywhere = traits.flags[shown].mean(0)
    return _named(traits.names, traits.flags[chosen].mean(0), everywhere, int(chosen.sum()), most)


def regions(places: np.ndarray, traits: Traits, most: int = 16) -> list[Region]:
    """The regions of a map that have a name, the most surprising first; no two have the same, and none is near another.

    Args:
        places: [N, 2].
        traits: of the same N films.
        most: how many.
    """
    if len(places) <= FEWEST:
        return []
    low, size = places.min(0), np.maximum(np.ptp(places, axis=0), 1e-9)
    where = ((places - low) / size).astype(np.float32)
    across, up = np.meshgrid(*(np.linspace(0, 1, steps, dtype=np.float32) for steps in GRID))
    centres = np.stack([across.ravel(), up.ravel()], 1)
    k = max(FEWEST, len(places) // PART)
    distances = ((centres[:, None] - where) ** 2).sum(2)
    everywhere = traits.flags.mean(0)
    candidates = []
    for near in np.argpartition(distances, k, axis=1)[:, :k]:
        named = _named(traits.names, traits.flags[near].mean(0), everywhere, k, 2)
        if named:
            candidates.append((named, np.median(where[near], axis=0)))
    candidates.sort(key=lambda one: -one[0][0].surprise)
    found: list[Region] = []
    taken: list[np.ndarray] = []
    for named, place in candidates:
        name = {trait.name for trait in named}
        if any({trait.name for trait in other.traits} == name for other in found):
            continue
        if any((np.abs(place - other) < APART).all() for other in taken):
            continue
        found.append(Region(low + place * size, tuple(named)))
        taken.append(place)
    return found[:most]


def _named(
    names: Sequence[str], shares: np.ndarray, everywhere: np.ndarray, films: int, most: int
) -> list[Trait]:
    """Traits that are worth naming."""
    spread = np.sqrt(np.maximum(everywhere * (1 - everywhere), 1e-6) / films)
    surprise = (shares - everywhere) / spread
    worth = (shares >= SHARE) & (shares >= LIFT * everywhere) & (surprise >= SURPRISE)
    order = [i for i in np.argsort(-surprise, kind="stable") if worth[i]][:most]
    return [
        Trait(names[i], float(shares[i]), float(everywhere[i]), float(surprise[i])) for i in order
    ]


def within(places: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """[N] True for the places [N, 2] inside a polygon of corners [E, 2]: those from which a ray crosses its edges an odd
    number of times."""
    inside = np.zeros(len(places), dtype=bool)
    x, y = places.T
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 != y1:
            crosses = (y0 > y) != (y1 > y)
            inside ^= crosses & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return inside
