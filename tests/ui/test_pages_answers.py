"""What the pages answer: the same numbers as the library, about the film picked, with what must be said of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
import streamlit as st
from app import FILMS, KINDS, TABLE, VISITS, link_of, open_page, sound
from shipped import load
from streamlit.testing.v1 import AppTest

from recdemo import Session, Watched
from recdemo.models import CARDS
from recdemo.ui.engine import plain
from recdemo.ui.personas import PERSONAS
from recdemo.ui.why import _verdict


@pytest.mark.parametrize(
    ("model", "objective"), [(key, goal) for key in KINDS for goal in CARDS[key].objectives]
)
def test_the_list_shown_is_the_library_s(model: str, objective: str) -> None:
    session = PERSONAS[0].session
    app = open_page("recommend", link_of(session, model, objective) | TABLE)
    shown = app.dataframe[0].value
    expected = load(model, objective).recommend(session, 10)  # type: ignore[arg-type]
    assert shown["title"].tolist() == expected["title"].tolist()
    scale = 1 if objective == "rating" else 100
    assert shown["score"].tolist() == pytest.approx((scale * expected["score"]).tolist())
    p_like = (100 * expected["p_like"]).tolist()
    assert shown["p_like"].tolist() == pytest.approx(p_like, nan_ok=True)


def logit_shown(app: AppTest) -> float:
    """The detail beside the score."""
    (found,) = (m for c in app.caption if (m := re.match(r"logit ([+-][0-9.]+), from", c.value)))
    return float(found[1])


@pytest.mark.parametrize("model", ["fm", "deepfm", "afm"])
def test_the_ledger_shown_adds_up_to_the_logit_shown(model: str) -> None:
    app = open_page("attention", link_of(PERSONAS[1].session, model, "like"))
    ledger = next(table.value for table in app.dataframe if "label" in table.value.columns)
    logit = logit_shown(app)
    assert ledger["value"].sum() == pytest.approx(logit, abs=1e-4)
    assert any(f"logit is **{logit:+.4f}**" in text.value for text in app.markdown)
    if model == "afm":
        pairs = ledger[ledger["kind"] == "pair"]
        assert pairs["weight"].sum() == pytest.approx(1, abs=1e-5)
        assert (pairs["weight"] * pairs["pair_value"]).tolist() == pytest.approx(
            pairs["value"].tolist()
        )


def test_crosses_are_shown_layer_by_layer_and_add_up_to_the_logit_shown(
    untrained: Callable,
) -> None:
    untrained("dcn_v2")
    st.cache_resource.clear()
    app = sound(open_page("attention", link_of(PERSONAS[1].session, "dcn_v2", "like")))
    logit = logit_shown(app)
    ledger = next(table.value for table in app.dataframe if "label" in table.value.columns)
    assert ledger["value"].sum() == pytest.approx(logit, abs=1e-4)
    for layer in (0, 1):
        app.segmented_control(key="cross_layer").set_value(layer).run()
        parts = sound(app).dataframe[0].value
        assert parts["part"].tolist() == [
            "Bias",
            "Fields by themselves",
            "Layer 1",
            "Layer 2",
            "Neural network",
        ]
        assert parts["value"].sum() == pytest.approx(logit, abs=1e-4)
        adds = parts["value"].iloc[2 + layer]
        assert any(f"Layer {layer + 1} adds **{adds:+.3f}**" in m.value for m in app.markdown)


def test_streams_and_gates_are_shown_and_add_up_to_the_logit_shown(untrained: Callable) -> None:
    untrained("final_mlp")
    st.cache_resource.clear()
    app = sound(open_page("attention", link_of(PERSONAS[1].session, "final_mlp", "like")))
    logit = logit_shown(app)
    assert app.dataframe[0].value["value"].sum() == pytest.approx(logit, abs=1e-4)
    assert any("opens the gate of its stream widest" in text.value for text in app.markdown)


def pick(app: AppTest, row: int) -> None:
    """A click on a row of the list."""
    key = app.dataframe[0].proto.id.split("-", 2)[2]
    app.session_state[key] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    app.run()


def test_a_row_can_be_asked_about() -> None:
    app = open_page("recommend", link_of(PERSONAS[0].session) | TABLE)
    third = app.dataframe[0].value["title"].tolist()[2]
    pick(app, 2)
    assert sound(app).subheader[-1].value == f"Why {plain(third)}?"


def test_a_film_picked_is_asked_about_as_long_as_it_is_listed() -> None:
    listed = load("din", "next").recommend(PERSONAS[0].session, 10)
    titles, row = listed["title"].tolist(), 2
    picked = {"r": str(listed["movie_id"][row])}
    app = open_page("recommend", link_of(PERSONAS[0].session) | picked | TABLE)
    assert sound(app).subheader[-1].value == f"Why {plain(titles[row])}?"
    app.selectbox(key="side_model").set_value("fm").run()
    others = app.dataframe[0].value["title"].tolist()
    asked = titles[row] if titles[row] in others else others[0]
    assert sound(app).subheader[-1].value == f"Why {plain(asked)}?"
    app.multiselect(key="recommend_genres").set_value(["Western"]).run()
    western = app.dataframe[0].value["title"].tolist()
    assert sound(app).subheader[-1].value == f"Why {plain(western[0])}?"


def test_filters_that_leave_nothing_say_so() -> None:
    app = open_page("recommend", link_of(Session()))
    app.multiselect(key="recommend_genres").set_value(["Western"]).run()
    assert "Western (" not in app.subheader[0].value  # all of them are
    app.slider(key="recommend_years_1919_2000").set_value((1919, 1920)).run()
    assert "No film" in sound(app).info[0].value


def test_a_model_without_an_inside_offers_others() -> None:
    app = open_page("attention", link_of(PERSONAS[0].session, "popularity"))
    assert "shows nothing that it weighs" in sound(app).info[0].value
    app.button(key="attention_use_afm").click().run()
    assert sound(app).session_state["visit"].model == "afm"
    assert app.metric


def test_what_is_unknown_of_a_visitor_is_said_of_a_pair() -> None:
    app = sound(open_page("attention", link_of(Session(), "afm", "like")))
    app.segmented_control(key="attention_view").set_value("What each pair adds").run()
    (strongest,) = [
        text.value for text in sound(app).markdown if "moves the logit most" in text.value
    ]
    assert "**Gender × This film** moves the logit most, +" in strongest
    assert strongest.endswith("(gender unknown).")
    told = sound(open_page("attention", link_of(PERSONAS[0].session, "afm", "like")))
    assert not [text for text in told.markdown if "unknown)" in text.value]


def test_the_only_film_watched_does_not_attend_to_itself() -> None:
    app = open_page("attention", link_of(Session(history=[Watched(260)]), "din") | {"t": "260"})
    assert "the only one watched" in sound(app).info[0].value
    empty = sound(open_page("attention", link_of(Session(), "din")))
    assert "nothing to attend to" in empty.info[0].value
    alone = sound(open_page("attention", link_of(Session(history=[Watched(260)]), "din")))
    assert any("not defined for 1 film" in text.value.removesuffix("s") for text in alone.markdown)
    assert not any("1 films" in text.value for text in alone.markdown)


def test_films_beyond_those_read_and_stars_beyond_five_are_said() -> None:
    session = Session(history=[Watched(movie, True) for movie in FILMS[:60]])
    app = sound(open_page("recommend", link_of(session, "din", "next")))
    read = load("din", "next").checkpoint.schema.history_length
    assert any(f"Only the latest {read} of the 60 films" in text.value for text in app.caption)
    less = replace(session, history=session.history[:read])
    whole = sound(open_page("recommend", link_of(less, "din", "next")))
    assert not any("Only the latest" in text.value for text in whole.caption)
    stars = sound(
        open_page("recommend", link_of(PERSONAS[0].session, "rating_mlp", "rating") | TABLE)
    )
    cut = (stars.dataframe[0].value["score"] >= 5).sum() > 1
    told = any("in the order of what was predicted" in text.value for text in stars.caption)
    assert told == cut
    none = sound(open_page("recommend", link_of(Session(), "popularity", "rating")))
    assert not any("in the order of what" in text.value for text in none.caption)


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ({"m": "mf", "g": "F"}, "without films you get the mean of your demographic group"),
        ({"m": "mf", "h": "260l"}, "pulled towards the mean of your demographic group"),
    ],
)
def test_a_model_by_id_says_who_a_visitor_is_to_it(link: dict[str, str], told: str) -> None:
    app = sound(open_page("recommend", link))
    assert any(told in caption.value for caption in app.sidebar.caption)


def test_weights_that_tell_the_reverse_are_called_so() -> None:
    assert _verdict(-0.5, "film")[0] == "a wrong guide"
    assert _verdict(0.0, "film")[0] == "not a reason"
    assert _verdict(0.1, "film")[0] == "a weak guide"


def test_a_film_is_set_beside_another_one_and_the_link_says_which() -> None:
    app = sound(open_page("recommend", link_of(VISITS["one film"], "fm") | {"ag": "1200"}))
    box = next(box for box in app.selectbox if box.key == "why_against")
    assert any("than Aliens (1986)" in text.value for text in app.markdown)
    sound(box.set_value(0).run())
    assert any("Of what speaks for or against this film" in text.value for text in app.markdown)
    assert app.query_params["ag"] == "0"
    sound(next(box for box in app.selectbox if box.key == "why_against").set_value(-1).run())
    assert any("than the average film" in text.value for text in app.markdown)
    assert "ag" not in app.query_params


@pytest.mark.parametrize(
    ("page", "model", "name", "key", "value"),
    [
        ("leaderboard", "din", "lu", "leaderboard_field", "age"),
        ("data", "din", "du", "data_per", "user"),
        ("attention", "afm", "av", "attention_view", "What each pair adds"),
    ],
)
def test_what_is_looked_at_stands_in_the_link(
    page: str, model: str, name: str, key: str, value: str
) -> None:
    link = link_of(Session(history=[Watched(260, True)]), model)
    app = sound(open_page(page, link))
    app.segmented_control(key=key).set_value(value).run()
    assert sound(app).query_params[name] in (value, [value])
    again = sound(open_page(page, link | {name: value}))
    assert again.segmented_control(key=key).value == value
