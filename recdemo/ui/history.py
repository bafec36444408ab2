"""The history in the sidebar: films added, rated, moved and taken away."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from recdemo.core.session import Watched
from recdemo.core.wording import Words, counted
from recdemo.data.catalogue import shorten
from recdemo.ui import bring, engine, film_box, sharing, state
from recdemo.ui.engine import plain
from recdemo.ui.visit import Visit

ROWS = 8  # films of the history shown at a time
NAMED = 3  # films set aside that are named
REACTIONS: dict[str, tuple[bool | None, str]] = {
    "Liked": (True, ":material/thumb_up:"),
    "Disliked": (False, ":material/thumb_down:"),
    "Watched": (None, ":material/visibility:"),
}
ICONS = dict(REACTIONS.values())


def called(reaction: str, words: Words) -> str:
    """A reaction, as it is called where films may be articles."""
    return words.watched.capitalize() if REACTIONS[reaction][0] is None else reaction


def draw(visit: Visit, seen: Visit) -> None:
    """The films that the model knows; those it does not are named, and stay in the visit."""
    films, w = engine.films(visit.model), engine.words(visit.model)
    history = seen.session.history
    aside = [film for film in visit.session.history if film.movie_id not in films.labels]
    st.segmented_control(
        f"{w.A_film} added counts as",
        list(REACTIONS),
        format_func=lambda name: called(name, w),
        required=True,
        default="Liked",
        key="side_reaction",
        persist_state="session",
        label_visibility="collapsed",
        width="stretch",
    )
    film_box.draw(
        f"Add {w.a_film}",
        "side_add",
        visit.model,
        _add,
        help=f"Any words of a title, in any order. The {w.film} is added as {w.watched} last.",
    )
    with st.container(horizontal=True, gap="xsmall", key="side_ways"):
        with st.container(width="stretch"):
            bring.button("side_bring", w)
        with st.popover(":material/ios_share:", key="side_share", help="Save, open, share"):
            sharing.draw(visit)
    with st.container(horizontal=True, vertical_alignment="center", key="side_head"):
        st.markdown(f"**History** · {counted(len(history), w.film)}" if history else "**History**")
        st.button(
            ":material/undo:",
            key="side_undo",
            help="Undo the last change of profile or history",
            type="tertiary",
            disabled=not state.can_undo(),
            on_click=state.undo,
        )
        st.button(
            ":material/delete_sweep:",
            key="side_clear",
            help="Clear the history",
            type="tertiary",
            disabled=not history,
            on_click=lambda: state.go(state.current().with_session(history=aside)),
        )
    if aside:
        _set_aside(aside)
    if not history:
        st.caption(f"Nothing {w.watched} yet. Add {w.a_film} above, or pick a persona.")
        return
    newest_first = history[::-1]
    pages = -(-len(history) // ROWS)
    shown = 0
    if pages > 1:
        shown = st.selectbox(
            "Part of the history",
            range(pages),
            format_func=lambda i: (
                f"{i * ROWS + 1} to {min((i + 1) * ROWS, len(history))} of "
                f"{len(history)}, latest first"
            ),
            label_visibility="collapsed",
            key="side_part",
        )
    with st.container(gap=None, key="side_history"):
        for film in newest_first[shown * ROWS : (shown + 1) * ROWS]:
            _film(film, films.labels, w)


def _set_aside(films: list[Watched]) -> None:
    """Which films of the history the model chosen does not know."""
    labels = engine.all_labels()
    names = [plain(labels.get(film.movie_id, f"film {film.movie_id}")) for film in films[::-1]]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    st.caption(
        f":material/inventory: {counted(len(names), 'film')} set aside, which this model does not know: "
        f"{', '.join(names[:NAMED])}{more}. Nothing is lost: a model that knows them brings them back."
    )


def _add(movie: int) -> None:
    liked, _ = REACTIONS[st.session_state["side_reaction"]]
    state.go(state.current().add(movie, liked))


def _film(film: Watched, labels: Mapping[int, str], w: Words) -> None:
    """One row of the history: a button that opens what can be done with the film, and two that move it."""
    movie = film.movie_id
    label = labels[movie]
    with st.container(horizontal=True, key=f"side_row_{movie}"):
        with (
            st.container(width="stretch"),
            st.popover(
                plain(shorten(label, 24)),
                icon=ICONS[film.liked],
                type="tertiary",
                width="stretch",
                key=f"side_film_{movie}",
            ),
        ):
            st.markdown(f"**{plain(label)}**")
            with st.container(horizontal=True):
                for name, (liked, symbol) in REACTIONS.items():
                    st.button(
                        called(name, w),
                        key=f"side_{name}_{movie}",
                        icon=symbol,
                        disabled=film.liked is liked,
                        on_click=lambda liked=liked: state.go(state.current().rate(movie, liked)),
                    )
                st.button(
                    "Remove",
                    key=f"side_remove_{movie}",
                    icon=":material/close:",
                    on_click=lambda: state.go(state.current().remove(movie)),
                )
        for name, symbol, steps in (
            ("Later", ":material/arrow_upward:", 1),
            ("Earlier", ":material/arrow_downward:", -1),
        ):
            st.button(
                symbol,
                key=f"side_{name}_{movie}",
                help=f"{w.watched.capitalize()} {name.lower()}",
                type="tertiary",
                on_click=lambda steps=steps: state.go(state.current().move(movie, steps, labels)),
            )
