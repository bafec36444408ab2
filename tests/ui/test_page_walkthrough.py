"""Stories go from step to step, say what they show, and give the visitor back."""

from __future__ import annotations

import pytest
from app import PAGES, link_of, open_page, sound
from streamlit.testing.v1 import AppTest

from recdemo.ui.personas import PERSONAS
from recdemo.ui.saved import save_visit
from recdemo.ui.stories import STORIES, step_of
from recdemo.ui.story_banner import differences, visit_of

SESSION = PERSONAS[3].session


@pytest.mark.parametrize("key", STORIES)
def test_a_story_goes_to_its_end_and_gives_the_visitor_back(key: str) -> None:
    app = open_page("walkthrough", link_of(SESSION, "fm", "like"))
    own = app.session_state["visit"]
    app.button(key=f"story_{key}").click().run()
    steps = STORIES[key].steps
    for number, step in enumerate(steps, start=1):
        assert sound(app).session_state["visit"].story == f"{key}.{number}"
        assert app.session_state["visit"].model == step.link["m"]
        assert any(step.finding in markdown.value for markdown in app.markdown)
        assert [error.value for error in app.error] == []
        assert [warning.value for warning in app.warning] == []
        _press(app, "End of the story" if number == len(steps) else "Next")
    assert sound(app).session_state["visit"] == own
    assert app.title[0].value == "Walkthrough"


def test_back_is_the_step_before_and_the_first_has_none() -> None:
    app = open_page("walkthrough")
    app.button(key="story_goal").click().run()
    assert next(button for button in app.button if button.label == "Back").disabled
    _press(app, "Next")
    assert app.session_state["visit"].story == "goal.2"
    _press(app, "Back")
    assert app.session_state["visit"].story == "goal.1"
    _press(app, "Leave")
    assert app.session_state["visit"].story == ""


def test_a_step_opened_by_its_link_can_be_left() -> None:
    app = open_page("recommend", link_of(SESSION) | {"s": "goal.1"})
    assert any(STORIES["goal"].steps[0].finding in markdown.value for markdown in app.markdown)
    _press(app, "Leave")
    assert sound(app).session_state["visit"].session == SESSION
    assert app.session_state["visit"].story == ""


def test_a_step_that_was_changed_says_so_and_leads_back() -> None:
    app = open_page("walkthrough")
    app.button(key="story_person").click().run()
    assert not any("You changed" in caption.value for caption in app.caption)
    told = app.session_state["visit"]
    app.selectbox(key="side_age").set_value(56).run()
    said = [caption.value for caption in app.caption if "You changed" in caption.value]
    assert "You changed the visitor of this step" in said[0]
    app.selectbox(key="side_model").set_value("fm").run()
    said = [caption.value for caption in app.caption if "You changed" in caption.value]
    assert "You changed the model and the visitor of this step" in said[0]
    _press(app, "Restore this step")
    assert sound(app).session_state["visit"] == told
    assert not any("You changed" in caption.value for caption in app.caption)


@pytest.mark.parametrize("key", STORIES)
def test_as_they_are_told_steps_are_not_called_changed(key: str) -> None:
    for index in range(len(STORIES[key].steps)):
        told = visit_of(key, index)
        assert differences(told, told, elsewhere=False) == ""
        assert differences(told, told, elsewhere=True) == "the page"


def test_every_step_is_on_a_page_that_exists() -> None:
    pages = set(PAGES.values())
    assert {step.page for story in STORIES.values() for step in story.steps} <= pages


def test_a_session_saved_is_opened_again() -> None:
    app = open_page("recommend", link_of(SESSION, "fm", "like"))
    text = save_visit(app.session_state["visit"], {})
    other = open_page("recommend")
    other.file_uploader(key="side_open").set_value(
        ("session.json", text.encode(), "application/json")
    ).run()
    assert sound(other).session_state["visit"] == app.session_state["visit"]
    other.button(key="side_undo").click().run()
    assert other.session_state["visit"].session.history == ()


def test_a_file_that_is_no_session_changes_nothing_and_says_so() -> None:
    app = open_page("recommend", link_of(SESSION))
    app.file_uploader(key="side_open").set_value(("notes.json", b"{}", "application/json")).run()
    assert sound(app).session_state["visit"].session == SESSION
    assert "notes.json" in app.warning[0].value
    assert "Nothing was changed" in app.warning[0].value


def _press(app: AppTest, label: str) -> None:
    """Press a button of the banner. AppTest itself does not stay on a page that a script switches to."""
    place = step_of(app.session_state["visit"].story)
    assert place
    story, index = place
    app.switch_page(story.steps[index].page).run()
    next(button for button in app.button if button.label == label).click().run()
