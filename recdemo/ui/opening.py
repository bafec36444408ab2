"""What a page shows at once, before the libraries behind the models are loaded on a cold server.

This module, and what it imports, must stay light: only streamlit.
"""

from __future__ import annotations

import streamlit as st

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
[data-testid="stSidebar"] [class*="st-key-menu_"] {display: grid; grid-template-columns: 1fr 1fr; gap: 0.15rem 0;}
[data-testid="stSidebar"] [class*="st-key-menu_"] a {padding: 0.1rem 0.4rem 0.1rem 0.1rem; gap: 0.3rem;}
[data-testid="stSidebar"] hr {margin: 0.3rem 0;}
</style>
"""


def show(title: str, icon: str, lead: str) -> None:
    """Settings, heading and first sentence of a page: the first thing its script does.

    Args:
        title: heading and browser tab.
        icon: one emoji for the tab.
        lead: one sentence on what the page answers.
    """
    st.set_page_config(page_title=f"{title} · recdemo", page_icon=icon, layout="wide")
    st.html(_STYLE)
    st.title(title)
    st.markdown(lead)
