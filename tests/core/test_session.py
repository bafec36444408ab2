"""What a session refuses, and how it says so."""

from __future__ import annotations

import pytest

from recdemo import RequestError, Session, Watched


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"gender": "X"}, "'X'"),
        ({"age": 26}, "26"),
        ({"occupation": 21}, "21"),
        ({"history": [260]}, "260"),
        ({"history": [Watched(260), Watched(260, True)]}, "260"),
        ({"history": [Watched(i) for i in range(501)]}, "501"),
    ],
)
def test_a_bad_session_names_the_value(fields: dict[str, object], named: str) -> None:
    with pytest.raises(RequestError, match=named):
        Session(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(("movie", "liked"), [("260", True), (True, True), (2.0, True), (1, "yes")])
def test_a_bad_film_is_refused(movie: object, liked: object) -> None:
    with pytest.raises(RequestError):
        Watched(movie, liked)  # type: ignore[arg-type]


def test_everything_may_be_left_out() -> None:
    assert Session() == Session(None, None, None, ())


def test_a_session_is_a_value() -> None:
    one = Session("F", 25, 12, [Watched(1, True)])
    assert one == Session("F", 25, 12, (Watched(1, True),))
    assert hash(one) == hash(Session("F", 25, 12, (Watched(1, True),)))


def test_ids_from_a_table_are_taken_as_they_are() -> None:
    import json

    import numpy as np

    film = Watched(np.int64(260), True)  # type: ignore[arg-type]
    assert film == Watched(260, True)
    assert json.dumps(film.movie_id) == "260"


@pytest.mark.parametrize("fields", [{"age": True}, {"occupation": 1.0}, {"gender": ["F"]}])
def test_a_value_of_another_type_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(RequestError):
        Session(**fields)  # type: ignore[arg-type]


def test_the_latest_films_of_a_session() -> None:
    session = Session("F", history=[Watched(1, True), Watched(2), Watched(3, False)])
    assert session.latest(2) == Session("F", history=[Watched(2), Watched(3, False)])
    assert session.latest(3) is session
