"""Home: pick somebody to be, and see what is loaded."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "recdemo",
    "🍿",
    "Say who you are and what you watched; see what each recommender makes of it, and why.",
)

import streamlit as st

with st.container(key="steps"):
    steps = st.columns(3, gap="medium")
steps[0].markdown(
    "**1 · Be somebody.** Pick a person below, or set profile and films in the sidebar."
)
steps[1].markdown(
    "**2 · Choose a model.** Most answer two questions: what would they pick next, and would they like it?"
)
steps[2].markdown("**3 · Ask why.** Every score splits into parts that add up to it.")


from recdemo.ui import engine, frame, state, taste, tour
from recdemo.ui.chart import answer, reason
from recdemo.ui.home import show_checkpoints, show_own_films, show_personas, show_scenarios

with frame.page() as seen:
    visit = state.current()
    tour.draw(tour.HOME, engine.words(visit.model))
    with answer():
        taste.draw(seen)
    with reason():
        show_own_films(visit)
    st.subheader("Or be somebody else")
    with st.container(key="personas"):
        show_personas(visit)
    st.subheader("Or follow a question")
    show_scenarios(visit)
    st.subheader("What is loaded")
    show_checkpoints(visit)
    st.caption(
        "Films and figures come from MovieLens-1M and MovieLens Latest Small by GroupLens (Harper and Konstan, 2015). "
        "MovieLens-1M's ratings are not in the repository, only weights, titles and counts made from them; those of Latest "
        "Small may be passed on, and are included. The people above are made up."
    )
