"""What a model says of itself: its name, idea and source, what it shows, and how it is best trained."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from recdemo.contracts import Objective

if TYPE_CHECKING:
    from torch import nn

Shows = Literal["fields", "history"]


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
        shows: what can be shown of its inside: ``fields`` if it is a `ShowsFields`, ``history`` if it is
            a `ShowsHistory`.
        training: settings that differ from `recdemo.training.loop.Settings`, by objective.
        objectives: what it can be trained for.
    """

    key: str
    title: str
    family: str
    idea: str
    source: str
    formula: str
    network: str
    shows: tuple[Shows, ...] = ()
    training: Mapping[Objective, Mapping[str, float]] = field(default_factory=dict)
    objectives: tuple[Objective, ...] = ("like", "next")

    @property
    def model(self) -> Callable[..., nn.Module]:
        """Its class, imported on demand; called as ``model(schema, **arguments)``."""
        file, name = self.network.split(".")
        found: Callable[..., nn.Module] = getattr(
            importlib.import_module(f"recdemo.models.{file}"), name
        )
        return found
