"""Choosing what to train on: simulated ratings, MovieLens, or a file of the visitor's own."""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from recdemo.core.places import PROJECT
from recdemo.data.cells import SCALES
from recdemo.data.dataset import DataError, Dataset
from recdemo.data.download import fetch_zip
from recdemo.data.grouplens import SOURCES, licence
from recdemo.data.limits import MAX_BYTES, MAX_ROWS
from recdemo.data.mapping import Mapping, guess_mapping
from recdemo.data.matching import MAX_FILMS
from recdemo.data.own import check, to_dataset
from recdemo.data.own_rows import Findings
from recdemo.data.saved import save_dataset
from recdemo.data.sources import SIMULATED, find_data
from recdemo.data.table import SUFFIXES, Table, read_table
from recdemo.jobs import store
from recdemo.jobs.control import allowed
from recdemo.ui import engine
from recdemo.ui.engine import plain

OWN, PLACE = "own", "place"
NAMES = {
    SIMULATED: "Simulated",
    **{name: source.title for name, source in SOURCES.items()},
    OWN: "My own file",
    PLACE: "A file on this computer",
}
ROLES = {
    "user": "Who rated",
    "title": "Film title",
    "movie_id": "or film id",
    "year": "Year",
    "rating": "Rating",
    "time": "When",
    "gender": "Gender",
    "age": "Age",
    "occupation": "Occupation",
    "genres": "Genres",
}
CATALOGUES = {False: "The shipped catalogue's", True: "The file's own"}
HINTS = {
    "title": "A year in parentheses at its end is read as the year of release.",
    "movie_id": "MovieLens-1M's id; where films are the file's own, any id.",
    "gender": "F, M, female or male. Without these three columns, nothing is known of the people who rated.",
    "genres": "MovieLens names, such as Comedy, joined by | or commas; other names are left out.",
}
NAME_LETTERS = 60  # of a data set's file
PREVIEW = 5  # rows of an own file shown


@dataclass(slots=True)
class Download:
    """A download under way, or ended."""

    done: int = 0
    total: int = 0
    problem: str = ""
    ended: bool = False
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is trained on."""

    source: str  # as `recdemo.data.load_dataset` takes it
    ratings: int | None  # how many there are, where that is known
    simulated: bool = False


def choose() -> Chosen | None:
    """The controls; None while there is nothing to train on yet."""
    names = [SIMULATED] if allowed() == "simulated" else list(NAMES)
    kind = st.selectbox(
        "Data",
        names,
        format_func=NAMES.__getitem__,
        key="retrain_data",
        persist_state="session",
        help="Simulated: made-up viewers whose taste is known, ready at once. MovieLens: real ratings, from GroupLens. "
        "My own file: your ratings as CSV or Parquet.",
    )
    if kind == SIMULATED:
        st.caption(
            ":material/casino: Made-up viewers over the real films. Figures reached on them say nothing about people."
        )
        return Chosen(SIMULATED, _simulated_ratings(), simulated=True)
    if kind == OWN:
        return _own()
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
            st.error(plain(job.problem), icon=":material/cloud_off:")
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
            fetch_zip(name, data_folder(), on_bytes=arrived, stopped=job.stop.is_set)
        except DataError as error:
            job.problem = str(error)
        finally:
            job.ended = True

    threading.Thread(target=work, daemon=True).start()
    return job


def data_folder() -> Path:
    """Where downloads go: ``data`` in the project, where `find_data` looks."""
    return PROJECT / "data"


def _place() -> Chosen | None:
    text = st.text_input(
        "Path",
        placeholder="A MovieLens zip or folder, or a CSV or Parquet file",
        key="retrain_path",
        persist_state="session",
        help="On the computer that runs this app.",
    ).strip()
    if not text:
        return None
    path = Path(text).expanduser()
    if not path.exists():
        st.warning(f"There is no {plain(str(path))}.", icon=":material/search_off:")
        return None
    return Chosen(str(path), None)


def _own() -> Chosen | None:
    file = st.file_uploader(
        "Ratings",
        type=[suffix.lstrip(".") for suffix in SUFFIXES],
        key="retrain_file",
        max_upload_size=MAX_BYTES // 2**20,  # megabytes, as the widget counts them
        help=f"One row per rating, with a header: who rated, which film, how many stars. At most {MAX_ROWS:,} rows "
        f"in {MAX_BYTES // 1_000_000} MB.",
    )
    if file is None:
        st.caption(
            "Films are matched to the catalogue by title and year, or by MovieLens id, or are a catalogue of their own. "
            "The file stays on this server."
        )
        return None
    content = file.getvalue()
    try:
        table = _table(content, file.name)
    except DataError as error:
        st.error(plain(str(error)), icon=":material/table:")
        return None
    st.dataframe(table.frame.head(PREVIEW), alt="First rows of the file")
    for note in table.notes:
        st.caption(plain(note))
    own_films: bool = st.segmented_control(
        "Films are",
        list(CATALOGUES),
        format_func=CATALOGUES.__getitem__,
        default=False,
        required=True,
        key="retrain_own_films",
        help=f"**The shipped catalogue's**: films are matched by title and year, or by MovieLens id; what has no match "
        f"is left out, and the new model can be compared with all others. **The file's own**: every film counts, at "
        f"most the {MAX_FILMS:,} most rated; the model knows these films and no others, on every page.",
    )
    mapping = _mapping(table, own_films)
    findings = _findings(content, file.name, mapping, own_films)
    leave_out = False
    if findings.count:
        st.warning(
            f"{findings.count:,} problems, {findings.good_rows:,} rows without any:\n\n"
            + "\n".join(f"- {plain(str(problem))}" for problem in findings.problems),
            icon=":material/rule:",
        )
        if not findings.good_rows:
            return None
        leave_out = st.checkbox("Leave out the rows with problems", key="retrain_leave_out")
        if not leave_out:
            return None
    try:
        dataset = _dataset(content, file.name, mapping, own_films, leave_out)
    except DataError as error:
        st.error(plain(str(error)), icon=":material/table:")
        return None
    st.success(
        f"{len(dataset.ratings):,} ratings of {dataset.ratings['movie_id'].nunique():,} films by "
        f"{len(dataset.users):,} people can be used.",
        icon=":material/check_circle:",
    )
    for note in dataset.notes:
        st.caption(plain(note))
    return Chosen(str(_kept_file(content, mapping, leave_out, dataset)), len(dataset.ratings))


def _mapping(table: Table, own_films: bool) -> Mapping:
    """Which column is what, as guessed and as corrected. Genres are read of films of the file's own only."""
    guess, columns = guess_mapping(table), list(table.frame.columns)
    found: dict[str, Any] = {}
    with st.container(border=True):
        st.markdown("**Which column is what?**")
        roles = [role for role in ROLES if own_films or role != "genres"]
        rows = [st.columns(3) for _ in range(0, len(roles), 3)]
        boxes = [
            box for row in rows for box in row
        ]  # on a phone, one below the other in this order
        for box, role in zip(boxes, roles, strict=False):
            guessed = getattr(guess, role)
            found[role] = box.selectbox(
                ROLES[role],
                columns,
                index=columns.index(guessed) if guessed else None,
                placeholder="None",
                help=HINTS.get(role),
                key=f"retrain_role_{role}_{hash(tuple(columns))}",
            )
        found["scale"] = st.selectbox(
            "Ratings are",
            list(SCALES),
            index=list(SCALES).index(guess.scale),
            format_func=SCALES.__getitem__,
            key=f"retrain_scale_{hash(tuple(columns))}",
        )
    return Mapping(**found)


def _kept_file(content: bytes, mapping: Mapping, leave_out: bool, dataset: Dataset) -> Path:
    """The data set as a file that a run can read: named as the visitor's, in a folder that its content names."""
    choices = repr((mapping, dataset.own_films, leave_out)).encode()
    digest = hashlib.sha256(content + choices).hexdigest()[:16]
    name = re.sub(r"\W+", "-", Path(dataset.title).stem).strip("-")[:NAME_LETTERS] or "own"
    path = store.root() / "data" / digest / f"{name}.zip"
    if not path.exists():
        save_dataset(dataset, path)
    return path


@st.cache_resource(show_spinner=False)
def _downloads() -> dict[str, Download]:
    """Downloads by name, for all visitors of this server."""
    return {}


@st.cache_data(show_spinner="Reading the file…", max_entries=4)
def _table(content: bytes, name: str) -> Table:
    return read_table(content, name=name)


@st.cache_data(show_spinner="Checking every row…", max_entries=4)
def _findings(content: bytes, name: str, mapping: Mapping, own_films: bool) -> Findings:
    return check(_table(content, name), mapping, own_films=own_films)


@st.cache_data(show_spinner="Matching films…", max_entries=4)
def _dataset(
    content: bytes, name: str, mapping: Mapping, own_films: bool, leave_out: bool
) -> Dataset:
    films: pd.DataFrame = engine.films().table
    return to_dataset(
        _table(content, name),
        mapping,
        films,
        own_films=own_films,
        leave_out=leave_out,
        title=name,
    )


@st.cache_data(show_spinner=False, max_entries=1)
def _simulated_ratings() -> int:
    from recdemo.data.simulated import simulate

    return len(simulate(engine.films().table).ratings)
