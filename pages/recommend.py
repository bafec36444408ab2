"""Recommend: the visitor's ranked list, and why each film is on it."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "Recommend",
    "🎬",
    "What this model would show this visitor. Pick a row to ask why.",
)

import time

import streamlit as st

from recdemo.ui import engine, frame, tour
from recdemo.ui.chart import answer, reason
from recdemo.ui.recommend import choose, show_below, show_finding, show_table, show_why

with frame.page() as visit:
    tour.draw(tour.RECOMMEND, engine.words(visit.model))
    listed, why = st.columns([7, 5], gap="medium")
    with listed, st.container(horizontal=True, vertical_alignment="center"):
        said = st.container(width="stretch")
        k, genres, years = choose(engine.films(visit.model), w := engine.words(visit.model))
    filtered = [*genres] + ([f"{years[0]}–{years[1]}"] if years else [])
    model = engine.recommender(visit.model, visit.objective)
    started = time.perf_counter()
    logits = model.logits(visit.session)
    table = model.recommend(visit.session, k, genres=genres, years=years, logits=logits)
    seconds = time.perf_counter() - started

    if table.empty and not filtered:
        st.info(
            f"Every {w.film} that this model knows has been {w.watched}.",
            icon=":material/done_all:",
        )
        st.stop()
    if table.empty:
        st.info(
            f"No {w.film} passes these filters. Add {w.genres} or widen the years.",
            icon=":material/filter_alt:",
        )
        st.stop()

    with said:
        show_finding(model, visit, table, filtered)
    with listed:
        with answer():
            rows = show_table(visit, table)
        show_below(model, visit, table, seconds)
    with why, reason():
        show_why(model, visit, table, rows, logits)
