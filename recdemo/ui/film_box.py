"""A box to choose a film in: people type, the server finds, the browser shows the list; see `recdemo.data.search`.

The catalogue stays on the server; a key pressed costs a search and a message of about a kilobyte. Enter takes a film only
if the words name it or somebody marked it with the arrow keys.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from recdemo.core.wording import counted
from recdemo.data.search import FilmSearch
from recdemo.ui import engine

SHOWN = 8  # films in the list
LONGEST = 100  # letters that are searched for


def _part(kind: str) -> str:
    return Path(__file__).with_suffix(f".{kind}").read_text("utf-8")


_BOX = st.components.v2.component("film_box", html=_part("html"), css=_part("css"), js=_part("js"))


def draw(
    label: str,
    key: str,
    model: str,
    take: Callable[[int], None],
    *,
    drop: Callable[[int], None] | None = None,
    chosen: int | None = None,
    chips: Sequence[int] = (),
    most: int | None = None,
    help: str = "",
    bare: bool = False,
) -> None:
    """The box, in a fragment of its own: the page runs again only when a film is chosen.

    Args:
        label: above it.
        key: of the widget.
        model: of the menu, whose films are searched.
        take: called with the id of a film chosen.
        drop: called with the id of a film to be taken away again; left out, none can be.
        chosen: the film that the box shows.
        chips: films that it shows as a row.
        most: films in the row at most.
        help: shown where the pointer rests.
        bare: the label is heard, and not seen.
    """
    with st.container(key=f"{key}_place"):
        _draw(label, key, model, take, drop, chosen, tuple(chips), most, help, bare)


@st.fragment
def _draw(
    label: str,
    key: str,
    model: str,
    take: Callable[[int], None],
    drop: Callable[[int], None] | None,
    chosen: int | None,
    chips: tuple[int, ...],
    most: int | None,
    help: str,
    bare: bool,
) -> None:
    films = engine.films(model)
    state = {"typed": "", "entered": ""} | st.session_state.get(key, {})
    full = most is not None and len(chips) >= most
    shown = {
        "label": label,
        "bare": bare,
        "help": help,
        "placeholder": f"{most} at most"
        if full
        else f"Search {counted(len(films.ids), engine.words(model).film)}…",
        "full": full,
        "keeps": chosen is not None,
        "value": "" if chosen is None else films.labels[chosen],
        "chosen": chosen,
        "clears": drop is not None and chosen is not None,
        "chips": [(movie, films.labels[movie]) for movie in chips],
    }
    result = _BOX(
        key=key,
        data=shown | _found(str(state["typed"])[:LONGEST], str(state["entered"]), model),
        default={"typed": "", "entered": ""},
        on_typed_change=_redraw,
        on_entered_change=_redraw,
        on_film_change=_redraw,
        on_gone_change=_redraw,
    )
    for movie, told in ((result.film, take), (result.gone, drop)):
        # A browser may send anything: only a film that there is counts.
        if told and type(movie) is int and movie in films.labels:
            told(movie)
            st.rerun()


def _redraw() -> None:
    """What the browser has told is read when the box is drawn."""


def elsewhere(model: str) -> dict[str, FilmSearch]:
    """What finds the films of all other catalogues, by what people call these."""
    found: dict[str, FilmSearch] = {}
    for name, keys in engine.catalogues().items():
        for films in map(engine.films, keys):
            if films is not engine.films(model):
                found[f"“{name}”"] = films.search
    return found


def _found(typed: str, entered: str, model: str) -> dict[str, object]:
    """What the words typed have found, for the browser to show.

    Other catalogues are asked, and so indexed, only where it matters what they have: where nothing is found, where words
    seem to name a film without being its name, and where somebody has pressed Enter in vain.
    """
    if not typed.strip():  # nobody waits for an index that nobody has asked yet
        return {"typed": typed, "films": [], "named": False, "near": False, "said": "", "count": ""}
    search, labels = engine.films(model).search, engine.films(model).labels
    found, others = search.find(typed), {}
    settled = search.called(typed) or (found.films and not found.near and found.named is None)
    if not settled or typed == entered:
        others = elsewhere(model)
        found = search.find(typed, others.values())
    more = len(found.films) > SHOWN
    return {
        "typed": typed,
        "films": [(movie, labels[movie]) for movie in found.films[:SHOWN]],
        "named": found.named is not None,
        "near": found.near,
        "said": search.sentence(found, others, engine.words(model).film)
        + (" Near it:" if found.near else ""),
        "count": f"{SHOWN} of {len(found.films):,}." if more else "",
    }
