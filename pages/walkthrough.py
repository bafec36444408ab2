"""Walkthrough: guided stories, for a projector or for oneself."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "Walkthrough",
    "🧭",
    "Stories of a few steps, each with one finding. Every step is the live page: change what you like, then "
    "go on.",
)

import streamlit as st

from recdemo.ui import frame, guide
from recdemo.ui.stories import STORIES

with frame.page():
    for story in STORIES.values():
        with st.container(border=True):
            text, button = st.columns([5, 1], vertical_alignment="center")
            text.markdown(f"#### {story.icon} {story.title}\n{story.promise}")
            if button.button(
                f"{len(story.steps)} steps",
                key=f"story_{story.key}",
                icon=":material/play_arrow:",
                type="primary",
                width="stretch",
                help=f"Start “{story.title}”",
            ):
                guide.enter(story.key, 0)
            with st.expander("What it shows, step by step"):
                st.markdown(
                    "\n".join(
                        f"{number}. {step.finding}" for number, step in enumerate(story.steps, 1)
                    )
                )
    st.caption(
        "Leaving a story takes you back to your own visitor. The address of each step can be shared."
    )
