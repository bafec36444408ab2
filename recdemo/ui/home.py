"""Pieces of the home page: somebody to be, questions to follow, and what is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from recdemo import checkpoints
from recdemo.checkpoints import CheckpointCard
from recdemo.core.errors import CheckpointError
from recdemo.core.figures import MAIN, METRICS
from recdemo.core.vocabulary import QUESTIONS, Objective
from recdemo.data.sources import find_data
from recdemo.leaderboard.table import Row, best_first, read_leaderboard
from recdemo.models import CARDS
from recdemo.ui import bring, engine, state
from recdemo.ui.engine import plain
from recdemo.ui.personas import PERSONAS
from recdemo.ui.visit import Visit, decode_visit

RATINGS = {"ml-1m": "MovieLens-1M", "ml-100k": "MovieLens-100K"}


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
        "DIN weighs the history again for each film. See who weighs in, and whether it matters.",
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


def show_own_films() -> None:
    with st.container(border=True):
        text, action = st.columns([3, 1], vertical_alignment="center")
        text.markdown(
            "What you rated or watched on Letterboxd, IMDb, Netflix, Trakt …, or a list you paste. It is read here and not stored."
        )
        with action:
            bring.button("home_bring")


def show_scenarios() -> None:
    films = engine.films().labels
    for number, box in enumerate(boxes(len(SCENARIOS), 2)):
        title, line, page, link = SCENARIOS[number]
        with box:
            st.markdown(f"**{title}**  \n{line}")
            if st.button("Show me", key=f"scenario_{number}", icon=":material/arrow_forward:"):
                be(decode_visit(link, models=engine.menu(), films=films)[0], page)


def leaders() -> Iterator[tuple[Row, str]]:
    """The first row of the leaderboard for each question, and the figure it is first by."""
    try:
        board = read_leaderboard(checkpoints.root())
    except CheckpointError:
        return  # the page Leaderboard says why
    for objective, name in MAIN.items():
        rows = [row for row in board.rows if (row.objective, row.split) == (objective, "order")]
        first = best_first(rows, name)[:1]
        yield from ((row, name) for row in first if name in row.figures)


def show_checkpoints(visit: Visit) -> None:
    cards: dict[Objective, list[CheckpointCard]] = {}
    broken: list[str] = []
    untrained: list[str] = []
    menu = engine.menu()
    kept = [key for key in menu if engine.OF in key]
    for key, objectives in menu.items():
        if key in kept:
            continue
        for objective in CARDS[key].objectives:
            if objective not in objectives:
                untrained.append(f"{CARDS[key].title} for “{QUESTIONS[objective]}”")
                continue
            try:
                card = checkpoints.read_card(checkpoints.folder_of(key, objective))
            except CheckpointError as error:
                broken.append(str(error))
                continue
            cards.setdefault(objective, []).append(card)
    best = [
        f"{row.title} at “{QUESTIONS[row.objective]}” ({METRICS[name].title} {row.figures[name].mean:.4f})"
        for row, name in leaders()
        if row.objective in cards
    ]
    everything = [card for trained in cards.values() for card in trained]
    sources = {c.data.title + (" (simulated)" if c.data.simulated else "") for c in everything}
    st.markdown(
        f"{len(engine.films().ids):,} films and {len(everything)} trained models, from "
        f"{', '.join(sorted(sources)) or 'nothing yet'}."
        + (f" Best so far: {', '.join(best)}." if best else "")
        + (f" {len(kept)} kept from training here." if kept else "")
    )
    here = [title for name, title in RATINGS.items() if find_data(name)]
    st.markdown(
        f"Ratings to train with: {' and '.join(here)} {'are' if len(here) > 1 else 'is'} on this machine."
        if here
        else "Ratings to train with are not on this machine: the page Retrain fetches MovieLens, or makes some up."
    )
    if st.button("See how all models stand", icon=":material/leaderboard:"):
        be(visit, "pages/leaderboard.py")
    if untrained:
        st.caption(f"Not trained: {', '.join(untrained)}.")
    for message in broken:
        st.warning(plain(message), icon=":material/broken_image:")
