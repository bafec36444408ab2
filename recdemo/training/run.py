"""One training run, from a source of ratings to a checkpoint on disk."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from recdemo import checkpoints
from recdemo.catalogue import catalogue_of, read_catalogue, write_catalogue
from recdemo.checkpoints import CheckpointCard, DataCard, Metrics
from recdemo.contracts import Objective, RequestError
from recdemo.data import TEST, VALIDATION, Dataset, load_dataset, split_by_order
from recdemo.features import Ratings, Schema
from recdemo.models import card_of
from recdemo.training.loop import Epoch, Settings, evaluate, fit


def settings_for(model: str, objective: Objective, **changes: Any) -> Settings:
    """The settings a model is best trained with, with changes; None changes nothing.

    Raises:
        RequestError: no such model, or it has no such objective.
    """
    card = card_of(model)
    if objective not in card.objectives:
        raise RequestError(
            f"{model} has no objective {objective!r}; use {' or '.join(card.objectives)}"
        )
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
        arguments: constructor arguments that differ from the model's defaults.
        command: what a person types to repeat this; stands in the card.
        on_start: called once the data are read.
        on_step: as in `fit`.
        on_epoch: as in `fit`.
    """
    dataset, schema = open_data(source, base)
    ratings = Ratings(dataset, schema)
    part = torch.from_numpy(split_by_order(dataset.ratings))
    on_start(dataset)
    torch.manual_seed(settings.seed)
    network = card_of(model).model(schema, **(arguments or {}))
    result = fit(network, ratings, part, objective, settings, on_step=on_step, on_epoch=on_epoch)
    card = CheckpointCard(
        format=checkpoints.FORMAT,
        model=model,
        objective=objective,
        arguments=arguments or {},
        schema_hash=schema.hash,
        history_length=schema.history_length,
        weights_sha256="",
        parameters=sum(p.numel() for p in network.parameters()),
        metrics=Metrics(
            validation=evaluate(network, ratings, part == VALIDATION, objective),
            test=evaluate(network, ratings, part == TEST, objective),
        ),
        data=DataCard(
            name=dataset.name,
            title=dataset.title,
            simulated=dataset.simulated,
            users=len(dataset.users),
            films=int(dataset.ratings["movie_id"].nunique()),
            ratings=len(dataset.ratings),
        ),
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
