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
from recdemo.core.worlds import FIRST, World, split_key
from recdemo.data.catalogue import shorten
from recdemo.data.grouplens import SOURCES
from recdemo.data.sources import find_data
from recdemo.leaderboard.table import Row, best_first, read_leaderboard
from recdemo.models import CARDS
from recdemo.ui import bring, engine, state
from recdemo.ui.engine import plain
from recdemo.ui.personas import OF_WORLD
from recdemo.ui.visit import Visit, decode_visit

# By world: title, line, page and link.
SCENARIOS: dict[str, tuple[tuple[str, str, str, dict[str, str]], ...]] = {}
SCENARIOS[""] = (
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


SCENARIOS["2018"] = (
    (
        "Four films that bend the mind",
        "Inception, The Dark Knight, Interstellar and The Matrix: what comes next?",
        "pages/recommend.py",
        {"m": "sasrec@2018", "obj": "next", "h": "2571l-58559l-109487l-79132l"},
    ),
    (
        "For the whole family",
        "Finding Nemo, Up and Toy Story 3: does the model notice what they have in common?",
        "pages/recommend.py",
        {"m": "sasrec@2018", "obj": "next", "h": "6377l-68954l-78499l"},
    ),
    (
        "Which film is the reason?",
        "A linear model's answer is a sum over the films watched: read it line by line.",
        "pages/attention.py",
        {"m": "ease@2018", "obj": "next", "h": "4993l-5952l-7153l-59315l-89745l-6377l"},
    ),
    (
        "Same films, other model",
        "One visitor through models that count, solve, and learn. Where do they part?",
        "pages/compare.py",
        {"m": "din@2018", "obj": "next", "h": "48780l-51540l-74458l-112556l"},
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
    world = engine.world_or_first(visit.model)
    labels, personas = engine.films_of(world).labels, OF_WORLD.get(world.key, ())
    for persona, box in zip(personas, boxes(len(personas), 4), strict=True):
        with box:
            st.markdown(f"**{persona.icon} {persona.name}**  \n{persona.line}")
            liked = [film.movie_id for film in persona.session.history if film.liked][-2:]
            st.caption(
                "Liked " + " and ".join(plain(shorten(labels[movie])) for movie in reversed(liked))
            )
            if st.button(f"Be {persona.name}", key=f"be_{persona.name}", width="stretch"):
                be(replace(visit, session=persona.session, targets=()), "pages/recommend.py")


def show_own_films(visit: Visit) -> None:
    text, action, empty = st.columns([5, 2, 2], vertical_alignment="center")
    text.markdown(
        "**Start as yourself**, with what you rated or watched on Letterboxd, IMDb, Netflix, Trakt …, or a list you paste. "
        "It is read here and not stored."
    )
    with action:
        bring.button("home_bring")
    if empty.button(
        "Start empty",
        icon=":material/person_add:",
        width="stretch",
        help="With no profile and no films",
    ):
        be(Visit(model=visit.model, objective=visit.objective), "pages/recommend.py")


def show_scenarios(visit: Visit) -> None:
    world = engine.world_or_first(visit.model)
    films, scenarios = engine.films_of(world).labels, SCENARIOS.get(world.key, ())
    for number, box in enumerate(boxes(len(scenarios), 2)):
        title, line, page, link = scenarios[number]
        with box:
            st.markdown(f"**{title}**  \n{line}")
            if st.button("Show me", key=f"scenario_{number}", icon=":material/arrow_forward:"):
                be(decode_visit(link, models=engine.menu(), films=films)[0], page)


def leaders(world: World) -> Iterator[tuple[Row, str]]:
    """The first row of a world's leaderboard for each question, and the figure it is first by."""
    try:
        board = read_leaderboard(checkpoints.root(world.key))
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
    menu, world = engine.menu(), engine.world_or_first(visit.model)
    base = checkpoints.root(world.key)
    kept = [key for key in menu if engine.OF in key]
    for key, objectives in menu.items():
        model, of_world = split_key(key)
        if key in kept or of_world != world.key:
            continue
        for objective in CARDS[model].objectives:
            if objective not in objectives:
                untrained.append(f"{CARDS[model].title} for “{QUESTIONS[objective]}”")
                continue
            try:
                card = checkpoints.read_card(checkpoints.folder_of(model, objective, base))
            except CheckpointError as error:
                broken.append(str(error))
                continue
            cards.setdefault(objective, []).append(card)
    best = [
        f"{row.title} at “{QUESTIONS[row.objective]}” ({METRICS[name].title} {row.figures[name].mean:.4f})"
        for row, name in leaders(world)
        if row.objective in cards
    ]
    everything = [card for trained in cards.values() for card in trained]
    sources = {c.data.title + (" (simulated)" if c.data.simulated else "") for c in everything}
    st.markdown(
        f"**{world.title}**: {len(engine.films_of(world).ids):,} films and {len(everything)} trained models, from "
        f"{', '.join(sorted(sources)) or 'nothing yet'}."
        + (f" Best so far: {', '.join(best)}." if best else "")
        + (f" {len(kept)} kept from training here." if kept else "")
    )
    here = [source.title for name, source in SOURCES.items() if find_data(name)]
    st.markdown(
        f"Ratings to train with, on this machine: {', '.join(here)}."
        if here
        else "This machine has no ratings to train with: the page Retrain fetches MovieLens, or makes some up."
    )
    if st.button("See how all models stand", icon=":material/leaderboard:"):
        be(visit, "pages/leaderboard.py")
    if untrained and world == FIRST:
        st.caption(f"Not trained: {', '.join(untrained)}.")
    for message in broken:
        st.warning(plain(message), icon=":material/broken_image:")
