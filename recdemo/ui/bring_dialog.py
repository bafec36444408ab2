"""Bring your own films: a dialog that reads what somebody exported elsewhere, shows what was found, and makes it their history."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from recdemo import checkpoints
from recdemo.core.errors import DataError
from recdemo.core.session import MAX_SESSION_FILMS, Watched
from recdemo.core.wording import Words, counted
from recdemo.data.history import Brought, Entry, Export, Finder, bring, read_export
from recdemo.data.history.bring import shipped_finder
from recdemo.ui import engine, state
from recdemo.ui.engine import plain

MEGABYTES = 5
ASKED = 12  # ambiguous titles put to the person
NAMED = 200  # unknown titles listed
REACTIONS = {True: "👍 liked", False: "👎 disliked", None: "watched"}
LEAVE_OUT = 0
WHERE = """
- **Letterboxd**: Settings → Data → Export your data; the zip as it is, or any file of it
- **IMDb**: Your ratings (or a list) → Export
- **Netflix**: Account → Profile → Viewing activity → Download all
- **Trakt**: Settings → Data → Export, or the JSON of an app
- **Douban, Goodreads, a spreadsheet**: any table with a column of titles; years and ratings help
"""


def ask() -> None:
    """Ask for a file or lines, show what they hold, take it over."""
    words = _words()
    st.caption(
        f"What you {words.watched} and liked elsewhere becomes the history here. The file is read in memory and forgotten: nothing is "
        "stored on the server. What you take over is in the page's link, as any history is."
    )
    way = st.segmented_control(
        "From",
        ["A file", "A list"],
        default="A file",
        required=True,
        key="bring_way",
        label_visibility="collapsed",
    )
    content, name = _file() if way == "A file" else _list()
    if not content:
        return
    try:
        export = read_export(content, name)
        if len(export.people) > 1:
            person = st.selectbox(f"Whose {words.films}?", export.people[:200], key="bring_person")
            export = read_export(content, name, person)
    except DataError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    _preview(bring(export, _finder()))


def _file() -> tuple[bytes, str]:
    file = st.file_uploader(
        "A file from Letterboxd, IMDb, Netflix, Trakt, Douban, Goodreads …",
        type=["zip", "csv", "tsv", "txt", "json"],
        key="bring_file",
        max_upload_size=MEGABYTES,
        help=f"Recognised by what is in it, not by its name. {MEGABYTES} MB at most.",
    )
    if file is None:
        st.markdown(WHERE)
    return (file.getvalue(), file.name) if file else (b"", "")


def _list() -> tuple[bytes, str]:
    text = st.text_area(
        f"One {_words().film} a line, the latest last",
        placeholder="The Matrix (1999) ★★★★★\nFargo (1996) 4/5\nAmélie",
        height=180,
        key="bring_list",
    )
    return text.encode(), "the list"


def _words() -> Words:
    """What people call what is brought: what the chosen model knows."""
    return engine.words(state.current().model)


def _finder() -> Finder:
    """Of the films that the chosen model knows."""
    model = state.current().model
    world = engine.world_of(model)
    return shipped_finder(world.key) if world else Finder(engine.films(model).table)


def _preview(found: Brought) -> None:
    films = engine.films(state.current().model)
    export = found.export
    latest = films.table["year"].max()
    st.markdown(
        f"Read as **{export.source}**: **{found.films:,} found** · {len(found.ambiguous):,} to choose · "
        f"{len(found.unknown):,} not in the catalogue, which ends in {latest}"
    )
    for note in export.notes:
        st.caption(plain(note))
    borders = _borders(export)
    choices = _choices(found, films.labels)
    history = found.history(liked_from=borders[1], disliked_to=borders[0], choices=choices)
    if found.unknown:
        with st.expander(f"The {len(found.unknown):,} that are not in the catalogue"):
            st.markdown(
                ", ".join(
                    plain(m.entry.title or str(m.entry.movie_id)) for m in found.unknown[:NAMED]
                )
            )
        _elsewhere(found)
    if not history:
        st.info(
            f"None of these {_words().films} is in the catalogue of the chosen model.",
            icon=":material/search_off:",
        )
        return
    if export.entries and all(entry.mark is None for entry in export.entries):
        history = _unrated(history)
    _table(found, history, films.labels)
    _take(history)


def _elsewhere(found: Brought) -> None:
    """Other worlds that know films which this one does not."""
    visit = state.current()
    here = engine.world_of(visit.model)
    for world in checkpoints.worlds():
        if world == here:
            continue
        more = bring(found.export, shipped_finder(world.key)).films - found.films
        if more > 0:
            st.button(
                f"“{world.title}” knows {more:,} more of them: go there",
                key=f"bring_world_{world.key}",
                icon=":material/public:",
                on_click=lambda world=world: state.go(state.in_world(state.current(), world)),
            )


def _borders(export: Export) -> tuple[float, float]:
    """Marks up to the first mean "disliked", from the second on "liked"."""
    marks = [entry.mark for entry in export.entries if entry.mark is not None]
    if not marks:
        return export.disliked_to, export.liked_from
    low, high = st.slider(
        "Ratings, out of 10: disliked up to, liked from",
        0.0,
        10.0,
        (10 * export.disliked_to, 10 * export.liked_from),
        step=0.5,
        format="%.1f",
        key="bring_borders",
        help=f"Ratings in between count as {_words().watched}. Stars and thumbs are converted to a scale of 10.",
    )
    liked = sum(10 * mark >= high for mark in marks)
    disliked = sum(10 * mark <= low < high for mark in marks)
    st.caption(
        f"{liked:,} liked, {disliked:,} disliked, {len(marks) - liked - disliked:,} between."
    )
    return low / 10, high / 10


def _choices(found: Brought, labels: dict[int, str]) -> dict[Entry, int]:
    """What the person says of titles that could be several films."""
    chosen: dict[Entry, int] = {}
    for number, match in enumerate(found.ambiguous[:ASKED]):
        options = [LEAVE_OUT, *match.films]
        movie = st.selectbox(
            f"Which {_words().film} is “{plain(match.entry.title)}”"
            + (f" ({match.entry.year})?" if match.entry.year else "?"),
            options,
            format_func=lambda movie: labels.get(movie, "None of these: leave it out"),
            key=f"bring_choice_{number}_{match.entry.title}_{match.entry.year}",
        )
        if movie:
            chosen |= {
                one.entry: movie
                for one in found.of("ambiguous")
                if one.films == match.films and one.entry.title == match.entry.title
            }
    rest = len(found.ambiguous) - ASKED
    if rest > 0:
        st.caption(f"{rest:,} more of this kind are left out.")
    return chosen


def _unrated(history: tuple[Watched, ...]) -> tuple[Watched, ...]:
    counts = st.segmented_control(
        f"The file has no ratings: its {_words().films} count as",
        ["watched", "liked"],
        format_func=_words(),
        default="watched",
        required=True,
        key="bring_unrated",
    )
    return tuple(replace(film, liked=True) for film in history) if counts == "liked" else history


def _table(found: Brought, history: tuple[Watched, ...], labels: dict[int, str]) -> None:
    """What will be taken over, the latest first, with what the file called it."""
    written, words = {match.films[0]: match for match in found.found}, _words()
    rows = [
        {
            words.film: labels[film.movie_id],
            "as written": written[film.movie_id].entry.title if film.movie_id in written else "",
            "found by": written[film.movie_id].how if film.movie_id in written else "your choice",
            "counts as": words(REACTIONS[film.liked]),
        }
        for film in reversed(history)
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=220, key="bring_table")
    if found.of("title"):
        st.caption(
            f":material/help: {words.films.capitalize()} found by title alone have no year in the file: look them over, an older "
            f"{words.film} may have the name of a newer one."
        )
    if found.films > MAX_SESSION_FILMS:
        st.caption(f"A session keeps the latest {MAX_SESSION_FILMS} {words.films}.")


def _take(history: tuple[Watched, ...]) -> None:
    visit = state.current()
    add = visit.session.history and st.toggle(
        f"Keep the {len(visit.session.history)} {_words().films} of the present history before them",
        key="bring_add",
    )
    taken = {film.movie_id for film in history}
    before = [film for film in visit.session.history if film.movie_id not in taken] if add else []
    films = [*before, *history][-MAX_SESSION_FILMS:]
    if st.button(
        f"Take over {counted(len(history), _words().film)}",
        type="primary",
        icon=":material/check:",
        key="bring_take",
    ):
        state.go(replace(visit.with_session(history=films), targets=()))
        st.rerun()
