"""The visit in Streamlit: held in session state, decoded from the link once, written back to it at every run.

A visit may hold films that the chosen model does not know. They stay in it, and in its link, but are set aside:
pages are given what `seen` leaves, edits go to the whole.

Widgets never own a value: before each run they are set from the visit, and a change goes through one
callback into a new visit. So every page shows the same, and undo is a list of earlier visits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from recdemo.core.session import Session
from recdemo.core.worlds import World
from recdemo.ui import engine
from recdemo.ui.shared_films import Films
from recdemo.ui.visit import DEFAULT_OBJECTIVE, Visit, decode_visit, default_model, encode_visit

_VISIT, _UNDO, _PROBLEMS, _BARE = "visit", "visit_undo", "visit_problems", "visit_bare"
MAX_UNDO = 50


def start() -> None:
    """Take the visit from the link on the first run of a browser session."""
    if _VISIT not in st.session_state:
        given = {name: str(value) for name, value in st.query_params.items()}
        visit, problems = decode_visit(given, models=engine.menu(), films=engine.all_labels())
        st.session_state[_VISIT] = visit
        st.session_state[_BARE] = not given
        st.session_state[_UNDO] = []
        st.session_state[_PROBLEMS] = [f"{p} The rest of the link is kept." for p in problems]
    elif engine.OF in current().model and current().model not in engine.menu():
        gone, menu = current().model.partition(engine.OF)[2], engine.menu()
        other = default_model(menu)
        said = (
            f"The kept model {engine.plain(gone)} is gone, so {engine.card(other).title} is chosen."
        )
        go(current().with_model(other, menu.get(other, [DEFAULT_OBJECTIVE])), [said])


def came_without_link() -> bool:
    """Whether this browser session began with a bare address: nobody passed anything on."""
    return bool(st.session_state[_BARE])


def current() -> Visit:
    """The visit as it stands, with all its films."""
    visit: Visit = st.session_state[_VISIT]
    return visit


def seen(films: Films | None = None) -> Visit:
    """The visit without the films that are not in a catalogue; left out, that of the model chosen, which is not told of a
    profile either where it cannot know what it means.

    Raises:
        CheckpointError: the catalogue is missing or damaged.
    """
    visit = current()
    if films:
        return visit.within(films.labels)
    profiles = engine.world_or_first(visit.model).profiles
    return visit.within(engine.films(visit.model).labels, profiles=profiles)


def go(visit: Visit, problems: Sequence[str] = ()) -> None:
    """Replace the visit; say what was wrong with what it came from. A changed session can be undone."""
    before = current()
    if visit.session != before.session:
        st.session_state[_UNDO] = [*st.session_state[_UNDO], before.session][-MAX_UNDO:]
    st.session_state[_VISIT] = visit
    st.session_state[_PROBLEMS] = list(problems)


def among(visit: Visit, keys: Sequence[str]) -> Visit:
    """The visit with one of these models: of the same kind as its own where there is one."""
    kind, menu = engine.kind_of(visit.model), engine.menu()
    same = (key for key in keys if engine.kind_of(key) == kind)
    model = next(same, None) or default_model(keys)
    return visit.with_model(model, menu.get(model, [DEFAULT_OBJECTIVE]))


def in_world(visit: Visit, world: World) -> Visit:
    """The visit in another world."""
    return among(visit, engine.catalogues().get(world.title, [visit.model]))


def can_undo() -> bool:
    """Whether there is an earlier session to go back to."""
    return bool(st.session_state[_UNDO])


def undo() -> None:
    """Back to the session before the last change."""
    earlier: list[Session] = st.session_state[_UNDO]
    if earlier:
        go(replace(current(), session=earlier[-1]))
        st.session_state[_UNDO] = earlier[:-1]


def problems() -> list[str]:
    """What was wrong with the link or file opened, until the visitor changes something."""
    found: list[str] = st.session_state[_PROBLEMS]
    return found


def write_link() -> None:
    """Make the address bar say the visit."""
    wanted = encode_visit(current())
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


def bound(key: str, value: Any, change: Callable[[Visit, Any], Visit]) -> dict[str, Any]:
    """Arguments that tie a widget to the visit.

    Args:
        key: of the widget.
        value: what it shows.
        change: the new visit, from the present one and the widget's new value.
    """
    st.session_state[key] = value
    return {"key": key, "on_change": lambda: go(change(current(), st.session_state[key]))}


def shown(name: str, key: str, options: Iterable[Any], default: Any) -> dict[str, Any]:
    """Arguments that tie a widget with one choice to what the link says of it.

    Args:
        name: of `SHOWN`, in the link.
        key: of the widget.
        options: what can be chosen; the link holds their text.
        default: chosen where the link says nothing, or nothing that there is.
    """
    told = dict(current().shown).get(name)
    value = next((option for option in options if str(option) == told), default)
    return bound(
        key, value, lambda v, new: v.showing(name, "" if new in (default, None) else str(new))
    )


def shown_many(
    name: str, key: str, options: Iterable[str], default: Iterable[str] = ()
) -> dict[str, Any]:
    """`shown` for a widget with any number of choices; where all of another default are taken away, the link says "."."""
    options, default = list(options), list(default)
    told = dict(current().shown).get(name)
    named = set(told.split(".") if told is not None else default)
    value = [option for option in options if option in named]

    def keep(visit: Visit, new: Sequence[str]) -> Visit:
        return visit.showing(name, "" if set(new) == set(default) else ".".join(new) or ".")

    return bound(key, value, keep)


def shown_number(name: str, key: str, low: float, high: float, default: float) -> dict[str, Any]:
    """`shown` for a slider of one number from `low` to `high`."""
    told = _numbers(name, low, high)
    value = told[0] if len(told) == 1 else default
    return bound(key, value, lambda v, new: v.showing(name, "" if new == default else f"{new:g}"))


def shown_range(
    name: str, key: str, low: float, high: float, default: tuple[float, float]
) -> dict[str, Any]:
    """`shown` for a slider of two numbers."""
    told = _numbers(name, low, high)
    value = (told[0], told[1]) if len(told) == 2 and told[0] <= told[1] else default
    return bound(
        key,
        value,
        lambda v, new: v.showing(name, "" if new == default else "..".join(f"{x:g}" for x in new)),
    )


def _numbers(name: str, low: float, high: float) -> list[float]:
    """What the link says, numbers with two points between them; none where one of them is none of the slider's."""
    told = dict(current().shown).get(name, "").split("..")
    if not all(re.fullmatch(r"-?[0-9]{1,4}(\.[0-9]{1,4})?", number) for number in told):
        return []
    found = [float(number) for number in told]
    return found if all(low <= number <= high for number in found) else []


def shown_words(name: str, key: str) -> dict[str, Any]:
    """`shown` for a box to write in."""
    return bound(
        key, dict(current().shown).get(name, ""), lambda v, new: v.showing(name, new or "")
    )
