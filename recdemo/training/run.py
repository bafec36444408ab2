"""One training run, from a source of ratings to a checkpoint on disk."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from recdemo import checkpoints
from recdemo.catalogue import catalogue_of, read_catalogue, write_catalogue
from recdemo.checkpoints import Checkpoint, CheckpointCard, DataCard, Metrics
from recdemo.contracts import Objective, ReadsText, RequestError, Split
from recdemo.data import TEST, VALIDATION, Dataset, load_dataset, split_ratings
from recdemo.features import Ratings, Schema
from recdemo.models import card_of, objective_of
from recdemo.text import title_text
from recdemo.training.loop import Epoch, Settings, evaluate, fit
from recdemo.training.report import measure


def settings_for(model: str, objective: Objective, **changes: Any) -> Settings:
    """The settings a model is best trained with, with changes; None changes nothing.

    Raises:
        RequestError: no such model, or it has no such objective.
    """
    card = card_of(model)
    objective = objective_of(model, objective)
    given = {name: value for name, value in changes.items() if value is not None}
    settings: Settings = replace(Settings(), **{**card.training.get(objective, {}), **given})
    return settings


def open_data(source: str, base: Path) -> tuple[Dataset, Schema]:
    """A data set and the schema of the catalogue in `base`.

    A new folder gets a copy of the shipped catalogue; where there is none, one written from the data.

    Raises:
        DataError: the source cannot be read.
        CheckpointError: the catalogue is damaged.
    """
    path, shipped = base / checkpoints.CATALOGUE, checkpoints.root() / checkpoints.CATALOGUE
    known = next((place for place in (path, shipped) if place.exists()), None)
    catalogue = read_catalogue(known) if known else None
    dataset = load_dataset(source, catalogue)
    if catalogue is None:
        catalogue = catalogue_of(dataset)
    if not path.exists():
        base.mkdir(parents=True, exist_ok=True)
        write_catalogue(catalogue, path)
    return dataset, Schema(catalogue)


def train(
    model: str,
    objective: Objective,
    source: str,
    settings: Settings,
    *,
    base: Path,
    split: Split = "order",
    arguments: dict[str, Any] | None = None,
    command: str = "",
    on_start: Callable[[Dataset], None] = lambda dataset: None,
    on_step: Callable[[int, int], None] = lambda step, steps: None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> CheckpointCard:
    """Read, train, measure on the test part once, and save under `base`.

    Args:
        model: key.
        objective: `like` or `next`.
        source: as in `recdemo.data.load_dataset`.
        settings: how to train.
        base: the folder of checkpoints; its catalogue says which films exist.
        split: see `recdemo.data.split`. With ``last`` any film rated counts as picked.
        arguments: constructor arguments that differ from the model's defaults.
        command: what a person types to repeat this; stands in the card.
        on_start: called once the data are read.
        on_step: as in `fit`.
        on_epoch: as in `fit`.
    """
    dataset, schema = open_data(source, base)
    ratings = Ratings(dataset, schema, every_film=split == "last")
    part = torch.from_numpy(split_ratings(dataset.ratings, split))
    on_start(dataset)
    torch.manual_seed(settings.seed)
    arguments = dict(arguments or {})
    if card_of(model).knows_users:
        arguments |= {"users": len(dataset.users), "objective": objective}
    try:
        network = card_of(model).model(schema, **arguments)
    except (TypeError, ValueError) as error:
        raise RequestError(f"{model} cannot be built with {arguments}: {error}") from error
    if isinstance(network, ReadsText):
        network.start_from(title_text(schema))
    result = fit(network, ratings, part, objective, settings, on_step=on_step, on_epoch=on_epoch)
    checkpoints.round_weights(network)
    # `next` is validated on a sample of users; without epochs, as popularity, all of them are asked.
    best = next((epoch for epoch in result.epochs if epoch.epoch == result.best_epoch), None)
    validated = best.metrics if best else evaluate(network, ratings, part == VALIDATION, objective)
    figures, report = measure(network, ratings, part == TEST, objective)
    card = CheckpointCard(
        format=checkpoints.FORMAT,
        model=model,
        objective=objective,
        arguments=arguments,
        schema_hash=schema.hash,
        history_length=schema.history_length,
        weights_sha256="",
        parameters=sum(p.numel() for p in network.parameters()),
        metrics=Metrics(
            validation=validated,
            test=figures,
        ),
        data=DataCard(
            name=dataset.name,
            title=dataset.title,
            simulated=dataset.simulated,
            users=len(dataset.users),
            films=int(dataset.ratings["movie_id"].nunique()),
            ratings=len(dataset.ratings),
        ),
        split=split,
        report=report.model_dump(),
        seed=settings.seed,
        command=command,
        settings=asdict(settings),
        epochs=[asdict(epoch) for epoch in result.epochs],
        best_epoch=result.best_epoch,
        seconds=result.seconds,
        date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        versions=checkpoints.versions(),
    )
    return checkpoints.save(network, card, checkpoints.folder_of(model, objective, base))


def open_test_part(loaded: Checkpoint, source: str) -> tuple[Dataset, Ratings, Tensor]:
    """A data set as a checkpoint's own split tests it: all ratings, and [N] True for the test part.

    Raises:
        DataError: the source cannot be read.
    """
    dataset = load_dataset(source, loaded.schema.movies)
    split = loaded.card.split
    ratings = Ratings(dataset, loaded.schema, every_film=split == "last")
    return dataset, ratings, torch.from_numpy(split_ratings(dataset.ratings, split)) == TEST


def measure_again(
    model: str, objective: Objective, source: str, base: Path | None = None
) -> CheckpointCard:
    """Measure a checkpoint in detail, and save it with what was found in its card."""
    loaded = checkpoints.load(model, objective, base)
    checkpoints.round_weights(loaded.model)
    _, ratings, test = open_test_part(loaded, source)
    figures, report = measure(loaded.model, ratings, test, objective)
    metrics = loaded.card.metrics.model_copy(update={"test": figures})
    card = loaded.card.model_copy(update={"metrics": metrics, "report": report.model_dump()})
    return checkpoints.save(loaded.model, card, loaded.folder)


def command_of(model: str, objective: Objective, source: str, seed: int, split: Split) -> str:
    """What a person types to train this."""
    command = (
        f"python -m recdemo train {model} --objective {objective} --data {source} --seed {seed}"
    )
    return command if split == "order" else f"{command} --split {split}"
