"""The Models page: every model, with the numbers of its card and the picture of its own answer."""

from __future__ import annotations

import pytest
import torch
from app import VISITS, link_of, open_page, sound
from streamlit.testing.v1 import AppTest

import recdemo
from recdemo import Session, checkpoints
from recdemo.anatomy.diagram import trace
from recdemo.anatomy.trap_demos import demonstrate
from recdemo.anatomy.traps import traps_of
from recdemo.charts.diagram import dot
from recdemo.encoding.encode import encode
from recdemo.models import CARDS
from recdemo.ui.engine import plain
from recdemo.ui.personas import PERSONAS

FIRST = {key: goal for key, goal in reversed(checkpoints.available())}
MAYA = PERSONAS[0].session


def models(key: str, session: Session = MAYA, objective: str | None = None) -> AppTest:
    app = sound(open_page("models", link_of(session, key, objective or FIRST[key])))
    assert [error.value for error in app.error] == []
    return app


def picture(app: AppTest) -> str:
    (chart,) = app.get("graphviz_chart")
    return str(chart.proto.spec)


@pytest.mark.parametrize("key", FIRST)
def test_every_model_is_told_in_full(key: str) -> None:
    app = models(key)
    card = CARDS[key]
    assert [warning.value for warning in app.warning] == []
    assert app.subheader[0].value == card.title
    assert card.formula in app.latex[0].value
    texts = [text.value for text in (*app.markdown, *app.caption)]
    assert card.idea in texts
    assert any(text.startswith(card.source) for text in texts)
    metrics = {metric.label: metric.value for metric in app.metric}
    stated = checkpoints.load(key, FIRST[key]).card
    assert metrics.pop("Parameters") == f"{stated.parameters:,}"
    assert list(metrics.values()) == [f"{value:.4f}" for value in stated.metrics.test.values()]
    assert any(stated.command == code.value for code in app.code)
    headings = [heading.value for heading in app.subheader]
    assert ("A known trap" in headings or "Known traps" in headings) == bool(traps_of(key))


@pytest.mark.parametrize("key", ["din", "fm", "mf"])
@pytest.mark.parametrize("visit", VISITS)
def test_the_picture_is_of_this_visitor_s_answer(key: str, visit: str) -> None:
    session = VISITS[visit]
    app = models(key, session)
    checkpoint = checkpoints.load(key, FIRST[key])
    films = torch.arange(1, checkpoint.schema.size + 1)
    diagram = trace(checkpoint.model, encode(checkpoint.schema, [session], films))
    assert picture(app) == dot(diagram)
    app.segmented_control(key="models_scored").set_value("One film").run()
    assert f"[{len(films)}]" not in picture(sound(app))
    assert "[1]" in picture(app)


def test_parameters_of_the_parts_add_up() -> None:
    app = models("din")
    parts = next(table.value for table in app.dataframe if "share" in table.value.columns)
    assert parts["share"].sum() == pytest.approx(1)
    assert f"{parts['parameters'].sum():,}" == next(
        metric.value for metric in app.metric if metric.label == "Parameters"
    )


def test_what_an_answer_does_not_need_is_named_once() -> None:
    app = models("transformer4rec")
    caption = next(text.value for text in app.caption if "Not needed to answer" in text.value)
    assert "Not needed to answer: decoder, film bias." in caption


def test_a_model_is_chosen_on_the_page_or_in_the_sidebar() -> None:
    app = models("din", objective="like")
    app.button_group(key="models_family").set_value("Fields and their pairs").run()
    assert sound(app).session_state["visit"].model == "fm"
    assert app.session_state["visit"].objective == "like"
    app.button_group(key="models_model").set_value("afm").run()
    assert sound(app).subheader[0].value == "AFM"
    app.selectbox(key="side_model").set_value("dcn").run()
    assert sound(app).button_group(key="models_model").value == "dcn"
    assert dict(app.query_params)["m"] in ("dcn", ["dcn"])


def test_a_trap_is_shown_on_this_visitor() -> None:
    app = models("din", objective="like")
    asked = recdemo.load("din", "like")
    movies = asked.recommend(MAYA, 3)["movie_id"].tolist()
    texts = [text.value for text in app.markdown]
    for number, trap in enumerate(traps_of("din")):
        if number:
            app.button_group(key="models_trap_din").set_value(trap.title).run()
            texts = [text.value for text in sound(app).markdown]
        shown = demonstrate(trap.key, asked, MAYA, movies)
        assert shown is not None
        assert f"**{plain(shown.finding)}**" in texts
        assert [code.value for code in app.code][:2] == [trap.printed_code, trap.right_code]
        (table,) = app.table
        assert table.value.to_numpy().tolist() == [
            [plain(cell) for cell in row[1:]] for row in shown.rows
        ]


def test_a_trap_that_needs_films_says_so() -> None:
    app = models("rnn_als", Session())
    assert any("Add films" in info.value for info in app.info)


def test_the_source_shown_is_the_model_s() -> None:
    app = models("din")
    files = app.selectbox(key="models_file_din")
    assert files.value == "recdemo/models/din.py"
    assert any("class DIN(nn.Module)" in code.value for code in app.code)
    files.set_value("recdemo/blocks/attention.py").run()
    assert any("class ActivationUnit" in code.value for code in sound(app).code)
