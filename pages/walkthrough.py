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

from recdemo.ui import frame, story_banner
from recdemo.ui.chart import answer
from recdemo.ui.stories import STORIES

with frame.page(), answer():
    for story in STORIES.values():
        with st.container(border=True):
            text, steps, button = st.columns([6, 2, 1.2], vertical_alignment="center")
            text.markdown(f"## {story.icon} {story.title}\n{story.promise}")
            with steps.popover("What it shows", type="tertiary", width="stretch"):
                st.markdown(
                    "\n".join(
                        f"{number}. {step.finding}" for number, step in enumerate(story.steps, 1)
                    )
                )
            if button.button(
                f"{len(story.steps)} steps",
                key=f"story_{story.key}",
                icon=":material/play_arrow:",
                type="primary",
                width="stretch",
                help=f"Start “{story.title}”",
            ):
                story_banner.enter(story.key, 0)
    st.caption(
        "Leaving a story takes you back to your own visitor. The address of each step can be shared."
    )
