"""Home: pick somebody to be, and see what is loaded."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "recdemo",
    "🍿",
    "Neural recommenders, side by side, explained. Say who you are and what you watched; see what each "
    "model makes of it, and why.",
)

import streamlit as st

steps = st.columns(3, gap="medium")
steps[0].markdown(
    "**1 · Be somebody.** Pick a person below, or set profile and films in the sidebar."
)
steps[1].markdown(
    "**2 · Choose a model.** Each answers two questions: what next, and would they like it."
)
steps[2].markdown("**3 · Ask why.** Every score comes apart into numbers that add up to it.")

from dataclasses import replace
from typing import Any

import pandas as pd
from streamlit.delta_generator import DeltaGenerator

from recdemo import checkpoints
from recdemo.contracts import CheckpointError
from recdemo.models import CARDS
from recdemo.ui import engine, frame, state
from recdemo.ui.engine import plain
from recdemo.ui.personas import PERSONAS
from recdemo.ui.sidebar import OBJECTIVE_NAMES
from recdemo.ui.visit import Visit, decode_visit

SCENARIOS = (
    (
        "Four science-fiction films",
        "Star Wars, The Matrix, Blade Runner and Terminator 2: what comes next?",
        "pages/recommend.py",
        {"m": "din", "obj": "next", "h": "260l-2571l-541l-589l"},
    ),
    (
        "Same films, other question",
        "“Would they like it?” brings up what everybody loves. Compare with “What next?”.",
        "pages/recommend.py",
        {"m": "din", "obj": "like", "h": "260l-2571l-541l-589l"},
    ),
    (
        "Which film is the reason?",
        "DIN weighs the history anew for each film. See who weighs in, and whether it matters.",
        "pages/attention.py",
        {
            "m": "din",
            "obj": "next",
            "g": "F",
            "a": "25",
            "o": "12",
            "h": "912l-904l-260l-2571l-1214l-1l-588l",
        },
    ),
    (
        "A sum you can check",
        "AFM's answer is a ledger of pairs of fields. Every line, and the total.",
        "pages/attention.py",
        {"m": "afm", "obj": "like", "g": "M", "a": "18", "o": "4", "h": "1982l-1347l-1407l-539d"},
    ),
)
METRICS = {
    "auc": "AUC",
    "log_loss": "log-loss",
    "hr@10": "HR@10",
    "ndcg@10": "NDCG@10",
    "mrr": "MRR",
    "rmse": "RMSE",
    "mse": "MSE",
}


def be(visit: Visit, page: str) -> None:
    """Take a visit and go to a page."""
    state.go(visit)
    st.switch_page(page)


def boxes(number: int, in_a_row: int) -> list[DeltaGenerator]:
    """Bordered boxes, those of a row equally high."""
    rows = [st.columns(in_a_row, gap="small") for _ in range(0, number, in_a_row)]
    columns = [column for row in rows for column in row]
    return [
        column.container(border=True, height="stretch", vertical_alignment="distribute")
        for column in columns[:number]
    ]


def show_personas(visit: Visit) -> None:
    labels = engine.films().labels
    for persona, box in zip(PERSONAS, boxes(len(PERSONAS), 4), strict=True):
        with box:
            st.markdown(f"**{persona.icon} {persona.name}**  \n{persona.line}")
            liked = [film.movie_id for film in persona.session.history if film.liked][-2:]
            st.caption("Liked " + " and ".join(plain(labels[movie]) for movie in reversed(liked)))
            if st.button(f"Be {persona.name}", key=f"be_{persona.name}", width="stretch"):
                be(replace(visit, session=persona.session, targets=()), "pages/recommend.py")


def show_scenarios() -> None:
    films = engine.films().labels
    for number, box in enumerate(boxes(len(SCENARIOS), 2)):
        title, line, page, link = SCENARIOS[number]
        with box:
            st.markdown(f"**{title}**  \n{line}")
            if st.button("Show me", key=f"scenario_{number}", icon=":material/arrow_forward:"):
                be(decode_visit(link, models=engine.menu(), films=films)[0], page)


def show_checkpoints() -> None:
    rows: list[dict[str, Any]] = []
    broken: list[str] = []
    untrained: list[str] = []
    for key, objectives in engine.menu().items():
        card = CARDS[key]
        for objective in card.objectives:
            if objective not in objectives:
                untrained.append(f"{card.title} for “{OBJECTIVE_NAMES[objective]}”")
                continue
            try:
                stated = checkpoints.read_card(checkpoints.folder_of(key, objective))
            except CheckpointError as error:
                broken.append(str(error))
                continue
            rows.append(
                {
                    "model": card.title,
                    "question": OBJECTIVE_NAMES[objective],
                    **{
                        METRICS.get(name, name): value
                        for name, value in stated.metrics.test.items()
                    },
                    "parameters": stated.parameters,
                    "trained on": stated.data.title
                    + (" (simulated)" if stated.data.simulated else ""),
                    "date": stated.date,
                }
            )
    trained_on = sorted({row["trained on"] for row in rows})
    st.markdown(
        f"{len(engine.films().ids):,} films and {len(rows)} trained models, measured on films their users "
        f"rated last ({', '.join(trained_on) or 'nothing yet'}). AUC: how often a liked film scores above one "
        "not liked. HR@10: how often the film liked next is among the first ten of all films. RMSE: how far "
        "the stars are off."
    )
    figures = {name: st.column_config.NumberColumn(format="%.4f") for name in METRICS.values()}
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config=figures | {"parameters": st.column_config.NumberColumn(format="localized")},
        alt="Trained models and their figures on the test part",
    )
    if untrained:
        st.caption(f"Not trained: {', '.join(untrained)}.")
    for message in broken:
        st.warning(plain(message), icon=":material/broken_image:")


with frame.page() as visit:
    st.subheader("Start as somebody")
    show_personas(visit)
    if st.button("Start empty, with no profile and no films", icon=":material/person_add:"):
        be(Visit(model=visit.model, objective=visit.objective), "pages/recommend.py")
    st.subheader("Or follow a question")
    show_scenarios()
    st.subheader("What is loaded")
    show_checkpoints()
    st.caption(
        "Films and figures come from MovieLens-1M by GroupLens (Harper and Konstan, 2015). The repository holds "
        "weights, titles and counts, never ratings. The people above are made up."
    )
