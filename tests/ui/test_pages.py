"""Every page through Streamlit's AppTest: any visit gives a sensible page, and the same numbers as the library."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest
import streamlit as st
from app import FILMS, PAGES, ROOT, TABLE, VISITS, link_of, open_page, sound
from shipped import load
from streamlit.testing.v1 import AppTest

from benchmarks.boxes import choose_film, film_box
from recdemo import Session, Watched, checkpoints
from recdemo.core.vocabulary import AGES, OCCUPATIONS
from recdemo.models import CARDS
from recdemo.models.cards.card import SHORT
from recdemo.ui.engine import plain
from recdemo.ui.personas import PERSONAS
from recdemo.ui.visit import Visit, encode_visit
from recdemo.ui.why import _verdict


def test_titles_are_never_read_as_markup() -> None:
    assert plain("M*A*S*H (1970)") == r"M\*A\*S\*H (1970)"
    assert plain("Seven (Se7en) [cut]") == r"Seven (Se7en) \[cut\]"


# One model of each kind, as the pages tell them apart.
KINDS = ("popularity", "mf", "rating_mlp", "fm", "afm", "din", "pooling", "textcnn_rating")


# Every page with every kind of model, every page with every visit, and every kind of model with every visit.
PAIRS = [
    (page, model, list(VISITS)[(row + column) % len(VISITS)])
    for row, page in enumerate(PAGES)
    for column, model in enumerate(KINDS)
]


@pytest.mark.parametrize(("page", "model", "visit"), PAIRS)
def test_every_visit_gives_a_page(page: str, model: str, visit: str) -> None:
    objectives = CARDS[model].objectives
    objective = objectives[len(visit + model) % len(objectives)]
    app = sound(open_page(page, link_of(VISITS[visit], model, objective)))
    assert [error.value for error in app.error] == []
    assert [warning.value for warning in app.warning] == []
    assert dict(app.query_params)["m"] in (model, [model])


@pytest.mark.parametrize("seed", range(20))
def test_random_visits_never_break_a_page(seed: int) -> None:
    rng = random.Random(seed)
    pages = list(PAGES)
    for number in range(11):  # of 220 visits in all
        films = rng.sample(FILMS, rng.choice((0, 1, 2, 5, 30, 120)))
        session = Session(
            rng.choice((None, "F", "M")),
            rng.choice((None, *AGES)),
            rng.choice((None, *OCCUPATIONS)),
            [Watched(movie, rng.choice((True, False, None))) for movie in films],
        )
        visit = Visit(
            session,
            *rng.choice(checkpoints.available()),
            targets=tuple(rng.sample(FILMS, rng.choice((0, 0, 1, 5)))),
            compared=tuple(rng.sample(list(CARDS), rng.choice((0, 0, 2, 6)))),
        )
        page = pages[(seed + number) % len(pages)]
        app = sound(open_page(page, encode_visit(visit)))
        assert [error.value for error in app.error] == []


@pytest.mark.parametrize("page", PAGES)
def test_an_unknown_model_in_the_link_is_named_and_the_rest_kept(page: str) -> None:
    app = sound(open_page(page, {"m": "gpt", "g": "F", "h": "260l"}))
    assert "gpt" in app.warning[0].value
    assert app.session_state["visit"].session == Session("F", history=[Watched(260, True)])
    assert app.session_state["visit"].model == "din"


def test_a_model_not_trained_for_a_question_is_asked_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tmp_path / "checkpoints"
    shutil.copytree(ROOT / "checkpoints", base)
    shutil.rmtree(base / "din" / "next")
    monkeypatch.setenv(checkpoints.ROOT_VARIABLE, str(base))
    st.cache_resource.clear()
    app = sound(open_page("recommend", {"m": "din", "h": "260l"}))
    assert [error.value for error in app.error] == []
    assert app.session_state["visit"].objective == "like"
    home = sound(open_page("home"))
    assert any("DIN for “What next?”" in caption.value for caption in home.caption)
    assert [warning.value for warning in home.warning] == []


@pytest.mark.parametrize("damage", ["weights", "card"])
def test_a_broken_checkpoint_is_named_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    base = tmp_path / "checkpoints"
    shutil.copytree(ROOT / "checkpoints", base)
    weights = base / "din" / "next" / checkpoints.WEIGHTS
    if damage == "weights":
        content = bytearray(weights.read_bytes())
        content[len(content) // 2] ^= 1
        weights.write_bytes(content)
    else:
        (base / "din" / "next" / checkpoints.CARD).write_text("{")
    monkeypatch.setenv(checkpoints.ROOT_VARIABLE, str(base))
    st.cache_resource.clear()
    for page in ("recommend", "attention"):
        app = sound(open_page(page, {"m": "din", "h": "260l"}))
        assert "din" in app.error[0].value
        assert "next" in app.error[0].value
        app.selectbox(key="side_model").set_value("afm").run()
        assert [error.value for error in sound(app).error] == []
    home = sound(open_page("home"))
    if damage != "weights":  # Home reads cards, not weights
        assert any("din" in warning.value for warning in home.warning)


def test_a_missing_catalogue_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(checkpoints.ROOT_VARIABLE, str(tmp_path))
    app = open_page("home")
    assert [error.value for error in app.exception] == []
    assert "catalogue.csv" in app.error[0].value


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


def test_editing_the_visitor_changes_link_and_list() -> None:
    app = open_page("recommend", link_of(Session()) | TABLE)
    before = app.dataframe[0].value["title"].tolist()
    choose_film(app, "side_add", 260)
    app.segmented_control(key="side_reaction").set_value("Disliked").run()
    choose_film(app, "side_add", 1721)
    app.selectbox(key="side_age").set_value(18).run()
    expected = Session(age=18, history=[Watched(260, True), Watched(1721, False)])
    assert sound(app).session_state["visit"].session == expected
    assert app.query_params["h"] in ("260l-1721d", ["260l-1721d"])
    assert app.dataframe[0].value["title"].tolist() != before
    app.button(key="side_Later_260").click().run()
    assert app.session_state["visit"].session.movie_ids == [1721, 260]
    app.button(key="side_Watched_260").click().run()
    assert app.session_state["visit"].session.history[-1] == Watched(260, None)
    app.button(key="side_remove_1721").click().run()
    assert app.session_state["visit"].session.movie_ids == [260]
    for _ in range(3):
        app.button(key="side_undo").click().run()
    assert app.session_state["visit"].session == expected
    app.button(key="side_clear").click().run()
    assert app.session_state["visit"].session == Session(age=18)
    app.button(key="side_undo").click().run()
    assert app.session_state["visit"].session == expected


def test_what_a_film_added_counts_as_survives_page_changes() -> None:
    app = open_page("recommend", link_of(Session()))
    app.segmented_control(key="side_reaction").set_value("Watched").run()
    app.switch_page(PAGES["attention"]).run()
    assert app.segmented_control(key="side_reaction").value == "Watched"
    choose_film(app, "side_add", 260)
    assert app.session_state["visit"].session.history == (Watched(260, None),)


def test_a_visit_survives_page_changes() -> None:
    app = open_page("recommend", link_of(PERSONAS[2].session, "afm", "like"))
    visit = app.session_state["visit"]
    for page in (PAGES["attention"], "streamlit_app.py", PAGES["recommend"]):
        app.switch_page(page).run()
        assert sound(app).session_state["visit"] == visit
        assert app.selectbox(key="side_model").value == "afm"
        assert app.selectbox(key="side_persona").value == PERSONAS[2]


@pytest.mark.parametrize("number", range(len(PERSONAS)))
def test_a_persona_can_be_taken(number: int) -> None:
    app = open_page("home")
    app.button(key=f"be_{PERSONAS[number].name}").click().run()
    assert sound(app).session_state["visit"].session == PERSONAS[number].session


@pytest.mark.parametrize("number", range(4))
def test_a_scenario_can_be_followed(number: int) -> None:
    app = open_page("home")
    app.button(key=f"scenario_{number}").click().run()
    assert sound(app).session_state["visit"].session.history
    assert [error.value for error in app.error] == []


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
    assert "no inside" in sound(app).info[0].value
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


def test_targets_are_chosen_and_live_in_the_link() -> None:
    app = open_page("attention", link_of(PERSONAS[0].session))
    first = [movie for movie, _ in film_box(app, "attention_targets")["chips"]]
    assert len(first) == 3
    choose_film(app, "attention_targets", 593)
    assert sound(app).session_state["visit"].targets == (*first, 593)
    for movie in first:
        choose_film(app, "attention_targets", movie, "gone")
    choose_film(app, "attention_targets", 1)
    assert sound(app).query_params["t"] in ("593-1", ["593-1"])
    assert app.session_state["visit"].targets == (593, 1)
    for movie in (50, 260, 2571):
        assert not film_box(app, "attention_targets")["full"]
        choose_film(app, "attention_targets", movie)
    assert film_box(app, "attention_targets")["full"]


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


def test_home_says_which_ratings_are_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recdemo.data.sources._places", lambda: [tmp_path])
    assert any("are not on this machine" in m.value for m in sound(open_page("home")).markdown)
    (tmp_path / "ml-1m.zip").touch()
    said = "Ratings to train with, on this machine: MovieLens-1M."
    assert said in [m.value for m in sound(open_page("home")).markdown]


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


def test_the_menu_of_models_names_each_family_in_one_block() -> None:
    options = sound(open_page("home")).selectbox(key="side_model").options
    assert "DIN · attention" in options
    blocks = [family for family, _ in groupby(options, lambda name: name.rpartition(" · ")[2])]
    assert sorted(blocks) == sorted(SHORT.values())
