"""What every page has around it: its settings, the menu, the visitor in the sidebar, the link.

A page begins with ``with frame.page("Title", icon) as visit:`` and draws inside. There is no
`st.navigation`: each page stands alone, so that a deep link on a cold server is a page like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from recdemo.contracts import CheckpointError, RequestError
from recdemo.ui import sidebar, state
from recdemo.ui.engine import plain
from recdemo.ui.visit import Visit, encode_visit

MENU = {
    "": [("streamlit_app.py", "Home", ":material/home:")],
    "Explore": [("pages/recommend.py", "Recommend", ":material/recommend:")],
    "Explain": [("pages/attention.py", "Attention", ":material/visibility:")],
}

_STYLE = """
<style>
h1 {font-size: 2rem !important; padding: 0 0 0.4rem !important;}
h2, h3 {font-size: 1.35rem !important;}
.block-container {padding-top: 2.6rem; padding-bottom: 3rem; max-width: 1180px;}
@media (max-width: 640px) {.block-container {padding-top: 4rem;}}
[data-testid="stSidebarHeader"] {height: 2.2rem; margin-bottom: 0; padding-bottom: 0;}
[data-testid="stSidebarUserContent"] {padding-top: 0; padding-bottom: 2rem;}
[data-testid="stSidebar"] [data-testid="stVerticalBlock"] {gap: 0.55rem;}
[data-testid="stSidebar"] [data-testid="stPopover"] button {justify-content: flex-start; padding: 0 0.2rem;}
[data-testid="stSidebar"] hr {margin: 0.3rem 0;}
</style>
"""


@contextmanager
def page(title: str, icon: str, lead: str = "") -> Iterator[Visit]:
    """Set a page up, draw what all pages share, and turn expected errors into a message.

    Args:
        title: heading and browser tab.
        icon: one emoji for the tab.
        lead: one sentence on what the page answers.
    """
    st.set_page_config(page_title=f"{title} · recdemo", page_icon=icon, layout="wide")
    st.html(_STYLE)
    drawn = False
    try:
        state.start()
        with st.sidebar:
            _menu()
            sidebar.draw()
        state.write_link()
        drawn = True
        st.title(title)
        if lead:
            st.markdown(lead)
        for problem in state.problems():
            st.warning(f"{problem} The rest of the link is kept.", icon=":material/link_off:")
        yield state.current()
    except (CheckpointError, RequestError) as error:
        st.error(plain(str(error)), icon=":material/error:")
        if drawn:
            st.markdown("The other models go on working: choose another in the sidebar.")
        st.stop()


def _menu() -> None:
    link = encode_visit(state.current())
    with st.container(gap=None):
        for section, entries in MENU.items():
            if section:
                st.caption(section)
            for path, label, icon in entries:
                st.page_link(path, label=label, icon=icon, query_params=link)
    st.divider()
