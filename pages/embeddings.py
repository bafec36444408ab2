"""Embeddings: the vectors a model has learned, as a map; what lies near what; where the visitor stands."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "Embeddings",
    "🗺️",
    "What the model considers alike. Click a point, search, or draw around an area to see what is in it.",
)

import streamlit as st

from recdemo.answers.spaces import spaces
from recdemo.ui import embeddings as pieces
from recdemo.ui import engine, frame, map_area
from recdemo.ui.embedding_map import draw

map_area.take()
with frame.page() as visit:
    model = engine.recommender(visit.model, visit.objective)
    found = spaces(model.checkpoint.model)
    if not found:
        st.info(
            f"{engine.card(visit.model).title} has no vectors, since it only counts. Choose a model that has learned some:",
            icon=":material/visibility_off:",
        )
        pieces.offer_others(visit)
        st.stop()
    draw(model, visit, found)
