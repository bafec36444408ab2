"""The banner of a guided story: what this step shows, back, next, and out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import streamlit as st

from recdemo.ui import engine, state
from recdemo.ui.stories import STORIES, step_of
from recdemo.ui.visit import Visit, decode_visit

STORIES_PAGE = "pages/walkthrough.py"
_OWN = "guide_own_visit"  # the visit to go back to when a story is left


def draw() -> None:
    """The banner, where the visit is in a story."""
    place = step_of(state.current().story)
    if place is None:
        return
    story, index = place
    step = story.steps[index]
    last = index + 1 == len(story.steps)
    changed = differences(state.current(), visit_of(story.key, index), _elsewhere(step.page))
    with st.container(border=True, key="guide", horizontal=True, vertical_alignment="center"):
        with st.container(key="guide_text", width="stretch"):
            st.markdown(f"## {step.finding}")
            st.markdown(step.look)
            if changed:
                st.caption(
                    f":material/edit: You changed {changed} of this step: the text above describes it without that change."
                )
        with st.container(key="guide_side", width=330):
            st.caption(f"{story.icon} {story.title} · step {index + 1} of {len(story.steps)}")
            ways = st.container(key="guide_buttons", horizontal=True, gap="xsmall")
        with ways:
            if changed and st.button("Restore this step", icon=":material/replay:"):
                enter(story.key, index)
            if st.button(
                "Back", key="guide_back", icon=":material/arrow_back:", disabled=index == 0
            ):
                enter(story.key, index - 1)
            if not last and st.button(
                "Next", key="guide_next", icon=":material/arrow_forward:", type="primary"
            ):
                enter(story.key, index + 1)
            if st.button(
                "End of the story" if last else "Leave", key="guide_leave", icon=":material/close:"
            ):
                leave()


def enter(story: str, index: int) -> None:
    """Go to a step of a story. The visitor's own visit is kept for when they leave."""
    if not state.current().story:
        st.session_state[_OWN] = state.current()
    step = STORIES[story].steps[index]
    state.go(replace(visit_of(story, index), present=state.current().present))
    st.switch_page(step.page)


def leave() -> None:
    """Back to the stories, and to the visitor's own visit."""
    visit = state.current()
    state.go(replace(st.session_state.pop(_OWN, None) or visit, story="", present=visit.present))
    st.switch_page(STORIES_PAGE)


def _elsewhere(page: str) -> bool:
    """Whether another page than this is shown, as far as the browser says."""
    shown = PurePosixPath(urlsplit(st.context.url or "").path).name
    return bool(st.context.url) and shown != PurePosixPath(page).stem


def differences(visit: Visit, told: Visit, elsewhere: bool) -> str:
    """What somebody has changed of what a step shows, in words; empty where it is as told."""
    parts = {
        "the page": elsewhere,
        "the model": (visit.model, visit.objective) != (told.model, told.objective),
        "the visitor": visit.session != told.session,
        "the films looked at": told.targets != () and visit.targets != told.targets,
        "the models compared": told.compared != () and visit.compared != told.compared,
        "the change tried out": visit.change != told.change,
    }
    found = [name for name, differs in parts.items() if differs]
    return " and ".join(filter(None, [", ".join(found[:-1]), *found[-1:]]))


def visit_of(story: str, index: int) -> Visit:
    """The visit that a step shows; a model that is not trained gives way to another."""
    link = STORIES[story].steps[index].link | {"s": f"{story}.{index + 1}"}
    return decode_visit(link, models=engine.menu(), films=engine.films().labels)[0]
