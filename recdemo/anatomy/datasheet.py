"""A model on paper: what it can be built with, how this one was trained, where its code is. All read off the code itself."""

from __future__ import annotations

import importlib
import inspect
import re
from dataclasses import asdict
from types import ModuleType
from typing import Any

import pandas as pd
from torch import nn

from recdemo.blocks.embedding import FieldEmbedding
from recdemo.checkpoints import Checkpoint
from recdemo.core.batch import Batch
from recdemo.core.wording import counted
from recdemo.models import CARDS
from recdemo.training.settings import ABOUT, Settings


def arguments(checkpoint: Checkpoint) -> pd.DataFrame:
    """What the model's constructor can be given.

    Returns:
        Columns ``argument``, ``default``, ``used`` (in this checkpoint) and ``meaning``.
    """
    card = CARDS[checkpoint.card.model]
    kind = type(checkpoint.model)
    meanings = _documented(kind)
    used = {**card.arguments, **checkpoint.card.arguments}
    rows = []
    for name, parameter in inspect.signature(kind).parameters.items():
        if name == "schema":
            continue
        default = parameter.default
        rows.append(
            (name, _shown(default), _shown(used.get(name, default)), meanings.get(name, ""))
        )
    return pd.DataFrame(rows, columns=["argument", "default", "used", "meaning"])


def training(checkpoint: Checkpoint) -> pd.DataFrame:
    """The settings this checkpoint was trained with: columns ``setting``, ``default``, ``used``, ``meaning``."""
    defaults = asdict(Settings())
    rows = [
        (name, _shown(defaults.get(name)), _shown(value), _meaning(name))
        for name, value in checkpoint.card.settings.items()
    ]
    return pd.DataFrame(rows, columns=["setting", "default", "used", "meaning"])


def _meaning(setting: str) -> str:
    return ABOUT[setting].meaning.rstrip(".") if setting in ABOUT else ""


def letters(checkpoint: Checkpoint, batch: Batch) -> dict[str, str]:
    """What the letters of tensor shapes stand for here, as in `recdemo.core`."""
    model, schema = checkpoint.model, checkpoint.schema
    found = {
        "U": f"{batch.users} visitor",
        "C": f"{counted(batch.candidates, 'film')} to score",
        "L": f"{schema.history_length} places for films watched",
        "M": f"{schema.size:,} films, tables have one row more",
    }
    used = {**_defaults(type(model)), **CARDS[checkpoint.card.model].arguments}
    used |= checkpoint.card.arguments
    for letter, name, words in (
        ("k", "embed_dim", "numbers in a vector"),
        ("H", "heads", "heads of attention"),
    ):
        if name in used:
            found[letter] = f"{used[name]} {words}"
    for part in model.modules():
        if isinstance(part, FieldEmbedding) and part.user_fields and part.item_fields:
            found["F"] = f"{len(part.fields)} fields"
    return found


def code(checkpoint: Checkpoint) -> dict[str, str]:
    """Source of the model, then of each block it is made of, by path within the repository."""
    modules = [type(checkpoint.model).__module__]
    modules += [type(part).__module__ for part in checkpoint.model.modules()]
    ours = (name for name in dict.fromkeys(modules) if name.startswith("recdemo."))
    return {
        _path(module): inspect.getsource(module) for module in map(importlib.import_module, ours)
    }


def _path(module: ModuleType) -> str:
    return module.__name__.replace(".", "/") + ".py"


def _defaults(kind: type[nn.Module]) -> dict[str, Any]:
    parameters = inspect.signature(kind).parameters.items()
    return {name: p.default for name, p in parameters if p.default is not p.empty}


def _documented(kind: type) -> dict[str, str]:
    """What a class says of its arguments, from the part of its docstring called Args."""
    _, _, after = (inspect.getdoc(kind) or "").partition("Args:\n")
    found: dict[str, str] = {}
    name = ""
    for line in after.splitlines():
        if start := re.match(r" {4}(\w+): (.*)", line):
            name = start[1]
            found[name] = start[2]
        elif line.startswith(" " * 5) and name:
            found[name] += " " + line.strip()
        else:
            break
    return {key: text.replace("`", "").rstrip(".") for key, text in found.items()}


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None or value is inspect.Parameter.empty else str(value)
