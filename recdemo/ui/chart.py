"""A chart on a page: what it shows, in a sentence; the chart; how to read it."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st
from plotly.graph_objects import Figure
from streamlit.delta_generator import DeltaGenerator

from recdemo.core.wording import Words

CHART = {"displayModeBar": False}


def answer() -> DeltaGenerator:
    """The place of a page's answer: on a projector of 1280 by 720 it is seen without scrolling."""
    return st.container(key="answer")


def reason() -> DeltaGenerator:
    """The place of the answer's reason, seen beside it."""
    return st.container(key="reason")


def none_left(w: Words, *, by: str = "this model knows") -> NoReturn:
    """Say that no film is left to be asked about, and draw no more of the page."""
    st.info(f"Every {w.film} that {by} has been {w.watched}.", icon=":material/done_all:")
    st.stop()


def finding(said: str, figure: Figure, how_to_read: str, *, key: str, alt: str) -> None:
    """What a chart shows, as a sentence; the chart, with `alt` for who cannot see it; and how to read it."""
    st.markdown(f"**{said}**")
    st.plotly_chart(figure, key=key, config=CHART, alt=alt)
    st.caption(how_to_read)
