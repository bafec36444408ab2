"""Every page through Streamlit's AppTest: any visit, unknown or damaged models, and a visitor who is edited give a sensible page."""

from __future__ import annotations

import random
import shutil
from itertools import groupby
from pathlib import Path

import pytest
import streamlit as st
from app import FILMS, KINDS, PAGES, ROOT, TABLE, VISITS, link_of, open_page, sound
from trials import trials

from benchmarks.boxes import choose_film, film_box
from recdemo import Session, Watched, checkpoints
from recdemo.core.vocabulary import AGES, OCCUPATIONS
from recdemo.models import CARDS
from recdemo.models.cards.card import SHORT
from recdemo.ui.engine import plain
from recdemo.ui.personas import PERSONAS
from recdemo.ui.visit import Visit, encode_visit


def test_titles_are_never_read_as_markup() -> None:
    assert plain("M*A*S*H (1970)") == r"M\*A\*S\*H (1970)"
    assert plain("Seven (Se7en) [cut]") == r"Seven (Se7en) \[cut\]"


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
    for number in range(trials(4, 11)):  # of 80 visits in all, or 220
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


def test_home_says_which_ratings_are_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recdemo.data.sources._places", lambda: [tmp_path])
    assert any("no ratings to train with" in m.value for m in sound(open_page("home")).markdown)
    (tmp_path / "ml-1m.zip").touch()
    said = "Ratings to train with, on this machine: MovieLens-1M."
    assert said in [m.value for m in sound(open_page("home")).markdown]


def test_the_menu_of_models_names_each_family_in_one_block() -> None:
    options = sound(open_page("home")).selectbox(key="side_model").options
    assert "DIN · attention" in options
    blocks = [family for family, _ in groupby(options, lambda name: name.rpartition(" · ")[2])]
    assert sorted(blocks) == sorted(SHORT.values())
