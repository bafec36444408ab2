"""Help at the end of the line of pages: what words mean, found while one types, and the way to be shown around."""

from __future__ import annotations

import streamlit as st

from recdemo.core.glossary import look_up
from recdemo.ui import tour


def draw() -> None:
    """A button that opens it over the page: a click on a page's link can then not draw the help and the other page at once."""
    if st.button(
        "Help", icon=":material/help:", key="menu_help", help="What words mean", type="tertiary"
    ):
        _open()


@st.dialog("What does it mean?")
def _open() -> None:
    words = st.text_input(
        "A word",
        key="help_words",
        placeholder="AUC, logit, softmax …",
        icon=":material/search:",
        live=True,
    )
    found = look_up(words)
    with st.container(height=330, border=False, key="help_terms"):
        for term in found:
            st.markdown(f"**{term.name}** · {term.short} {term.more}")
        if not found:
            st.caption("The glossary does not have this; fewer letters find more.")
    if st.button("Show me around", key="help_tour", icon=":material/tour:", width="stretch"):
        tour.again()
