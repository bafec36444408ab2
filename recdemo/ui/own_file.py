"""A person's own table of ratings on the page: uploaded or on this computer, mapped, checked, and made a data set."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from recdemo.core.errors import DataError, RequestError
from recdemo.core.wording import counted
from recdemo.data.choices import FEWEST, SCALES
from recdemo.data.dataset import Dataset
from recdemo.data.limits import MAX_BYTES, MAX_ROWS, check_size
from recdemo.data.mapping import Mapping, guess_mapping, scale_of
from recdemo.data.matching import MAX_FILMS
from recdemo.data.own import check, to_dataset
from recdemo.data.own_rows import Findings
from recdemo.data.saved import save_dataset
from recdemo.data.table import PACKED, SUFFIXES, Table, read_table
from recdemo.jobs import room, store
from recdemo.ui import engine, owner
from recdemo.ui.engine import plain

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
    "rating": "Numbers, 4/5, ★★★★, 80%, thumbs or words. None, with 'no ratings' below: everything listed counts as liked.",
    "gender": "F, M, female or male. Without these three columns, nothing is known about the people who rated.",
    "genres": "MovieLens names, such as Comedy, joined by | or commas; other names are left out.",
}
NAME_LETTERS = 60  # of a data set's file
PREVIEW = 5  # rows of an own file shown


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is trained on."""

    source: str  # as `recdemo.data.load_dataset` takes it
    ratings: int | None  # how many there are, where that is known
    simulated: bool = False
    impressions: bool = False  # of what was shown and clicked: only 'like' can be asked


def uploaded() -> Chosen | None:
    """A file that the visitor brings."""
    megabytes = min(MAX_BYTES // 2**20, st.get_option("server.maxUploadSize"))
    file = st.file_uploader(
        "Ratings",
        type=[suffix.lstrip(".") for suffix in (*SUFFIXES, PACKED)],
        key="retrain_file",
        max_upload_size=megabytes,
        help=f"One row per rating: who rated, which film, how it was liked. At most {MAX_ROWS:,} rows in {megabytes} MB.",
    )
    if file is None:
        st.caption(
            "Films are matched to the catalogue by title and year, or by MovieLens id, or are a catalogue of their own. "
            "The file stays on this server."
        )
        return None
    return _read(file.getvalue(), file.name)


def lying_at(path: Path) -> Chosen | None:
    """A file on the computer that runs this app."""
    try:
        check_size(path.name, path.stat().st_size)
        content = path.read_bytes()
    except (DataError, OSError) as error:
        st.error(plain(owner.shown(str(error))), icon=":material/table:")
        return None
    return _read(content, path.name)


def _read(content: bytes, name: str) -> Chosen | None:
    try:
        table = _table(content, name)
    except DataError as error:
        st.error(plain(owner.shown(str(error))), icon=":material/table:")
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
    findings = _findings(content, name, mapping, own_films)
    bullet = "- " if len(findings.problems) > 1 else ""
    problems = "\n".join(f"{bullet}{plain(str(problem))}" for problem in findings.problems)
    if findings.count and not findings.good_rows:
        st.error(problems, icon=":material/rule:")
        return None
    leave_out = False
    if findings.count:
        st.warning(
            f"{counted(findings.count, 'problem')}, {counted(findings.good_rows, 'row')} without any:\n\n{problems}",
            icon=":material/rule:",
        )
        leave_out = st.checkbox("Leave out the rows with problems", key="retrain_leave_out")
        if not leave_out:
            return None
    fewest = st.number_input(
        "Fewest ratings",
        min_value=1,
        value=FEWEST,
        key="retrain_fewest",
        help=f"People with fewer are left out. Of people with fewer than {FEWEST}, no ratings are held back for testing.",
    )
    try:
        dataset = _dataset(content, name, mapping, own_films, leave_out, fewest)
    except DataError as error:
        st.error(plain(owner.shown(str(error))), icon=":material/table:")
        return None
    st.success(
        f"{len(dataset.ratings):,} ratings of {dataset.ratings['movie_id'].nunique():,} films by "
        f"{len(dataset.users):,} people can be used.",
        icon=":material/check_circle:",
    )
    for note in dataset.notes[len(table.notes) :]:  # which were said above
        st.caption(plain(note))
    try:
        path = _kept_file(content, mapping, (leave_out, fewest), dataset)
    except (DataError, RequestError) as error:
        st.error(plain(owner.shown(str(error))), icon=":material/hard_drive:")
        return None
    return Chosen(str(path), len(dataset.ratings))


def _mapping(table: Table, own_films: bool) -> Mapping:
    """Which column is what, as guessed and as corrected. Genres are read of films of the file's own only."""
    guess, columns = guess_mapping(table), list(table.frame.columns)
    found: dict[str, Any] = {}
    key = hash((table.name, *columns))
    with st.container(border=True):
        st.markdown("**Which column is what?**")
        roles = [role for role in ROLES if own_films or role != "genres"]
        rows = [st.columns(3) for _ in range(0, len(roles), 3)]
        # On a phone, one below the other in this order.
        boxes = [box for row in rows for box in row]
        for box, role in zip(boxes, roles, strict=False):
            guessed = getattr(guess, role)
            chosen = box.selectbox(
                ROLES[role],
                ["", *columns],
                index=columns.index(guessed) + 1 if guessed else 0,
                format_func=lambda column: column or "None",
                help=HINTS.get(role),
                key=f"retrain_role_{role}_{key}",
            )
            found[role] = chosen or None
        rating = found["rating"]
        scale = guess.scale if rating == guess.rating else scale_of(table, rating)
        found["scale"] = st.selectbox(
            "Ratings are",
            list(SCALES),
            index=list(SCALES).index(scale),
            format_func=SCALES.__getitem__,
            key=f"retrain_scale_{rating}_{key}",
        )
        bare = found["movie_id"] and not found["title"] and not own_films
        if bare and st.checkbox("These ids are MovieLens-1M's", key=f"retrain_ids_{key}"):
            found["ids"] = "ml-1m"
    return Mapping(**found)


def _kept_file(
    content: bytes, mapping: Mapping, choices: tuple[bool, int], dataset: Dataset
) -> Path:
    """The data set as a file that a run can read: named as the visitor's, in a folder that its content names."""
    said = repr((mapping, dataset.own_films, choices)).encode()
    digest = hashlib.sha256(content + said).hexdigest()[:16]
    name = re.sub(r"\W+", "-", Path(dataset.title).stem).strip("-")[:NAME_LETTERS] or "own"
    home = store.root()
    path = home / room.DATA / digest / f"{name}.zip"
    with store.lock(home):
        if not path.exists():
            room.check_bytes(home, len(content))
            save_dataset(dataset, path)
    return path


@st.cache_data(show_spinner="Reading the file…", max_entries=2)
def _table(content: bytes, name: str) -> Table:
    return read_table(content, name=name)


@st.cache_data(show_spinner="Checking every row…", max_entries=2)
def _findings(content: bytes, name: str, mapping: Mapping, own_films: bool) -> Findings:
    return check(_table(content, name), mapping, own_films=own_films)


@st.cache_data(show_spinner="Matching films…", max_entries=2)
def _dataset(
    content: bytes, name: str, mapping: Mapping, own_films: bool, leave_out: bool, fewest: int
) -> Dataset:
    films: pd.DataFrame = engine.films().table
    return to_dataset(
        _table(content, name),
        mapping,
        films,
        own_films=own_films,
        leave_out=leave_out,
        fewest=fewest,
        title=name,
    )
