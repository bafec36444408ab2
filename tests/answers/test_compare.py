"""Comparing models: the figures against plain loops, the order and the charts against what was planted."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from shipped import load

from recdemo import RequestError, Session, Watched, checkpoints
from recdemo.answers.compare import (
    DEPTH,
    FEW,
    Ranking,
    agreed_and_disputed,
    by_similarity,
    default_models,
    on_lists,
    overlaps,
    places_apart,
    question,
    rank,
    rank_biased_overlap,
    side_by_side,
    where_they_part,
    who_agrees,
)
from recdemo.charts import compare as charts

SESSION = Session("F", 25, 12, [Watched(260, True), Watched(2571, True), Watched(1721, False)])


def ranking(model: str, films: list[int]) -> Ranking:
    return Ranking(model, "next", np.array(films), 0.01)


def shuffled(size: int, seed: int) -> list[int]:
    return np.random.default_rng(seed).permutation(size).tolist()


def overlap_by_hand(left: list[int], right: list[int], p: float) -> float:
    """The mean over where a reader stops, who goes on with probability p, of the share in common down to there;
    past the end of the lists the share stays what it was."""
    total, share = 0.0, 0.0
    for depth in range(1, 4000):
        if depth <= len(left):
            share = len(set(left[:depth]) & set(right[:depth])) / depth
        total += (1 - p) * p ** (depth - 1) * share
    return total


@pytest.mark.parametrize("p", [0.5, 0.9, 0.98])
@pytest.mark.parametrize("size", [1, 2, 10, 60])
def test_overlap_is_what_a_reader_notes_on_average(size: int, p: float) -> None:
    for seed in range(4):
        left = shuffled(2 * size, seed)[:size]
        right = shuffled(2 * size, seed + 100)[:size]
        assert rank_biased_overlap(left, right, p) == pytest.approx(overlap_by_hand(left, right, p))


def test_overlap_as_others_compute_it() -> None:
    # The example in the documentation of github.com/b4ny4n/rankmeasures.
    assert rank_biased_overlap([1, 2, 3, 4, 5], [2, 3, 4, 1, 5], 0.9) == pytest.approx(0.828)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_overlap_is_one_for_the_same_list_and_zero_for_strangers(size: int) -> None:
    films = shuffled(size, 0)
    assert rank_biased_overlap(films, films) == pytest.approx(1)
    assert rank_biased_overlap(films, [film + size for film in films]) == 0


def test_overlap_is_symmetric_and_between_zero_and_one() -> None:
    for seed in range(20):
        left, right = shuffled(30, seed)[:12], shuffled(30, seed + 50)[:12]
        value = rank_biased_overlap(left, right)
        assert value == rank_biased_overlap(right, left)
        assert 0 <= value <= 1


def test_the_top_counts_most() -> None:
    films = list(range(20))
    top, bottom = films.copy(), films.copy()
    top[0], bottom[-1] = 100, 100
    assert rank_biased_overlap(films, top) < rank_biased_overlap(films, bottom)


def test_the_first_ten_films_have_the_weight_that_the_page_states() -> None:
    left = list(range(1000))
    right = [*range(10), *range(2000, 2990)]
    assert rank_biased_overlap(left, right) == pytest.approx(0.86, abs=0.005)


@pytest.mark.parametrize("p", [0, 1, -0.1, 1.1])
def test_a_bad_persistence_is_named(p: float) -> None:
    with pytest.raises(RequestError, match=str(p)):
        rank_biased_overlap([1], [1], p)


@pytest.mark.parametrize(("left", "right"), [([], []), ([1], [1, 2])])
def test_lists_that_cannot_be_compared_are_named(left: list[int], right: list[int]) -> None:
    with pytest.raises(RequestError, match=f"{len(left)} and {len(right)} films"):
        rank_biased_overlap(left, right)


def test_overlaps_are_those_of_every_two_tops() -> None:
    rankings = [ranking(name, shuffled(3 * DEPTH, seed)) for seed, name in enumerate("abcd")]
    matrix = overlaps(rankings)
    for i, j in combinations(range(4), 2):
        tops = [rankings[n].movie_ids[:DEPTH].tolist() for n in (i, j)]
        assert matrix[i, j] == matrix[j, i] == pytest.approx(overlap_by_hand(*tops, 0.9))
    assert np.diag(matrix).tolist() == [1] * 4


@pytest.mark.parametrize("models", [1, 2, 3, 6])
def test_places_apart_are_the_mean_over_pairs_of_models(models: int) -> None:
    ranks = np.random.default_rng(models).integers(1, 3000, (40, models))
    for row, value in zip(ranks, places_apart(ranks), strict=True):
        pairs = [abs(a - b) for a, b in combinations(row.tolist(), 2)] or [0]
        assert value == pytest.approx(np.mean(pairs))


def test_side_by_side_by_hand() -> None:
    rankings = [ranking("a", [1, 2, 3, 4]), ranking("b", [2, 1, 4, 3]), ranking("c", [2, 3, 4, 1])]
    table = side_by_side(rankings, 2)
    assert table.columns.tolist() == ["movie_id", "lists", "best", "worst", "apart", "a", "b", "c"]
    assert table.to_numpy().tolist() == [
        [2, 3, 1, 2, pytest.approx(2 / 3), 2, 1, 1],
        [1, 2, 1, 4, 2.0, 1, 2, 4],
        [3, 1, 2, 4, pytest.approx(4 / 3), 3, 4, 2],
    ]


def test_side_by_side_counts_and_sorts() -> None:
    rankings = [ranking(name, shuffled(50, seed)) for seed, name in enumerate("abcde")]
    table = side_by_side(rankings, 10)
    tops = {one.model: one.movie_ids[:10].tolist() for one in rankings}
    assert set(table["movie_id"]) == {film for top in tops.values() for film in top}
    heights = []
    for row in table.itertuples():
        places = [top.index(row.movie_id) for top in tops.values() if row.movie_id in top]
        assert row.lists == len(places)
        heights.append((-row.lists, np.mean(places)))
        for one in rankings:
            assert one.movie_ids[getattr(row, one.model) - 1] == row.movie_id
    assert heights == sorted(heights)


def test_models_that_agree_stand_together() -> None:
    matrix = np.full((7, 7), 0.1)
    for family in ((0, 2, 4), (1, 3), (5, 6)):
        for i in family:
            for j in family:
                matrix[i, j] = 0.8
    np.fill_diagonal(matrix, 1)
    order = by_similarity(matrix)
    assert sorted(order) == list(range(7))
    for family in ((0, 2, 4), (1, 3), (5, 6)):
        places = sorted(order.index(model) for model in family)
        assert places == list(range(places[0], places[0] + len(family)))


@pytest.mark.parametrize("models", [1, 2, 3])
def test_few_models_have_an_order_too(models: int) -> None:
    assert sorted(by_similarity(np.ones((models, models)))) == list(range(models))


@pytest.mark.parametrize("pair", checkpoints.available())
def test_a_ranking_is_the_whole_list_of_the_library(pair) -> None:
    model = load(*pair)
    for session in (SESSION, Session()):
        found = rank(model, session)
        assert (found.model, found.objective) == pair
        assert found.movie_ids.tolist() == model.recommend(session, 5000)["movie_id"].tolist()
        assert found.seconds > 0


def test_the_first_choice_holds_the_visitor_s_model_and_what_exists() -> None:
    menu = ["popularity", "mf", "fm", "afm", "rnn", "din", "bst", "transformer4rec"]
    assert default_models(menu, "din") == ("popularity", "fm", "afm", "din", "transformer4rec")
    chosen = default_models(menu, "bst")
    assert "bst" in chosen
    assert len(chosen) == FEW
    assert default_models(["rnn", "mf"], "din") == ("rnn", "mf")
    assert default_models([], "din") == ()


def test_a_model_is_asked_what_is_wanted_or_its_own() -> None:
    assert question(["next", "like"], "like") == "like"
    assert question(["rating"], "like") == "rating"


def small_table() -> pd.DataFrame:
    rankings = [ranking("fm", [1, 2, 3, 4]), ranking("din", [2, 1, 4, 3])]
    table = side_by_side(rankings, 2)
    return table.assign(title=[f"Film {movie} (1999)" for movie in table["movie_id"]])


def test_the_matrix_shows_a_rank_where_a_film_is_listed() -> None:
    cells = charts.rank_matrix(small_table(), {"fm": "FM", "bst": "BST", "din": "DIN"}, 1).data[0]
    assert list(cells.x) == ["FM", "BST", "DIN"]
    shown = {label.split()[1]: list(row) for label, row in zip(cells.y, cells.text, strict=True)}
    assert shown == {"1": ["1", "", ""], "2": ["", "", "1"]}
    assert np.isnan(cells.z[0][1])


def test_the_overlap_of_a_model_with_itself_is_left_empty() -> None:
    overlap = np.array([[1, 0.3], [0.3, 1]])
    cells = charts.overlap_map(overlap, ["FM", "DIN"]).data[0]
    assert np.isnan(np.diag(cells.z)).all()
    assert cells.z[0][1] == cells.z[1][0] == 0.3
    assert overlap[0, 0] == 1, "what was given stays as it was"


def test_the_ranges_hold_every_rank() -> None:
    names = {"fm": "FM", "din": "DIN", "afm": "AFM"}
    table = side_by_side([ranking(key, shuffled(30, n)) for n, key in enumerate(names)], 5)
    table = table.assign(title=[f"Film {movie} (1999)" for movie in table["movie_id"]])
    parts = {"Agreed": table.head(4), "Disputed": table.tail(3)}
    groups = {"fm": "A", "din": "B", "afm": "A"}
    figure = charts.rank_ranges(parts, names, groups, 30)
    dots = {
        (title, model): (rank, row)
        for trace in figure.data
        if trace.mode == "markers"
        for (title, model), rank, row in zip(trace.customdata, trace.x, trace.y, strict=True)
    }
    assert len(dots) == 7 * 3
    for films in parts.values():
        for row, film in enumerate(films.to_dict("records")):
            for key, label in names.items():
                assert dots[film["title"], label] == (film[key], pytest.approx(row, abs=0.4))
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    for line, films in zip(lines, parts.values(), strict=True):
        ends = films[["best", "worst"]].to_numpy().tolist()
        assert np.reshape(line.x, (-1, 3))[:, :2].tolist() == ends
    assert len(set(charts.colours_of(groups).values())) == 2


def test_the_slowest_model_is_on_top() -> None:
    bars = charts.time_bars({"FM": 0.002, "DIN": 0.03, "BST": 0.01}).data[0]
    assert list(bars.y) == ["DIN", "BST", "FM"]
    assert list(bars.x) == [30, 10, 2]
    assert list(bars.text) == ["30", "10", "2.0"]


def films(lists: list[int], **ranks: list[int]) -> pd.DataFrame:
    table = pd.DataFrame({"title": [f"Film {i}" for i in range(len(lists))], "lists": lists})
    return table.assign(**ranks)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        ([3, 3, 1], "2 films are on all 3 lists"),
        ([3, 2, 1], "Film 0 is on most lists, 3 of 3"),
        ([2, 1, 1], "Film 0 is on most lists, 2 of 3"),
        ([1, 1, 1], "No film is on two lists"),
    ],
)
def test_on_how_many_lists_films_are(lists: list[int], said: str) -> None:
    labels = {"a": "A", "b": "B", "c": "C"}
    table = films(lists, a=[1, 2, 3], b=[1, 2, 3], c=[1, 2, 3])
    assert on_lists(table, labels) == said
    assert on_lists(table.drop(columns="b"), labels) == "2 of 3 models have answered"
    assert on_lists(films([1, 1, 1], a=[1, 2, 3]), {"a": "A"}) == "A alone"


def test_the_pairs_that_agree_most_and_least_are_named() -> None:
    overlap = np.array([[1.0, 0.2, 0.9], [0.2, 1.0, 0.4], [0.9, 0.4, 1.0]])
    assert who_agrees(overlap, ["A", "B", "C"]) == "A and C agree most (0.90), A and B least (0.20)"
    assert who_agrees(overlap[:2, :2], ["A", "B"]) == "A and B overlap by 0.20"


def test_films_agreed_on_and_disputed() -> None:
    table = films([2] * 5, a=[1, 2, 3, 4, 5], b=[1, 90, 5, 4, 9])
    table = table.assign(apart=[0, 88, 2, 0, 4], best=[1, 2, 3, 4, 5], worst=[1, 90, 5, 4, 9])
    agreed, disputed = agreed_and_disputed(table, 2)
    assert [list(part["title"]) for part in (agreed, disputed)] == [
        ["Film 0", "Film 3"],
        ["Film 1", "Film 4"],
    ]
    assert len(agreed_and_disputed(table, 6)[0]) == 3, "no more than half of the films"
    headline, ranks = where_they_part(agreed, disputed, {"a": "A", "b": "B"})
    assert headline == "They agree most on Film 0 and least on Film 1"
    assert ranks == "**Film 0** has rank 1 to 1; **Film 1** rank 2 with A and 90 with B."
