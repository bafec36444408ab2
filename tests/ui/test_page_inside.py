"""The page Inside: its picture gets what the library computes, and ends at the figure on Recommend's list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from app import link_of, open_page, sound
from shipped import load

import recdemo
from benchmarks.boxes import film_box, tell
from recdemo import Session
from recdemo.core.steps import Trace
from recdemo.ui import inside
from recdemo.ui.lessons import LESSONS, lesson_of, told
from recdemo.ui.personas import PERSONAS

SESSION = PERSONAS[0].session
PICTURE = inside.KEY


def picture(model: str, objective: str = "next", **link: str) -> tuple[Any, dict[str, Any]]:
    app = sound(open_page("inside", link_of(SESSION, model, objective) | link))
    return app, film_box(app, PICTURE)


@pytest.mark.parametrize(
    ("model", "objective"), [("din", "next"), ("fm", "like"), ("rating_mlp", "rating")]
)
def test_the_last_number_is_the_one_on_recommend(model: str, objective: str) -> None:
    app, drawn = picture(model, objective)
    first = load(model, objective).recommend(SESSION, 1).iloc[0]
    score = first["score"]
    assert drawn["shown"] == (f"{score:.2f}" if objective == "rating" else f"{100 * score:.1f}%")
    assert drawn["trace"]["movie_id"] == first["movie_id"]
    assert drawn["trace"]["steps"][-1]["values"] == pytest.approx(score, rel=1e-4)
    assert any(drawn["shown"] in text.value for text in app.markdown)


def test_the_step_shown_and_the_film_are_in_the_link() -> None:
    app, drawn = picture("din", t="1210", i="interest")
    assert (drawn["trace"]["movie_id"], drawn["step"]) == (1210, "interest")
    app = sound(tell(app, PICTURE, "step", "weights"))
    assert app.session_state["visit"].step == "weights"
    app = sound(tell(app, PICTURE, "step", "<b>"))
    assert app.session_state["visit"].step == "weights", "a browser may send anything"
    tell(app, "inside_film", "film", 1196)
    assert film_box(app, PICTURE)["trace"]["movie_id"] == 1196
    assert sound(app).session_state["visit"].targets[0] == 1196
    app, drawn = picture("din", i="nothing.here")
    assert "has no step `nothing.here`" in app.caption[0].value
    app = open_page("inside", link_of(SESSION) | {"i": "<script>"})
    assert "does not exist: `<script>`" in app.warning[0].value


@pytest.mark.parametrize("page", ["recommend", "attention", "what_if"])
def test_every_why_leads_there(page: str) -> None:
    app = open_page(page, link_of(SESSION, "din"))
    first = int(load("din").recommend(SESSION, 1)["movie_id"][0])
    app.button(key=f"{page}_inside").click().run()
    assert app.session_state["visit"].targets[0] == first


def test_a_picture_is_small() -> None:
    folder = Path(inside.__file__).parent
    files = [file for kind in ("js", "css", "html") for file in folder.glob(f"inside*.{kind}")]
    assert len(files) > 3
    assert sum(file.stat().st_size for file in files) < 60_000
    assert not any("http" in file.read_text().replace("http://www.w3.org/", "") for file in files)


TAUGHT = [model for lesson in LESSONS for model in lesson.models]


@pytest.fixture(scope="module")
def traces() -> dict[str, Trace]:
    return {model: recdemo.trace(load(model), SESSION, 1210) for model in TAUGHT}


@pytest.mark.parametrize("model", TAUGHT)
def test_a_lesson_is_about_steps_there_are(model: str, traces: dict[str, Trace]) -> None:
    lesson, trace = lesson_of(model), traces[model]
    assert lesson
    ids = [step.id for step in trace.steps]
    assert {lesson.step, *(one.step for one in lesson.sentences)} <= set(ids)
    assert 5 <= len(lesson.sentences) <= 8
    filled = told(lesson, trace, "4.2%")
    assert len(filled["says"]) == len(lesson.sentences), "every blank has its number"
    assert filled["answer"] in filled["choices"]
    assert len(filled["choices"]) > 1
    assert f"**{filled['answer']}**" in filled["told"]
    names = {label for step in trace.steps for axis in step.axes for label in axis.labels}
    assert any(f"**{name}**" in one["text"] for one in filled["says"] for name in names)


def test_without_films_a_lesson_says_what_it_can() -> None:
    trace = recdemo.trace(load("din"), Session(), 1210)
    lesson = lesson_of("din")
    assert lesson
    filled = told(lesson, trace, "4.2%")
    assert (filled["choices"], filled["told"]) == ([], "")
    assert 0 < len(filled["says"]) < len(lesson.sentences)
    assert not any("{" in one["text"] for one in filled["says"])
