"""What if: the change shown is the one in the link, the numbers are the library's, and every visit gives a page."""

from __future__ import annotations

from dataclasses import replace

import pytest
from app import FILMS, VISITS, link_of, open_page, sound, text_of
from shipped import load
from streamlit.testing.v1 import AppTest

from benchmarks.boxes import choose_film, film_box
from recdemo import Session, Watched
from recdemo.answers.counterfactual import UNKNOWN, Change
from recdemo.answers.drop import what_it_takes
from recdemo.models import CARDS
from recdemo.ui.engine import plain
from recdemo.ui.personas import PERSONAS
from recdemo.ui.visit import Visit, encode_visit

MAYA = PERSONAS[0].session
LATEST = MAYA.movie_ids[-1]


def open_change(
    change: Change, session: Session = MAYA, model: str = "din", objective: str = "next"
) -> AppTest:
    visit = Visit(session, model, objective, change=change)  # type: ignore[arg-type]
    return sound(open_page("what_if", encode_visit(visit)))


@pytest.mark.parametrize(
    ("model", "objective"),
    [
        ("popularity", "like"),
        ("mf", "next"),
        ("din", "next"),
        ("afm", "like"),
        ("textcnn_rating", "rating"),
    ],
)
@pytest.mark.parametrize("visit", VISITS)
def test_every_change_of_every_visit_gives_a_page(model: str, objective: str, visit: str) -> None:
    session = VISITS[visit]
    change = Change("M", 56, UNKNOWN, tuple(session.movie_ids[:2]), Watched(1210, True))
    app = open_change(change, session, model, objective)
    assert [error.value for error in app.error] == []
    assert [warning.value for warning in app.warning] == []
    assert app.session_state["visit"].change == change
    assert app.subheader[-1].value == "What would it take?"


@pytest.mark.parametrize(
    ("model", "objective"), [("din", "next"), ("afm", "like"), ("textcnn_rating", "rating")]
)
def test_ranks_and_scores_shown_are_the_library_s(model: str, objective: str) -> None:
    change = Change(gender="M", age=56, dropped=(LATEST,), added=Watched(1, None))
    app = open_change(change, MAYA, model, objective)
    shown = app.dataframe[0].value.set_index("title")
    recommender = load(model, objective)  # type: ignore[arg-type]
    scale = 1 if objective == "rating" else 100
    for name, session in (("before", MAYA), ("after", change.of(MAYA))):
        table = recommender.recommend(session, 10)
        titles = [f"{t} ({y})" for t, y in zip(table["title"], table["year"], strict=True)]
        rows = shown.loc[titles]
        assert rows[f"rank_{name}"].tolist() == table["rank"].tolist()
        assert rows[f"score_{name}"].tolist() == pytest.approx((scale * table["score"]).tolist())


def test_before_a_change_stands_the_list_that_it_would_move() -> None:
    app = sound(open_page("what_if", link_of(MAYA)))
    listed = load("din", "next").recommend(MAYA, 10)
    (table,) = (one.value for one in app.table)
    assert table["Film"].tolist() == [
        plain(f"{title} ({year})")
        for title, year in zip(listed["title"], listed["year"], strict=True)
    ]
    assert table["Chance of being next"].tolist() == [
        f"{100 * score:.1f}%" for score in listed["score"]
    ]
    app.button(key="what_if_Flip gender").click().run()
    assert not sound(app).table


def test_one_click_experiments_replace_each_other_and_live_in_the_link() -> None:
    app = open_page("what_if", link_of(MAYA))
    assert "Press one of the buttons" in sound(app).info[0].value
    assert len(app.dataframe) == 0
    app.button(key="what_if_Flip gender").click().run()
    assert sound(app).session_state["visit"].change == Change(gender="M")
    assert app.query_params["wg"] in ("M", ["M"])
    assert any("gender Female → Male" in text.value for text in app.markdown)
    app.button(key="what_if_Without the latest film").click().run()
    assert sound(app).session_state["visit"].change == Change(dropped=(LATEST,))
    assert "wg" not in app.query_params
    app.button(key="what_if_Age 56+").click().run()
    assert sound(app).session_state["visit"].change == Change(age=56)
    app.button(key="what_if_clear").click().run()
    assert sound(app).session_state["visit"].change == Change()
    assert app.session_state["visit"].session == MAYA


def test_experiments_a_visitor_leaves_no_room_for_cannot_be_pressed() -> None:
    app = open_page("what_if", link_of(Session(age=56)))
    names = ("Flip gender", "Age 56+", "Without the latest film", "Without history")
    assert all(app.button(key=f"what_if_{name}").disabled for name in names)
    assert not app.button(key="what_if_Profile unknown").disabled


def test_any_change_can_be_chosen() -> None:
    app = open_page("what_if", link_of(MAYA))
    app.selectbox(key="what_if_gender").set_value(UNKNOWN).run()
    app.selectbox(key="what_if_occupation").set_value(0).run()
    app.multiselect(key="what_if_dropped").set_value([260, 541]).run()
    app.segmented_control(key="what_if_reaction").set_value("Watched").run()
    choose_film(app, "what_if_added", 1)
    assert film_box(app, "what_if_added")["value"] == "Toy Story (1995)"
    change = Change(UNKNOWN, None, 0, (260, 541), Watched(1, None))
    assert sound(app).session_state["visit"].change == change
    app.segmented_control(key="what_if_reaction").set_value("Disliked").run()
    assert app.session_state["visit"].change.added == Watched(1, False)
    app.selectbox(key="what_if_gender").set_value("F").run()
    choose_film(app, "what_if_added", 1, "gone")
    assert app.session_state["visit"].change == Change(occupation=0, dropped=(260, 541)), (
        "what is as it was is no change"
    )
    again = open_page("what_if", dict(app.query_params))
    assert again.session_state["visit"] == app.session_state["visit"]
    assert again.dataframe[0].value.equals(app.dataframe[0].value)


def test_a_change_kept_becomes_the_visitor_and_can_be_undone() -> None:
    change = Change(gender="M", dropped=(260,), added=Watched(1, True))
    app = open_change(change)
    app.button(key="what_if_keep").click().run()
    visit = sound(app).session_state["visit"]
    assert (visit.session, visit.change) == (change.of(MAYA), Change())
    assert app.button(key="what_if_keep").disabled
    app.button(key="side_undo").click().run()
    assert app.session_state["visit"].session == MAYA


def test_a_change_outlives_page_changes() -> None:
    app = open_change(Change(age=56))
    app.switch_page("pages/recommend.py").run()
    assert sound(app).session_state["visit"].change == Change(age=56)
    assert app.query_params["wa"] in ("56", ["56"])


def test_a_change_that_changes_nothing_says_so() -> None:
    app = open_change(Change(gender="F", dropped=(FILMS[-1],)))
    assert "as they are" in app.info[0].value
    assert app.button(key="what_if_keep").disabled
    assert not app.button(key="what_if_clear").disabled


@pytest.mark.parametrize(
    ("model", "objective", "change", "said"),
    [
        ("popularity", "next", Change(gender="M"), "reads no gender, age or occupation"),
        ("popularity", "next", Change(dropped=(260,)), "reads no films watched"),
        ("popularity", "next", Change(age=1, dropped=(260,)), "occupation and no films watched"),
        ("pooling", "next", Change(age=56), "reads no gender, age or occupation"),
        ("textcnn_rating", "rating", Change(dropped=(780,)), "reads no films watched"),
    ],
)
def test_a_change_a_model_does_not_read_is_said_not_to_matter(
    model: str, objective: str, change: Change, said: str
) -> None:
    app = open_change(change, MAYA, model, objective)
    assert said in app.info[0].value
    # A film dropped may still come into the list itself.
    assert bool(len(app.dataframe)) == (bool(change.dropped) and model == "popularity")


def test_films_further_back_than_a_model_reads_do_not_matter() -> None:
    session = VISITS["200 films"]
    app = open_change(Change(dropped=(session.movie_ids[0],)), session, "din", "like")
    assert "latest 50 films" in app.info[0].value


def test_a_bad_change_in_the_link_is_named_and_the_rest_kept() -> None:
    link = {**link_of(MAYA), "wa": "26", "wg": "M", "wd": "260-99999"}
    app = sound(open_page("what_if", link))
    warnings = " ".join(warning.value for warning in app.warning)
    assert "`26`" in warnings
    assert "`99999`" in warnings
    assert app.session_state["visit"].change == Change(gender="M", dropped=(260,))


def test_what_it_would_take_is_the_library_s_answer_and_can_be_tried_out() -> None:
    model = load("din", "next")
    listed = model.recommend(MAYA, 10)
    movie = int(listed["movie_id"].iloc[4])
    expected = what_it_takes(model, MAYA, movie)
    assert expected.films, "choose another film for this test"
    app = open_page("what_if", link_of(MAYA))
    app.selectbox(key="what_if_target").set_value(movie).run()
    assert sound(app).session_state["visit"].targets == (movie,)
    answer = next(text.value for text in app.markdown if text.value.startswith("Without "))
    films = dict(zip(model.catalogue["movie_id"], model.catalogue["title"], strict=True))
    assert all(plain(films[film]) in answer for film in (*expected.films, movie))
    assert f"from rank {expected.rank} to {expected.rank_after}" in answer
    app.button(key="what_if_show").click().run()
    assert sound(app).session_state["visit"].change == Change(dropped=expected.films)
    shown = app.dataframe[0].value
    row = shown[shown["title"].str.startswith(films[movie])].iloc[0]
    assert (row["rank_before"], row["rank_after"]) == (expected.rank, expected.rank_after)


@pytest.mark.parametrize(
    ("session", "model", "said"),
    [
        (Session("F", 25), "din", "is there without any history"),
        (MAYA, "popularity", "with or without the history"),
        (replace(MAYA, history=MAYA.history[-1:]), "din", "rank"),
    ],
)
def test_where_there_is_nothing_to_take_away_it_says_why(
    session: Session, model: str, said: str
) -> None:
    app = sound(open_page("what_if", link_of(session, model)))
    assert said in text_of(app)


def test_a_film_off_the_list_says_its_rank() -> None:
    app = open_page("what_if", link_of(MAYA))
    far = int(load("din").recommend(MAYA, 60)["movie_id"].iloc[-1])
    app.selectbox(key="what_if_target").set_value(far).run()
    assert "not among the first 10: it has rank 60" in text_of(sound(app))
    assert [button for button in app.button if button.key == "what_if_show"] == []


@pytest.mark.parametrize("k", [5, 20])
def test_the_length_of_the_list_counts_everywhere(k: int) -> None:
    app = open_change(Change(gender="M"))
    app.segmented_control(key="what_if_k").set_value(k).run()
    shown = sound(app).dataframe[0].value
    assert (shown["rank_before"] <= k).sum() == (shown["rank_after"] <= k).sum() == k
    assert (
        f"of {k} films stay" in app.subheader[0].value or f"All {k} films" in app.subheader[0].value
    )
    assert f"rank {k + 1}" in text_of(app)


def test_every_model_is_said_to_find_or_not_to_find() -> None:
    """No model family leaves the question open."""
    for key in ("fm", "rnn_als", "transformer4rec"):
        objective = CARDS[key].objectives[0]
        text = text_of(sound(open_page("what_if", link_of(MAYA, key, objective))))
        assert "falls from rank" in text or "Nothing found that drops" in text


def test_the_film_to_drop_is_set_beside_others_when_asked() -> None:
    app = open_change(Change())
    assert not [box for box in app.selectbox if box.key == "why_against"]
    app.session_state["what_if_why"] = True
    sound(app.run())
    assert [box.value for box in app.selectbox if box.key == "why_against"] == [-1]
    assert "than the average film" in text_of(app)
