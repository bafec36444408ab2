"""A list pinned on Recommend: it stays beside the next one, of another visitor or another model, until it is unpinned.

It lasts as long as the browser's session; two models and one visitor have the page Compare, which says more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from recdemo.core.session import Session
from recdemo.core.vocabulary import AGES, GENDERS, QUESTIONS
from recdemo.core.wording import Words, counted
from recdemo.ui import engine, state
from recdemo.ui.personas import OF_WORLD
from recdemo.ui.visit import Visit

_PINNED = "recommend_pinned"
GONE = "gone"


@dataclass(frozen=True, slots=True)
class Pinned:
    """A list as it was."""

    name: str
    session: Session
    model: str
    cards: tuple[Mapping[str, Any], ...]

    @property
    def places(self) -> dict[int, int]:
        """Where its films stand on it."""
        return {card["id"]: card["place"] for card in self.cards}


def pinned() -> Pinned | None:
    """The list that is pinned."""
    found: Pinned | None = st.session_state.get(_PINNED)
    return found


def name_of(visit: Visit, *, changed: bool = False) -> str:
    """Whose list it is, by which model and question."""
    session, personas = visit.session, OF_WORLD.get(engine.world_or_first(visit.model).key, ())
    known = [
        GENDERS[session.gender] if session.gender else "",
        AGES[session.age] if session.age is not None else "",
        counted(len(session.history), engine.words(visit.model).film),
    ]
    who = next((persona.name for persona in personas if persona.session == session), "")
    who = who or ", ".join(filter(None, known))
    title = engine.card(visit.model).title
    return f"{who}{' (tried out)' if changed else ''} · {title} · {QUESTIONS[visit.objective]}"


def button(pin: Pinned | None, now: Pinned) -> None:
    """Pin the list shown, or let go of the one pinned."""
    if pin is None:
        st.button(
            "Pin",
            key="recommend_pin",
            icon=":material/push_pin:",
            help="Keep this list beside the next one, of another visitor or another model.",
            on_click=lambda: st.session_state.__setitem__(_PINNED, now),
        )
        return
    st.button(
        "Unpin",
        key="recommend_unpin",
        icon=":material/close:",
        on_click=lambda: st.session_state.__setitem__(_PINNED, None),
    )
    comparable = pin.session == now.session and pin.model != now.model
    if (
        comparable
        and pin.model in engine.peers(now.model)
        and st.button("On Compare", key="recommend_compare", icon=":material/compare_arrows:")
    ):
        state.go(replace(state.current(), compared=(pin.model, now.model)))
        st.switch_page("pages/compare.py")


def show_finding(pin: Pinned, now: Pinned, w: Words) -> None:
    """How much is on both lists."""
    if pin.places == now.places:
        st.subheader(f"The same {counted(len(now.cards), w.film)}, each at its place")
        st.caption("Choose another visitor, model or question: the list pinned stays.")
        return
    both = len(pin.places.keys() & now.places.keys())
    gained, gone = len(now.places) - both, len(pin.places) - both
    st.subheader(f"{counted(both, w.film)} on both lists, {gained} gained, {gone} gone")


def side_by_side(pin: Pinned, now: Pinned) -> list[dict[str, Any]]:
    """Both lists as the script of the cards draws them; what is gone can be seen and not asked about."""
    before = [
        {**card, "moved": "" if card["id"] in now.places else GONE, "still": card["id"] not in now.places}
        for card in pin.cards
    ]  # fmt: skip
    return [_rows(pin.name, before), _rows(now.name, now.cards)]


def _rows(name: str, films: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"name": name, "alt": f"List of {name}", "tiles": False, "films": list(films)}
