"""Maps hold every film once, at its place, with its id; marks and labels are where they belong."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from recdemo.answers.regions import Region, Trait
from recdemo.charts.embeddings import likeness_map, value_map
from recdemo.charts.film_map import Marks, film_map
from recdemo.charts.labels import DOT, LETTER, LINE_HEIGHT, labelled
from recdemo.core.wording import ARTICLE

GENRES = [
    ("Horror", "Sci-Fi"),
    ("Drama", "Children's"),
    (),
    ("War",),
    ("Drama",),
    ("Comedy", "War"),
]


@pytest.fixture
def films() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "movie_id": [10, 20, 30, 40, 50, 60],
            "title": ["A", "B", "C", "D", "E", "A very long title that no legend would bear"],
            "year": [1921, 1950, 1980, 1990, 1999, 2000],
            "genres": GENRES,
            "ratings": [100, 10, 0, 1, 1000, 50],
            "likes": [50, 10, 0, 0, 250, 25],
        }
    )


def places() -> np.ndarray:
    return np.arange(12, dtype=float).reshape(6, 2) ** 1.5


def draw(films: pd.DataFrame, colour: Any = "genre", **more: Any) -> go.Figure:
    shown = np.array([True, True, True, True, True, False])
    marks = more.pop("marks", Marks(0))
    return film_map(places(), films, shown, colour, marks, ["", ""], **more)


def points(figure: go.Figure, *marks: str) -> dict[int, tuple[str, tuple[float, ...]]]:
    """Trace and place of each film by id, marks left out unless asked for."""
    found = {}
    for trace in figure.data:
        marked = trace.name in ("Liked", "Disliked", "Just seen", "Neighbours", "Chosen")
        if trace.customdata is None or (trace.name not in marks if marks else marked):
            continue
        for movie, *where in zip(trace.customdata, trace.x, trace.y, strict=True):
            assert int(movie) not in found, "a film is one point"
            found[int(movie)] = (trace.name, tuple(map(float, where)))
    return found


@pytest.mark.parametrize("colour", ["genre", "year", "viewers", "likes"])
def test_each_film_shown_is_one_point_at_its_place(films: pd.DataFrame, colour: str) -> None:
    found = points(draw(films, colour))
    assert set(found) == {10, 20, 30, 40, 50}
    for row, movie in enumerate(films["movie_id"][:5]):
        assert found[movie][1] == pytest.approx(tuple(places()[row]), rel=1e-5)


def test_a_film_takes_the_first_genre_named(films: pd.DataFrame) -> None:
    names = {movie: name for movie, (name, _) in points(draw(films)).items()}
    other = "Others"
    assert names == {10: "Horror", 20: "Children's", 30: other, 40: other, 50: "Drama"}


def test_colours_say_what_the_bar_says(films: pd.DataFrame) -> None:
    def colour(name: str) -> dict[int, float]:
        (trace,) = (t for t in draw(films, name).data if t.name == "Films")
        return dict(zip(map(int, trace.customdata), map(float, trace.marker.color), strict=True))

    assert colour("year") == {10: 1921, 20: 1950, 30: 1980, 40: 1990, 50: 1999}
    assert colour("viewers") == pytest.approx({10: 2, 20: 1, 40: 0, 50: 3})
    assert colour("likes") == pytest.approx({10: 0.5, 20: 1.0, 40: 0.0, 50: 0.25})
    assert points(draw(films, "likes"))[30][0] == "Rated by nobody"
    bar = next(t.marker.colorbar for t in draw(films, "viewers").data if t.name == "Films")
    assert dict(zip(bar.tickvals, bar.ticktext, strict=True))[3] == "1,000"


def test_marks_stand_where_their_films_are(films: pd.DataFrame) -> None:
    star = np.full(2, 2.5)
    area = np.array([[0.0, 0], [9, 0], [9, 9]])
    marks = Marks(0, [4, 2], {1: True, 3: False, 5: None}, star, area=area)
    figure = draw(films, marks=marks)
    for name, movies in (
        ("Liked", [20]),
        ("Disliked", [40]),
        ("Just seen", [60]),  # not among the films shown, yet marked
        ("Neighbours", [50, 30]),
        ("Chosen", [10]),
    ):
        found = points(figure, name)
        assert list(found) == movies
        for movie in movies:
            where = places()[films["movie_id"].tolist().index(movie)]
            assert found[movie][1] == pytest.approx(tuple(where), rel=1e-5)
    outline = next(t for t in figure.data if t.name == "Area")
    assert list(zip(outline.x, outline.y, strict=True)) == [(0, 0), (9, 0), (9, 9), (0, 0)]
    lines = next(t for t in figure.data if t.mode == "lines" and t.name != "Area")
    assert [float(x) for x in lines.x[[1, 4]]] == pytest.approx(places()[[4, 2], 0])
    assert lines.x[[0, 3]] == pytest.approx(places()[[0, 0], 0])
    assert all(math.isnan(x) for x in lines.x[[2, 5]])
    visitor = next(t for t in figure.data if t.name == "Visitor")
    assert float(visitor.y[0]) == 2.5
    assert len({trace.type for trace in figure.data}) == 1, "one kind, so that marks lie on top"
    assert figure.data[-1].name == "Chosen"


def test_nothing_watched_and_nowhere_leaves_no_mark(films: pd.DataFrame) -> None:
    figure = draw(films, marks=Marks())
    names = {trace.name for trace in figure.data}
    assert not names & {"Liked", "Disliked", "Just seen", "Neighbours", "Visitor", "Chosen", "Area"}
    assert not figure.layout.annotations


def test_a_close_up_holds_the_film_and_its_neighbours(films: pd.DataFrame) -> None:
    figure = draw(films, marks=Marks(3, [4]), close_up=True)
    low, high = figure.layout.xaxis.range
    x = places()[:, 0]
    assert low < x[3] < x[4] < high
    assert not low < x[1] < high
    first = figure.layout.annotations[0]
    assert (first.text, first.x) == ("D (1990)", x[3])
    assert low + (high - low) / 1.6 > x[4], "the right is left to what lies on the map"
    # Neighbours at one place are not blown up beyond measure.
    same = np.ones((6, 2)) + np.array([[9.0, 9]] + 5 * [[0, 0]])
    still = film_map(same, films, np.ones(6, bool), "genre", Marks(3, [4]), ["", ""], close_up=True)
    low, high = still.layout.xaxis.range
    assert high - low > 0.2


def test_the_whole_map_names_its_regions_and_the_films_watched(films: pd.DataFrame) -> None:
    west = Region(places()[4], (Trait("Western", 1, 0.1, 9), Trait("1950s", 1, 0.1, 9)))
    figure = draw(films, marks=Marks(watched={1: True, 4: None}, regions=[west]))
    said = {note.text: (note.x, note.y) for note in figure.layout.annotations}
    assert len(said) == 3
    assert said["B (1950)"] == pytest.approx(tuple(places()[1]))
    own = next(note for note in figure.layout.annotations if (note.x, note.y) == tuple(places()[4]))
    low, high = figure.layout.yaxis.range
    region = said["Western<br>1950s"]
    assert region[0] == places()[4][0]
    aside = abs(region[1] - places()[4][1]) / (high - low)
    assert 0.035 < aside < 0.11, f"the region's name makes room for {own.text}, and no more"
    alone = draw(films, marks=Marks(regions=[west])).layout.annotations[0]
    assert (alone.x, alone.y) == pytest.approx(tuple(places()[4]))
    assert low < places()[0, 1] < places()[4, 1] < high


def test_a_map_says_what_its_world_says(films: pd.DataFrame) -> None:
    figure = draw(films, "viewers", w=ARTICLE)
    everything = str(figure.to_dict())
    assert "times shown" in everything
    assert "no category" in everything
    assert "viewers" not in everything
    assert "Films" not in everything


def test_labels_neither_meet_nor_leave_the_chart() -> None:
    rng = np.random.default_rng(0)
    where = rng.random((30, 2))
    labels = [f"Label {number}" for number in range(30)]
    found = labelled(where, labels, first=[29])
    assert found["text"][29] == "Label 29"
    assert 5 < sum(map(bool, found["text"])) < 30
    boxes = []
    for (x, y), text, side in zip(where, found["text"], found["textposition"], strict=True):
        if text:
            wide, high = LETTER * len(text), LINE_HEIGHT
            left = {"middle right": x, "middle left": x - wide}.get(side, x - wide / 2)
            foot = {"top center": y, "bottom center": y - high}.get(side, y - high / 2)
            boxes.append((left, foot, left + wide, foot + high))
    for i, one in enumerate(boxes[:-1]):  # the last was promised its place
        assert min(one) > -0.02
        assert max(one) < 1.02
        for other in boxes[i + 1 : -1]:
            apart = 2 * DOT
            assert (
                one[2] <= other[0] + apart
                or other[2] <= one[0] + apart
                or one[3] <= other[1] + apart
                or other[3] <= one[1] + apart
            )


def test_a_label_stands_where_a_chart_has_more_room() -> None:
    """On the other side a narrow screen would cut it off: a letter takes three times the part of a phone's chart."""
    places, labels = np.array([[0.3, 0.2], [0.7, 0.8]]), ["A film's name"] * 2
    assert labelled(places, labels)["textposition"] == ["middle right", "middle left"]


def test_a_small_map_shows_the_visitor_s_own_value() -> None:
    labels = ["one", "two", "three"]
    figure = value_map(np.eye(3)[:, :2], labels, 1, ["a", "b"], path=True)
    trace = figure.data[0]
    assert list(trace.text) == ["one", "<b>two</b>", "three"]
    assert list(trace.hovertext) == labels
    assert trace.marker.size[1] > trace.marker.size[0]
    assert len(set(trace.marker.color)) == 2
    low, high = figure.layout.xaxis.range
    assert low < 0 < 1 < high
    alone = value_map(np.zeros((2, 2)), ["Female", "Male"], None, ["a", "b"], path=False)
    assert len(set(alone.data[0].marker.color)) == 1


def test_years_are_names_not_numbers() -> None:
    figure = likeness_map(np.eye(3), ["1994", "1995", "from 2000"])
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "category"
    assert (figure.data[0].zmin, figure.data[0].zmax) == (-1, 1)
