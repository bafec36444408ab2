"""What every page has around it: the menu, the visitor in the sidebar, the link.

A page begins with `opening.show`, and draws inside ``with frame.page() as visit:``. There is no
`st.navigation`: each page stands alone, so that a deep link on a cold server is a page like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from recdemo.core.errors import CheckpointError, RequestError
from recdemo.ui import guide, owner, sidebar, state, warm_up
from recdemo.ui.engine import plain
from recdemo.ui.visit import Visit, encode_visit

MENU = {
    "": [
        ("streamlit_app.py", "Home", ":material/home:"),
        ("pages/walkthrough.py", "Walkthrough", ":material/explore:"),
    ],
    "Explore": [
        ("pages/recommend.py", "Recommend", ":material/recommend:"),
        ("pages/compare.py", "Compare", ":material/compare_arrows:"),
        ("pages/what_if.py", "What if", ":material/alt_route:"),
    ],
    "Explain": [
        ("pages/attention.py", "Attention", ":material/visibility:"),
        ("pages/inside.py", "Inside", ":material/biotech:"),
        ("pages/embeddings.py", "Embeddings", ":material/scatter_plot:"),
    ],
    "Learn": [
        ("pages/models.py", "Models", ":material/schema:"),
        ("pages/lab.py", "Lab", ":material/science:"),
        ("pages/leaderboard.py", "Leaderboard", ":material/leaderboard:"),
        ("pages/data.py", "Data", ":material/database:"),
    ],
    "Train": [("pages/retrain.py", "Retrain", ":material/model_training:")],
}


@contextmanager
def page() -> Iterator[Visit]:
    """Draw what all pages share below their opening, and turn expected errors into a message.

    Gives the visit as the chosen model knows it, see `state.seen`.
    """
    drawn = False
    try:
        state.start()
        with st.sidebar:
            _menu()
            sidebar.draw()
        state.write_link()
        drawn = True
        for problem in state.problems():
            st.warning(problem, icon=":material/link_off:")
        guide.draw()
        yield state.seen()
        warm_up.warm_up()
    except (CheckpointError, RequestError) as error:
        st.error(plain(owner.shown(str(error))), icon=":material/error:")
        if drawn and isinstance(error, CheckpointError):
            st.markdown("The other models go on working: choose another in the sidebar.")
        st.stop()


def _menu() -> None:
    link = encode_visit(state.current())
    with st.container(gap=None):
        for section, entries in MENU.items():
            if section:
                st.caption(section)
            with st.container(horizontal=True, gap="small", key=f"menu_{section}"):
                for path, label, icon in entries:
                    st.page_link(path, label=label, icon=icon, query_params=link)
    st.divider()
