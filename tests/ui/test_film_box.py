"""The box to choose a film in, as the server sees it; its script is tested in a browser."""

from __future__ import annotations

import pytest
from app import link_of, open_page, sound

from benchmarks.boxes import choose_film, film_box, search_films
from recdemo import Session, Watched
from recdemo.ui import film_box as box
from recdemo.ui.film_box import LONGEST, SHOWN


def test_words_are_answered_with_films_and_a_film_named_is_marked() -> None:
    app = open_page("recommend", link_of(Session()))
    before = film_box(app, "side_add")
    assert (before["films"], before["named"], before["said"]) == ([], False, "")
    assert before["placeholder"] == "Search 3,883 films…"
    found = search_films(app, "side_add", "star wars")
    assert found["films"][0] == [260, "Star Wars: Episode IV - A New Hope (1977)"]
    assert (found["typed"], found["named"], found["near"]) == ("star wars", True, False)
    many = search_films(app, "side_add", "the")
    assert len(many["films"]) == SHOWN
    assert many["count"] == f"{SHOWN} of 1,174."
    assert app.session_state["visit"].session == Session(), "searching changes nothing"


def test_what_is_not_there_is_said_and_what_is_near_offered_unmarked() -> None:
    app = open_page("recommend", link_of(Session()))
    found = search_films(app, "side_add", "inception")
    said = "No film of these 3,883 is called “inception”: they end in 2000."
    assert found["said"] == f"{said} “Films to 2018” has Inception (2010)."
    assert (found["films"], found["named"]) == ([], False)
    second = open_page("recommend", link_of(Session(), "fm@2018"))
    found = search_films(second, "side_add", "inception")
    assert (found["films"], found["named"]) == ([[79132, "Inception (2010)"]], True)
    said = search_films(second, "side_add", "avengers endgame")["said"]
    assert said.endswith("is called “avengers endgame”: they end in 2018.")
    near = search_films(app, "side_add", "matrx")
    assert near["films"] == [[2571, "The Matrix (1999)"]]
    assert (near["named"], near["near"]) == (False, True)
    assert near["said"].endswith("Near it:")


def test_other_catalogues_are_asked_only_where_it_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page("recommend", link_of(Session()))
    asked: list[str] = []
    monkeypatch.setattr(box, "elsewhere", lambda key: asked.append(key) or {})
    for typed in ("matr", "matrix", "her", ""):
        search_films(app, "side_add", typed)
    assert asked == []
    search_films(app, "side_add", "her", entered="her")
    search_films(app, "side_add", "inception")
    search_films(app, "side_add", "empire strikes")
    assert asked == ["din"] * 3


@pytest.mark.parametrize("movie", ["260", 0, -1, None, True, [260], {"a": 1}, 10**30])
def test_what_no_box_would_send_chooses_nothing(movie: object) -> None:
    app = open_page("recommend", link_of(Session(history=[Watched(2571, True)])))
    choose_film(app, "side_add", movie)  # type: ignore[arg-type]
    assert sound(app).session_state["visit"].session == Session(history=[Watched(2571, True)])


def test_a_long_text_is_searched_for_in_part_and_answered() -> None:
    app = open_page("recommend", link_of(Session()))
    found = search_films(app, "side_add", "matrix zxqw " * 1000)
    assert len(found["said"]) < LONGEST + 100
    assert found["films"] == []
