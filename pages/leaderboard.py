"""Leaderboard: how all models stand, what they cost, how far they can be trusted, and how to make a row again."""

from __future__ import annotations

from recdemo.leaderboard.table import read_leaderboard
from recdemo.ui import opening

opening.show(
    "Leaderboard",
    "🏆",
    "Which model is best at which question, by how much, at what price, and for whom.",
)

import streamlit as st

from recdemo import checkpoints
from recdemo.core.errors import CheckpointError
from recdemo.core.vocabulary import QUESTIONS
from recdemo.ui import engine, frame, owner
from recdemo.ui.chart import reason
from recdemo.ui.engine import plain
from recdemo.ui.leaderboard import choose_row, rows_to_show, show_ranking, show_speed
from recdemo.ui.leaderboard_row import show_calibration, show_facts, show_groups

with frame.page() as visit:
    try:
        board = read_leaderboard(checkpoints.root(engine.world_or_first(visit.model).key))
    except CheckpointError as error:
        st.error(plain(owner.shown(str(error))), icon=":material/error:")
        st.markdown("Run this in the project's folder to rebuild the table:")
        st.code("python -m recdemo leaderboard", language="bash")
        st.stop()
    if not board.rows:
        st.info("No model has been measured yet. Train one, then gather the figures:")
        st.code("python -m recdemo train fm\npython -m recdemo leaderboard", language="bash")
        st.stop()
    rows, kept, name = rows_to_show(board, visit)
    if any(row.simulated for row in rows):
        st.warning("Rows marked “simulated” come from made-up ratings.", icon=":material/science:")
    if not kept:
        st.info("No model passes these filters. Choose more families or clear the search.")
        st.stop()
    question = rows[0].objective
    overview = st.container()
    row = choose_row(kept, name, question, visit)
    times = {
        r.model: r.milliseconds for r in board.rows if r.objective == question and r.milliseconds
    }
    with overview:
        left, right = st.columns(2, gap="large")
        with left:
            show_ranking(rows, kept, name, row.model)
        with right, reason():
            show_speed(kept, name, row.model, times)
    st.subheader(f"{row.title}, “{QUESTIONS[question]}”")
    if question == "like":
        show_facts(row, board, visit)
        left, right = st.columns(2, gap="large")
        with left:
            show_calibration(row, rows)
    else:
        left, right = st.columns(2, gap="large")
        with left:
            show_facts(row, board, visit)
    with right:
        show_groups(row, rows, name)
