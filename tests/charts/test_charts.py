"""Charts hold the numbers of the explanation, at the right places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recdemo.answers.explanation import (
    AVERAGE,
    FIELD_NAMES,
    Contrast,
    Explanation,
    Term,
    Weights,
    pair_label,
)
from recdemo.charts.attention import (
    cross_map,
    gate_map,
    history_map,
    pair_map,
    weight_against_removal,
)
from recdemo.charts.terms import waterfall


def beside(terms: tuple[Term, ...]) -> Contrast:
    """The average film, to which half of each term is due."""
    halves = tuple(replace(term, value=term.value / 2) for term in terms)
    return Contrast(None, AVERAGE, 10, sum(term.value for term in halves), halves)


def explanation(values: list[float]) -> Explanation:
    terms = [Term("bias", "Bias", values[0], visitor_only=True)]
    terms += [Term("linear", f"Field {i}", value) for i, value in enumerate(values[1:])]
    return Explanation(
        "fm",
        "like",
        1,
        "A film (1999)",
        sum(values),
        0.5,
        tuple(terms),
        beside(tuple(terms)),
        (),
        None,
        (),
        0,
    )


@pytest.mark.parametrize("count", [1, 3, 30])
def test_a_waterfall_ends_at_the_logit(count: int) -> None:
    values = np.random.default_rng(0).normal(size=count).tolist()
    bars = waterfall(explanation(values), most=10).data[0]
    assert sum(bars.x[:-1]) == pytest.approx(sum(values))
    assert bars.x[-1] == pytest.approx(sum(values))
    assert bars.measure[-1] == "total"
    assert len(bars.y) == len(set(bars.y)) == {1: 2, 3: 4, 30: 13}[count]


def test_a_waterfall_beside_another_film_leads_from_its_logit_by_what_differs() -> None:
    terms = (Term("bias", "Bias", 3.0), Term("linear", "Genre", 1.0), Term("linear", "Year", 0.5))
    differ = (Term("bias", "Bias", 0.0), Term("linear", "Genre", 1.5), Term("linear", "Year", -2.0))
    other = Contrast(2, "Aliens (1986)", 1, 5.0, differ)
    found = Explanation("fm", "like", 1, "Alien", 4.5, 0.9, terms, other, (), None, (), 0)
    bars = waterfall(found, whole=False).data[0]
    assert list(bars.y) == ["Aliens (1986)", "Year", "Genre", "Logit"]
    assert list(bars.x) == [5.0, -2.0, 1.5, 4.5]
    assert list(bars.measure) == ["absolute", "relative", "relative", "total"]


def test_terms_of_the_visitor_alone_are_one_step() -> None:
    terms = (
        Term("bias", "Bias", 1.0, visitor_only=True),
        Term("pair", "Age × Gender", 2.0, visitor_only=True),
        Term("pair", "Age × Film", -0.5),
    )
    explanation = Explanation(
        "fm", "like", 1, "A film", 2.5, 0.9, terms, beside(terms), (), None, (), 0
    )
    bars = waterfall(explanation).data[0]
    assert list(bars.y) == ["Visitor alone (2 terms)", "Age × Film", "Logit"]
    assert list(bars.x) == [3.0, -0.5, 2.5]


def test_the_score_without_a_history_is_the_first_step_however_small() -> None:
    terms = tuple(Term("film", f"Film {n}", 1.0 + n) for n in range(12))
    base = Term("base", "Profile and film alone", 0.25)
    explanation = Explanation(
        "din",
        "next",
        1,
        "A film",
        78.25,
        0.9,
        (*terms, base),
        beside((*terms, base)),
        (),
        None,
        (),
        12,
    )
    bars = waterfall(explanation, most=10).data[0]
    assert (bars.y[0], bars.x[0]) == ("Profile and film alone", 0.25)
    assert (bars.y[1], bars.y[-2]) == ("Film 11", "2 smaller terms")
    assert bars.x[-2:] == (3.0, 78.25)


def test_a_pair_map_puts_each_pair_in_its_cell() -> None:
    fields = ("gender", "age", "movie", "year")
    pairs = {(i, j): 10 * i + j for i in range(4) for j in range(i + 1, 4)}
    del pairs[1, 3]
    values = {pair_label(fields[i], fields[j]): value for (i, j), value in pairs.items()}
    cells = pair_map(fields, values, signed=False, unit="adds").data[0]
    names = [FIELD_NAMES[name] for name in fields]
    for (i, j), value in pairs.items():
        assert cells.z[list(cells.y).index(names[j])][list(cells.x).index(names[i])] == value
    assert np.isnan(cells.z[0][2])
    assert np.isnan(cells.z[2][1]), "a pair without a number"


def test_a_cross_map_has_the_field_that_multiplies_in_rows_and_leaves_empty_fields_out() -> None:
    layer = np.arange(9.0).reshape(3, 3) - 4
    cells = cross_map(("age", "liked", "movie"), layer, np.array([True, False, True])).data[0]
    assert list(cells.x) == list(cells.y) == [FIELD_NAMES[n] for n in ("age", "liked", "movie")]
    assert (cells.z[0][2], cells.z[2][0]) == (-2, 2)
    assert np.isnan(cells.z[1]).all()
    assert np.isnan(np.array(cells.z)[:, 1]).all()
    assert (cells.zmin, cells.zmax) == (-4, 4)


def test_a_gate_map_is_about_one() -> None:
    gates = pd.DataFrame(
        {"field": ["Age group", "This film"], "visitor": [0.5, 1], "film": [1, 1.5]}
    )
    cells = gate_map(gates).data[0]
    assert np.array(cells.z).tolist() == [[0.5, 1], [1, 1.5]]
    assert (cells.zmin, cells.zmax) == (0, 2)


def test_a_history_map_shows_the_latest_film_first() -> None:
    table = pd.DataFrame(
        {"movie_id": [1, 2], "title": ["Old (1990)", "New (1999)"], 7: [0.1, -0.4]}
    )
    cells = history_map(table, {7: "Target (2000)"}).data[0]
    assert list(cells.y) == ["New (1999)", "Old (1990)"]
    assert np.ravel(cells.z).tolist() == [-0.4, 0.1]
    assert (cells.zmin, cells.zmax) == (-0.4, 0.4)


def test_a_target_in_the_history_has_no_weight_for_itself() -> None:
    table = pd.DataFrame({"movie_id": [7], "title": ["Target (2000)"], 7: [np.nan]})
    assert np.isnan(history_map(table, {7: "Target (2000)"}).data[0].z[0][0])


def test_films_of_one_title_stay_apart() -> None:
    table = pd.DataFrame({"movie_id": [1, 2], "title": ["Same (1990)"] * 2, 7: [0.1, 0.2]})
    assert len(set(history_map(table, {7: "Target (2000)"}).data[0].y)) == 2


def test_faithfulness_scatter_shows_sizes() -> None:
    weights = Weights("film", ("a", "b"), (-0.5, 0.2), (1.0, -2.0), None, False)
    points = weight_against_removal(weights).data[0]
    assert list(points.x) == [0.5, 0.2]
    assert list(points.y) == [1.0, 2.0]
