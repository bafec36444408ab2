"""Lab: single parts taken out and tried: activations as curves, and five ways to weigh a history."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "Lab", "🧪", "Single parts of the models, taken out: turn the knobs, and see what they do."
)

import streamlit as st

from recdemo.ui import frame, state
from recdemo.ui.lab import EXPERIMENTS, choose_curves, show_activations, show_attention

with frame.page() as visit:
    with st.container(horizontal=True, gap="medium", key="lab_controls"):
        experiment = st.segmented_control(
            "Experiment",
            list(EXPERIMENTS),
            format_func=EXPERIMENTS.__getitem__,
            required=True,
            label_visibility="collapsed",
            **state.shown("lx", "lab_experiment", list(EXPERIMENTS), "activations"),
        )
        names = choose_curves() if experiment == "activations" else []
    if experiment == "activations":
        show_activations(names)
    else:
        show_attention(visit)
