"""Bring your films: a list or a file becomes the history, with what is unsure put to the person."""

from __future__ import annotations

from pathlib import Path

import pytest
from app import ROOT, text_of
from streamlit.testing.v1 import AppTest

from recdemo import Watched
from recdemo.ui.state import _VISIT

CASES = ROOT / "tests" / "cases"


SCRIPT = """
from recdemo.ui import bring_dialog, state
state.start()
bring_dialog.ask()
"""


def opened(link: dict[str, str] | None = None) -> AppTest:
    """What the dialog holds, without the dialog, which a run of the whole page would close."""
    app = AppTest.from_string(SCRIPT, default_timeout=60)
    for name, value in (link or {"m": "fm", "obj": "next"}).items():
        app.query_params[name] = value
    return app.run()


def pasted(text: str, link: dict[str, str] | None = None) -> AppTest:
    app = opened(link)
    app.segmented_control(key="bring_way").set_value("A list").run()
    app.text_area(key="bring_list").set_value(text).run()
    return app


def history(app: AppTest) -> list[Watched]:
    return list(app.session_state[_VISIT].session.history)


def test_pasted_lines_become_the_history() -> None:
    app = pasted("Fargo (1996) 1/5\nInception (2010)\nAlien (1979) ★★★★★")
    assert "**2 found** · 0 to choose · 1 not in the catalogue" in text_of(app)
    assert "Inception (2010)" in text_of(app)
    app.button(key="bring_take").click().run()
    assert history(app) == [Watched(608, False), Watched(1214, True)]


def test_the_borders_of_liked_and_disliked_can_be_moved() -> None:
    app = pasted("Fargo (1996) 3/5\nAlien (1979) 4/5")
    assert "1 liked, 0 disliked, 1 between." in text_of(app)
    app.slider(key="bring_borders").set_value((6.0, 9.0)).run()
    app.button(key="bring_take").click().run()
    assert history(app) == [Watched(608, False), Watched(1214, None)]


def test_a_title_of_several_films_is_put_to_the_person() -> None:
    app = pasted("Les Miserables (1997)\nAlien (1979)")
    (choice,) = (box for box in app.selectbox if str(box.key).startswith("bring_choice"))
    choice.set_value(choice.options.index("Les Misérables (1998)") and 1873).run()
    app.button(key="bring_take").click().run()
    assert [film.movie_id for film in history(app)] == [1873, 1214]


def test_films_without_ratings_may_count_as_liked() -> None:
    app = pasted("Alien (1979)\nFargo (1996)")
    app.segmented_control(key="bring_unrated").set_value("liked").run()
    app.button(key="bring_take").click().run()
    assert [film.liked for film in history(app)] == [True, True]


def test_the_present_history_may_be_kept_before_them() -> None:
    app = pasted("Alien (1979) 5/5", {"m": "fm", "obj": "next", "h": "260l-1214d"})
    app.toggle(key="bring_add").set_value(True).run()
    app.button(key="bring_take").click().run()
    assert history(app) == [Watched(260, True), Watched(1214, True)]


@pytest.mark.parametrize("name", ["letterboxd-ratings.csv", "trakt-ratings-movies.json"])
def test_a_file_is_read_by_what_is_in_it(name: str) -> None:
    app = opened()
    app.file_uploader(key="bring_file").set_value(
        (f"x.{Path(name).suffix[1:]}", (CASES / name).read_bytes(), "text/plain")
    )
    app.run()
    assert not app.exception
    assert "**16 found**" in text_of(app)
    app.button(key="bring_take").click().run()
    assert len(history(app)) == 16


def test_a_file_of_several_people_asks_whose() -> None:
    app = opened()
    content = b"user,title,rating\nAnn,Alien,5\nAnn,The Matrix,5\nBob,Fargo,5\n"
    app.file_uploader(key="bring_file").set_value(("x.csv", content, "text/csv")).run()
    app.selectbox(key="bring_person").set_value("Bob").run()
    app.button(key="bring_take").click().run()
    assert [film.movie_id for film in history(app)] == [608]


def test_what_is_not_understood_is_said_and_nothing_changes() -> None:
    app = opened({"m": "fm", "obj": "next", "h": "260l"})
    app.file_uploader(key="bring_file").set_value(
        ("x.csv", b"a,b,c\n1,2,3\n3,4,5\n", "text/csv")
    ).run()
    (error,) = app.error
    assert "Letterboxd" in error.value
    assert history(app) == [Watched(260, True)]


def test_none_of_them_known() -> None:
    app = pasted("Inception (2010)")
    assert "None of these films" in text_of(app)
    assert not [b for b in app.button if b.key == "bring_take"]
