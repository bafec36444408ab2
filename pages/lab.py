"""Lab: single parts taken out and tried: activations as curves, and five ways to weigh a history."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "Lab",
    "🧪",
    "Single parts of the models, taken out: turn the knobs, and see what they do.",
)

import streamlit as st

from recdemo.ui import frame
from recdemo.ui.lab import EXPERIMENTS, show_activations, show_attention

with frame.page() as visit:
    experiment = st.segmented_control(
        "Experiment",
        list(EXPERIMENTS),
        format_func=EXPERIMENTS.__getitem__,
        default="activations",
        required=True,
        key="lab_experiment",
        persist_state="session",
        label_visibility="collapsed",
    )
    if experiment == "activations":
        show_activations()
    else:
        show_attention(visit)
