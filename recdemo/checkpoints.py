"""Checkpoints: ``<root>/<model>/<objective>/`` holds safetensors and a card; the catalogue is beside them.

Nothing is unpickled. A checkpoint is loaded only when its card can be read, its weights have the digest the
card states, and its schema is the catalogue's; anything else is a `CheckpointError` that says what to do.
Cards are read without torch: only weights need it.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import math
import os
import platform
import shutil
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from recdemo.core.errors import CheckpointError, RequestError
from recdemo.core.figures import MAIN, METRICS
from recdemo.core.files import draft_of, write_whole
from recdemo.core.places import shipped
from recdemo.core.protocols import Precomputes
from recdemo.core.report import Constant, nothing_learned
from recdemo.core.vocabulary import MAX_HISTORY, MAX_SEED, Objective, Split
from recdemo.core.worlds import AT, WORLDS, World, folder_of_world, join_key, split_key
from recdemo.models import CARDS

if TYPE_CHECKING:
    from torch import nn

    from recdemo.encoding.schema import Schema

FORMAT: Literal[1] = 1
WEIGHTS, CARD, CATALOGUE = "weights.safetensors", "card.json", "catalogue.csv"
ROOT_VARIABLE = "RECDEMO_CHECKPOINTS"
MAX_CARD_BYTES = 1_000_000
MAX_WEIGHT_BYTES = 200_000_000


Count = Annotated[int, Field(ge=0, le=10**12)]
Short = Annotated[str, Field(max_length=300)]


def _known(figures: dict[str, float]) -> dict[str, float]:
    unknown = next((name for name in figures if name not in METRICS), None)
    if unknown is not None:
        raise ValueError(f"no metric is called {unknown[:40]!r}")
    return figures


Figures = Annotated[dict[str, float], AfterValidator(_known)]


class DataCard(BaseModel):
    """Where the ratings came from."""

    name: Short
    title: Short
    simulated: bool
    users: Count
    films: Count
    ratings: Count
    profiles: bool = True  # some of the users' genders, ages or occupations were known
    # What people call a film of these data.
    item: str = Field(default="film", pattern=r"^[a-z]{1,20}$")


class Metrics(BaseModel):
    """The protocol's figures on each part."""

    validation: Figures
    test: Figures


class CheckpointCard(BaseModel):
    """``card.json``: everything needed to rebuild, check and reproduce a checkpoint."""

    model_config = ConfigDict(extra="forbid")

    format: Literal[1]
    model: str
    objective: Objective
    arguments: dict[str, Any]
    schema_hash: str
    history_length: int = Field(ge=1, le=MAX_HISTORY)
    weights_sha256: str
    parameters: Count
    metrics: Metrics
    constant: Constant | None = None  # to weigh the validation figures against; None: not measured
    data: DataCard
    split: Split = "order"
    report: dict[str, Any] | None = None  # a `recdemo.core.report.Report` of the test part
    seed: int = Field(ge=0, le=MAX_SEED)
    command: str = Field(max_length=5000)
    settings: dict[Short, float | Short] = Field(max_length=100)
    epochs: list[dict[str, Any]]
    best_epoch: Count
    seconds: FiniteFloat
    date: str = Field(pattern=r"^\d{4}-\d\d-\d\d$")
    versions: dict[Short, Short] = Field(max_length=20)

    @property
    def nothing_learned(self) -> str:
        """A sentence where its validation is no better than a constant answer's; empty where it is, or nobody knows."""
        best = self.metrics.validation.get(MAIN[self.objective])
        if best is None or self.constant is None:
            return ""
        return nothing_learned(self.objective, best, self.constant)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model ready to answer, with what it was built from."""

    model: nn.Module = field(repr=False)
    card: CheckpointCard = field(repr=False)
    schema: Schema = field(repr=False)
    folder: Path

    @property
    def key(self) -> str:
        """What it is loaded by, such as ``din@2018``, if it is shipped."""
        return join_key(self.card.model, world_at(self.folder.parent.parent).key)


def root(world: str = "") -> Path:
    """A world's folder of checkpoints, under RECDEMO_CHECKPOINTS if set, else under the one shipped with the project."""
    first = Path(os.environ.get(ROOT_VARIABLE) or shipped("checkpoints"))
    return folder_of_world(first, world)


def worlds() -> list[World]:
    """The worlds that are shipped."""
    return [
        world
        for world in WORLDS.values()
        if not world.key or (root(world.key) / CATALOGUE).is_file()
    ]


def place_of(key: str) -> tuple[str, Path]:
    """The model that a key such as ``din@2018`` names, and its world's folder of checkpoints.

    Raises:
        RequestError: there is no such world.
    """
    model, world = split_key(key)
    if world not in WORLDS:
        known = " or ".join(f"{AT}{name}" for name in WORLDS if name)
        raise RequestError(
            f"model {key!r} names a world that does not exist; write {model}, or {model} with {known} after it"
        )
    return model, root(world)


def world_at(base: Path) -> World:
    """The world whose checkpoints lie in a folder; the first one for any other folder."""
    return next((world for world in WORLDS.values() if root(world.key) == base), WORLDS[""])


def folder_of(model: str, objective: str, base: Path | None = None) -> Path:
    """Where a checkpoint lies."""
    return (base or root()) / model / objective


def available(base: Path | None = None) -> list[tuple[str, Objective]]:
    """Every (model, objective) that has a checkpoint folder, in menu order. Nothing is opened."""
    return [
        (key, objective)
        for key, card in CARDS.items()
        for objective in card.objectives
        if (folder_of(key, objective, base) / CARD).is_file()
    ]


def likes_too(model: str, base: Path) -> bool:
    """Whether a ``like`` model belongs beside a model's ranking: where there can be one in the first world, where there is one
    in others."""
    if "like" not in CARDS[model].objectives:
        return False
    return base == root() or (folder_of(model, "like", base) / CARD).is_file()


def versions() -> dict[str, str]:
    """Versions that can change a figure."""
    packages = {name: _version(name) for name in ("torch", "numpy", "pandas")}
    return {"python": platform.python_version(), **packages}


def save(model: nn.Module, card: CheckpointCard, folder: Path) -> CheckpointCard:
    """Write weights and card; an existing checkpoint is replaced only once the new one is whole.

    Args:
        model: its state is written, buffers that the schema gives left out.
        card: `weights_sha256` is filled in here.
        folder: made where missing.

    Returns:
        The card as written.

    Raises:
        CheckpointError: a metric is not a number, so training has diverged.
    """
    for part, figures in card.metrics:
        for name, value in figures.items():
            if not math.isfinite(value):
                raise CheckpointError(
                    f"{card.model} was not saved: its {part} {name} is {value}; train with a lower rate"
                )
    from safetensors.torch import save_file

    from recdemo.blocks.precision import packed

    folder.parent.mkdir(parents=True, exist_ok=True)
    with draft_of(folder) as draft:
        draft.mkdir()
        save_file(packed(model), draft / WEIGHTS)
        card = card.model_copy(update={"weights_sha256": _digest(draft / WEIGHTS)})
        write_card(card, draft)
    return card


def sweep(folder: Path) -> None:
    """Remove what processes killed while they saved a checkpoint left beside its folder; nothing else may be saving it."""
    for draft in folder.parent.glob(f".{folder.name}-*"):
        shutil.rmtree(draft, ignore_errors=True)


def write_card(card: CheckpointCard, folder: Path) -> None:
    """Write a card, alone; the weights beside it stay."""
    write_whole(folder / CARD, card.model_dump_json(indent=2) + "\n")


def read_card(folder: Path) -> CheckpointCard:
    """Read and check a card.

    Raises:
        CheckpointError: missing, oversized, or not a card of this format.
    """
    path = folder / CARD
    try:
        if path.stat().st_size > MAX_CARD_BYTES:
            raise CheckpointError(f"{path} is larger than a card can be; restore the checkpoint")
        card = CheckpointCard.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(
            f"there is no checkpoint at {folder}; train one with "
            f"'python -m recdemo train {folder.parent.name} --objective {folder.name}'"
        ) from None
    except (ValidationError, UnicodeDecodeError, OSError) as error:
        first = str(error).splitlines()[0]
        raise CheckpointError(
            f"{path} is not a card of format {FORMAT} ({first}); restore or retrain it"
        ) from error
    if card.model not in CARDS:
        raise CheckpointError(f"{path} is of model {card.model!r}, which this version lacks")
    theirs, ours = card.versions.get("torch", ""), _version("torch")
    if theirs.split(".")[0] != ours.split(".")[0]:
        raise CheckpointError(
            f"{path} was made with torch {theirs or 'unknown'}, this is {ours}; install the same major "
            "version or retrain it"
        )
    return card


def load(
    model: str, objective: Objective, base: Path | None = None, schema: Schema | None = None
) -> Checkpoint:
    """Load a checkpoint, in evaluation mode.

    Args:
        model: key.
        objective: what for.
        base: folder of checkpoints; None for `root`.
        schema: of the catalogue in `base`, where it is at hand: models that share it share its memory.

    Raises:
        CheckpointError: missing, altered, in the wrong folder, of another catalogue, made by other code or
            another major version of torch; or the catalogue is missing or damaged.
    """
    from recdemo.data.catalogue import read_catalogue
    from recdemo.encoding.schema import Schema

    base = base or root()
    schema = schema or Schema(read_catalogue(base / CATALOGUE))
    loaded = open_folder(folder_of(model, objective, base), schema)
    if (loaded.card.model, loaded.card.objective) != (model, objective):
        raise CheckpointError(
            f"{loaded.folder} holds {loaded.card.model} for {loaded.card.objective!r}, not {model} for "
            f"{objective!r}; put each checkpoint into its own folder"
        )
    return loaded


def open_folder(folder: Path, schema: Schema) -> Checkpoint:
    """Load the checkpoint in one folder against a catalogue's schema; see `load`."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from recdemo.blocks.precision import unpacked

    card = read_card(folder)
    schema = schema.of_length(card.history_length, profiles=card.data.profiles)
    if card.schema_hash != schema.hash:
        raise CheckpointError(
            f"{folder} was trained on another catalogue (schema {card.schema_hash}, this one is "
            f"{schema.hash}); retrain it on this one"
        )
    weights = folder / WEIGHTS
    try:
        whole = (
            weights.stat().st_size <= MAX_WEIGHT_BYTES and _digest(weights) == card.weights_sha256
        )
    except OSError as error:
        raise CheckpointError(f"{weights} cannot be read ({error.strerror}); restore it") from error
    if not whole:
        raise CheckpointError(
            f"{weights} is damaged: it is not the file its card was written for; restore or retrain it"
        )
    try:
        model = CARDS[card.model].model(schema, **card.arguments)
        # Copied into each weight's own precision.
        model.load_state_dict(unpacked(load_file(weights)))
    except (SafetensorError, RuntimeError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{folder} does not fit this version's {card.model} ({str(error).splitlines()[0]}); retrain it"
        ) from error
    model.requires_grad_(False).eval()
    if isinstance(model, Precomputes):
        model.precompute()
    return Checkpoint(model, card, schema, folder)


@cache
def _version(package: str) -> str:
    """Of an installed package, without importing it; looked up on disk once."""
    return importlib.metadata.version(package)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
