"""What all visitors share: the films and the loaded models. Torch is imported only where a model is.

Which films there are is the model's to say: a kept model may have learned from a catalogue of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from recdemo import checkpoints
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.core.vocabulary import OBJECTIVES, Objective
from recdemo.core.wording import FILM, Words, words_of
from recdemo.core.worlds import FIRST, WORLDS, World, join_key, split_key
from recdemo.jobs import kept as kept_models
from recdemo.jobs.kept import Kept
from recdemo.jobs.owner import Visitor
from recdemo.models import CARDS, Card
from recdemo.models.cards.card import SHORT
from recdemo.ui import owner, shared_films
from recdemo.ui.shared_films import Films
from recdemo.ui.shelf import Shelf, stamp

if TYPE_CHECKING:
    from recdemo.answers.recommend import Recommender
    from recdemo.blocks.attention import Basic
    from recdemo.checkpoints import Checkpoint

OF = "~"  # in the key of a kept model: what it was trained from, and the name of its folder
_OF_VISITORS = Shelf(8)  # models held at a time


def films(key: str = "") -> Films:
    """The catalogue of a model of the menu; left out, that of the first world.

    Raises:
        CheckpointError: it is missing or damaged, or the model is gone.
    """
    return shared_films.read(shared_films.of_folder(_base(key)))


def films_of(world: World) -> Films:
    """The catalogue of a world.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    return shared_films.read(shared_films.of_folder(checkpoints.root(world.key)))


class _EveryLabel(Mapping[int, str]):
    """Labels of the films of every catalogue, each of which is read only when one before it does not have a film."""

    def __init__(self) -> None:
        self._by = owner.visitor()  # now: a file is made later, when no page runs

    def __getitem__(self, movie: int) -> str:
        for labels in self._catalogues():
            if movie in labels:
                return labels[movie]
        raise KeyError(movie)

    def __iter__(self) -> Iterator[int]:
        return iter(dict.fromkeys(movie for labels in self._catalogues() for movie in labels))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _catalogues(self) -> Iterator[dict[int, str]]:
        yield films().labels
        others = [checkpoints.root(world.key) for world in checkpoints.worlds() if world.key]
        for base in (*others, *(kept.base for kept in _all_kept(self._by))):
            with suppress(CheckpointError):
                yield shared_films.read(shared_films.of_folder(base)).labels


def all_labels() -> Mapping[int, str]:
    """Labels of the films of every catalogue: all that a link or a saved session may name."""
    return _EveryLabel()


def world_of(key: str) -> World | None:
    """The world whose films a model knows; None where they are its own."""
    if OF not in key:  # asked for every model of the menu: no file is looked at
        return WORLDS[split_key(key)[1]]
    place = shared_films.of_folder(_base(key))
    known = (
        world
        for world in checkpoints.worlds()
        if shared_films.of_folder(checkpoints.root(world.key)) == place
    )
    return next(known, None)


def world_or_first(key: str) -> World:
    """The world of a model; the first one where its films are its own."""
    return world_of(key) or FIRST


def catalogues() -> dict[str, list[str]]:
    """The models of the menu by the films they know: those of the worlds, by their titles, and of data of one's own."""
    found: dict[str, list[str]] = {}
    for key in menu():
        with suppress(CheckpointError):
            world = world_of(key)
            found.setdefault(world.title if world else data_of(key), []).append(key)
    return found


def words(key: str) -> Words:
    """What the films that a model knows are called, and what one does with them: articles are read, where it learned
    from news."""
    if OF in key and (kept := _kept(key.partition(OF)[2]).card):
        with suppress(CheckpointError):
            folder = checkpoints.folder_of(kept.model, kept.objective, _base(key))
            return words_of(checkpoints.read_card(folder).data.item)
    return FILM


def peers(key: str) -> dict[str, list[Objective]]:
    """Of the menu, the models that know the same films as this one: those it can be compared with."""
    found, own = {}, world_of(key)
    for other, objectives in menu().items():
        with suppress(CheckpointError):
            world = world_of(other)
            if world == own and (own or films(other).ids == films(key).ids):
                found[other] = objectives
    return found


def menu() -> dict[str, list[Objective]]:
    """The models that have a checkpoint, world by world, and what each can be asked, its default first."""
    found: dict[str, list[Objective]] = {}
    for world in checkpoints.worlds():
        for model, objective in checkpoints.available(checkpoints.root(world.key)):
            first = objective == CARDS[model].default_objective
            asked = found.setdefault(join_key(model, world.key), [])
            asked.insert(0 if first else len(asked), objective)
    for kept in _all_kept():
        if kept.card:
            found[f"{kept.card.model}{OF}{kept.slug}"] = [kept.card.objective]
    return found


def kind_of(key: str) -> str:
    """The model of the zoo that a model of the menu is: itself, or what a kept one was trained from."""
    return split_key(key.partition(OF)[0])[0]


def card(key: str) -> Card:
    """What a model of the menu says of itself; a kept one says so in its title, and whether it learned from nobody."""
    own, slug = CARDS[kind_of(key)], key.partition(OF)[2]
    simulated = " (simulated)" if slug and made_up(key) else ""
    return replace(own, title=f"{own.title} · {_kept(slug).name}{simulated}") if slug else own


def menu_name(key: str) -> str:
    """A model's title and family, so that typing either finds it; a kept one's own name."""
    own = card(key)
    return own.title if OF in key else f"{own.title} · {SHORT[own.family]}"


def made_up(key: str) -> bool:
    """Whether a model learned from simulated viewers."""
    return _learned_from(key)[1]


def data_of(key: str = "") -> str:
    """The data that a model learned from, as people call them; left out, those of the first world's first one."""
    return _learned_from(key)[0]


def counted_in(key: str) -> str:
    """The data whose ratings the catalogue of a model counts, as people call them."""
    world = world_of(key)
    return data_of(join_key("", world.key) if world else key)


def _learned_from(key: str) -> tuple[str, bool]:
    """Data as people call them, and whether they are simulated; nothing is said of what cannot be read."""
    _, _, slug = key.partition(OF)
    if slug:
        kept = _kept(slug).card
        return (kept.data, kept.simulated) if kept else ("", False)
    base = _base(key)
    for model, objective in checkpoints.available(base):
        if kind_of(key) in ("", model):
            with suppress(CheckpointError):
                data = checkpoints.read_card(checkpoints.folder_of(model, objective, base)).data
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
    if not wanted or not checkpoints.likes_too(kind_of(model), _base(model)):
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
        kind: _small_din(str(f), (stamp(f / checkpoints.CARD), stamp(f / checkpoints.WEIGHTS)))
        for kind, f in there.items()
    }


@st.cache_resource(show_spinner="Loading the model…", max_entries=5)
def _small_din(folder: str, stamps: tuple[tuple[int, int], ...]) -> Recommender:
    from recdemo.answers.recommend import Recommender

    return Recommender(
        checkpoints.open_folder(Path(folder), shared_films.read(shared_films.of_folder()).schema)
    )


def plain(text: str) -> str:
    """Text with everything escaped that markdown would read as markup, as in ``M*A*S*H``."""
    return re.sub(r"([\\`*_\[\]$:~<>#|])", r"\\\1", text)


def release() -> None:
    """Let go of what was made of files that are gone: models and catalogues that were deleted."""
    _OF_VISITORS.sweep()
    shared_films.OF_VISITORS.sweep()


def _all_kept(by: Visitor | None = None) -> list[Kept]:
    """Those that somebody may look at: whoever the page is drawn for, if nobody is named."""
    try:
        return kept_models.all_kept(by or owner.visitor())
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
    model, _, slug = key.partition(OF)
    return _kept(slug).base if slug else checkpoints.root(split_key(model)[1])


def _loaded(key: str, objective: Objective, base: Path | None = None) -> Checkpoint:
    model, base = kind_of(key), base or _base(key)
    folder = checkpoints.folder_of(model, objective, base)
    files = (base / checkpoints.CATALOGUE, folder / checkpoints.CARD, folder / checkpoints.WEIGHTS)
    if files[0] in shared_films.shipped():
        return _checkpoint(model, objective, str(base), tuple(map(stamp, files)))
    with st.spinner("Loading the model…"):
        return _OF_VISITORS.get(files, lambda: _load(model, objective, base))


@st.cache_resource(show_spinner="Loading the model…", max_entries=len(CARDS) * len(OBJECTIVES))
def _checkpoint(
    model: str, objective: Objective, base: str, stamps: tuple[tuple[int, int], ...]
) -> Checkpoint:
    return _load(model, objective, Path(base))


def _load(model: str, objective: Objective, base: Path) -> Checkpoint:
    import torch

    torch.set_num_threads(1)  # a second thread waits for a busy core longer than it helps
    return checkpoints.load(
        model, objective, base, shared_films.read(shared_films.of_folder(base)).schema
    )
