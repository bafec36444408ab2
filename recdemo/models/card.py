"""What a model says of itself: its name, idea and source, and how it is best trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import nn

from recdemo.contracts import OBJECTIVES, Objective, ShowsFields, ShowsHistory


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
        model: its class; called as ``model(schema, **arguments)``.
        training: settings that differ from `recdemo.training.loop.Settings`, by objective.
        objectives: what it can be trained for.
    """

    key: str
    title: str
    family: str
    idea: str
    source: str
    formula: str
    model: Callable[..., nn.Module]
    training: Mapping[Objective, Mapping[str, float]] = field(default_factory=dict)
    objectives: tuple[Objective, ...] = OBJECTIVES

    @property
    def explains(self) -> list[str]:
        """What can be shown of its inside: ``fields`` and ``history``, read off its methods."""
        shows = {"fields": ShowsFields, "history": ShowsHistory}
        return [name for name, protocol in shows.items() if issubclass(self.model, protocol)]  # type: ignore[arg-type]
