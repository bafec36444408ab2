"""Help at the end of the line of pages: what words mean, found while one types, and the way to be shown around."""

from __future__ import annotations

import streamlit as st

from recdemo.core.glossary import look_up
from recdemo.ui import tour


def draw() -> None:
    """A button that opens it. The server is not told that it opens: a click on a page's link closes it, and one message
    of the two would be lost."""
    box = st.popover(
        "Help", icon=":material/help:", key="menu_help", help="What words mean", type="tertiary"
    )
    with box:
        _terms()
        if st.button("Show me around", key="help_tour", icon=":material/tour:", width="stretch"):
            tour.again()


@st.fragment  # typing draws the terms, not the page
def _terms() -> None:
    words = st.text_input(
        "What does it mean?",
        key="help_words",
        placeholder="AUC, logit, softmax …",
        icon=":material/search:",
        live=True,
    )
    terms = [f"**{term.name}** · {term.short} {term.more}" for term in look_up(words)]
    with st.container(height=330, border=False, key="help_terms"):
        st.markdown(
            "\n\n".join(terms) or "The glossary does not have this; fewer letters find more."
        )
