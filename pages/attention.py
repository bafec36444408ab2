"""Attention: what a model weighs, term by term, and how far its weights may be trusted."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "Attention", "👁️", "What the model weighs when it answers, and whether that is the reason."
)

import streamlit as st

from recdemo.ui import engine, frame
from recdemo.ui.attention import choose_films, offer_others, show_facts, show_fields, show_streams
from recdemo.ui.attention_films import show_films, show_history
from recdemo.ui.why import ask, sum_of_terms

with frame.page() as visit:
    shows = engine.card(visit.model).shows
    model = engine.recommender(visit.model, visit.objective)
    if not shows:
        offer_others(visit)
        st.stop()
    choice, facts = st.columns([3, 2], gap="medium", vertical_alignment="center")
    with choice:
        targets, movie = choose_films(model, visit)
    explanation = ask(model, visit, movie)
    with facts:
        show_facts(visit, explanation)
    if "fields" in shows:
        show_fields(model, visit, explanation)
        with st.expander("The sum as steps"):
            sum_of_terms(explanation, visit, targets)
    elif "streams" in shows:
        show_streams(model, visit, targets, explanation)
    elif "films" in shows:
        show_films(model, visit, targets, explanation)
    else:
        show_history(model, visit, targets, explanation)
