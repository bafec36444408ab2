"""Data: what the models learned from, and this visitor's place in it."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "Data",
    "🗂️",
    "What the models learned from: who rated what, and where this visitor stands in it.",
)

import streamlit as st

from recdemo import checkpoints
from recdemo.core.errors import CheckpointError
from recdemo.data.summary import FILE, read_aggregates
from recdemo.ui import engine, frame, owner, state
from recdemo.ui.chart import answer
from recdemo.ui.data import (
    same_for_all,
    show_about,
    show_numbers,
    show_pairs,
    show_size,
    show_split,
    show_visitor,
)
from recdemo.ui.engine import plain

with frame.page() as visit:
    world = engine.world_or_first(visit.model)
    try:
        counts = read_aggregates(checkpoints.root(world.key) / FILE)
    except CheckpointError as error:
        st.error(plain(owner.shown(str(error))), icon=":material/error:")
        st.markdown("If you have the ratings, this counts them again:")
        st.code(f"python -m recdemo data aggregates {world.data}", language="bash")
        st.stop()
    films = engine.films_of(world)  # this page is about what is shipped
    session = state.seen(films).session
    drawn = same_for_all(counts.model_dump_json())
    with answer():
        with st.container(horizontal=True, vertical_alignment="center", gap="large"):
            st.subheader(
                counts.title + (" (simulated)" if counts.simulated else ""), width="content"
            )
            show_size(counts)
        show_visitor(counts, session, films)
    show_pairs(counts, session, drawn, films)
    show_numbers(counts)
    show_split(counts, drawn)
    show_about(counts)
    st.caption(f"Counted on {counts.date} by `python -m recdemo data aggregates {counts.name}`.")
