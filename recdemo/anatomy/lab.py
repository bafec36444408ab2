"""Experiments on single parts: five activations as curves, and five ways to weigh the films watched.

Activations are document section 3.3.3, fig. 3-22; they are computed by the blocks the models use, and their slopes by torch's
own differentiation. The ways to weigh are document eq. 3-12 and 3-16 to 3-18 (`recdemo.blocks.attention.BasicAttention`): each has a
small DIN of its own, trained alike but for that, so that what differs between them is the formula.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from recdemo import checkpoints
from recdemo.blocks.attention import Basic
from recdemo.blocks.mlp import Dice
from recdemo.checkpoints import Checkpoint
from recdemo.core.protocols import ShowsHistory
from recdemo.core.session import Session
from recdemo.encoding.encode import encode
from recdemo.training.command import train_words, typed
from recdemo.training.pipeline import train
from recdemo.training.settings import settings_for

ACTIVATIONS = ("ReLU", "LeakyReLU", "PReLU", "RReLU", "Dice")
REACH = 4.0  # curves are drawn from minus to plus this
BELOW = -2.0  # the input below zero that is told of
POINTS = 401
CHANCE = 0.001  # of AUC between two of the small models, each trained once


@dataclass(frozen=True, slots=True)
class Slopes:
    """What the activations are set to.

    Args:
        leaky: slope of LeakyReLU below zero, chosen by hand.
        learned: slope of PReLU below zero, which training would learn.
        lower: least slope that RReLU draws in training.
        upper: greatest.
        dice: a of Dice, which training would learn.
        mean: of the inputs that Dice has seen.
        deviation: their standard deviation, above zero.
    """

    leaky: float = 0.01
    learned: float = 0.25
    lower: float = 0.125
    upper: float = 0.333
    dice: float = 0.0
    mean: float = 0.0
    deviation: float = 1.0


def activation(name: str, slopes: Slopes) -> nn.Module:
    """One of `ACTIVATIONS`, as it answers once trained.

    Raises:
        ValueError: there is no such activation.
    """
    if name == "Dice":
        dice = Dice(1)
        with torch.no_grad():
            dice.alpha.fill_(slopes.dice)
        dice.norm.running_mean = torch.tensor([slopes.mean])
        dice.norm.running_var = torch.tensor([slopes.deviation**2])
        return dice.eval()
    made: dict[str, nn.Module] = {
        "ReLU": nn.ReLU(),
        "LeakyReLU": nn.LeakyReLU(slopes.leaky),
        "PReLU": nn.PReLU(init=slopes.learned),
        "RReLU": nn.RReLU(slopes.lower, slopes.upper),
    }
    if name not in made:
        raise ValueError(f"activation {name!r} is unknown; use one of {' '.join(ACTIVATIONS)}")
    return made[name].eval()


def activation_curves(names: Sequence[str], slopes: Slopes) -> pd.DataFrame:
    """Some of `ACTIVATIONS` from minus to plus `REACH`.

    Returns:
        Columns ``name``, ``x``, ``y``, ``slope`` (dy/dx), and ``low`` and ``high``, between which y lies in
        training: they differ for RReLU only.
    """
    x = torch.linspace(-REACH, REACH, POINTS)
    parts = []
    for name in names:
        given = x.unsqueeze(1).clone().requires_grad_()
        y = activation(name, slopes)(given)
        (slope,) = torch.autograd.grad(y.sum(), given)
        y = y.detach().squeeze(1)
        low = high = y
        if name == "RReLU":
            ends = torch.stack([torch.where(x < 0, x * a, x) for a in (slopes.lower, slopes.upper)])
            low, high = ends.min(0).values, ends.max(0).values
        columns = {"x": x, "y": y, "slope": slope.squeeze(1), "low": low, "high": high}
        parts.append(pd.DataFrame({k: v.numpy() for k, v in columns.items()}).assign(name=name))
    return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True, slots=True)
class Formula:
    """One way to weigh a film watched.

    Args:
        title: name for people.
        formula: LaTeX.
        source: where the document has it.
        idea: one sentence.
    """

    title: str
    formula: str
    source: str
    idea: str


FORMULAS: dict[Basic, Formula] = {
    "item": Formula(
        "The film alone",
        r"a_i = \mathrm{softmax}_i\; h^\top \sigma(W x_i + b)",
        "eq. 3-12, 3-16",
        "Some films say more about a person than others, whatever is asked.",
    ),
    "user": Formula(
        "Film and visitor",
        r"a_i = \mathrm{softmax}_i\; h^\top \sigma(W (x_i \odot u) + b)",
        "eq. 3-18, with the visitor's u",
        "Who looks decides which of their films count.",
    ),
    "dot": Formula(
        "Dot product",
        r"a_i = \mathrm{softmax}_i\; x_i \cdot q",
        "eq. 3-17, left",
        "What lies close to the film asked about counts; there is nothing to learn.",
    ),
    "bilinear": Formula(
        "Bilinear",
        r"a_i = \mathrm{softmax}_i\; x_i^\top W q",
        "eq. 3-17, right",
        "As the dot product, after learning what is to be compared with what.",
    ),
    "elementwise": Formula(
        "Product by element",
        r"a_i = \mathrm{softmax}_i\; h^\top \sigma(W (x_i \odot q) + b)",
        "eq. 3-18",
        "The products are kept apart, and a small network weighs them.",
    ),
}

FOLDER = "lab"
# Small steps, many of them: from fresh weights, which weigh all films alike, attention is slow to move.
SETTINGS: dict[str, Any] = {
    "epochs": 3,
    "batch_size": 256,
    "learning_rate": 0.005,
    "weight_decay": 0.0,
    "share": 0.25,
}
ARGUMENTS = {"softmax": True, "embed_dim": 16, "attention_hidden": 8, "hidden": [32, 16]}


def folder_of(kind: Basic, base: Path | None = None) -> Path:
    """Where the small DIN of one formula lies: beside the models of the zoo, and not one of them."""
    return checkpoints.folder_of("din", "like", _home(kind, base))


def command_of(kind: Basic, source: str = "ml-1m") -> str:
    """What a person types to train the small DIN of one formula."""
    words = train_words(
        "din", "like", source, settings=SETTINGS, arguments={"attention": kind, **ARGUMENTS}
    )
    return typed([*words, "--out", f"checkpoints/{FOLDER}/{kind}"])


def train_missing(
    source: str, base: Path | None = None, on_start: Callable[[str], None] = lambda what: None
) -> None:
    """Train the small DIN of every formula that has none.

    Args:
        source: as in `recdemo.data.load_dataset`.
        base: folder of checkpoints; None for the shipped one.
        on_start: called with the command of each.
    """
    for kind in FORMULAS:
        folder = folder_of(kind, base)
        if (folder / checkpoints.CARD).exists():
            continue
        on_start(command_of(kind, source))
        with TemporaryDirectory() as aside:  # where a run leaves its copy of the catalogue
            train(
                "din",
                "like",
                source,
                settings_for("din", "like", seed=0, **SETTINGS),
                base=Path(aside),
                arguments={"attention": kind, **ARGUMENTS},
                command=command_of(kind, source),
            )
            folder.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(checkpoints.folder_of("din", "like", Path(aside)), folder)


def change_with_target(checkpoint: Checkpoint, session: Session) -> float:
    """How much the film asked about changes the weights: the greatest difference between any two films of
    the catalogue in the weight of one film watched. Zero for an empty history.

    Args:
        checkpoint: of a model with `ShowsHistory`.
        session: who asks.
    """
    schema, model = checkpoint.schema, checkpoint.model
    if not isinstance(model, ShowsHistory):
        raise TypeError(f"{checkpoint.card.model} does not weigh the films of a history")
    with torch.inference_mode():
        batch = encode(schema, [session], torch.arange(1, schema.size + 1))
        weights = model.history_weights(batch)[0]  # [C, L]
    return float((weights.max(0).values - weights.min(0).values).max())


def films_that_count(weights: Sequence[float] | np.ndarray) -> float:
    """How many films the weights are spread over: 1 / Σ a², which is n for n equal weights and 1 for a single one."""
    shares = np.asarray(weights, dtype=float)
    return float(1 / np.square(shares / shares.sum()).sum())


def _home(kind: Basic, base: Path | None) -> Path:
    return (base or checkpoints.root()) / FOLDER / kind


def what_curves_say(table: pd.DataFrame, slopes: Slopes) -> str:
    """What the curves chosen make of an input below zero, and where they learn nothing.

    Args:
        table: as `activation_curves` returns it.
        slopes: what it was made with.
    """
    there = table[(table["x"] - BELOW).abs() < 1e-4].set_index("name")
    dead = there.index[there["slope"] == 0]
    values = there["y"].sort_values()
    made = [f"{_signed(value)} with {name}" for name, value in values.items()]
    ends = f"{made[0]} and {made[-1]}" if len(made) > 1 else made[0]
    rest = {1: "", 2: "", 3: "; the other lies between"}.get(len(made), "; the others lie between")
    parts = [f"**An input of {BELOW:.0f}".replace("-", "−") + f" becomes {ends}{rest}.**"]
    if len(dead):
        verb = "has" if len(dead) == 1 else "have"
        parts.append(f"{' and '.join(dead)} {verb} no slope there: nothing is learned from it.")
    dice = table[table["name"] == "Dice"]
    if len(dice):
        parts.append(
            f"Dice turns around the mean of its inputs, {_signed(slopes.mean)}: its slope runs from "
            f"{_signed(dice['slope'].min())} to {_signed(dice['slope'].max())}."
        )
    return " ".join(parts)


def who_looks(changes: Mapping[Basic, float]) -> str:
    """Which ways to weigh look at the film asked about, and which of them moves most.

    Args:
        changes: as `change_with_target` gives it, for each way.
    """

    def named(kinds: Sequence[Basic]) -> str:
        return " and ".join(f"**{FORMULAS[kind].title}**" for kind in kinds)

    same = [kind for kind, change in changes.items() if change < 1e-6]
    other = [kind for kind in changes if kind not in same]
    parts = []
    if same:
        verb = "gives" if len(same) == 1 else "give"
        parts.append(
            f"{named(same)} {verb} these films the same weights whatever film is asked about."
        )
    if other:
        most = max(other, key=changes.__getitem__)
        if not same:
            who = "All look at the film asked about"
        elif len(other) == 1:
            who = "The other one looks at it"
        else:
            who = f"The other {len(other)} look at it"
        parts.append(
            f"{who}: {named([most])} moves most, a weight by up to "
            f"{100 * changes[most]:.0f} percentage points over the catalogue."
        )
    return " ".join(parts)


def who_does_best(aucs: Mapping[Basic, float]) -> str:
    """Which way to weigh has the best test AUC, and which are within chance of it."""
    best = max(aucs, key=aucs.__getitem__)
    level = [FORMULAS[k].title for k in aucs if k != best and aucs[best] - aucs[k] < CHANCE]
    verb = "is" if len(level) == 1 else "are"
    near = f"; {' and '.join(level)} {verb} within chance of it." if level else "."
    return f"{FORMULAS[best].title} does best, with a test AUC of {aucs[best]:.4f}{near}"


def _signed(value: float) -> str:
    return f"{value + 0.0:.2f}".replace("-", "−")
