"""The button that lets people bring their own films; what it opens is imported then."""

from __future__ import annotations

import streamlit as st

from recdemo.core.wording import FILM, Words


def button(key: str, words: Words = FILM) -> None:
    """As wide as its place."""
    if st.button(
        f"Bring your {words.films}", key=key, icon=":material/upload_file:", width="stretch"
    ):
        from recdemo.ui.bring_dialog import ask

        st.dialog(f"Bring your {words.films}", width="large")(ask)()
