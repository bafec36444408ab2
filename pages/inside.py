"""Inside: one answer, computed step by step on the visitor's own numbers."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "Inside",
    "🔬",
    "One answer, computed before your eyes: from this visitor's history to the chance on the list.",
)

import streamlit as st

from recdemo.ui import engine, frame, inside
from recdemo.ui.chart import answer, reason

with frame.page() as visit:
    model = engine.recommender(visit.model, visit.objective, p_like=False)
    film, words = st.columns([3, 2], vertical_alignment="center")
    with film:
        movie = inside.choose_film(model, visit)
    trace = inside.compute(model, visit, movie)
    with words, reason():
        inside.lead(trace, visit)
    with answer():
        inside.show(trace, visit)
    inside.show_below(trace, visit)
