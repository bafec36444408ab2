"""The button that lets people bring their own films; what it opens is imported then."""

from __future__ import annotations

import streamlit as st


def button(key: str) -> None:
    """As wide as its place."""
    if st.button("Bring your films", key=key, icon=":material/upload_file:", width="stretch"):
        from recdemo.ui.bring_dialog import ask

        st.dialog("Bring your films", width="large")(ask)()
