"""What all visitors share: the films and the loaded models. Torch is imported only where a model is.

Which films there are is the model's to say: a kept model may have learned from a catalogue of its own.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import re
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from recdemo import checkpoints
from recdemo.core.allocator import few_heaps, give_back
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.core.vocabulary import OBJECTIVES, Objective
from recdemo.data.catalogue import labels_of, read_catalogue
from recdemo.jobs import kept as kept_models
from recdemo.jobs.kept import Kept
from recdemo.models import CARDS, Card

if TYPE_CHECKING:
    from recdemo.answers.recommend import Recommender
    from recdemo.blocks.attention import Basic
    from recdemo.checkpoints import Checkpoint
    from recdemo.encoding.schema import Schema

OF = "~"  # in the key of a kept model: what it was trained from, and the name of its folder
CATALOGUES = 6  # held at a time: the shipped one, and those of kept models
WARM_UP_AFTER = 1.5  # seconds, in which the browser draws and still asks the server for its parts
TIDY_EVERY = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Films:
    """A catalogue as pages need it. Shared by all visitors: nobody changes it."""

    table: pd.DataFrame  # as in catalogue.csv
    labels: dict[int, str]  # "title (year)" by film id, in catalogue order
    ids: list[int]


def films(key: str = "") -> Films:
    """The catalogue of a model of the menu; left out, the shipped one.

    Raises:
        CheckpointError: it is missing or damaged, or the model is gone.
    """
    return _films(*_catalogue(_base(key)))


def all_labels() -> dict[int, str]:
    """Labels of the films of every catalogue: all that a link or a saved session may name."""
    found: dict[int, str] = {}
    for kept in _all_kept():
        with suppress(CheckpointError):
            found |= _films(*_catalogue(kept.base)).labels
    return found | films().labels


def has_own_films(key: str) -> bool:
    """Whether a model knows other films than those shipped."""
    return OF in key and films(key).ids != films().ids


def peers(key: str) -> dict[str, list[Objective]]:
    """Of the menu, the models that know the same films as this one: those it can be compared with."""
    found, ids = {}, films(key).ids
    for other, objectives in menu().items():
        with suppress(CheckpointError):
            if films(other).ids == ids:
                found[other] = objectives
    return found


def menu() -> dict[str, list[Objective]]:
    """The models that have a checkpoint, and what each can be asked, its default first."""
    found: dict[str, list[Objective]] = {}
    for key, objective in checkpoints.available():
        first = objective == CARDS[key].default_objective
        asked = found.setdefault(key, [])
        asked.insert(0 if first else len(asked), objective)
    for kept in _all_kept():
        if kept.card:
            found[f"{kept.card.model}{OF}{kept.slug}"] = [kept.card.objective]
    return found


def kind_of(key: str) -> str:
    """The model of the zoo that a model of the menu is: itself, or what a kept one was trained from."""
    return key.partition(OF)[0]


def card(key: str) -> Card:
    """What a model of the menu says of itself; a kept one says so in its title, and whether it learned from nobody."""
    model, _, slug = key.partition(OF)
    own = CARDS[model]
    simulated = " (simulated)" if slug and made_up(key) else ""
    return replace(own, title=f"{own.title} · {_kept(slug).name}{simulated}") if slug else own


def made_up(key: str) -> bool:
    """Whether a model learned from simulated viewers."""
    return _learned_from(key)[1]


def data_of(key: str = "") -> str:
    """The data that a model learned from, as people call them; left out, those of the first shipped one."""
    return _learned_from(key)[0]


def _learned_from(key: str) -> tuple[str, bool]:
    """Data as people call them, and whether they are simulated; nothing is said of what cannot be read."""
    _, _, slug = key.partition(OF)
    if slug:
        kept = _kept(slug).card
        return (kept.data, kept.simulated) if kept else ("", False)
    for model, objective in checkpoints.available():
        if key in ("", model):
            with suppress(CheckpointError):
                data = checkpoints.read_card(checkpoints.folder_of(model, objective)).data
                return data.title, data.simulated
    return "", False


def recommender_at(model: str, objective: Objective, base: Path) -> Recommender:
    """A model from another folder of checkpoints, such as a run's; see `recommender`."""
    from recdemo.answers.recommend import Recommender

    return Recommender(_loaded(model, objective, base))


def recommender(model: str, objective: Objective, *, p_like: bool = True) -> Recommender:
    """A loaded model, shared by all visitors; loaded again when its files change.

    Args:
        model: key.
        objective: what it is asked.
        p_like: load the `like` model beside a ranking, for the column of that name.

    Raises:
        CheckpointError: it, or the catalogue, is missing or damaged.
    """
    from recdemo.answers.recommend import Recommender

    checkpoint = _loaded(model, objective)
    wanted = p_like and objective == "next" and OF not in model
    if not wanted or "like" not in CARDS[model].objectives:
        return Recommender(checkpoint)
    try:
        return Recommender(checkpoint, Recommender(_loaded(model, "like")))
    except CheckpointError as error:
        return Recommender(checkpoint, problem=str(error))


def small_dins() -> dict[Basic, Recommender]:
    """The small DINs of the Lab page that there are, one for each way to weigh a history.

    Raises:
        CheckpointError: one of them is damaged.
    """
    from recdemo.anatomy.lab import FORMULAS, folder_of

    folders = {kind: folder_of(kind) for kind in FORMULAS}
    there = {kind: f for kind, f in folders.items() if (f / checkpoints.CARD).is_file()}
    return {
        kind: _small_din(str(f), (_stamp(f / checkpoints.CARD), _stamp(f / checkpoints.WEIGHTS)))
        for kind, f in there.items()
    }


@st.cache_resource(show_spinner="Loading the model…", max_entries=5)
def _small_din(folder: str, stamps: tuple[tuple[int, int], ...]) -> Recommender:
    from recdemo.answers.recommend import Recommender

    return Recommender(checkpoints.open_folder(Path(folder), _schema(*_catalogue())))


@st.cache_resource(show_spinner=False)
def warm_up() -> None:
    """Import what models need, once, while the first page of a new server is being read; then tidy up now and again.

    A page that needs it sooner waits for the same import; what fails here fails again, and is seen, there.

    Streamlit collects garbage after every run of a page, and so looks at each of the 260,000 objects that the libraries
    are made of: 160 ms, in which nobody is answered. They stay for good, and are set aside from that here.
    """
    few_heaps()  # each run of a page is a thread of its own

    def load() -> None:
        with suppress(Exception):
            for name in ("recdemo.answers.recommend", "recdemo.charts.terms"):
                importlib.import_module(name)
        gc.collect()
        gc.freeze()
        while True:  # what visitors who have left held
            time.sleep(TIDY_EVERY)
            gc.collect()
            give_back()

    timer = threading.Timer(WARM_UP_AFTER, load)
    timer.daemon = True
    with suppress(RuntimeError):  # no thread to be had: the next page imports for itself
        timer.start()


def plain(text: str) -> str:
    """Text with everything escaped that markdown would read as markup, as in ``M*A*S*H``."""
    return re.sub(r"([\\`*_\[\]$:~<>#|])", r"\\\1", text)


@st.cache_resource(show_spinner=False, max_entries=CATALOGUES)
def _films(path: str, stamp: tuple[int, int]) -> Films:
    table = read_catalogue(Path(path))
    ids = table["movie_id"].tolist()
    return Films(table=table, labels=dict(zip(ids, labels_of(table), strict=True)), ids=ids)


@st.cache_resource(show_spinner=False, max_entries=CATALOGUES)
def _schema(path: str, stamp: tuple[int, int]) -> Schema:
    """One for all models of a catalogue, which so share its memory."""
    from recdemo.encoding.schema import Schema

    return Schema(_films(path, stamp).table)


def _all_kept() -> list[Kept]:
    try:
        return kept_models.all_kept()
    except RequestError:  # a host where nothing can be written keeps nothing
        return []


def _kept(slug: str) -> Kept:
    """A kept model.

    Raises:
        CheckpointError: it is gone.
    """
    with suppress(RequestError):
        if kept := kept_models.get(slug):
            return kept
    raise CheckpointError(f"the kept model {slug!r} is gone; choose another one in the sidebar")


def _base(key: str) -> Path:
    """The folder of checkpoints that a model of the menu lies in."""
    _, _, slug = key.partition(OF)
    return _kept(slug).base if slug else checkpoints.root()


def _loaded(key: str, objective: Objective, base: Path | None = None) -> Checkpoint:
    model, base = kind_of(key), base or _base(key)
    folder = checkpoints.folder_of(model, objective, base)
    files = (base / checkpoints.CATALOGUE, folder / checkpoints.CARD, folder / checkpoints.WEIGHTS)
    return _checkpoint(model, objective, str(base), tuple(map(_stamp, files)))


@st.cache_resource(show_spinner="Loading the model…", max_entries=len(CARDS) * len(OBJECTIVES))
def _checkpoint(
    model: str, objective: Objective, base: str, stamps: tuple[tuple[int, int], ...]
) -> Checkpoint:
    import torch

    torch.set_num_threads(1)  # a second thread waits for a busy core longer than it helps
    return checkpoints.load(model, objective, Path(base), _schema(*_catalogue(Path(base))))


def _catalogue(base: Path | None = None) -> tuple[str, tuple[int, int]]:
    """Path and stamp of a folder's catalogue; the shipped one where it is the same, so that it is held once."""
    path = shipped = checkpoints.root() / checkpoints.CATALOGUE
    if base and base != shipped.parent:
        own = base / checkpoints.CATALOGUE
        same = _digest(str(own), _stamp(own)) == _digest(str(shipped), _stamp(shipped))
        path = shipped if same else own
    return str(path), _stamp(path)


@st.cache_resource(show_spinner=False, max_entries=100)
def _digest(path: str, stamp: tuple[int, int]) -> str:
    """What a file holds; nothing where it cannot be read."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""


def _stamp(path: Path) -> tuple[int, int]:
    """Changes when a file does."""
    if not path.exists():
        return (0, 0)
    return (path.stat().st_mtime_ns, path.stat().st_size)
