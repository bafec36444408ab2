"""The stage: what a page needs of the browser. A page opens at its top; while somebody presents, keys lead through a
story, letters are larger and the page is dark."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_STAGE = st.components.v2.component(
    "stage", html="<i hidden></i>\n", js=Path(__file__).with_suffix(".js").read_text("utf-8")
)
_PRESENT = """
<style>
html {font-size: 18px;}
[data-testid="stSidebar"], [data-testid="stExpandSidebarButton"] {display: none;}
</style>
"""


def draw(place: str, *, present: bool) -> None:
    """Tell the browser.

    Args:
        place: page and step of a story; the page goes to its top where it has changed.
        present: whether somebody presents.
    """
    if present:
        st.html(_PRESENT)
    with st.container(key="stage"):
        _STAGE(key="stage_keys", data={"place": place, "present": present}, height=1)
