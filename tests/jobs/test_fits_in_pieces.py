"""A fit that was stopped, and gone on with, ends like one that was not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from small_world import Desk, Recorder
from taste import few_ratings_of, parts_of
from torch import Tensor, nn

from recdemo.core.errors import RequestError
from recdemo.core.vocabulary import Objective
from recdemo.encoding.ratings import Ratings
from recdemo.models import CARDS
from recdemo.training import snapshot as resume
from recdemo.training import validation
from recdemo.training.feed import InMemory
from recdemo.training.loop import fit
from recdemo.training.pipeline import train
from recdemo.training.settings import Settings
from recdemo.training.snapshot import Fit, Snapshot

QUICK = Settings(epochs=3, batch_size=256, learning_rate=0.02, negatives=4)


@pytest.fixture(scope="module")
def ratings(small_films: pd.DataFrame) -> Ratings:
    return few_ratings_of(small_films, users=40)


@pytest.fixture(scope="module")
def part(ratings: Ratings) -> Tensor:
    return parts_of(ratings)


class StoppedError(Exception):
    """What stops a fit in these tests."""


class Stopping(resume.StateFile):
    """Keeps an epoch, and stops the fit."""

    def write(self, snapshot: Snapshot) -> None:
        super().write(snapshot)
        raise StoppedError


def _fit_in_pieces(
    make: Callable[[], nn.Module], path: Path, pieces: int, *arguments: Any
) -> tuple[nn.Module, Fit]:
    """Stopped after every epoch, and gone on with from the file, as a new process does."""
    for _ in range(pieces):
        model = make()
        torch.manual_seed(len(str(path)))  # what was drawn elsewhere does not matter
        try:
            return model, fit(model, *arguments, state=Stopping(path, "it"))
        except StoppedError:
            continue
    raise AssertionError(f"not done after {pieces} pieces")


CASES: list[tuple[str, Objective, dict[str, Any], dict[str, Any]]] = [
    ("fm", "next", {}, {}),
    ("fm", "like", {}, {"optimizer": "sgd"}),
    ("mf", "like", {}, {"optimizer": "adam"}),
    ("fnn", "next", {"dropout": 0.3}, {}),  # in two stages
    ("rnn_joint", "next", {"dropout": 0.3}, {}),  # with a second task
    ("dien", "like", {"dropout": 0.3}, {"share": 0.5}),
    ("rating_mlp", "rating", {"dropout": 0.3}, {}),
]


@pytest.mark.parametrize(("key", "objective", "arguments", "changes"), CASES)
def test_a_fit_in_pieces_reaches_what_a_fit_in_one_reaches(
    key: str,
    objective: Objective,
    arguments: dict[str, Any],
    changes: dict[str, Any],
    ratings: Ratings,
    part: Tensor,
    make_model: Callable,
    tmp_path: Path,
) -> None:
    if CARDS[key].knows_users:
        arguments = arguments | {"users": len(ratings.profile), "objective": objective}
    settings = replace(QUICK, **changes)

    def make() -> nn.Module:
        return make_model(key, ratings.schema, std=0.05, **arguments)

    one = make()
    source = InMemory(ratings, part)
    whole = fit(one, source, objective, settings)
    other, pieces = _fit_in_pieces(make, tmp_path / "state", 8, source, objective, settings)
    assert len(whole.epochs) >= 3
    assert [(e.epoch, e.loss, e.metrics) for e in pieces.epochs] == [
        (e.epoch, e.loss, e.metrics) for e in whole.epochs
    ]
    assert pieces.best_epoch == whole.best_epoch
    state = other.state_dict()
    for name, value in one.state_dict().items():
        assert torch.equal(value, state[name]), name
    assert not other.training


@pytest.mark.parametrize(
    ("values", "best", "epochs"),
    [([0.5, 0.7, 0.6, 0.7, 0.9], 2, 4), ([0.9, 0.8, 0.7], 1, 3), ([0.5, 0.6, 0.7, 0.6], 3, 4)],
)
def test_a_fit_in_pieces_stops_as_early(
    values: list[float],
    best: int,
    epochs: int,
    ratings: Ratings,
    part: Tensor,
    make_model: Callable,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    script = iter(values)
    states: list[dict[str, Tensor]] = []

    def scripted(model: nn.Module, *_: object) -> dict[str, float]:
        states.append(copy.deepcopy(model.state_dict()))
        return {"auc": next(script)}

    monkeypatch.setattr(validation, "evaluate", scripted)
    settings = replace(QUICK, epochs=len(values), batch_size=2000, patience=2)
    model, done = _fit_in_pieces(
        lambda: make_model("fm", ratings.schema),
        tmp_path / "state",
        9,
        *(InMemory(ratings, part), "like", settings),
    )
    assert (done.best_epoch, len(done.epochs)) == (best, epochs)
    for name, value in model.state_dict().items():
        assert torch.equal(value, states[best - 1][name]), name


def test_a_fit_that_diverges_says_so(ratings: Ratings, part: Tensor, make_model: Callable) -> None:
    settings = replace(QUICK, optimizer="sgd", learning_rate=1e30)
    with pytest.raises(RequestError, match=r"diverged.*epoch 1.*below 1e\+30"):
        fit(make_model("fm", ratings.schema), InMemory(ratings, part), "like", settings)


def test_the_state_of_another_fit_is_not_gone_on_with(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    kept_back: list[bytes] = []
    write = resume.StateFile.write

    def record(file: resume.StateFile, snapshot: Snapshot) -> None:
        write(file, snapshot)
        kept_back.append(file.path.read_bytes())

    monkeypatch.setattr(resume.StateFile, "write", record)

    def again(seed: int) -> tuple[list[str], list[int]]:
        told = Recorder()
        train(
            *("fm", "like", str(desk.world)),
            replace(QUICK, epochs=2, seed=seed),
            base=tmp_path / "out",
            state=state,
            observer=told,
        )
        return told.problems, [epoch.epoch for epoch in told.epochs]

    assert again(1) == ([], [1, 2])
    state.write_bytes(kept_back[0])
    assert again(1) == ([], [1, 2])  # the first is told again, not made again
    assert len(kept_back) == 3
    problems, epochs = again(2)
    assert "other data" in problems[0]
    assert "starts from the beginning" in problems[0]
    assert epochs == [1, 2]
    assert len(kept_back) == 5


def test_half_a_star_or_another_age_make_another_fit() -> None:
    stars, profile = torch.tensor([3.0, 4.0]), torch.tensor([[1, 2, 3]])
    identity = resume.identity_of("fm", 1, tensors=[stars, profile])
    assert resume.identity_of("fm", 1, tensors=[stars.clone(), profile]) == identity
    others = [
        resume.identity_of("fm", 2, tensors=[stars, profile]),
        resume.identity_of("fm", 1, tensors=[stars + 0.5, profile]),
        resume.identity_of("fm", 1, tensors=[stars, profile + 1]),
    ]
    assert len({identity, *others}) == 4
