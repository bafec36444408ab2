"""What a page shows at once, before the libraries behind the models are loaded on a cold server.

This module, and what it imports, must stay light: streamlit, and a call to the C library.
"""

from __future__ import annotations

import functools
import gc
from pathlib import Path

import streamlit as st

from recdemo.core.allocator import few_heaps

_STYLE = f"<style>{Path(__file__).with_suffix('.css').read_text('utf-8')}</style>"


def show(title: str, icon: str, lead: str) -> None:
    """Settings, heading and first sentence of a page: the first thing its script does.

    Args:
        title: heading and browser tab.
        icon: one emoji for the tab.
        lead: one sentence on what the page answers.
    """
    _start()
    st.set_page_config(page_title=f"{title} · recdemo", page_icon=icon, layout="wide")
    st.html(_STYLE)
    with st.container(key="opening", horizontal=True, vertical_alignment="bottom"):
        st.title(title, width="content")
        st.markdown(lead)


@functools.cache
def _start() -> None:
    """Once in a server, before libraries are loaded: few heaps, since each run of a page is a thread, which may start others; and no
    search for garbage, which would take a tenth of the first page's time (`warm_up` begins with it again)."""
    few_heaps()
    gc.disable()
