"""From where ratings lie to what a fit reads: the data set, the schema of its films, and its parts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pandas as pd
import torch
from torch import Tensor

from recdemo import checkpoints
from recdemo.checkpoints import Checkpoint, DataCard
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.core.files import draft_of
from recdemo.core.vocabulary import LIKED_FROM, Objective, Split
from recdemo.core.worlds import world_of_data
from recdemo.data import (
    TEST,
    TRAIN,
    VALIDATION,
    Dataset,
    PartedDataset,
    in_parts,
    load_dataset,
    open_parts,
    parts_of,
)
from recdemo.data.catalogue import catalogue_of, read_catalogue, write_catalogue
from recdemo.data.choices import GUESSED, Choices
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.training.feed import InMemory, Sharded, Source

Data = TypeVar("Data", Dataset, PartedDataset, Dataset | PartedDataset)


def open_data(source: str, base: Path | None, choices: Choices = GUESSED) -> tuple[Dataset, Schema]:
    """A data set and the schema of the catalogue in `base`.

    A new folder gets a copy of the catalogue of the world whose data these are (`recdemo.core.worlds`), which is the first
    one's for all other data; where there is none, or the data have films of their own, one written from the data. Without a
    `base` nothing is written, and any films will do. `choices` say how a table of one's own is read.

    Raises:
        DataError: the source cannot be read.
        CheckpointError: the catalogue is damaged, or the data have films of their own and it lists others.
    """
    return _open(source, lambda catalogue: load_dataset(source, catalogue, choices), base)


def _open(
    source: str,
    read: Callable[[pd.DataFrame | None], Data],
    base: Path | None,
    *,
    write: bool = True,
) -> tuple[Data, Schema]:
    """`open_any` of data that `read` gives for a catalogue."""
    shipped = checkpoints.root(world_of_data(source).key) / checkpoints.CATALOGUE
    path = base / checkpoints.CATALOGUE if base else None
    known = next((place for place in (path, shipped) if place and place.exists()), None)
    catalogue = read_catalogue(known) if known else None
    dataset = read(catalogue)
    new = path is None or not path.exists()
    if catalogue is None or (dataset.own_films and new):
        catalogue = _catalogue_of(dataset)
    if dataset.own_films and not _lists(catalogue, dataset):
        raise CheckpointError(
            f"{path} lists other films than {dataset.title}, which has films of its own; train in a new folder (--out)"
        )
    if write and path and new:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft_of(path) as draft:
            write_catalogue(catalogue, draft)
    return dataset, Schema(catalogue)


def open_any(
    source: str, base: Path, choices: Choices = GUESSED, *, write: bool = True
) -> tuple[Dataset | PartedDataset, Schema]:
    """`open_data` of data whole or in parts; with `write` off, the folder stays as it is."""

    def read(catalogue: pd.DataFrame | None) -> Dataset | PartedDataset:
        if in_parts(source) and choices == GUESSED:
            return open_parts(source)
        return load_dataset(source, catalogue, choices)

    return _open(source, read, base, write=write)


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


def source_of(dataset: Dataset | PartedDataset, schema: Schema, split: Split) -> Source:
    """What a fit reads of a data set."""
    if not isinstance(dataset, Dataset):
        return Sharded(dataset, schema, split)
    ratings = Ratings(dataset, schema, every_film=split == "last")
    return InMemory(ratings, torch.as_tensor(parts_of(dataset, split)))


def check_opinions(ratings: Ratings, part: Tensor, objective: Objective, title: str) -> None:
    """Refuse data in which one part has nothing to tell films apart by, before any time is spent on them.

    Raises:
        RequestError: of impressions anything but ``like`` is asked, or none of a part holds both what was clicked and what
            was not; a part has no rating; of ``like``, all films of a part are liked, or none; of ``next``, none is
            picked.
    """
    if ratings.impression is not None and objective != "like":
        raise RequestError(
            f"{title} says which of the articles shown were clicked, which is 'like', not {objective!r}; train with "
            "--objective like"
        )
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
                f"or more, which is what counts as liked, so {objective!r} can be neither learned nor tested; look at "
                "how its ratings are read, or give more of them"
            )
        if ratings.impression is not None and not _both(ratings, chosen):
            raise RequestError(
                f"no impression of the {name} part of {title} holds both what was clicked and what was not, so no figure "
                "can be had within impressions; give more of them, or more of the articles that they name"
            )


def _both(ratings: Ratings, chosen: Tensor) -> bool:
    """Whether one of the impressions of these rows was clicked in part."""
    assert ratings.impression is not None
    answers = torch.stack([ratings.impression[chosen], ratings.liked[chosen].long()]).unique(dim=1)
    return len(answers[0].unique()) < answers.shape[1]


def data_card(dataset: Dataset | PartedDataset) -> DataCard:
    """What a checkpoint's card says of a data set."""
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
        profiles=bool(dataset.users[["gender", "age", "occupation"]].notna().to_numpy().any()),
        item="film" if isinstance(dataset, PartedDataset) else dataset.item,
    )


def open_test_part(
    loaded: Checkpoint, source: str, choices: Choices = GUESSED
) -> tuple[Dataset, Ratings, Tensor]:
    """A data set as a checkpoint's own split tests it: all ratings, and [N] True for the test part.

    Users of other data than the checkpoint's own are strangers to it.

    Raises:
        DataError: the source cannot be read.
    """
    dataset = load_dataset(source, loaded.schema.movies, choices)
    split, own = loaded.card.split, loaded.card.data
    counts = (dataset.name, len(dataset.users), len(dataset.ratings))
    strangers = counts != (own.name, own.users, own.ratings)
    ratings = Ratings(dataset, loaded.schema, every_film=split == "last", strangers=strangers)
    return dataset, ratings, torch.as_tensor(parts_of(dataset, split)) == TEST
