"""What if: the visitor changed beside the visitor as they are, and what it would take to move a film."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "What if",
    "🔀",
    "Change one thing about this visitor, and see what rises, falls, comes and goes.",
)

import streamlit as st

from recdemo.answers.counterfactual import Change
from recdemo.ui import change, engine, frame
from recdemo.ui.chart import answer
from recdemo.ui.what_if import controls, show_changes, show_drop, show_list

with frame.page() as visit:
    model = engine.recommender(visit.model, visit.objective, p_like=False)
    logits = model.logits(visit.session)
    changed = visit.change.of(visit.session)
    with st.container(key="tools"):
        change.choose(visit)
    shown, taken = st.columns([3, 2], gap="medium")
    with taken:
        k, words = controls(visit, changed)
    with shown, answer():
        if words:
            show_changes(model, visit, logits, changed, k)
        elif visit.change != Change():
            st.info("This change leaves the visitor as they are.", icon=":material/drag_handle:")
        else:
            st.info(
                "Press one of the buttons above, or choose other changes.",
                icon=":material/touch_app:",
            )
            show_list(model, visit, logits, k)
    with taken:
        st.subheader(
            "What would it take?",
            help=f"To drop {engine.words(visit.model).a_film} from the list of the visitor as they are.",
        )
        show_drop(model, visit, logits, k)
