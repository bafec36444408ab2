"""One training run, from a source of ratings to a checkpoint on disk."""

from __future__ import annotations

import datetime
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from recdemo import checkpoints
from recdemo.blocks.precision import round_weights
from recdemo.checkpoints import CheckpointCard, Metrics
from recdemo.core.allocator import few_heaps, give_back
from recdemo.core.errors import RequestError
from recdemo.core.protocols import ReadsText
from recdemo.core.report import Report
from recdemo.core.vocabulary import Objective, Split
from recdemo.core.worlds import world_of_data
from recdemo.data import TEST, VALIDATION, Dataset, PartedDataset
from recdemo.data.choices import GUESSED, Choices
from recdemo.encoding.schema import Schema
from recdemo.encoding.text_vectors import title_text, without_words
from recdemo.models import card_of
from recdemo.training.constant import constant_answer
from recdemo.training.distributed import ALONE, Ranks
from recdemo.training.evaluation import report_of
from recdemo.training.faithfulness import measure_faithfulness
from recdemo.training.feed import InMemory, Source, each
from recdemo.training.loop import fit
from recdemo.training.metrics import Answers, questions
from recdemo.training.observer import SILENT, Observer
from recdemo.training.opening import check_opinions, data_card, open_any, source_of
from recdemo.training.settings import Settings
from recdemo.training.snapshot import Fit, StateFile, identity_of
from recdemo.training.start import begin_with
from recdemo.training.validation import answers_of


def train(
    model: str,
    objective: Objective,
    source: str,
    settings: Settings,
    *,
    base: Path,
    choices: Choices = GUESSED,
    split: Split = "order",
    arguments: dict[str, Any] | None = None,
    command: str = "",
    state: Path | None = None,
    ranks: Ranks = ALONE,
    observer: Observer = SILENT,
) -> CheckpointCard:
    """Read, train, measure on the test part once, and save under `base`.

    Args:
        model: key.
        objective: what for.
        source: as in `recdemo.data.load_dataset`, or a folder of parts (`recdemo.data.shards`), which are streamed.
        settings: how to train.
        base: the folder of checkpoints; its catalogue says which films exist.
        choices: how a table of one's own is read.
        split: see `recdemo.data.split`. With ``last`` any film rated counts as picked.
        arguments: constructor arguments that differ from the model's defaults.
        command: what a person types to repeat this; stands in the card.
        state: a file that holds the fit after each epoch; it goes on from there if it is of this fit. One rank and
            whole data only.
        ranks: which of how many processes this is; the first one measures and writes.
        observer: is told how far this is, and what a person should know.

    Raises:
        DataError: the source cannot be read.
        RequestError: the data say nothing about the objective, the model cannot be built with these arguments, or
            training has diverged.
        CheckpointError: the catalogue is damaged.
    """
    few_heaps()  # torch's threads make tensors of their own
    if state and not ranks.alone:
        raise RequestError("a fit of several processes cannot be resumed; train without a state")
    observer.on_read()
    dataset, schema = open_any(source, base, choices, write=ranks.first)
    schema = schema.of_length(settings.history_length)
    if state and not isinstance(dataset, Dataset):
        raise RequestError("a fit of data in parts cannot be resumed; train without a state")
    feed = source_of(dataset, schema, split)
    data = data_card(dataset)
    observer.on_start(data)
    if isinstance(feed, InMemory):
        check_opinions(*feed[0], objective, data.title)
    torch.manual_seed(settings.seed)
    network, arguments = build(
        model, objective, dataset, schema, arguments or {}, settings.start_from
    )
    if isinstance(network, ReadsText) and (problem := without_words(schema)):
        observer.on_problem(problem)
    del dataset  # the ratings are tensors by now
    give_back()
    kept = None
    if state:
        what = (model, objective, arguments, asdict(settings), split, schema.hash)
        kept = StateFile(state, _identity(feed, what))
    result = fit(network, feed, objective, settings, state=kept, ranks=ranks, observer=observer)
    observer.on_measure()

    def measure_and_save() -> CheckpointCard:
        round_weights(network)
        metrics, report = _measure(network, feed, objective, split, result)
        card = CheckpointCard(
            format=checkpoints.FORMAT,
            model=model,
            objective=objective,
            arguments=arguments,
            schema_hash=schema.hash,
            history_length=schema.history_length,
            weights_sha256="",
            parameters=sum(p.numel() for p in network.parameters()),
            metrics=metrics,
            constant=None if model == "popularity" else constant_answer(feed, objective),
            data=data,
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

    card = ranks.on_main(measure_and_save)
    if card.nothing_learned:
        observer.on_problem(card.nothing_learned)
    return card


def _identity(feed: Source, what: tuple[Any, ...]) -> str:
    """Of a fit: what it is of, and the ratings that it reads."""
    ratings, _ = feed[0]
    return identity_of(*what, tensors=[ratings.user, ratings.movie, ratings.stars, ratings.profile])


def _measure(
    network: nn.Module, feed: Source, objective: Objective, split: Split, result: Fit
) -> tuple[Metrics, Report]:
    """What the best epoch had on the validation part, and what the test part says, asked this once."""

    def answers_about(which: int) -> Answers:
        asked = [questions(ratings, part == which, objective) for ratings, part in each(feed)]
        return answers_of(network, feed, asked, objective)

    # `next` is validated on a sample of users; without epochs, as popularity, all of them are asked.
    best = next((epoch for epoch in result.epochs if epoch.epoch == result.best_epoch), None)
    validated = best.metrics if best else answers_about(VALIDATION).metrics
    tested = answers_about(TEST)
    report = report_of(tested, films=feed.schema.size)
    if split == "order" and isinstance(feed, InMemory):
        ratings, part = feed[0]
        faithful = measure_faithfulness(network, ratings, part == TEST)
        report = report.model_copy(update={"faithfulness": faithful})
    return Metrics(validation=validated, test=tested.metrics), report


def build(
    model: str,
    objective: Objective,
    dataset: Dataset | PartedDataset,
    schema: Schema,
    arguments: dict[str, Any],
    start_from: str = "",
) -> tuple[nn.Module, dict[str, Any]]:
    """A fresh model for a data set, and all the constructor arguments that differ from its class's defaults.

    Args:
        model: key.
        objective: what for.
        dataset: its users and its name count.
        schema: of its films.
        arguments: that differ from those the model is trained with by its card.
        start_from: key of a shipped model to begin with, see `begin_with`.

    Raises:
        RequestError: the model cannot be built with these arguments, reads titles and no title has a word, or does not fit
            what it should begin with.
        CheckpointError: what it should begin with is missing or damaged.
    """
    card, world = card_of(model), world_of_data(dataset.name).key
    own = {**card.arguments_for.get(objective, {}), **card.arguments_in.get((world, objective), {})}
    arguments = {**own, **arguments}
    if card.knows_users:
        arguments |= {"users": len(dataset.users), "objective": objective}
    try:
        network = card.model(schema, **arguments)
        if isinstance(network, ReadsText):
            network.start_from(title_text(schema))
    except (
        ArithmeticError,
        TypeError,
        ValueError,
        RuntimeError,
    ) as error:  # torch raises RuntimeError for sizes
        raise RequestError(f"{model} cannot be built with {arguments}: {error}") from error
    if start_from:
        begin_with(network, schema, start_from, objective)
    return network, arguments
