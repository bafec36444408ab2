"""Vectors against plain loops: neighbours, analogies, and what a space is like."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from shipped import load
from sklearn.decomposition import PCA

from recdemo import RequestError
from recdemo.answers.embeddings import (
    EXAMPLES,
    agreement,
    analogy,
    best_example,
    between_neighbours,
    film_table,
    nearest,
    neighbours,
    principal,
)
from recdemo.answers.spaces import unit


@pytest.fixture(scope="module")
def cloud() -> np.ndarray:
    """Sixty directions in six dimensions."""
    return unit(np.random.default_rng(3).normal(size=(60, 6)).astype(np.float32))


def cosine(a: Any, b: Any) -> float:
    dot = sum(float(x) * float(y) for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(float(x) ** 2 for x in a)) / math.sqrt(sum(float(y) ** 2 for y in b))


# Neighbours and analogies


@pytest.mark.parametrize("row", [0, 17, 59])
def test_nearest_is_what_a_loop_finds(cloud: np.ndarray, row: int) -> None:
    among = np.arange(60) % 3 != 1
    rows, cosines = nearest(cloud, 5 * cloud[row], 7, among=among, without=[row])
    wanted = sorted(
        (-cosine(cloud[i], cloud[row]), i) for i in range(60) if i % 3 != 1 and i != row
    )[:7]
    assert rows.tolist() == [i for _, i in wanted]
    assert cosines == pytest.approx([-c for c, _ in wanted], abs=1e-5)
    assert among.sum() == 40, "what is given is left as it was"


def test_equals_come_in_order_and_lists_run_out() -> None:
    same = unit(np.array([[1.0, 0], [0, 1], [1, 0], [2, 0]]))
    rows, cosines = nearest(same, np.array([3.0, 0]), 9)
    assert rows.tolist() == [0, 2, 3, 1]
    assert cosines == pytest.approx([1, 1, 1, 0])
    assert unit(np.zeros(2)).tolist() == [0, 0]


def test_an_analogy_is_what_a_loop_finds(cloud: np.ndarray) -> None:
    among = np.arange(60) != 30
    a, b, c = 4, 9, 21
    found = analogy(cloud, a, b, c, 8, among=among)
    towards = [cloud[a][d] - cloud[b][d] + cloud[c][d] for d in range(6)]
    candidates = [i for i in range(60) if i not in (a, b, c, 30)]
    wanted = sorted(candidates, key=lambda i: -cosine(cloud[i], towards))[:8]
    alone = sorted(candidates, key=lambda i: -cosine(cloud[i], cloud[c]))
    assert found.rows.tolist() == wanted
    assert found.cosines == pytest.approx([cosine(cloud[i], towards) for i in wanted], abs=1e-5)
    assert found.alone.tolist() == [alone.index(i) + 1 for i in wanted]


def test_a_planted_analogy_is_the_example_chosen() -> None:
    """One sequel lies exactly at A − B + C; where two are, the one that C alone would not give wins."""
    ids = sorted({movie for films in EXAMPLES for movie in films})
    schema = SimpleNamespace(index={movie: i for i, movie in enumerate(ids, start=1)})
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(len(ids), 40))
    place = {movie: i for i, movie in enumerate(ids)}

    def plant(films: tuple[int, int, int, int], along: float) -> None:
        a, b, c, wanted = (place[movie] for movie in films)
        vectors[b] = rng.normal(size=40)
        vectors[a] = vectors[b] + along * rng.normal(size=40)
        vectors[wanted] = unit(vectors[a]) - unit(vectors[b]) + unit(vectors[c])

    plant(EXAMPLES[2], 0.1)
    assert best_example(unit(vectors), schema) == EXAMPLES[2][:3]  # type: ignore[arg-type]
    plant(EXAMPLES[5], 30.0)
    for movie in {*EXAMPLES[6], *EXAMPLES[7]}:  # a crowd about C, which C alone would give
        vectors[place[movie]] = vectors[place[EXAMPLES[5][2]]] + 0.01 * rng.normal(size=40)
    assert best_example(unit(vectors), schema) == EXAMPLES[5][:3]  # type: ignore[arg-type]
    schema.index = {1: 1}
    assert best_example(unit(vectors), schema) is None  # type: ignore[arg-type]


def test_examples_are_films_of_the_catalogue() -> None:
    titles = load("popularity").catalogue.set_index("movie_id")["title"]
    assert [titles[movie] for movie in EXAMPLES[0]] == [
        "Aliens", "Alien", "The Terminator", "Terminator 2: Judgment Day"
    ]  # fmt: skip
    for *_, wanted in EXAMPLES[1:]:
        assert wanted in titles.index


def test_the_list_of_neighbours_is_the_library_s() -> None:
    model = load("mf", "like")
    table = neighbours(model, 260, 5)
    vectors = model.checkpoint.model.films.weight[1:].numpy()
    ids = model.catalogue["movie_id"].tolist()
    own = vectors[ids.index(260)]
    for movie, value in zip(table["movie_id"], table["cosine"], strict=True):
        assert cosine(vectors[ids.index(movie)], own) == pytest.approx(value, abs=1e-5)
    assert 260 not in table["movie_id"].tolist()
    assert table["cosine"].is_monotonic_decreasing
    assert table["rank"].tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("key", "space", "words"),
    [("popularity", "film", "another model"), ("mf", "liked", "use one of film")],
)
def test_a_space_that_is_not_there_is_named(key: str, space: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        neighbours(load(key, "like"), 260, space=space)


def test_a_table_of_films_names_them() -> None:
    films = load("popularity").catalogue
    table = film_table(films, np.array([3, 0]), np.array([0.5, 0.25]))
    assert table["title"].tolist() == films["title"].iloc[[3, 0]].tolist()
    assert table["ratings"].tolist() == films["ratings"].iloc[[3, 0]].tolist()
    assert table.index.tolist() == [0, 1]


# What a space is like


def test_agreement_is_what_loops_count(cloud: np.ndarray) -> None:
    rng = np.random.default_rng(8)
    flags = (rng.random((60, 5)) < 0.25).astype(np.float32)
    ratings = rng.integers(0, 90, 60)
    assert (flags.sum(1) == 0).any(), "some film has no genre"
    found = agreement(cloud, flags, ratings)
    shared, closest = 0, []
    for i in range(60):
        best = max((j for j in range(60) if j != i), key=lambda j: cosine(cloud[i], cloud[j]))
        closest.append(best)
        shared += bool((flags[i] * flags[best]).any())
    pairs = [(flags[i] * flags[j]).any() for i in range(60) for j in range(60) if i != j]
    assert found.genre == pytest.approx(shared / 60)
    assert found.chance == pytest.approx(sum(pairs) / len(pairs))
    ranks = pd.DataFrame({"own": ratings, "next": ratings[closest]}).rank().corr().iloc[0, 1]
    assert found.popularity == pytest.approx(ranks)


def test_agreement_over_more_films_than_are_compared_at_once() -> None:
    """Twins lie side by side, far apart in the catalogue."""
    rng = np.random.default_rng(1)
    half = unit(rng.normal(size=(700, 8)))
    directions = np.concatenate([half, half])
    flags = np.eye(700, dtype=np.float32)[np.tile(np.arange(700), 2)]
    found = agreement(directions, flags, np.arange(1400))
    assert found.genre == 1.0
    assert found.chance == pytest.approx(1 / 1399)
    number = np.arange(1400)
    twins = np.corrcoef(number, (number + 700) % 1400)[0, 1]
    assert found.popularity == pytest.approx(twins), "nobody is their own neighbour"


@pytest.mark.parametrize("dimensions", [2, 3])
def test_axes_are_principal_components(cloud: np.ndarray, dimensions: int) -> None:
    found = principal(cloud, dimensions)
    theirs = PCA(dimensions, svd_solver="full").fit(cloud)
    assert found.share == pytest.approx(theirs.explained_variance_ratio_, abs=1e-5)
    places, wanted = found.project(cloud), theirs.transform(cloud)
    for axis in range(dimensions):
        sign = np.sign(places[0, axis] * wanted[0, axis])
        assert places[:, axis] == pytest.approx(sign * wanted[:, axis], abs=1e-4)
        assert found.axes[axis][np.abs(found.axes[axis]).argmax()] > 0
    # Another vector's place is exact: what a point amid two films gets is the middle of their places.
    middle = (cloud[0] + cloud[1]) / 2
    assert found.project(middle) == pytest.approx((places[0] + places[1]) / 2, abs=1e-5)


def test_two_points_differ_along_one_line() -> None:
    found = principal(unit(np.array([[1.0, 0, 0], [0, 1, 0]], dtype=np.float32)), 2)
    assert found.share == pytest.approx((1, 0), abs=1e-6)
    assert principal(np.array([[1.0], [-1.0]]), 2).project(np.array([[1.0]])).shape == (1, 2)


def test_between_neighbours_is_their_weighted_mean(cloud: np.ndarray) -> None:
    places = np.random.default_rng(2).normal(size=(60, 2))
    towards = cloud[7] + cloud[8]
    order = sorted(range(60), key=lambda i: -cosine(cloud[i], towards))[:4]
    weights = [cosine(cloud[i], towards) for i in order]
    for axis in (0, 1):
        wanted = sum(w * places[i][axis] for w, i in zip(weights, order, strict=True))
        found = between_neighbours(cloud, places, towards, 4)
        assert found[axis] == pytest.approx(wanted / sum(weights), abs=1e-5)
    away = -np.ones((3, 2)) / math.sqrt(2)
    corners = np.array([[0.0, 0], [3, 0], [0, 3]])
    assert between_neighbours(away, corners, np.ones(2)).tolist() == [1, 1]
