"""Searching for settings: what is drawn, what is judged, what is written down."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from recdemo.cli import app
from recdemo.core.errors import RequestError
from recdemo.data import TEST, Dataset, simulate, split_ratings
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.training import search as searching
from recdemo.training.feed import InMemory
from recdemo.training.loop import fit
from recdemo.training.pipeline import build
from recdemo.training.search import Trial, draw, markdown, search
from recdemo.training.settings import Settings

SETTINGS = Settings(epochs=2, batch_size=128, learning_rate=0.01, negatives=4, history_length=6)


@pytest.fixture(scope="module")
def world(films: pd.DataFrame) -> Dataset:
    return simulate(films, users=60)


@pytest.fixture(scope="module")
def schema(world: Dataset) -> Schema:
    return Schema(world.movies, history_length=6)


def test_draws_are_different_and_all_of_a_small_space() -> None:
    space = {"a": [1, 2, 3], "b": ["x", "y"]}
    assert len(draw(space, 6)) == len(draw(space, 99)) == 6
    some = draw(space, 4)
    assert len({tuple(values.items()) for values in some}) == 4
    assert draw(space, 4) == some
    assert draw(space, 4, seed=1) != some


def test_a_trial_is_a_fit_and_the_best_comes_first(world: Dataset, schema: Schema) -> None:
    space = {"learning_rate": [1e-5, 0.02], "embed_dim": [4]}
    found = search("fm", "like", world, schema, SETTINGS, space, trials=9)
    assert [trial.values["learning_rate"] for trial in found] == [0.02, 1e-5]
    assert found[0].figure > found[1].figure
    torch.manual_seed(0)
    model, _ = build("fm", "like", world, schema, {"embed_dim": 4})
    part = torch.as_tensor(split_ratings(world.ratings, "order"))
    alone = fit(
        model, InMemory(Ratings(world, schema), part), "like", replace(SETTINGS, learning_rate=0.02)
    )
    assert found[0].figure == alone.epochs[alone.best_epoch - 1].metrics["auc"]


def test_how_many_films_are_read_can_be_searched_for(world: Dataset, schema: Schema) -> None:
    found = search(
        "rnn_als", "next", world, schema, SETTINGS, {"history_length": [1, 30]}, trials=2
    )
    assert len({trial.figure for trial in found}) == 2


def test_of_stars_the_smallest_error_comes_first(world: Dataset, schema: Schema) -> None:
    space = {"learning_rate": [1e-6, 0.02]}
    found = search("rating_mlp", "rating", world, schema, SETTINGS, space, trials=2)
    assert found[0].figure < found[1].figure
    assert found[0].metric == "rmse"


def test_the_test_part_is_never_read(
    world: Dataset, schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = {"learning_rate": [0.02]}
    before = search("fm", "like", world, schema, SETTINGS, space, trials=1)
    ratings = world.ratings.copy()
    test = split_ratings(ratings, "order") == TEST
    ratings.loc[test, "rating"] = 6 - ratings.loc[test, "rating"]
    spoiled = Dataset(**{n: getattr(world, n) for n in world.__slots__} | {"ratings": ratings})
    after = search("fm", "like", spoiled, schema, SETTINGS, space, trials=1)
    assert after[0].figure == before[0].figure


def test_what_diverges_is_told_and_comes_last(world: Dataset, schema: Schema) -> None:
    space = {"learning_rate": [1e30, 0.01], "optimizer": ["sgd"]}
    found = search("fm", "like", world, schema, SETTINGS, space, trials=2)
    assert found[-1].figure is None
    assert "diverged" in markdown("fm", "command", found).splitlines()[-1]


def test_what_is_solved_is_searched_over_its_arguments(world: Dataset, schema: Schema) -> None:
    space = {"ridge": [1e-3, 30.0], "fade": [0.5]}
    found = search("linear_next", "next", world, schema, SETTINGS, space, trials=2)
    assert {trial.values["ridge"] for trial in found} == {30.0, 1e-3}
    assert found[0].figure > found[1].figure > 0
    assert found[0].best_epoch == 0


def test_what_cannot_be_searched_is_named(world: Dataset, schema: Schema) -> None:
    with pytest.raises(RequestError, match="depth"):
        search("fm", "like", world, schema, SETTINGS, {"depth": [1]}, trials=1)
    with pytest.raises(RequestError, match="popularity is solved in one go and has no epochs"):
        search("popularity", "like", world, schema, SETTINGS, {"epochs": [1]}, trials=1)
    with pytest.raises(RequestError, match="rmsprop"):
        search("fm", "like", world, schema, SETTINGS, {"optimizer": ["rmsprop"]}, trials=1)


@pytest.mark.parametrize(
    ("model", "arguments"),
    [
        ("fm", {"embed_dim": -1}),
        ("bst", {"heads": 0}),
        ("bst", {"heads": 5}),
        ("deepfm", {"dropout": 1.5}),
        ("deepfm", {"fusion": "product"}),
        ("dcn_text", {"text_dim": 256}),
        ("fm", {"embed_dim": "wide"}),
    ],
)
def test_what_a_model_cannot_be_built_with_is_named(
    model: str, arguments: dict[str, object], world: Dataset, schema: Schema
) -> None:
    with pytest.raises(
        RequestError, match=f"{model} cannot be built with .*{next(iter(arguments))}"
    ):
        build(model, "like", world, schema, arguments)


def test_the_command_writes_down_every_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = [Trial({"learning_rate": 0.1}, "auc", 0.75, 2, 3.0)]
    monkeypatch.setattr(searching, "search", lambda *_, **__: trials)
    record = tmp_path / "searches.md"
    vary = ["--vary", "learning_rate=[0.1]", "--set", "epochs=1"]
    words = ["search", "fm", "--objective", "like", "--data", "simulated"]
    done = CliRunner().invoke(app, [*words, *vary, "--record", str(record)])
    assert done.exit_code == 0, done.output
    text = record.read_text()
    assert "| 0.1 | 0.7500 | 2 | 3 |" in text
    assert "'learning_rate=[0.1]'" in text


@pytest.mark.parametrize(
    ("given", "named"),
    [(["--vary", "learning_rate=3"], "needs a list"), (["--vary", "x=[1]", "--set", "y=1"], "'y'")],
)
def test_the_command_names_what_it_cannot_use(given: list[str], named: str) -> None:
    done = CliRunner().invoke(app, ["search", "fm", "--data", "simulated", *given])
    assert isinstance(done.exception, RequestError)
    assert named in str(done.exception)
