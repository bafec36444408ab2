"""Data in parts: written, checked, read one at a time; and what is learned from them is what is learned from the whole."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from small_models import keys_of
from small_world import Recorder
from torch import Tensor, nn
from typer.testing import CliRunner

from recdemo import cli
from recdemo.core.errors import RequestError
from recdemo.core.protocols import Solved
from recdemo.core.vocabulary import Objective
from recdemo.data import (
    TEST,
    TRAIN,
    VALIDATION,
    DataError,
    Dataset,
    PartedDataset,
    in_parts,
    load_dataset,
    open_parts,
    read_saved,
    save_parts,
    simulate,
    split_ratings,
)
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS
from recdemo.training import loop, stage, validation
from recdemo.training.feed import InMemory, Sharded, Source
from recdemo.training.loop import fit
from recdemo.training.metrics import evaluate
from recdemo.training.pipeline import train
from recdemo.training.settings import Settings
from recdemo.training.snapshot import Fit

USERS = (60, 25, 40)  # of each part
QUICK = Settings(epochs=2, batch_size=100, learning_rate=0.02, negatives=8, weight_decay=0.01)


@pytest.fixture(scope="module")
def parts(small_films: pd.DataFrame) -> list[Dataset]:
    """One world in three parts."""
    first = [1 + sum(USERS[:place]) for place in range(3)]
    return [
        simulate(small_films, users=users, seed=place, films_seed=9, first_user=first[place])
        for place, users in enumerate(USERS)
    ]


@pytest.fixture(scope="module")
def folder(parts: list[Dataset], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_parts(parts, tmp_path_factory.mktemp("data") / "world")


@pytest.fixture(scope="module")
def whole(parts: list[Dataset]) -> Dataset:
    """The same world in one."""
    users, ratings = (
        pd.concat([getattr(part, name) for part in parts], ignore_index=True)
        for name in ("users", "ratings")
    )
    return replace(parts[0], users=users, ratings=ratings)


@pytest.fixture(scope="module")
def schema(small_films: pd.DataFrame) -> Schema:
    return Schema(small_films, history_length=6)


@pytest.fixture(scope="module")
def sharded(folder: Path, schema: Schema) -> Sharded:
    return Sharded(open_parts(folder), schema, "order")


@pytest.fixture(scope="module")
def in_memory(whole: Dataset, schema: Schema) -> InMemory:
    part = torch.from_numpy(split_ratings(whole.ratings, "order"))
    return InMemory(Ratings(whole, schema), part)


# The files


def test_parts_are_data_sets_of_one_world(parts: list[Dataset], folder: Path) -> None:
    assert in_parts(folder)
    assert not in_parts(folder / "part-0000")
    opened = open_parts(folder)
    assert (len(opened), opened.users_of) == (3, USERS)
    assert opened.ratings_of == tuple(len(part.ratings) for part in parts)
    assert opened.users["user_id"].tolist() == list(range(1, sum(USERS) + 1))
    rated = {movie for part in parts for movie in part.ratings["movie_id"]}
    assert opened.films_rated == len(rated)
    for place, part in enumerate(parts):
        pd.testing.assert_frame_equal(opened[place].ratings, part.ratings)


def test_parts_of_a_world_share_their_films(
    parts: list[Dataset], small_films: pd.DataFrame
) -> None:
    """What is good in one part is good in another; worlds of their own agree about nothing."""

    def means(seeds: list[int], films_seed: int | None) -> np.ndarray:
        found = [
            simulate(small_films, users=600, seed=seed, films_seed=films_seed).ratings
            for seed in seeds
        ]
        columns = [part.groupby("movie_id")["rating"].mean() for part in found]
        return np.corrcoef(*(column.reindex(small_films["movie_id"]) for column in columns))

    assert means([1, 2], 9)[0, 1] > 0.8
    assert means([1, 2], None)[0, 1] < 0.7
    assert not parts[0].ratings["movie_id"].head(50).equals(parts[1].ratings["movie_id"].head(50))


def test_a_folder_is_there_whole_or_not_at_all(parts: list[Dataset], tmp_path: Path) -> None:
    def broken() -> Any:
        yield parts[0]
        raise RuntimeError("the second part fails")

    with pytest.raises(RuntimeError, match="second part"):
        save_parts(broken(), tmp_path / "world")
    assert list(tmp_path.iterdir()) == []
    save_parts(parts[:1], tmp_path / "world")
    with pytest.raises(DataError, match="exists already"):
        save_parts(parts[:1], tmp_path / "world")


def test_parts_that_do_not_fit_are_named(
    parts: list[Dataset], folder: Path, tmp_path: Path
) -> None:
    save_parts([parts[1], parts[0]], tmp_path / "turned")
    with pytest.raises(DataError, match="part-0001 has users of an earlier part"):
        open_parts(tmp_path / "turned")
    other = replace(parts[1], movies=parts[1].movies.assign(year=1999))
    save_parts([parts[0], other], tmp_path / "other")
    with pytest.raises(DataError, match="part-0001 has other films"):
        open_parts(tmp_path / "other")
    save_parts(parts, tmp_path / "gap")
    (tmp_path / "gap" / "part-0001").rename(tmp_path / "gap" / "part-0007")
    with pytest.raises(DataError, match="part-0001 is missing"):
        open_parts(tmp_path / "gap")
    with pytest.raises(DataError, match="in parts: train from it"):
        load_dataset(folder)


# Reading


def test_streamed_ratings_are_those_of_the_whole(sharded: Sharded, in_memory: InMemory) -> None:
    """Row by row: users, histories and what is asked, in the order of the parts."""
    ratings, part = in_memory[0]
    assert torch.equal(sharded.profile, in_memory.profile)
    first = 0
    for place in range(3):
        some, which = sharded[place]
        there = torch.arange(first, first + len(some))
        assert torch.equal(which, part[there])
        one, other = some.batch(torch.arange(len(some))), ratings.batch(there)
        for name in type(one).__slots__:
            assert torch.equal(getattr(one, name), getattr(other, name)), name
        first += len(some)
    assert first == len(ratings)


def test_one_part_is_in_memory_at_a_time(
    folder: Path, schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def recorded(dataset: PartedDataset, number: int) -> Dataset:
        read.append(dataset.paths[number].name)
        return read_saved(dataset.paths[number])

    source = Sharded(open_parts(folder), schema, "order")
    monkeypatch.setattr(PartedDataset, "__getitem__", recorded)
    for place in (0, 0, 1, 1, 0):
        source[place]
    assert read == ["part-0000", "part-0001", "part-0000"]


def test_an_epoch_reads_each_row_once_and_parts_in_random_order(
    sharded: Sharded, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[int, list[int]]] = []

    def recorded(model: nn.Module, ratings: Ratings, rows: Tensor, *_: object) -> Tensor:
        read.append((ratings.earlier_users, rows.tolist()))
        return next(iter(model.parameters())).sum()

    monkeypatch.setattr(stage, "loss_of", recorded)
    monkeypatch.setattr(loop, "validation", lambda *_: lambda model: {"auc": 0.5})
    model = CARDS["fm"].model(sharded.schema, embed_dim=4)
    told = Recorder()
    fit(model, sharded, "like", replace(QUICK, epochs=6, patience=9), observer=told)
    steps = [(step.step, step.steps) for step in told.steps]
    count = len(read) // 6
    assert steps == [(step, count) for step in range(1, count + 1)] * 6
    orders = set()
    for epoch in range(6):
        found: dict[int, list[int]] = {}
        for earlier, rows in read[epoch * count : (epoch + 1) * count]:
            found.setdefault(earlier, []).extend(rows)
        orders.add(tuple(found))
        for place, earlier in enumerate((0, 60, 85)):
            wanted = torch.nonzero(sharded[place][1] == TRAIN).squeeze(1).tolist()
            assert sorted(found[earlier]) == wanted
            assert found[earlier] != wanted
    assert len(orders) > 1


# Learning


def _fitted(key: str, objective: Objective, source: Source) -> tuple[nn.Module, Fit]:
    torch.manual_seed(0)
    known = {"users": len(source.profile), "objective": objective}
    card = CARDS[key]
    model = card.model(source.schema, **(known if card.knows_users else {}))
    return model, fit(model, source, objective, QUICK)


@pytest.mark.parametrize("key", keys_of(Solved))
def test_what_is_solved_is_solved_from_all_parts(
    key: str, sharded: Sharded, in_memory: InMemory
) -> None:
    one, other = (_fitted(key, "next", source)[0].state_dict() for source in (sharded, in_memory))
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


@pytest.mark.parametrize(
    ("key", "objective", "figure", "noise"),
    [
        ("fm", "like", "auc", 0.02),
        ("mf", "like", "auc", 0.02),  # knows users of all parts by id
        ("din", "next", "ndcg@10", 0.06),
    ],
)
def test_streamed_figures_are_those_of_the_whole(
    key: str, objective: Objective, figure: str, noise: float, sharded: Sharded, in_memory: InMemory
) -> None:
    ratings, part = in_memory[0]
    found = []
    for source in (sharded, in_memory):
        model, done = _fitted(key, objective, source)
        measured = evaluate(model, ratings, part == VALIDATION, objective)
        if len(ratings.profile) < validation.VALIDATION_USERS:  # so all are asked in training too
            assert done.epochs[done.best_epoch - 1].metrics == pytest.approx(measured, abs=1e-6)
        found.append(evaluate(model, ratings, part == TEST, objective)[figure])
    assert found[0] == pytest.approx(found[1], abs=noise)


def test_the_command_line_trains_from_parts(folder: Path, tmp_path: Path) -> None:
    asked = ["train", "fm", "--objective", "like", "--data", str(folder), "--epochs", "1"]
    result = CliRunner().invoke(cli.app, [*asked, "--out", str(tmp_path), "--json"])
    assert result.exit_code == 0, result.output
    card = json.loads(result.stdout)
    assert (card["data"]["users"], card["data"]["simulated"]) == (sum(USERS), True)
    assert card["data"]["ratings"] == sum(open_parts(folder).ratings_of)
    assert 0.5 < card["metrics"]["test"]["auc"] < 1


def test_a_fit_in_parts_is_not_resumed(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="in parts cannot be resumed"):
        train(*("fm", "like", str(folder), QUICK), base=tmp_path, state=tmp_path / "state")
