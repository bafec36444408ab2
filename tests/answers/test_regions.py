"""Regions of a map against planted ones, and a polygon against one known shape at a time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recdemo.answers.regions import in_common, regions, traits_of, within


@pytest.fixture(scope="module")
def films() -> pd.DataFrame:
    """Four hundred dramas of the nineties; one corner of the map holds old westerns."""
    genres = [("Western", "Drama") if row < 40 else ("Drama",) for row in range(400)]
    years = [1955 if row < 40 else 1995 for row in range(399)] + [0]
    return pd.DataFrame({"genres": genres, "year": years})


@pytest.fixture(scope="module")
def places() -> np.ndarray:
    found = np.random.default_rng(0).random((400, 2))
    found[:40] = found[:40] * 0.1 + 0.85
    return found * [4, 1] - 2


def test_a_region_is_called_what_is_common_only_there(
    films: pd.DataFrame, places: np.ndarray
) -> None:
    found = regions(places, traits_of(films))
    assert {trait.name for trait in found[0].traits} == {"Western", "1950s"}
    assert found[0].place == pytest.approx([1.6, -1.1], abs=0.3)
    first = found[0].traits[0]
    assert (first.share, first.among_all) == (pytest.approx(1, abs=0.2), pytest.approx(0.1))
    assert len(found) == 1, "what is everywhere names nothing"
    mixed = np.random.default_rng(1).permutation(places)
    assert regions(mixed, traits_of(films)) == [], "nor does what is spread by lot"
    assert regions(places[:10], traits_of(films[:10])) == []


def test_names_of_regions_differ_and_keep_apart(places: np.ndarray) -> None:
    where = (places - places.min(0)) / np.ptp(places, axis=0)
    corner = (where > 0.5) @ [1, 2]
    names = ["Comedy", "Horror", "War", "Musical"]
    films = pd.DataFrame({"genres": [(names[one],) for one in corner], "year": 0})
    found = regions(places, traits_of(films))
    assert {tuple(t.name for t in one.traits) for one in found} == {(name,) for name in names}
    assert len(regions(places, traits_of(films), most=2)) == 2


def test_what_films_have_in_common_is_counted_beside_those_shown(films: pd.DataFrame) -> None:
    traits, row = traits_of(films), np.arange(400)
    assert traits.names == ("Drama", "Western", "1950s", "1990s")
    assert traits.flags[399].tolist() == [1, 0, 0, 0], "an unknown year is no decade"
    western, decade = in_common(traits, row < 20, row >= 0)
    assert {western.name, decade.name} == {"Western", "1950s"}
    assert (western.share, western.among_all) == (1.0, pytest.approx(0.1))
    assert in_common(traits, row < 20, row < 40) == [], "all that are shown are westerns"
    assert in_common(traits, row < 0, row >= 0) == []


def test_within_a_polygon_with_a_bay() -> None:
    bay = np.array([[0, 0], [4, 0], [4, 4], [2, 1], [0, 4]], dtype=float)
    asked = np.array([[1, 1], [2, 2], [3.5, 2], [0.2, 3], [5, 1], [2, 0.5], [2, -1]])
    assert within(asked, bay).tolist() == [True, False, True, True, False, True, False]
    assert within(asked, bay[::-1]).tolist() == within(asked, bay).tolist()
