"""Three pointers for whoever comes for the first time: who asks, what the answer is, what the reason is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from recdemo.core.wording import Words
from recdemo.ui import state

_TOUR = st.components.v2.component(
    "tour", html="<i hidden></i>\n", js=Path(__file__).with_suffix(".js").read_text("utf-8")
)
_NUMBER = "tour_number"  # how often it was to be shown in this browser session
_PAGE = "pages/recommend.py"


class Pointer(NamedTuple):
    """What is pointed at, and what is said of it; the first place that is seen."""

    place: str  # CSS selectors
    title: str
    text: str


_VISITOR = Pointer(
    ".st-key-side_visitor, [data-testid=stExpandSidebarButton]",
    "Who asks",
    "The visitor: you or somebody made up, with a profile and the films they watched. All pages are about this one person.",
)
HOME = (
    _VISITOR,
    Pointer(
        ".st-key-taste_grid",
        "What they think",
        "Say what you thought of five films: that makes a visitor, too. Undo is in the sidebar.",
    ),
    Pointer(
        ".st-key-menu_links, .st-key-menu_folded",
        "Where the answers are",
        "Recommend has the list, and why each film is on it. The pages after it look further inside.",
    ),
)
RECOMMEND = (
    _VISITOR,
    Pointer(
        ".st-key-answer",
        "The list",
        "What the model would show this visitor, the likeliest film first. Pick one to ask about it.",
    ),
    Pointer(
        ".st-key-reason",
        "The reason",
        "What lifts this film over the others, in terms that add up to the difference of their scores.",
    ),
)


def draw(pointers: Sequence[Pointer], words: Words) -> None:
    """Point, where it is asked for: by itself to who came without a link, once; never before an audience or in a story."""
    visit = state.current()
    number = st.session_state.setdefault(_NUMBER, int(state.came_without_link()))
    told = [pointer._replace(text=words(pointer.text)) for pointer in pointers]
    with st.container(key="tour"):
        _TOUR(
            key="tour_pointers",
            data={
                "number": 0 if visit.present or visit.story else number,
                "pointers": [pointer._asdict() for pointer in told],
            },
            height=1,
        )


def again() -> None:
    """Show it once more, on the page of the list."""
    st.session_state[_NUMBER] = st.session_state.get(_NUMBER, 0) + 1
    st.switch_page(_PAGE)
