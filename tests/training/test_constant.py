"""What has diverged is refused; what has learned no more than a constant answer is said, wherever a run is told of."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from small_world import Desk
from taste import few_ratings_of
from torch import Tensor
from typer.testing import CliRunner

from recdemo import checkpoints, cli
from recdemo.core.report import Constant, nothing_learned
from recdemo.core.vocabulary import Objective
from recdemo.data import TRAIN, VALIDATION
from recdemo.encoding.ratings import Ratings
from recdemo.training.constant import constant_answer
from recdemo.training.feed import InMemory
from recdemo.training.loop import fit
from recdemo.training.metrics import next_targets
from recdemo.training.settings import Settings
from recdemo.training.stage import DivergedError


@pytest.fixture(scope="module")
def ratings(small_films: pd.DataFrame) -> Ratings:
    return few_ratings_of(small_films, users=40)


def fitted(
    make: Callable, key: str, objective: Objective, ratings: Ratings, part: Tensor, **settings: Any
) -> list[float]:
    """The losses of three epochs."""
    users = {"users": len(ratings.profile), "objective": objective} if key == "rating_mlp" else {}
    how = Settings(**{"epochs": 3, "batch_size": 256, "weight_decay": 0.0, "negatives": 4} | settings)  # fmt: skip
    done = fit(make(key, ratings.schema, **users), InMemory(ratings, part), objective, how)
    return [epoch.loss for epoch in done.epochs]


@pytest.mark.parametrize(
    ("key", "objective", "settings"),
    [
        ("fm", "like", {"optimizer": "sgd", "learning_rate": 1e6, "batch_size": 2000}),
        ("fm", "like", {"learning_rate": 100.0}),
        ("fm", "next", {"optimizer": "sgd", "learning_rate": 1e6, "batch_size": 2000}),
        ("rating_mlp", "rating", {"learning_rate": 100.0}),
    ],
)
def test_a_loss_that_explodes_is_refused_though_it_is_a_number(
    key: str,
    objective: Objective,
    settings: dict[str, Any],
    ratings: Ratings,
    part: Tensor,
    make_model: Callable,
) -> None:
    with pytest.raises(DivergedError, match=r"epoch \d has a loss of .*e\+.*, where") as error:
        fitted(make_model, key, objective, ratings, part, **settings)
    assert f"ask for a learning rate below {settings['learning_rate']:g}" in str(error.value)


def test_who_begins_badly_and_comes_back_is_not_refused(
    ratings: Ratings, part: Tensor, make_model: Callable
) -> None:
    losses = fitted(make_model, "rating_mlp", "rating", ratings, part, learning_rate=1.0)
    assert losses[0] > 10 * (4 + np.log(ratings.schema.size)), "thrown back as far as that"
    assert losses[2] < 0.5 * losses[0]


def test_the_constant_answers_are_those_of_a_count_by_hand(ratings: Ratings, part: Tensor) -> None:
    source = InMemory(ratings, part)
    train, asked = part == TRAIN, part == VALIDATION
    mean = ratings.stars[train].mean()
    rmse = (ratings.stars[asked] - mean).square().mean() ** 0.5
    assert constant_answer(source, "rating").figure == pytest.approx(float(rmse), rel=1e-6)

    likes, others = int(ratings.liked[asked].sum()), int((~ratings.liked[asked]).sum())
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(2000):
        places = rng.permutation(likes + others)[:likes]
        drawn.append((places.sum() - likes * (likes - 1) / 2) / (likes * others))
    like = constant_answer(source, "like")
    assert like.figure == 0.5
    assert like.chance == pytest.approx(3 * np.std(drawn), rel=0.1)

    picks = torch.bincount(ratings.movie[train & ratings.picked], minlength=ratings.schema.size + 1)
    gains = []
    for row in next_targets(ratings, asked).tolist():
        seen = set(ratings.movie[int(ratings.start[ratings.user[row]]) : row].tolist())
        film = int(ratings.movie[row])
        left = [other for other in range(1, ratings.schema.size + 1) if other not in seen]
        rank = sum(int(picks[other]) >= int(picks[film]) for other in left)
        gains.append(1 / np.log2(rank + 1) if rank <= 10 else 0.0)
    assert constant_answer(source, "next").figure == pytest.approx(np.mean(gains))


@pytest.mark.parametrize(
    ("objective", "constant", "nothing", "something"),
    [
        ("like", Constant(figure=0.5, chance=0.01), 0.5099, 0.5101),
        ("next", Constant(figure=0.03), 0.03, 0.0301),
        ("rating", Constant(figure=1.1), 1.1, 1.0999),
    ],
)
def test_no_better_than_a_constant_is_nothing(
    objective: Objective, constant: Constant, nothing: float, something: float
) -> None:
    assert nothing_learned(objective, something, constant) == ""
    said = nothing_learned(objective, nothing, constant)
    assert said.startswith("It has learned nothing")
    assert f"{nothing:.4f}" in said
    assert "learning rate" in said


@pytest.mark.parametrize(
    ("model", "objective"), [("fm", "like"), ("fm", "next"), ("rating_mlp", "rating")]
)
def test_a_run_that_learned_nothing_says_so(desk: Desk, model: str, objective: str) -> None:
    still = desk.done(model, objective=objective, learning_rate=0.0, epochs=1)
    card = checkpoints.read_card(checkpoints.folder_of(model, objective, still.base))
    assert card.nothing_learned
    assert still.status.note == card.nothing_learned
    told = " ".join(CliRunner().invoke(cli.app, ["runs"]).output.split())
    assert "learned nothing" in told


def test_a_run_that_learned_something_says_nothing(desk: Desk) -> None:
    run = desk.done("fm", learning_rate=0.02, epochs=4)
    card = checkpoints.read_card(checkpoints.folder_of("fm", "like", run.base))
    assert card.constant is not None
    assert card.metrics.validation["auc"] > 0.5 + card.constant.chance
    assert (card.nothing_learned, run.status.note) == ("", "")


def test_the_shell_says_that_nothing_was_learned(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "fm", "--objective", "like", "--data", str(desk.world), "--epochs", "1"]
    words += ["--learning-rate", "0", "--out", str(desk.home / "out")]
    cli.app(words, standalone_mode=False)
    assert "It has learned nothing: its best AUC" in capsys.readouterr().err
    with redirect_stdout(io.StringIO()) as out:
        cli.app([*words, "--json"], standalone_mode=False)
    assert json.loads(out.getvalue())["nothing_learned"].startswith("It has learned nothing")


def test_popularity_is_the_constant_and_is_held_against_none(desk: Desk) -> None:
    run = desk.done("popularity")
    card = checkpoints.read_card(checkpoints.folder_of("popularity", "like", run.base))
    assert card.constant is None
    assert card.nothing_learned == ""
