"""The command that trains a model: what a card states, what a run is started with, what a page shows to type."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from recdemo.core.vocabulary import Objective, Split
from recdemo.data.choices import GUESSED, Choices
from recdemo.training.settings import options


def train_words(
    model: str,
    objective: Objective,
    source: str,
    *,
    seed: int = 0,
    split: Split = "order",
    settings: Mapping[str, Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
    choices: Choices = GUESSED,
) -> list[str]:
    """What follows ``python``.

    Args:
        model, objective: what is trained, and for what.
        source: as in `recdemo.data.load_dataset`.
        seed, split: of the run.
        settings: those that are not the model's own; None among them is left out.
        arguments: of the model's constructor, those that are not its card's.
        choices: how a table of one's own is read.
    """
    words = ["-m", "recdemo", "train", model, "--objective", objective]
    words += [f"--data={source}"] if source.startswith("-") else ["--data", source]
    words += ["--seed", str(seed)]
    words += [] if split == "order" else ["--split", split]
    words += choices.words()
    words += options(dict(settings or {}))
    for name, value in (arguments or {}).items():
        words += ["--argument", f"{name}={_plain(value)}"]
    return words


def typed(words: list[str]) -> str:
    """Words as a person types them."""
    return shlex.join(["python", *words])


def _plain(value: Any) -> str:
    """JSON, but for a word that is none by chance."""
    try:
        json.loads(value)
    except (TypeError, ValueError):
        return value if isinstance(value, str) else json.dumps(value)
    return json.dumps(value)
