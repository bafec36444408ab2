"""Retrain: a model learns anew, in a process of its own; then the old one against the new."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "Retrain",
    "🏋️",
    "Teach a model anew, watch it learn, and see what changed. Training goes on when this page is closed.",
)

import streamlit as st

from recdemo.jobs.control import allowed
from recdemo.ui import frame, retrain

with frame.page() as visit:
    retrain.problem()
    if allowed() == "off":
        st.info(
            "Training is switched off here. Install recdemo on a machine of your own to train.",
            icon=":material/lock:",
        )
    else:
        if allowed() == "simulated":
            st.caption("On this host only simulated data can be trained on.")
        retrain.quick_start()
        retrain.new_run(visit)
    retrain.all_runs()
    retrain.kept_models()
