"""What a model says of itself: its name, idea and source, what it shows, and how it is best trained."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from recdemo.core.vocabulary import Objective
from recdemo.core.wording import FILM, Words

if TYPE_CHECKING:
    from torch import nn

Order = Literal["last five", "every place"]
Sum = Literal["one", "less than one"]
Shows = Literal["fields", "films", "history", "heads", "layers", "evolution", "crosses", "streams"]

# Families, in the order of the menus.
BASELINE = "Baseline"
SOLVED = "Solved in one go"
BY_ID = "Users and films by id"
FIELDS = "Fields and their pairs"
SEQUENCE = "History as a sequence"
ATTENTION = "Attention over the history"
TEXT = "Words of the titles"
SHORT: Mapping[str, str] = {  # beside a model's title in a menu
    BASELINE: "baseline",
    SOLVED: "solved",
    BY_ID: "by id",
    FIELDS: "fields",
    SEQUENCE: "sequence",
    ATTENTION: "attention",
    TEXT: "titles",
}

# How `next` is learned where each candidate needs a pass of the network: some films drawn by popularity stand for all.
SAMPLED: Mapping[str, float] = {
    "batch_size": 512,
    "learning_rate": 0.003,
    "negatives": 32,
    "by_popularity": 0.8,
}

# What a number among the constructor arguments may sensibly be, whichever model takes it: least and most, ends included.
BOUNDS: Mapping[str, tuple[float, float]] = {
    "alpha": (0, 10),
    "at_least": (0, 1000),
    "attention_dim": (1, 512),
    "attention_hidden": (1, 512),
    "balance": (0, 10),
    "buckets": (1, 2**20),
    "disliked": (-10, 10),
    "dropout": (0, 1),
    "embed_dim": (1, 512),
    "experts": (1, 16),
    "fade": (0, 1),
    "feed_forward": (1, 2048),
    "gate_hidden": (1, 512),
    "heads": (1, 16),
    "hidden": (1, 4096),  # of each layer
    "keep": (1, 10_000),
    "layers": (0, 16),
    "maps": (1, 512),
    "mean": (0, 5),
    "norm": (0, 10_000),
    "prior": (0, 1e6),
    "pull": (0, 1e6),
    "rank": (1, 512),
    "reach": (0, 1e6),
    "recency": (0, 1e6),
    "ridge": (0, 1e6),
    "rounds": (0, 1000),
    "state": (1, 1024),
    "steps": (1, 100_000),
    "stream_dim": (1, 1024),
    "strength": (0, 1e6),
    "text_dim": (1, 1024),
    "unliked": (-10, 10),
    "unobserved": (0, 10),
    "users": (0, 1_000_000),
    "watched": (-10, 10),
    "window": (1, 1000),
}
MOST_LAYERS = 8  # of a list, such as widths of hidden layers


def check_arguments(given: Mapping[str, Any]) -> None:
    """Refuse constructor arguments from outside that are beyond what is sensible; whether a model takes them it says itself.

    Raises:
        ValueError: names the argument and its bounds.
    """
    for name, value in given.items():
        parts = value if isinstance(value, list | tuple) else [value]
        if len(parts) > MOST_LAYERS:
            raise ValueError(
                f"{name[:40]} has {len(parts):,} entries, more than the limit of {MOST_LAYERS}"
            )
        for part in parts:
            least, most = BOUNDS.get(name, (-math.inf, math.inf))
            number = isinstance(part, int | float) and not isinstance(part, bool)
            if number and not (name in BOUNDS and least <= part <= most):
                raise ValueError(
                    f"{name[:40]} is {str(part)[:40]}; it may be {least:,.10g} to {most:,.10g}"
                )
            if not (number or part is None or isinstance(part, bool | str)):
                raise ValueError(f"{name[:40]} holds neither numbers nor texts")


@dataclass(frozen=True, slots=True)
class Card:
    """One row of the zoo.

    Args:
        key: name in commands, links and folders.
        title: name for people.
        family: what it belongs with in menus.
        idea: two sentences for somebody who has never seen it.
        source: paper and document.
        formula: LaTeX.
        network: where its class is, as ``file.Class`` within `recdemo.models`.
        arguments: constructor arguments that make the class this model.
        arguments_for: constructor arguments that it is trained with for an objective, unless others are asked for.
        knows_users: it knows training users by id, and folds others in; built with ``users`` and ``objective``.
        shows: what can be shown of its inside: ``fields`` if it is a `ShowsFields`, ``films`` a `ShowsFilmTerms`, ``history`` a
            `ShowsHistory`, ``heads`` a `ShowsHeads`, ``layers`` a `ShowsLayers`, ``evolution`` a `ShowsEvolution`,
            ``crosses`` a `ShowsCrosses`, ``streams`` a `ShowsStreams`.
        reads_history: the films watched matter to it.
        reads_profile: gender, age and occupation do.
        reads_order: what of the order of the films watched does: which are the last five, the place of every one, or nothing.
        reads_dislikes: a film that was disliked is another thing to it than one just watched.
        weights_sum: what the weights of a ``history`` that it shows sum to; less than one where the candidate takes the rest.
        weights_by_candidate: these weights differ from candidate to candidate.
        training: settings that differ from `recdemo.training.settings.Settings`, by objective.
        arguments_in: of those, what differs in a world (`recdemo.core.worlds`), by its key and objective.
        training_in: of these settings, what differs in a world, likewise.
        objectives: what it can be trained for.
        baseline: it is counted, or solved in closed form, in seconds: what a trained model is held against.
    """

    key: str
    title: str
    family: str
    idea: str
    source: str
    formula: str
    network: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    arguments_for: Mapping[Objective, Mapping[str, Any]] = field(default_factory=dict)
    knows_users: bool = False
    shows: tuple[Shows, ...] = ()
    reads_history: bool = True
    reads_profile: bool = True
    reads_order: Order | None = None
    reads_dislikes: bool = True
    weights_sum: Sum | None = None
    weights_by_candidate: bool = True
    training: Mapping[Objective, Mapping[str, float | str]] = field(default_factory=dict)
    arguments_in: Mapping[tuple[str, Objective], Mapping[str, Any]] = field(default_factory=dict)
    training_in: Mapping[tuple[str, Objective], Mapping[str, float | str]] = field(
        default_factory=dict
    )
    objectives: tuple[Objective, ...] = ("like", "next")
    baseline: bool = False

    @property
    def default_objective(self) -> Objective:
        """What it is asked for where nobody says: ``next`` where it can be."""
        return "next" if "next" in self.objectives else self.objectives[0]

    def aside(self, words: Words = FILM) -> str:
        """A sentence to read beside its lists: what of a visitor it does not read, if anything."""
        if not (self.reads_history or self.reads_profile):
            return f"{self.title} gives everybody the same list; only {words.films} already {words.watched} are left out."
        if not self.reads_history:
            return f"{self.title} {words.reads} the profile, not the {words.films} {words.watched}."
        if not self.reads_profile:
            order = "in their order, " if self.reads_order else ""
            return f"{self.title} {words.reads} the {words.films} {words.watched}, {order}not the profile."
        return ""

    @property
    def model(self) -> Callable[..., nn.Module]:
        """What makes it, imported on demand; called as ``model(schema, **arguments)``."""
        file, name = self.network.split(".")
        found = getattr(importlib.import_module(f"recdemo.models.{file}"), name)
        return partial(found, **self.arguments)
