"""A search for settings: trials drawn from a space, each judged on the validation part, the test part never read."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from recdemo.core.errors import RequestError
from recdemo.core.figures import MAIN, METRICS
from recdemo.core.protocols import Solved
from recdemo.core.vocabulary import Objective, Split
from recdemo.data import Dataset
from recdemo.encoding.schema import Schema
from recdemo.training.loop import fit
from recdemo.training.opening import source_of
from recdemo.training.pipeline import build
from recdemo.training.settings import ABOUT, Settings
from recdemo.training.stage import DivergedError
from recdemo.training.validation import validation


@dataclass(frozen=True, slots=True)
class Trial:
    """One combination of the space, and what it reached."""

    values: dict[str, Any]
    metric: str
    figure: float | None  # of the best epoch on the validation part; None where training diverged
    best_epoch: int
    seconds: float


def draw(space: Mapping[str, Sequence[Any]], trials: int, seed: int = 0) -> list[dict[str, Any]]:
    """Different combinations of a space, drawn at random; all of them where there are no more than `trials`."""
    every = [dict(zip(space, values, strict=True)) for values in itertools.product(*space.values())]
    return every if len(every) <= trials else random.Random(seed).sample(every, trials)


def search(
    model: str,
    objective: Objective,
    dataset: Dataset,
    schema: Schema,
    settings: Settings,
    space: Mapping[str, Sequence[Any]],
    *,
    trials: int,
    split: Split = "order",
    on_trial: Callable[[Trial], None] = lambda trial: None,
) -> list[Trial]:
    """Train a model once for each combination drawn.

    Args:
        model: key.
        objective: what for.
        dataset: users and ratings.
        schema: of the catalogue.
        settings: of every trial, but for what the space varies.
        space: values to try, by the name of a setting or of a constructor argument.
        trials: at most this many.
        split: which part validates.
        on_trial: called after each.

    Returns:
        Best first; what diverged, last.

    Raises:
        RequestError: the model has no such argument, or is solved and has no such setting; or it cannot be trained with
            one of the values.
    """
    metric = MAIN[objective]
    sign = METRICS[metric].better
    done = []
    for values in draw(space, trials, settings.seed):
        chosen = replace(settings, **{n: v for n, v in values.items() if n in ABOUT})
        arguments = {name: value for name, value in values.items() if name not in ABOUT}
        schema = schema.of_length(chosen.history_length)
        source = source_of(dataset, schema, split)
        torch.manual_seed(chosen.seed)
        network, _ = build(model, objective, dataset, schema, arguments, chosen.start_from)
        if isinstance(network, Solved) and len(arguments) < len(values):
            raise RequestError(
                f"{model} is solved in one go and has no {next(n for n in values if n in ABOUT)} to search for; vary its "
                "constructor arguments"
            )
        try:
            result = fit(network, source, objective, chosen)
        except DivergedError:  # which says enough about these values
            done.append(Trial(values, metric, None, 0, 0.0))
        else:
            if result.epochs:
                best = result.epochs[result.best_epoch - 1].metrics
            else:
                best = validation(source, objective)(network)
            done.append(Trial(values, metric, best[metric], result.best_epoch, result.seconds))
        on_trial(done[-1])
    found = [trial for trial in done if trial.figure is not None]
    lost = [trial for trial in done if trial.figure is None]
    return sorted(found, key=lambda trial: -sign * (trial.figure or 0.0)) + lost


def markdown(title: str, command: str, trials: Sequence[Trial]) -> str:
    """A search as a section of `docs/searches.md`."""
    names = list(trials[0].values)
    lines = [
        f"## {title}",
        "",
        f"`{command}`",
        "",
        f"| {' | '.join(names)} | validation {trials[0].metric} | best epoch | seconds |",
        f"|{'---|' * (len(names) + 3)}",
    ]
    for trial in trials:
        figure = "diverged" if trial.figure is None else f"{trial.figure:.4f}"
        cells = [*map(str, trial.values.values()), figure, trial.best_epoch, f"{trial.seconds:.0f}"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"
