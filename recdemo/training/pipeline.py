"""One training run, from a source of ratings to a checkpoint on disk."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import torch
from torch import Tensor, nn

from recdemo import checkpoints
from recdemo.checkpoints import Checkpoint, CheckpointCard, DataCard, Metrics
from recdemo.core.allocator import few_heaps, give_back
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.core.files import draft_of
from recdemo.core.protocols import ReadsText
from recdemo.core.report import Report
from recdemo.core.vocabulary import LIKED_FROM, Objective, Split
from recdemo.data import (
    TEST,
    TRAIN,
    VALIDATION,
    Dataset,
    PartedDataset,
    in_parts,
    load_dataset,
    open_parts,
    split_ratings,
)
from recdemo.data.catalogue import catalogue_of, read_catalogue, write_catalogue
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.encoding.text_vectors import title_text
from recdemo.models import card_of
from recdemo.training import snapshot
from recdemo.training.constant import constant_answer
from recdemo.training.distributed import ALONE, Ranks
from recdemo.training.evaluation import measure, report_of
from recdemo.training.faithfulness import measure_faithfulness
from recdemo.training.feed import InMemory, Sharded, Source, each
from recdemo.training.loop import answers_of, fit_parts
from recdemo.training.metrics import Answers, questions
from recdemo.training.settings import Epoch, Settings, Step
from recdemo.training.settings import settings_for as settings_for

Data = TypeVar("Data", Dataset, PartedDataset, Dataset | PartedDataset)


def open_data(source: str, base: Path) -> tuple[Dataset, Schema]:
    """A data set and the schema of the catalogue in `base`.

    A new folder gets a copy of the shipped catalogue; where there is none, or the data have films of their own,
    one written from the data.

    Raises:
        DataError: the source cannot be read.
        CheckpointError: the catalogue is damaged, or the data have films of their own and it lists others.
    """
    return _open(lambda catalogue: load_dataset(source, catalogue), base)


def _open(
    read: Callable[[pd.DataFrame | None], Data], base: Path, *, write: bool = True
) -> tuple[Data, Schema]:
    """The same for data that `read` gives for a catalogue; with `write` off, the folder stays as it is."""
    path, shipped = base / checkpoints.CATALOGUE, checkpoints.root() / checkpoints.CATALOGUE
    known = next((place for place in (path, shipped) if place.exists()), None)
    catalogue = read_catalogue(known) if known else None
    dataset = read(catalogue)
    if catalogue is None or (dataset.own_films and not path.exists()):
        catalogue = _catalogue_of(dataset)
    if dataset.own_films and not _lists(catalogue, dataset):
        raise CheckpointError(
            f"{path} lists other films than {dataset.title}, which has films of its own; train in a new folder"
        )
    if write and not path.exists():
        base.mkdir(parents=True, exist_ok=True)
        with draft_of(path) as draft:
            write_catalogue(catalogue, draft)
    return dataset, Schema(catalogue)


def _read(source: str, catalogue: pd.DataFrame | None) -> Dataset | PartedDataset:
    return open_parts(source) if in_parts(source) else load_dataset(source, catalogue)


def _catalogue_of(dataset: Dataset | PartedDataset) -> pd.DataFrame:
    """`catalogue_of` a data set, whole or in parts."""
    if isinstance(dataset, Dataset):
        return catalogue_of(dataset)
    catalogue, *others = (catalogue_of(dataset[place]) for place in range(len(dataset)))
    counts = ["ratings", "likes"]
    return catalogue.assign(**sum((other[counts] for other in others), catalogue[counts]))


def _lists(catalogue: pd.DataFrame, dataset: Dataset | PartedDataset) -> bool:
    """Whether a catalogue is that of a data set."""
    columns = ["movie_id", "title", "year"]
    return catalogue[columns].to_numpy().tolist() == dataset.movies[columns].to_numpy().tolist()


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
    state: Path | None = None,
    ranks: Ranks = ALONE,
    on_start: Callable[[DataCard], None] = lambda data: None,
    on_step: Callable[[Step], None] = lambda step: None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    on_measure: Callable[[], None] = lambda: None,
    on_problem: Callable[[str], None] = lambda problem: None,
) -> CheckpointCard:
    """Read, train, measure on the test part once, and save under `base`.

    Args:
        model: key.
        objective: what for.
        source: as in `recdemo.data.load_dataset`, or a folder of parts (`recdemo.data.shards`), which are streamed.
        settings: how to train.
        base: the folder of checkpoints; its catalogue says which films exist.
        split: see `recdemo.data.split`. With ``last`` any film rated counts as picked.
        arguments: constructor arguments that differ from the model's defaults.
        command: what a person types to repeat this; stands in the card.
        state: a file that holds the fit after each epoch; it goes on from there if it is of this fit. One rank and
            whole data only.
        ranks: which of how many processes this is; the first one measures and writes.
        on_start: called with what the data are, once they are read.
        on_step: as in `fit`.
        on_epoch: as in `fit`; called first for the epochs that `state` holds.
        on_measure: called when training is over.
        on_problem: called with what a person should know: that `state` was damaged, and the fit starts from the
            beginning; or that nothing was learned.

    Raises:
        DataError: the source cannot be read.
        RequestError: the data say nothing about the objective, the model cannot be built with these arguments, or
            training has diverged.
        CheckpointError: the catalogue is damaged.
    """
    few_heaps()  # torch's threads make tensors of their own
    if state and not ranks.alone:
        raise RequestError("a fit of several processes cannot be resumed; train without a state")
    dataset, schema = _open(lambda known: _read(source, known), base, write=ranks.first)
    schema = schema.of_length(settings.history_length)
    if state and not isinstance(dataset, Dataset):
        raise RequestError("a fit of data in parts cannot be resumed; train without a state")
    feed = _feed_of(dataset, schema, split)
    data = _data_card(dataset)
    on_start(data)
    if isinstance(feed, InMemory):
        check_opinions(*feed[0], objective, data.title)
    torch.manual_seed(settings.seed)
    network, arguments = build(model, objective, dataset, schema, arguments or {})
    del dataset  # the ratings are tensors by now
    give_back()
    start = None
    if state:
        ratings, _ = feed[0]
        identity = snapshot.identity_of(
            *(model, objective, arguments, asdict(settings), split, schema.hash),
            tensors=[ratings.user, ratings.movie, ratings.stars, ratings.profile],
        )
        try:
            start = snapshot.read(state, identity)
        except CheckpointError as error:
            on_problem(f"{error}; the run starts from the beginning")
        for epoch in start.fit.epochs if start else ():
            on_epoch(epoch)
    result = fit_parts(
        network,
        feed,
        objective,
        settings,
        start=start,
        ranks=ranks,
        on_step=on_step,
        on_epoch=on_epoch,
        on_snapshot=lambda found: snapshot.write(state, found, identity) if state else None,
    )
    on_measure()

    def answers_about(which: int) -> Answers:
        asked = [questions(ratings, part == which, objective) for ratings, part in each(feed)]
        return answers_of(network, feed, asked, objective)

    def measure_and_save() -> CheckpointCard:
        checkpoints.round_weights(network)
        # `next` is validated on a sample of users; without epochs, as popularity, all of them are asked.
        best = next((epoch for epoch in result.epochs if epoch.epoch == result.best_epoch), None)
        validated = best.metrics if best else answers_about(VALIDATION).metrics
        tested = answers_about(TEST)
        report = report_of(tested, films=schema.size)
        if split == "order" and isinstance(feed, InMemory):
            ratings, part = feed[0]
            faithful = measure_faithfulness(network, ratings, part == TEST)
            report = report.model_copy(update={"faithfulness": faithful})
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
                test=tested.metrics,
            ),
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
        on_problem(card.nothing_learned)
    return card


def _feed_of(dataset: Dataset | PartedDataset, schema: Schema, split: Split) -> Source:
    if not isinstance(dataset, Dataset):
        return Sharded(dataset, schema, split)
    ratings = Ratings(dataset, schema, every_film=split == "last")
    return InMemory(ratings, torch.as_tensor(split_ratings(dataset.ratings, split)))


def check_opinions(ratings: Ratings, part: Tensor, objective: Objective, title: str) -> None:
    """Refuse data in which one part has nothing to tell films apart by, before any time is spent on them.

    Raises:
        RequestError: a part has no rating; of ``like``, all films of a part are liked, or none; of ``next``, none is
            picked.
    """
    right = {"like": ratings.liked, "next": ratings.picked}.get(objective)
    for name, number in {"training": TRAIN, "validation": VALIDATION, "test": TEST}.items():
        chosen = part == number
        if not chosen.any():
            raise RequestError(
                f"the {name} part of {title} has no rating: its {len(part):,} ratings are too few for this split; give "
                "more of them"
            )
        if right is None:
            continue
        share = right[chosen].float().mean()
        everything = objective == "like" and share == 1
        if share == 0 or everything:
            raise RequestError(
                f"{'every' if everything else 'no'} rating of the {name} part of {title} is one of {LIKED_FROM} stars "
                f"or more, which is what counts as liked, so nobody can learn, or be tested on, {objective!r}; look at "
                "how its ratings are read, or give more of them"
            )


def _data_card(dataset: Dataset | PartedDataset) -> DataCard:
    if isinstance(dataset, Dataset):
        films, ratings = dataset.ratings["movie_id"].nunique(), len(dataset.ratings)
    else:
        films, ratings = dataset.films_rated, sum(dataset.ratings_of)
    return DataCard(
        name=dataset.name,
        title=dataset.title,
        simulated=dataset.simulated,
        users=len(dataset.users),
        films=films,
        ratings=ratings,
    )


def build(
    model: str,
    objective: Objective,
    dataset: Dataset | PartedDataset,
    schema: Schema,
    arguments: dict[str, Any],
) -> tuple[nn.Module, dict[str, Any]]:
    """A fresh model for a data set, and all the constructor arguments that differ from its class's defaults.

    Raises:
        RequestError: the model cannot be built with these arguments.
    """
    arguments = {**card_of(model).arguments_for.get(objective, {}), **arguments}
    if card_of(model).knows_users:
        arguments |= {"users": len(dataset.users), "objective": objective}
    try:
        network = card_of(model).model(schema, **arguments)
        if isinstance(network, ReadsText):
            network.start_from(title_text(schema))
    except (
        ArithmeticError,
        TypeError,
        ValueError,
        RuntimeError,
    ) as error:  # torch raises RuntimeError for sizes
        raise RequestError(f"{model} cannot be built with {arguments}: {error}") from error
    return network, arguments


def open_test_part(loaded: Checkpoint, source: str) -> tuple[Dataset, Ratings, Tensor]:
    """A data set as a checkpoint's own split tests it: all ratings, and [N] True for the test part.

    Users of other data than the checkpoint's own are strangers to it.

    Raises:
        DataError: the source cannot be read.
    """
    dataset = load_dataset(source, loaded.schema.movies)
    split, own = loaded.card.split, loaded.card.data
    counts = (dataset.name, len(dataset.users), len(dataset.ratings))
    strangers = counts != (own.name, own.users, own.ratings)
    ratings = Ratings(dataset, loaded.schema, every_film=split == "last", strangers=strangers)
    return dataset, ratings, torch.as_tensor(split_ratings(dataset.ratings, split)) == TEST


def measure_again(
    model: str, objective: Objective, source: str, base: Path | None = None
) -> CheckpointCard:
    """Measure a checkpoint in detail, and save it with what was found in its card."""
    loaded = checkpoints.load(model, objective, base)
    checkpoints.round_weights(loaded.model)
    _, ratings, test = open_test_part(loaded, source)
    figures, report = measure(loaded.model, ratings, test, objective)
    report = report.model_copy(
        update={"faithfulness": measure_faithfulness(loaded.model, ratings, test)}
    )
    metrics = loaded.card.metrics.model_copy(update={"test": figures})
    card = loaded.card.model_copy(update={"metrics": metrics, "report": report.model_dump()})
    return checkpoints.save(loaded.model, card, loaded.folder)


def weigh_attention(
    model: str, objective: Objective, source: str, base: Path | None = None
) -> CheckpointCard:
    """Measure how far a checkpoint's attention tells what mattered, and write it into its card's report, nothing else."""
    loaded = checkpoints.load(model, objective, base)
    _, ratings, test = open_test_part(loaded, source)
    report = Report.model_validate(loaded.card.report).model_copy(
        update={"faithfulness": measure_faithfulness(loaded.model, ratings, test)}
    )
    card = loaded.card.model_copy(update={"report": report.model_dump()})
    checkpoints.write_card(card, loaded.folder)
    return card


def command_of(model: str, objective: Objective, source: str, seed: int, split: Split) -> str:
    """What a person types to train this."""
    command = (
        f"python -m recdemo train {model} --objective {objective} --data {source} --seed {seed}"
    )
    return command if split == "order" else f"{command} --split {split}"
