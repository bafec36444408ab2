"""Models: what each one computes, seen from its formula, its running code, its settings, and its known traps."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "Models",
    "🧩",
    "What a model is made of: its idea, its formula, and the code as it runs for this visitor.",
)

import streamlit as st

from recdemo.ui import engine, frame
from recdemo.ui.chart import answer
from recdemo.ui.models import (
    STYLE,
    choose,
    show_card,
    show_diagram,
    show_making,
    show_source,
    show_traps,
)

with frame.page() as visit:
    st.html(STYLE)
    choose(visit)
    model = engine.recommender(visit.model, visit.objective)
    card, drawing = st.columns([5, 6], gap="large")
    with card:
        with answer():
            show_card(model, visit)
        show_source(model, visit)
    with drawing:
        show_diagram(model, visit)
    show_traps(model, visit)
    show_making(model)
