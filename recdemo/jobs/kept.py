"""Models kept from training runs: each a folder of checkpoints of its own, under a name.

``<runs root>/kept/<slug>/`` holds a catalogue, one checkpoint and ``kept.json``, which says what it is and has the
digest of every file, itself included. `recdemo.jobs.kept_zip` passes them on.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recdemo.core.errors import CheckpointError, RequestError
from recdemo.core.files import write_whole
from recdemo.core.vocabulary import Objective
from recdemo.jobs import room, store
from recdemo.jobs.owner import HOST, Visitor

CARD_FILE = "kept.json"
MAX_NAME = 40
_NAME = re.compile(rf"[\w -]{{1,{MAX_NAME}}}")  # letters and digits of any script


class KeptCard(BaseModel):
    """``kept.json``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    name: str = Field(max_length=MAX_NAME)
    run: str = Field(default="", max_length=40)  # it is from, where that was on this machine
    date: str = Field(pattern=r"^\d{4}-\d\d-\d\d$")
    model: str = Field(max_length=40)
    objective: Objective
    data: str = Field(max_length=200)  # title of the data set
    simulated: bool
    files: dict[str, str]  # SHA-256 of the catalogue, the card and the weights
    digest: str = ""  # of all the above

    def sealed(self) -> KeptCard:
        """With the digest that its other values have."""
        plain = json.dumps(self.model_dump(mode="json", exclude={"digest"}), sort_keys=True)
        return self.model_copy(update={"digest": hashlib.sha256(plain.encode()).hexdigest()})


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept model.

    Args:
        base: its folder, a folder of checkpoints as `recdemo.checkpoints.load` takes it.
        card: what it is; None where `problem` says why that cannot be told.
        problem: why it cannot be used, else "".
    """

    base: Path
    card: KeptCard | None
    problem: str = ""

    @property
    def slug(self) -> str:
        return self.base.name

    @property
    def name(self) -> str:
        return self.card.name if self.card else self.slug


def keep(id: str, name: str, by: Visitor = HOST) -> Kept:
    """Keep the model of a run that is done.

    Args:
        id: of the run.
        name: letters, digits, spaces, - and _, at most 40; no other kept model may have it.
        by: whose it is.

    Raises:
        RequestError: there is no such run, it is not theirs, it is not done, the name cannot be used, or there is no room.
        CheckpointError: the checkpoint is damaged.
    """
    from recdemo import checkpoints

    slug_of(name)
    run = store.find(id, by, own=True)
    if run.state != "done":
        raise RequestError(f"the run {run.title} is {run.state}; only one that is done can be kept")
    folder = checkpoints.folder_of(run.request.model, run.request.objective, run.base)
    card = checkpoints.read_card(folder)
    try:
        content = {
            checkpoints.CATALOGUE: (run.base / checkpoints.CATALOGUE).read_bytes(),
            checkpoints.CARD: (folder / checkpoints.CARD).read_bytes(),
            checkpoints.WEIGHTS: (folder / checkpoints.WEIGHTS).read_bytes(),
        }
    except OSError as error:
        raise CheckpointError(f"{error.filename} cannot be read ({error.strerror})") from error
    if digest_of(content[checkpoints.WEIGHTS]) != card.weights_sha256:
        raise CheckpointError(f"the weights of the run {run.title} are damaged; train it again")
    found = KeptCard(
        name=name,
        run=run.id,
        date=card.date,
        model=card.model,
        objective=card.objective,
        data=card.data.title,
        simulated=card.data.simulated,
        files={file: digest_of(raw) for file, raw in content.items()},
    )
    return add(found, content, by)


def all_kept(by: Visitor = HOST) -> list[Kept]:
    """Every kept model that somebody may look at, by name; one that cannot be read has its problem."""
    home = shelf_of(store.root())
    folders = [path for path in home.glob("[!.]*") if path.is_dir() and by.may_look(path)]
    return sorted(map(_read, folders), key=lambda kept: kept.name.casefold())


def get(slug: str) -> Kept | None:
    """A kept model, its files not looked into; None where there is none."""
    place = shelf_of(store.root()) / slug
    there = slug and not slug.startswith(".") and Path(slug).name == slug and place.is_dir()
    return _read(place) if there else None


def find_kept(slug: str, by: Visitor = HOST) -> Kept:
    """A kept model whose files are all as they were written.

    Raises:
        RequestError: there is none that they may look at.
        CheckpointError: one of its files is damaged.
    """
    kept = _read(folder_of(slug, by))
    if kept.card is None:
        raise CheckpointError(kept.problem)
    for file, path in files_of(kept.base, kept.card).items():
        try:
            whole = digest_of(path.read_bytes()) == kept.card.files.get(file)
        except OSError:
            whole = False
        if not whole:
            raise CheckpointError(f"{path} is damaged; delete the kept model {kept.name!r}")
    return kept


def rename(slug: str, name: str, by: Visitor = HOST) -> Kept:
    """Give a kept model another name.

    Raises:
        RequestError: there is none, it is not theirs, or the name cannot be used.
        CheckpointError: it is damaged.
    """
    home = shelf_of(store.root())
    with store.lock(home.parent):
        kept = _read(folder_of(slug, by))
        by.check(kept.base, f"the kept model {kept.name}")
        if kept.card is None:
            raise CheckpointError(kept.problem)
        target = home / slug_of(name)
        if target != kept.base and target.exists():
            raise _taken(target)
        card = kept.card.model_copy(update={"name": name}).sealed()
        write_whole(kept.base / CARD_FILE, card.model_dump_json(indent=1).encode())
        kept.base.rename(target)
    return Kept(target, card)


def delete(slug: str, by: Visitor = HOST) -> None:
    """Remove a kept model.

    Raises:
        RequestError: there is none, or it is not theirs.
    """
    place = folder_of(slug, by)
    with store.lock(place.parent.parent):
        by.check(place, f"the kept model {slug}")
        if place.is_dir():
            room.remove(place)


def slug_of(name: str) -> str:
    """The folder's name for a name.

    Raises:
        RequestError: the name cannot be used.
    """
    if not _NAME.fullmatch(name) or not any(letter.isalnum() for letter in name):
        raise RequestError(
            f"a model cannot be named {name[:60]!r}; use letters, digits, spaces, - and _, at most {MAX_NAME}"
        )
    return "-".join(unicodedata.normalize("NFKC", name).casefold().split())


def add(card: KeptCard, content: Mapping[str, bytes], by: Visitor = HOST) -> Kept:
    """Write a kept model; it is there as a whole or not at all.

    Args:
        card: what it is; the digest is filled in here.
        content: of its catalogue, card and weights.
        by: whose it is.

    Raises:
        RequestError: the name cannot be used or is taken, or there is no room.
    """
    home = shelf_of(store.root())
    target, card = home / slug_of(card.name), card.sealed()
    draft = target.with_name(f"{store.DRAFT}{target.name}")
    with store.lock(home.parent):
        if target.exists():
            raise _taken(target)
        room.check_kept(home, by, sum(map(len, content.values())))
        try:
            for file, path in files_of(draft, card).items():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content[file])
            by.mark(draft)
            (draft / CARD_FILE).write_bytes(card.model_dump_json(indent=1).encode())
            draft.rename(target)
        except OSError as error:
            shutil.rmtree(draft, ignore_errors=True)
            raise RequestError(f"{card.name!r} cannot be kept: {error.strerror}") from error
    return Kept(target, card)


def shelf_of(home: Path) -> Path:
    """The folder of kept models of a folder of runs."""
    return home / store.KEPT_FOLDER


def runs_kept(home: Path) -> set[str]:
    """Ids of the runs that a model was kept from."""
    cards = (_read(path).card for path in shelf_of(home).glob("[!.]*"))
    return {card.run for card in cards if card}


def files_of(base: Path, card: KeptCard) -> dict[str, Path]:
    """Where the files of a kept model lie, by their names in its card."""
    from recdemo import checkpoints

    folder = checkpoints.folder_of(card.model, card.objective, base)
    return {
        checkpoints.CATALOGUE: base / checkpoints.CATALOGUE,
        checkpoints.CARD: folder / checkpoints.CARD,
        checkpoints.WEIGHTS: folder / checkpoints.WEIGHTS,
    }


def read_card(raw: bytes) -> KeptCard:
    """What is in ``kept.json``.

    Raises:
        CheckpointError: it is damaged.
    """
    from recdemo.models import CARDS

    try:
        card = KeptCard.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise CheckpointError(f"{CARD_FILE} is damaged: {place}: {first['msg']}") from None
    try:
        slug_of(card.name)
    except RequestError as error:
        raise CheckpointError(f"{CARD_FILE} is damaged: {error}") from None
    if card.sealed() != card:
        raise CheckpointError(f"{CARD_FILE} is damaged: it is not what was written")
    if card.model not in CARDS or card.objective not in CARDS[card.model].objectives:
        raise CheckpointError(
            f"{CARD_FILE} is of model {card.model!r} for {card.objective!r}, which this version lacks"
        )
    return card


def digest_of(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _read(folder: Path) -> Kept:
    try:
        return Kept(folder, read_card((folder / CARD_FILE).read_bytes()))
    except (OSError, CheckpointError) as error:
        return Kept(folder, None, f"the kept model {folder.name!r} cannot be used: {error}")


def folder_of(slug: str, by: Visitor = HOST) -> Path:
    """The folder of a kept model.

    Raises:
        RequestError: there is none that they may look at.
    """
    kept = get(slug)
    if kept is None or not by.may_look(kept.base):
        known = ", ".join(kept.slug for kept in all_kept(by)) or "none"
        raise RequestError(f"there is no kept model {slug!r}; there are: {known}")
    return kept.base


def _taken(target: Path) -> RequestError:
    return RequestError(f"there is a kept model {target.name!r} already; choose another name")
