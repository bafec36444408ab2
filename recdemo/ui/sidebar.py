"""The sidebar: the one place where the visitor and the model are chosen."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from recdemo import checkpoints
from recdemo.core.session import Session
from recdemo.core.vocabulary import AGES, GENDERS, OCCUPATIONS, QUESTIONS
from recdemo.core.wording import counted
from recdemo.ui import engine, history, owner, state
from recdemo.ui.engine import plain
from recdemo.ui.personas import OF_WORLD
from recdemo.ui.visit import Visit


def draw() -> None:
    """Model, visitor and history."""
    visit = state.current()
    _model(visit)
    st.divider()
    with st.container(key="side_visitor"):
        _visitor(visit)
    history.draw(visit, state.seen())
    owner.draw()


def _model(visit: Visit) -> None:
    _films(visit)
    menu, w = engine.peers(visit.model), engine.words(visit.model)
    if visit.model not in menu:  # nothing is trained yet, or it has just been taken away
        menu = {visit.model: [visit.objective], **menu}
    st.selectbox(
        "Model",
        list(menu),
        format_func=engine.menu_name,
        help=w(engine.card(visit.model).idea),
        **state.bound("side_model", visit.model, lambda v, key: v.with_model(key, menu[key])),
    )
    if engine.card(visit.model).knows_users:
        st.caption(
            f"Knows its users by id only: you get the vector that explains your {w.films} best, pulled towards the mean of your "
            "demographic group."
            if visit.session.history
            else f"Knows its users by id only: without {w.films} you get the mean of your demographic group."
        )
    if engine.made_up(visit.model):
        st.caption(
            w(":material/casino: Trained on simulated viewers: its figures describe nobody.")
        )
    if not engine.world_of(visit.model):
        count, data = len(engine.films(visit.model).ids), engine.data_of(visit.model)
        st.caption(
            f":material/inventory_2: Knows the {counted(count, engine.words(visit.model).film)} of {plain(data)}, no others."
        )
    st.segmented_control(
        "Question",
        [question for question in QUESTIONS if question in menu[visit.model]],
        format_func=QUESTIONS.__getitem__,
        required=True,
        label_visibility="collapsed",
        width="stretch",
        help=f"**What next?** ranks {w.films} by the chance that this visitor picks them next. "
        "**Would they like it?** gives the chance of 4 or 5 stars if they saw it. "
        "**How many stars?** predicts the rating. Each is trained separately, and the lists differ.",
        **state.bound("side_objective", visit.objective, lambda v, o: replace(v, objective=o)),
    )


def _films(visit: Visit) -> None:
    """Which films this is about, where there is a choice."""
    found = engine.catalogues()
    here = next((title for title, keys in found.items() if visit.model in keys), None)
    if len(found) < 2 or here is None:
        return
    choice = {
        "help": "Each has models of its own. Films of your history that both know go with you."
        + "".join(f"  \n**{world.title}**: {world.line}" for world in checkpoints.worlds()),
        **state.bound("side_films", here, lambda v, title: state.among(v, found[title])),
    }
    if len(found) == len(checkpoints.worlds()):
        st.segmented_control("Films", list(found), required=True, label_visibility="collapsed",
                             width="stretch", **choice)  # fmt: skip
    else:
        st.selectbox("Films", list(found), format_func=plain, **choice)


def _visitor(visit: Visit) -> None:
    session = visit.session
    world = engine.world_or_first(visit.model)
    personas = OF_WORLD.get(world.key, ())
    persona = next((persona for persona in personas if persona.session == session), None)
    st.selectbox(
        "Visitor",
        personas,
        format_func=lambda p: f"{p.icon} {p.name}",
        placeholder="Custom visitor; pick a persona",
        help="Fictional people with real films. Picking one replaces profile and history; "
        "undo brings yours back.",
        index=None,
        label_visibility="collapsed",
        **state.bound(
            "side_persona", persona, lambda v, p: v if p is None else replace(v, session=p.session)
        ),
    )
    if world.profiles:
        _profile(session)
    else:
        st.caption(
            ":material/person_off: These models know nothing about gender, age or occupation: their data do not say."
        )


def _profile(session: Session) -> None:
    left, right = st.columns([4, 5], gap="small")
    left.segmented_control(
        "Gender",
        list(GENDERS),
        label_visibility="collapsed",
        width="stretch",
        help="Female or male: MovieLens-1M knows these two. Click again to leave it unknown.",
        **state.bound("side_gender", session.gender, lambda v, g: v.with_session(gender=g)),
    )
    right.selectbox(
        "Age group",
        list(AGES),
        format_func=AGES.__getitem__,
        placeholder="Age unknown",
        label_visibility="collapsed",
        index=None,
        **state.bound("side_age", session.age, lambda v, a: v.with_session(age=a)),
    )
    st.selectbox(
        "Occupation",
        list(OCCUPATIONS),
        format_func=OCCUPATIONS.__getitem__,
        placeholder="Occupation unknown",
        label_visibility="collapsed",
        index=None,
        **state.bound(
            "side_occupation", session.occupation, lambda v, o: v.with_session(occupation=o)
        ),
    )
