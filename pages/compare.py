"""Compare: one visitor through several models, side by side."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "Compare",
    "⚖️",
    "The same visitor through several models: where their lists agree, and where they differ.",
)

import streamlit as st

from recdemo.answers.compare import FEW, question
from recdemo.ui import engine, frame
from recdemo.ui.chart import answer, reason
from recdemo.ui.compare import (
    STYLE,
    choose,
    named,
    show_as_they_answer,
    show_asked,
    show_left_out,
    show_overlap,
    show_ranges,
    show_times,
)

with frame.page() as visit:
    st.html(STYLE)
    menu, w = engine.peers(visit.model), engine.words(visit.model)
    chosen, k = choose(visit, menu)
    asked = {key: question(menu[key], visit.objective) for key in chosen}
    labels = named(asked, visit.objective)
    show_asked(asked, visit.objective)
    lists, likeness = (
        st.columns([5, 3], gap="medium") if len(chosen) <= FEW else (st.container(), st.container())
    )
    with lists, answer():
        rankings, table = show_as_they_answer(visit, asked, labels, k)
    if len(rankings) < 2:
        st.info(
            "Choose another model to compare with."
            if len(menu) > 1
            else f"No other model knows these {w.films}. Train another one on the same data, and keep it, to compare.",
            icon=":material/compare_arrows:",
        )
        show_left_out(visit, menu)
        st.stop()

    with likeness, reason():
        show_overlap(list(rankings.values()), list(labels.values()), w)
    st.download_button(
        "Download CSV",
        table.to_csv(index=False),
        file_name=f"recdemo_compare_{visit.objective}.csv",
        mime="text/csv",
        icon=":material/download:",
        help=f"Every {w.film} on a list, with its rank by each model",
        on_click="ignore",
    )
    show_ranges(table, labels, len(next(iter(rankings.values())).movie_ids), w)
    show_times(rankings, labels, w)
    show_left_out(visit, menu)
