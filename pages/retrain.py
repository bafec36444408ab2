"""Retrain: a model is trained again, in a process of its own; then old against new."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "Retrain",
    "🏋️",
    "Train a model again, watch it learn, and see what changed. Training goes on when this page is closed.",
)

import streamlit as st

from recdemo.jobs.control import allowed
from recdemo.ui import frame, kept, owner, retrain, retrain_start
from recdemo.ui.chart import answer

with frame.page() as visit:
    kept.problem()
    if allowed() == "off":
        st.info(
            "Training is switched off here. Install recdemo on a machine of your own to train.",
            icon=":material/lock:",
        )
    else:
        if allowed() == "simulated":
            st.caption("On this host, models can be trained on simulated data only.")
        with answer():
            retrain_start.quick_start(visit)
        retrain_start.new_run(visit)
    owner.explain()
    retrain.all_runs()
    kept.kept_models()
