"""Recommend's cards: what they show, what a press does, and the films of the history that are left out."""

from __future__ import annotations

from typing import Any

import pytest
from app import TABLE, link_of, open_page, sound
from shipped import load
from streamlit.testing.v1 import AppTest

from benchmarks.boxes import film_box, tell
from recdemo import Session
from recdemo.answers.counterfactual import Change
from recdemo.core.vocabulary import GENRES
from recdemo.ui.cards import COLOURS, KEY, colours_of, in_speech, moved_of
from recdemo.ui.engine import plain
from recdemo.ui.personas import PERSONAS

MAYA = PERSONAS[0].session
LATEST = MAYA.movie_ids[-1]


def shown(app: AppTest) -> list[dict[str, Any]]:
    """The cards."""
    (films,) = [one["films"] for one in film_box(sound(app), KEY)["lists"]]
    return list(films)


@pytest.mark.parametrize(
    ("model", "objective", "number"),
    [("ease", "next", "{:.1f}%"), ("fm", "like", "{:.1f}%"), ("rating_mlp", "rating", "{:.2f} ★")],
)  # fmt: skip
def test_cards_show_the_library_s_list(model: str, objective: str, number: str) -> None:
    films = shown(open_page("recommend", link_of(MAYA, model, objective)))
    expected = load(model, objective).recommend(MAYA, 10)  # type: ignore[arg-type]
    assert [film["id"] for film in films] == expected["movie_id"].tolist()
    assert [film["title"] for film in films] == expected["title"].tolist()
    scale = 1 if objective == "rating" else 100
    assert [f["score"] for f in films] == [number.format(scale * s) for s in expected["score"]]
    assert not any(film["moved"] for film in films)
    assert film_box(open_page("recommend", link_of(MAYA, model) | TABLE), KEY)["lists"] == []


def test_a_card_pressed_is_asked_about_and_no_other_film_is() -> None:
    app = open_page("recommend", link_of(MAYA, "ease"))
    third = shown(app)[2]
    tell(app, KEY, "film", third["id"])
    assert sound(app).subheader[-1].value == f"Why {plain(third['title'])}?"
    assert app.query_params["r"] in (str(third["id"]), [str(third["id"])])
    assert film_box(app, KEY)["chosen"] == third["id"]
    for made_up in (LATEST, -1, "1", None):
        tell(app, KEY, "film", made_up)
        assert film_box(sound(app), KEY)["chosen"] == third["id"]


def test_a_film_left_out_moves_the_list_and_comes_back() -> None:
    app = open_page("recommend", link_of(MAYA, "ease"))
    before = [film["id"] for film in shown(app)]
    tell(app, KEY, "off", LATEST)
    assert app.query_params["wd"] in (str(LATEST), [str(LATEST)])
    less = Session(MAYA.gender, MAYA.age, MAYA.occupation, MAYA.history[:-1])
    after = load("ease", "next").recommend(less, 10)["movie_id"].tolist()
    films = shown(app)
    assert [film["id"] for film in films] == after != before
    for place, film in enumerate(films):
        was = before.index(film["id"]) if film["id"] in before else None
        gained = 0 if was is None else was - place
        sign = "▲" if gained > 0 else "▼"
        assert film["moved"] == ("new" if was is None else f"{sign}{abs(gained)}" if gained else "")
    gone = [movie for movie in before if movie not in after]
    assert gone
    assert any("Off the list:" in caption.value for caption in app.caption)
    off = {one["id"] for one in film_box(app, KEY)["leave_out"]["films"] if one["off"]}
    assert off == {LATEST}
    assert not [button for button in app.button if button.key == "recommend_inside"]
    tell(app, KEY, "back", 0)
    assert [film["id"] for film in shown(app)] == before
    assert app.session_state["visit"].change == Change()


def test_what_is_left_out_is_kept_and_undone_and_a_film_counts_again() -> None:
    app = open_page("recommend", link_of(MAYA, "ease") | {"wd": f"{LATEST}"})
    tell(app, KEY, "off", MAYA.movie_ids[0])
    tell(app, KEY, "off", LATEST)
    assert app.session_state["visit"].change.dropped == (MAYA.movie_ids[0],)
    tell(app, KEY, "keep", 0)
    assert sound(app).session_state["visit"].session.movie_ids == MAYA.movie_ids[1:]
    assert app.session_state["visit"].change == Change()
    app.button(key="side_undo").click().run()
    assert sound(app).session_state["visit"].session == MAYA
    tell(app, KEY, "off", 1)  # not in the history
    assert app.session_state["visit"].change == Change()


def test_the_table_says_the_places_too_and_nothing_watched_is_nothing_to_leave_out() -> None:
    app = sound(open_page("recommend", link_of(MAYA, "ease") | TABLE | {"wd": f"{LATEST}"}))
    assert "new" in app.dataframe[0].value["moved"].tolist()
    assert film_box(open_page("recommend", link_of(Session(), "ease")), KEY)["leave_out"] is None


def test_a_list_pinned_stays_beside_the_next_one_until_it_is_unpinned() -> None:
    app = open_page("recommend", link_of(MAYA, "ease"))
    before = [film["id"] for film in shown(app)]
    app.button(key="recommend_pin").click().run()
    assert sound(app).subheader[0].value == "The same 10 films, each at its place"
    app.selectbox(key="side_model").set_value("linear_next").run()
    first, second = film_box(sound(app), KEY)["lists"]
    after = load("linear_next", "next").recommend(MAYA, 10)["movie_id"].tolist()
    assert [film["id"] for film in first["films"]] == before
    assert [film["id"] for film in second["films"]] == after
    gone = {film["id"] for film in first["films"] if film["moved"] == "gone" and film["still"]}
    new = {film["id"] for film in second["films"] if film["moved"] == "new"}
    assert gone == set(before) - set(after)
    assert new == set(after) - set(before)
    both = len(set(before) & set(after))
    said = f"{both} films on both lists, {len(new)} gained, {len(gone)} gone"
    assert app.subheader[0].value == said
    assert ["EASE" in one["name"] and "Maya" in one["name"] for one in (first, second)] == [True, False]  # fmt: skip
    app.button(key="recommend_compare").click().run()
    assert sound(app).session_state["visit"].compared == ("ease", "linear_next")
    app.switch_page("pages/recommend.py").run()
    app.segmented_control(key="side_gender").set_value("M").run()
    assert not [button for button in sound(app).button if button.key == "recommend_compare"]
    app.button(key="recommend_unpin").click().run()
    assert len(shown(app)) == 10


def test_places_gained_and_lost_are_written_and_spoken() -> None:
    told = [moved_of(before, 3) for before in (None, 3, 5, 2)]
    assert told == ["new", "", "▲2", "▼1"]
    assert [in_speech(one) for one in told] == ["new", "", "up 2 places", "down 1 place"]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_white_is_readable_on_every_tile() -> None:
    assert set(COLOURS) == set(GENRES)
    for genre, colour in COLOURS.items():
        assert 1.05 / (luminance(colour) + 0.05) >= 4.5, genre
    assert len(colours_of(["sports", "Drama", "news", "War"])) == 3
    assert colours_of([]) == colours_of([])
