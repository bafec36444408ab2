"""What is tried out on a visitor: buttons for whole experiments, and a box for any other change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from recdemo.answers.counterfactual import UNKNOWN, Change
from recdemo.core.session import Session, Watched
from recdemo.core.vocabulary import AGES, GENDERS, OCCUPATIONS
from recdemo.core.wording import Words
from recdemo.data.catalogue import shorten
from recdemo.ui import engine, film_box, state
from recdemo.ui.history import REACTIONS, called
from recdemo.ui.visit import Visit

VALUES: dict[str, dict[Any, str]] = {
    "Gender": {**GENDERS},
    "Age": {**AGES},
    "Occupation": {**OCCUPATIONS},
}
# The change as the box of other changes left it, and the turn of its widgets.
_MADE = "what_if_made"
REACTION_NAMES = {liked: name for name, (liked, _) in REACTIONS.items()}


def try_out(change: Change) -> None:
    """Make this the change tried out."""
    state.go(replace(state.current(), change=change))


def _count_turns() -> None:
    """Give the widgets of the box of other changes new keys where a change was made elsewhere.

    A closed box goes on sending what it last held, which would undo what a button did.
    """
    change = state.current().change
    known, turn = st.session_state.get(_MADE, (change, 0))
    st.session_state[_MADE] = (change, turn + (known != change))


def _tied(name: str, value: Any, change: Callable[[Visit, Any], Visit]) -> dict[str, Any]:
    """`state.bound` for a widget of the box."""
    _, turn = st.session_state[_MADE]

    def made_here(visit: Visit, value: Any) -> Visit:
        changed = change(visit, value)
        st.session_state[_MADE] = (changed.change, turn)
        return changed

    return state.bound(_key(name), value, made_here)


def _key(name: str) -> str:
    """Of a widget of the box, in this turn."""
    _, turn = st.session_state[_MADE]
    return f"{name}_{turn}" if turn else name


def choose(visit: Visit) -> None:
    """Buttons for whole experiments, and a box for any other change."""
    w = engine.words(visit.model)
    _count_turns()
    profiles = engine.world_or_first(visit.model).profiles
    with st.container(horizontal=True, gap="small"):
        for name, change in _experiments(visit.session, w, profiles=profiles).items():
            st.button(
                name,
                key=f"what_if_{name}",
                type="primary" if change and change == visit.change else "secondary",
                disabled=change is None,
                on_click=lambda change=change: try_out(change),
            )
        with st.popover("Other changes", icon=":material/tune:", key="what_if_other"):
            for label in VALUES if profiles else ():
                _value(visit, label)
            _films(visit)


def _experiments(session: Session, w: Words, *, profiles: bool) -> dict[str, Change | None]:
    """One-click changes by name, of the profile or not; None for one that this visitor leaves no room for."""
    flipped: dict[str | None, Change] = {"F": Change(gender="M"), "M": Change(gender="F")}
    known = (session.gender, session.age, session.occupation) != (None, None, None)
    latest = session.movie_ids[-1:]
    of_profile = {
        "Flip gender": flipped.get(session.gender),
        "Age 56+": Change(age=56) if session.age != 56 else None,
        "Profile unknown": Change(UNKNOWN, UNKNOWN, UNKNOWN) if known else None,
    }
    return (of_profile if profiles else {}) | {
        f"Without the latest {w.film}": Change(dropped=tuple(latest)) if latest else None,
        "Without history": Change(dropped=tuple(session.movie_ids)) if latest else None,
    }


def _value(visit: Visit, label: str) -> None:
    """A box with the value of one part of the profile, changed or as it is."""
    field = label.lower()
    own = getattr(visit.session, field)
    own = UNKNOWN if own is None else own
    names: dict[Any, str] = {**VALUES[label], UNKNOWN: "Unknown"}
    changed = getattr(visit.change, field)

    def change(visit: Visit, value: Any) -> Visit:
        values: dict[str, Any] = {field: None if value == own else value}
        return replace(visit, change=replace(visit.change, **values))

    st.selectbox(
        label,
        list(names),
        format_func=lambda value: names[value] + (" · as is" if value == own else ""),
        **_tied(f"what_if_{field}", own if changed is None else changed, change),
    )


def _films(visit: Visit) -> None:
    """Films to leave out, and one to add."""
    w = engine.words(visit.model)
    films = engine.films(visit.model)
    watched, added = visit.session.movie_ids[::-1], visit.change.added
    st.multiselect(
        "Leave out",
        watched,
        format_func=lambda movie: shorten(films.labels[movie], 30),
        placeholder=f"{w.Films} of the history" if watched else f"Nothing {w.watched} yet",
        disabled=not watched,
        **_tied(
            "what_if_dropped",
            [movie for movie in watched if movie in visit.change.dropped],
            lambda v, chosen: replace(v, change=replace(v.change, dropped=tuple(chosen))),
        ),
    )
    film_box.draw(
        f"Add {w.a_film}",
        "what_if_added",
        visit.model,
        _add,
        drop=lambda movie: _add(None),
        chosen=added.movie_id if added else None,
        help=f"Added as {w.watched} last. {w.A_film} already in the history moves to the end.",
    )
    liked = added.liked if added else REACTIONS[_reaction()][0]
    st.segmented_control(
        "It counts as",
        list(REACTIONS),
        format_func=lambda name: called(name, w),
        required=True,
        label_visibility="collapsed",
        width="stretch",
        **_tied("what_if_reaction", REACTION_NAMES[liked], _react),
    )


def _reaction() -> str:
    """What an added film counts as."""
    return st.session_state.get(_key("what_if_reaction"), "Liked")


def _add(movie: int | None) -> None:
    """The film added is this one, or none."""
    film = None if movie is None else Watched(movie, REACTIONS[_reaction()][0])
    change = replace(state.current().change, added=film)
    st.session_state[_MADE] = (change, st.session_state[_MADE][1])
    try_out(change)


def _react(visit: Visit, name: str) -> Visit:
    """The film added, if there is one, counts as this."""
    added = visit.change.added
    film = replace(added, liked=REACTIONS[name][0]) if added else None
    return replace(visit, change=replace(visit.change, added=film))
