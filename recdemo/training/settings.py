"""How to train: plain values, read and made without torch.

Each setting stands here once, with what people are told of it: the command line, runs (`recdemo.jobs`), the pages Retrain and
Models read it from here.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from recdemo.core.errors import RequestError
from recdemo.core.vocabulary import MAX_HISTORY, MAX_SEED, Objective, Optimizer
from recdemo.core.wording import cut
from recdemo.core.worlds import FIRST, world_of_data
from recdemo.models import card_of, objective_of
from recdemo.models.cards.card import BASELINE, SOLVED

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class About:
    """What people are told of a setting.

    Args:
        meaning: what it does.
        offered: whether the command line and runs take it; else only a model's card sets it.
        least, most: its bounds; None: there is none.
        title: its name on the page Retrain; "" leaves it out there.
        step: by how much a click there changes it.
        only: the objective it is for; None: all of them.
    """

    meaning: str
    offered: bool
    least: float | None = None
    most: float | None = None
    title: str = ""
    step: float | None = None
    only: Objective | None = None


def _setting(default: Value, meaning: str, *, offered: bool = True, **about: Any) -> Value:
    value: Value = field(default=default, metadata={"about": About(meaning, offered, **about)})
    return value


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train. The names are those in the cards of checkpoints.

    Raises:
        RequestError: a value is not of its setting's kind, or beyond its bounds.
    """

    epochs: int = _setting(
        10,
        "Passes over the training ratings, or over a share of them, at most; training ends early where validation no "
        "longer improves.",
        least=1,
        most=1000,
        title="Epochs",
    )
    batch_size: int = _setting(
        1024,
        "Ratings per step, each with its user; of a causal model for 'next', histories, each of whose films is a target. "
        "Larger is faster per rating, and takes fewer steps.",
        least=2,
        most=100_000,
        title="Batch size",
    )
    optimizer: Optimizer = _setting("adamw", "adamw, adam, or sgd with momentum 0.9.")  # noqa: RUF009
    learning_rate: float = _setting(
        1e-3,
        "Size of the first steps; it falls linearly to zero.",
        least=0,
        title="Learning rate",
        step=0.0005,
    )
    weight_decay: float = _setting(
        0.1,
        "How strongly weights are pulled towards zero: more decay generalises more, and learns less. AdamW's is decoupled.",
        least=0,
        title="Weight decay",
        step=0.05,
    )
    negatives: int = _setting(
        32,
        "Films drawn at random from which each film picked is told apart, 'next' only; a two-sided model is shown all films instead.",
        least=1,
        most=10_000,
        title="Negatives",
        only="next",
    )
    # Corrected by logQ: Yi et al., "Sampling-Bias-Corrected Neural Modeling", RecSys 2019.
    by_popularity: float = _setting(
        0.0,
        "How far negatives are drawn by popularity: 0 all films alike, 1 as often as they were picked; the loss is corrected "
        "for it.",
        least=0,
        most=1,
    )
    share: float = _setting(
        1.0,
        "Share of the training ratings that each epoch draws; less than all where a whole pass takes long.",
        least=0.001,
        most=1,
        title="Share of the data",
        step=0.05,
    )
    second_task: float = _setting(
        1.0, "Weight of a model's second loss, times the model's own.", offered=False
    )
    forget: float = _setting(
        0.05, "Share of profile values and opinions hidden in training.", offered=False
    )
    shorten: float = _setting(0.25, "Share of histories cut short in training.", offered=False)
    patience: int = _setting(
        2, "Training stops after this many epochs without a better validation figure.", least=1
    )
    history_length: int = _setting(
        50, "How many of the latest films a model reads.", least=1, most=MAX_HISTORY
    )
    start_from: str = _setting(
        "",
        "Key of a shipped model whose weights it begins with, as far as they fit: films by their ids. Left out: random weights.",
    )
    seed: int = _setting(
        0,
        "Of initial weights, order, negatives and dropout.",
        offered=False,
        least=0,
        most=MAX_SEED,
    )

    def __post_init__(self) -> None:
        for name, about in ABOUT.items():
            value, kind = getattr(self, name), TYPES[name]
            if not _is_a(kind, value):
                raise RequestError(
                    f"{name} is {cut(repr(value))}; it must be {_NAMES.get(kind) or ' or '.join(get_args(kind))}"
                )
            for bound, beyond in ((about.least, operator.lt), (about.most, operator.gt)):
                if bound is not None and beyond(value, bound):
                    bounds = (
                        f"from {about.least}"
                        if about.most is None
                        else f"from {about.least} to {about.most}"
                    )
                    raise RequestError(f"{name} is {cut(repr(value))}; it must be {bounds}")


_NAMES = {int: "a whole number", float: "a number", str: "a text"}


def _is_a(kind: Any, value: object) -> bool:
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if kind is float:
        return (
            isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        )
    return isinstance(value, kind) and not isinstance(value, bool)


ABOUT: dict[str, About] = {each.name: each.metadata["about"] for each in fields(Settings)}
OFFERED: dict[str, About] = {name: about for name, about in ABOUT.items() if about.offered}
TYPES: dict[str, Any] = get_type_hints(Settings)


def settings_for(
    model: str, objective: Objective, *, data: str | Path = FIRST.data, **changes: Any
) -> Settings:
    """The settings a model is best trained with on some data, with changes; None changes nothing.

    What a model begins with in its world, it does not begin with on ratings from elsewhere, whose films may be others.

    Raises:
        RequestError: no such model, or it has no such objective.
    """
    card, world = card_of(model), world_of_data(data)
    objective = objective_of(model, objective)
    given = {name: value for name, value in changes.items() if value is not None}
    own = dict(card.training.get(objective, {}))
    if world.begins_with_first and card.family not in (BASELINE, SOLVED):
        own["start_from"] = model
    own |= card.training_in.get((world.key, objective), {})
    if not world.learns_from(data):
        own.pop("start_from", None)
    settings: Settings = replace(Settings(), **{**own, **given})
    return settings


def options(changes: dict[str, Any]) -> list[str]:
    """What a person types for some changes; None is none."""
    given = {name: value for name, value in changes.items() if value is not None}
    return [word for name in given for word in (f"--{name.replace('_', '-')}", str(given[name]))]
