"""What every page has around it: the line of pages, the visitor in the sidebar, the link.

A page begins with `opening.show`, and draws inside ``with frame.page() as visit:``. There is no
`st.navigation`: each page stands alone, so that a deep link on a cold server is a page like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import streamlit as st

from recdemo.core.errors import CheckpointError, RequestError
from recdemo.core.vocabulary import AGES, GENDERS, OCCUPATIONS, QUESTIONS
from recdemo.core.wording import counted
from recdemo.ui import (
    engine,
    help_dialog,
    owner,
    sidebar,
    stage,
    state,
    story_banner,
    uploads,
    warm_up,
)
from recdemo.ui.engine import plain
from recdemo.ui.visit import Visit, encode_visit

MENU = (  # file, name and icon of each page
    ("streamlit_app.py", "Home", ":material/home:"),
    ("pages/walkthrough.py", "Walkthrough", ":material/explore:"),
    ("pages/recommend.py", "Recommend", ":material/recommend:"),
    ("pages/compare.py", "Compare", ":material/compare_arrows:"),
    ("pages/what_if.py", "What if", ":material/alt_route:"),
    ("pages/attention.py", "Attention", ":material/visibility:"),
    ("pages/inside.py", "Inside", ":material/biotech:"),
    ("pages/embeddings.py", "Embeddings", ":material/scatter_plot:"),
    ("pages/models.py", "Models", ":material/schema:"),
    ("pages/lab.py", "Lab", ":material/science:"),
    ("pages/leaderboard.py", "Leaderboard", ":material/leaderboard:"),
    ("pages/data.py", "Data", ":material/database:"),
    ("pages/retrain.py", "Retrain", ":material/model_training:"),
)


@contextmanager
def page() -> Iterator[Visit]:
    """Draw what all pages share below their opening, and turn expected errors into a message.

    Gives the visit as the chosen model knows it, see `state.seen`.
    """
    drawn = False
    try:
        uploads.limit_uploads()
        state.start()
        visit = state.current()
        _menu(visit)
        if not visit.present:
            with st.sidebar:
                sidebar.draw()
        state.write_link()
        drawn = True
        for problem in state.problems():
            st.warning(problem, icon=":material/link_off:")
        if visit.present:
            st.caption(_who(state.seen()))
        story_banner.draw()
        yield state.seen()
        warm_up.warm_up()
    except (CheckpointError, RequestError) as error:
        st.error(plain(owner.shown(str(error))), icon=":material/error:")
        if drawn and isinstance(error, CheckpointError):
            st.markdown("The other models go on working: choose another in the sidebar.")
        st.stop()


def _menu(visit: Visit) -> None:
    """All pages in one line; on a phone, behind one button. At its end, the switch for an audience, and help."""
    link = encode_visit(visit)
    stage.draw(f"{st.context.url} {visit.story}", present=visit.present)
    with st.container(key="menu", horizontal=True):
        with st.container(key="menu_links", horizontal=True):
            for path, label, _ in MENU:
                st.page_link(path, label=label, query_params=link)
        with st.container(key="menu_folded"):
            chosen = st.menu_button(
                "Pages",
                MENU,
                format_func=lambda page: f"{page[2]} {page[1]}",
                key="menu_pages",
                icon=":material/menu:",
                type="tertiary",
            )
        st.button(
            "End" if visit.present else "Present",
            icon=":material/close_fullscreen:" if visit.present else ":material/present_to_all:",
            key="present_off" if visit.present else "present",
            help="Back from the stage (Esc)"
            if visit.present
            else "Larger, dark, without the sidebar. Arrow keys lead through a story, Esc leaves.",
            type="tertiary",
            on_click=lambda: state.go(replace(state.current(), present=not visit.present)),
        )
        help_dialog.draw()
    if chosen:
        st.switch_page(chosen[0])


def _who(visit: Visit) -> str:
    """Whose answer this is, and which model's, where no sidebar says so."""
    session, item = visit.session, engine.words(visit.model).film
    known = [
        GENDERS[session.gender] if session.gender else "",
        AGES[session.age] if session.age is not None else "",
        OCCUPATIONS[session.occupation] if session.occupation is not None else "",
        counted(len(session.history), item),
    ]
    title, question = engine.card(visit.model).title, QUESTIONS[visit.objective]
    return f"{plain(title)} · {question} · {', '.join(filter(None, known))}"
