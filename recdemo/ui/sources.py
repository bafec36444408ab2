"""Choosing what to train on: simulated ratings or news, MovieLens, MIND, or a file of the visitor's own."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from recdemo.core.errors import DataError
from recdemo.core.places import PROJECT
from recdemo.data.download import fetch_zip
from recdemo.data.grouplens import SOURCES, licence
from recdemo.data.limits import check_file
from recdemo.data.simulated_news import SIMULATED_NEWS
from recdemo.data.sources import MADE_UP, SIMULATED, find_data, is_news
from recdemo.data.table import is_table
from recdemo.jobs.control import allowed
from recdemo.ui import engine, own_file, owner
from recdemo.ui.engine import plain
from recdemo.ui.own_file import Chosen

OWN, PLACE = "own", "place"
NAMES = {
    SIMULATED: "Simulated",
    SIMULATED_NEWS: "Simulated news",
    **{name: source.title for name, source in SOURCES.items()},
    OWN: "My own file",
    PLACE: "A file on this computer",
}


@dataclass(slots=True)
class Download:
    """A download under way, or ended."""

    done: int = 0
    total: int = 0
    problem: str = ""
    ended: bool = False
    stop: threading.Event = field(default_factory=threading.Event)


def choose() -> Chosen | None:
    """The controls; None while there is nothing to train on yet."""
    names = list(MADE_UP) if allowed() == "simulated" else list(NAMES)
    if not owner.visitor().admin:  # others have no business among the server's files
        names = [name for name in names if name != PLACE]
    kind = st.selectbox(
        "Data",
        names,
        format_func=NAMES.__getitem__,
        key="retrain_data",
        persist_state="session",
        help="Simulated: made-up viewers, or readers of news, whose taste is known, ready at once. MovieLens: real ratings, "
        "from GroupLens. "
        "My own file: a table of ratings, such as CSV, JSON or Parquet.",
    )
    if kind == SIMULATED:
        st.caption(
            ":material/casino: Made-up viewers over the real films. Figures reached on them say nothing about people."
        )
        return Chosen(SIMULATED, _simulated_ratings(), simulated=True)
    if kind == SIMULATED_NEWS:
        st.caption(
            ":material/casino: Made-up readers over made-up titles, as impressions of what was shown and clicked, which is "
            "what **Would they like it?** learns from."
        )
        return Chosen(SIMULATED_NEWS, None, simulated=True, impressions=True)
    if kind == OWN:
        return own_file.uploaded()
    if kind == PLACE:
        return _place()
    return _movielens(kind)


def _movielens(name: str) -> Chosen | None:
    path = find_data(name)
    if path:
        st.caption(f":material/check_circle: {SOURCES[name].title} is here.")
        return Chosen(name, SOURCES[name].ratings)
    with st.container(border=True):
        st.markdown(f"**{SOURCES[name].title}** is not here yet ({SOURCES[name].megabytes} MB).")
        st.markdown("\n".join(f"- {sentence}" for sentence in licence(name)))
        agreed = st.checkbox("I accept these terms", key=f"retrain_agree_{name}")
        _download(name, agreed)
    return None


def _download(name: str, agreed: bool) -> None:
    downloads = _downloads()
    job = downloads.get(name)
    running = job is not None and not job.ended

    @st.fragment(run_every=0.5 if running else None)
    def progress() -> None:
        job = downloads.get(name)
        if job is None:
            return
        if job.ended:
            if not job.problem:
                st.rerun()
            st.error(plain(owner.shown(job.problem)), icon=":material/cloud_off:")
            return
        size = SOURCES[name].megabytes * 1_000_000
        st.progress(min(job.done / (job.total or size), 1.0), f"{job.done / 1e6:.1f} MB")
        if st.button("Stop", key=f"retrain_stop_{name}"):
            job.stop.set()

    progress()
    if not running and st.button(
        "Download from GroupLens",
        key=f"retrain_fetch_{name}",
        icon=":material/download:",
        disabled=not agreed,
    ):
        downloads[name] = _fetch(name)
        st.rerun()


def _fetch(name: str) -> Download:
    """Start a download in a thread of its own; a closed tab does not stop it."""
    job = Download()

    def arrived(done: int, total: int) -> None:
        job.done, job.total = done, total

    def work() -> None:
        try:
            folder = PROJECT / "data"  # where `find_data` looks
            fetch_zip(name, folder, on_bytes=arrived, stopped=job.stop.is_set)
        except DataError as error:
            job.problem = str(error)
        finally:
            job.ended = True

    threading.Thread(target=work, daemon=True).start()
    return job


def _place() -> Chosen | None:
    text = st.text_input(
        "Path",
        placeholder="A MovieLens or MIND zip or folder, or a table of ratings",
        key="retrain_path",
        persist_state="session",
        help="On the computer that runs this app.",
    ).strip()
    if not text:
        return None
    # Not Path.expanduser, which fails where there is no such user.
    path = Path(os.path.expanduser(text))
    try:
        check_file(path)
        there = path.exists()
    except (DataError, OSError, ValueError) as error:
        st.error(plain(owner.shown(str(error))), icon=":material/block:")
        return None
    if not there:
        st.warning(f"There is no {plain(str(path))}.", icon=":material/search_off:")
        return None
    if is_table(path):
        return own_file.lying_at(path)
    return Chosen(str(path), None, impressions=is_news(path))


@st.cache_resource(show_spinner=False)
def _downloads() -> dict[str, Download]:
    """Downloads by name, for all visitors of this server."""
    return {}


@st.cache_data(show_spinner=False, max_entries=1)
def _simulated_ratings() -> int:
    from recdemo.data.simulated import simulate

    return len(simulate(engine.films().table).ratings)
