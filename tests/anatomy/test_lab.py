"""The lab's curves against closed forms, its small models against loops, and its command against the long one."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import MakeModel
from typer.testing import CliRunner

from recdemo import Session, checkpoints, cli
from recdemo.anatomy import lab
from recdemo.anatomy.lab import ACTIVATIONS, FORMULAS, Slopes, activation, activation_curves
from recdemo.blocks.attention import Basic
from recdemo.checkpoints import Checkpoint, CheckpointCard
from recdemo.core.errors import CheckpointError
from recdemo.data.catalogue import read_catalogue
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema
from recdemo.leaderboard import build

SLOPES = Slopes(leaky=0.1, learned=-0.3, lower=0.2, upper=0.6, dice=0.4, mean=0.7, deviation=1.7)


def by_hand(name: str, x: float) -> tuple[float, float]:
    """Value and slope."""
    if name == "Dice":
        p = 1 / (1 + math.exp(-(x - SLOPES.mean) / math.sqrt(SLOPES.deviation**2 + 1e-8)))
        value = p * x + (1 - p) * SLOPES.dice * x
        p_slope = p * (1 - p) / math.sqrt(SLOPES.deviation**2 + 1e-8)
        return value, p + (1 - p) * SLOPES.dice + p_slope * (1 - SLOPES.dice) * x
    below = {
        "ReLU": 0.0,
        "LeakyReLU": SLOPES.leaky,
        "PReLU": SLOPES.learned,
        "RReLU": (SLOPES.lower + SLOPES.upper) / 2,
    }[name]
    slope = 1.0 if x > 0 else below
    return slope * x, slope


def test_curves_are_the_closed_forms() -> None:
    table = activation_curves(ACTIVATIONS, SLOPES)
    assert list(table["name"].unique()) == list(ACTIVATIONS)
    for row in table.itertuples():
        if abs(row.x) < 1e-4:
            continue  # a bend has two slopes
        value, slope = by_hand(row.name, row.x)
        assert row.y == pytest.approx(value, abs=1e-5)
        assert row.slope == pytest.approx(slope, abs=1e-4)


def test_the_band_is_what_rrelu_draws_from() -> None:
    table = activation_curves(("RReLU", "PReLU"), SLOPES)
    module = torch.nn.RReLU(SLOPES.lower, SLOPES.upper).train()
    band = table[table["name"] == "RReLU"]
    x = torch.tensor(band["x"].to_numpy())
    for _ in range(20):
        drawn = module(x).numpy()
        assert (drawn >= band["low"].to_numpy() - 1e-6).all()
        assert (drawn <= band["high"].to_numpy() + 1e-6).all()
    left = band.iloc[0]
    assert (left["low"], left["high"]) == pytest.approx((-4 * SLOPES.upper, -4 * SLOPES.lower))
    others = table[table["name"] == "PReLU"]
    assert (others["low"] == others["y"]).all()
    assert (others["high"] == others["y"]).all()


def test_an_unknown_activation_is_named() -> None:
    with pytest.raises(ValueError, match=r"'GELU'.*Dice"):
        activation("GELU", SLOPES)


@pytest.mark.parametrize("weights", [[0.25] * 4, [1, 0, 0], [2, 1, 1]])
def test_films_that_count(weights: list[float]) -> None:
    total = sum(weights)
    assert lab.films_that_count(weights) == pytest.approx(
        1 / sum((weight / total) ** 2 for weight in weights)
    )


@pytest.fixture
def small(
    make_model: MakeModel, schema: Schema, write_checkpoint: Callable[..., Any], tmp_path: Path
) -> Callable[[Basic], Checkpoint]:
    def make(kind: Basic) -> Checkpoint:
        model = make_model("din", schema, attention=kind, softmax=True)
        arguments = {"embed_dim": 8, "attention_hidden": 6, "hidden": [7, 5], "dropout": 0.0}
        write_checkpoint(
            tmp_path / kind,
            "din",
            model,
            schema,
            arguments=arguments | {"attention": kind, "softmax": True},
        )
        return checkpoints.open_folder(tmp_path / kind, schema)

    return make


@pytest.mark.parametrize("kind", FORMULAS)
def test_change_with_target_is_the_widest_of_all(
    kind: Basic, small: Callable[[Basic], Checkpoint], sessions: list[Session]
) -> None:
    checkpoint = small(kind)
    schema, session = checkpoint.schema, sessions[-2]
    seen = []
    for film in range(1, schema.size + 1):  # one film at a time
        batch = encode(schema, [session], torch.tensor([film]))
        with torch.inference_mode():
            seen.append(checkpoint.model.history_weights(batch)[0, 0].numpy())
    widest = max(
        abs(float(one[i] - other[i])) for one in seen for other in seen for i in range(len(one))
    )
    found = lab.change_with_target(checkpoint, session)
    assert found == pytest.approx(widest, abs=1e-6)
    assert (found > 1e-3) == (kind not in ("item", "user"))
    assert lab.change_with_target(checkpoint, Session()) == 0


def test_a_model_that_weighs_nothing_has_no_change(
    make_model: MakeModel, schema: Schema, write_checkpoint: Callable[..., Any], tmp_path: Path
) -> None:
    write_checkpoint(tmp_path / "fm", "fm", make_model("fm", schema), schema)
    with pytest.raises(TypeError, match="fm"):
        lab.change_with_target(checkpoints.open_folder(tmp_path / "fm", schema), Session())


@pytest.fixture
def trained(
    monkeypatch: pytest.MonkeyPatch,
    make_model: MakeModel,
    schema: Schema,
    write_checkpoint: Callable[..., CheckpointCard],
) -> list[dict[str, Any]]:
    """Calls of training, which writes something quick instead."""
    calls: list[dict[str, Any]] = []

    def train(model: str, objective: str, source: str, settings: Any, **given: Any) -> None:
        calls.append({"asked": (model, objective, source), "settings": settings, **given})
        (given["base"] / checkpoints.CATALOGUE).write_text("a copy")
        write_checkpoint(
            given["base"] / model / objective,
            "din",
            make_model("din", schema, attention=given["arguments"]["attention"]),
            schema,
        )

    monkeypatch.setattr("recdemo.anatomy.lab.train", train)
    monkeypatch.setattr("recdemo.training.pipeline.train", train)
    return calls


def test_only_what_is_missing_is_trained(trained: list[dict[str, Any]], tmp_path: Path) -> None:
    said: list[str] = []
    lab.train_missing("ml-1m", tmp_path, said.append)
    assert [call["arguments"]["attention"] for call in trained] == list(FORMULAS)
    assert said == [lab.command_of(kind) for kind in FORMULAS]
    for kind in FORMULAS:
        assert (lab.folder_of(kind, tmp_path) / checkpoints.CARD).is_file()
    assert not list(tmp_path.rglob(checkpoints.CATALOGUE))
    lab.train_missing("ml-1m", tmp_path)
    assert len(trained) == len(FORMULAS)


@pytest.mark.parametrize("kind", FORMULAS)
def test_the_command_shown_trains_the_same(
    kind: Basic, trained: list[dict[str, Any]], tmp_path: Path
) -> None:
    lab.train_missing("simulated", tmp_path)
    by_lab = next(call for call in trained if call["arguments"]["attention"] == kind)
    words = shlex.split(lab.command_of(kind, "simulated"))[3:]
    words[-1] = str(tmp_path / "again")
    (tmp_path / "again").mkdir()
    done = CliRunner().invoke(cli.app, words)
    typed = trained[-1]
    assert typed["asked"] == by_lab["asked"], done.output
    assert typed["settings"] == by_lab["settings"]
    assert typed["arguments"] == by_lab["arguments"]


def test_the_short_command_trains_what_is_missing(
    trained: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(checkpoints.ROOT_VARIABLE, str(tmp_path))
    done = CliRunner().invoke(cli.app, ["lab", "--data", "simulated"])
    assert done.exit_code == 0, done.output
    assert len(trained) == len(FORMULAS)
    assert (lab.folder_of("dot") / checkpoints.CARD).is_file()


def test_the_zoo_and_its_table_do_not_know_the_lab(
    trained: list[dict[str, Any]], tmp_path: Path
) -> None:
    lab.train_missing("ml-1m", tmp_path)
    assert checkpoints.available(tmp_path) == []
    assert build.cards_of(tmp_path) == []


def test_the_shipped_small_models_are_whole_and_small() -> None:
    schema = Schema(read_catalogue(checkpoints.root() / checkpoints.CATALOGUE))
    size = 0
    session = Session("F", 25, 12, [])
    for kind in FORMULAS:
        folder = lab.folder_of(kind)
        loaded = checkpoints.open_folder(folder, schema)
        assert loaded.card.arguments == {"attention": kind, **lab.ARGUMENTS}
        assert loaded.card.command == lab.command_of(kind)
        assert loaded.card.metrics.test["auc"] > 0.79
        assert lab.change_with_target(loaded, session) == 0
        size += sum(path.stat().st_size for path in folder.iterdir())
    assert size < 1_500_000


def test_a_damaged_small_model_is_named(
    tmp_path: Path, small: Callable[[Basic], Checkpoint]
) -> None:
    folder = small("dot").folder
    (folder / checkpoints.WEIGHTS).write_bytes(b"x")
    schema = small("item").schema
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoints.open_folder(folder, schema)


def test_formulas_cover_all_kinds() -> None:
    from typing import get_args

    assert set(FORMULAS) == set(get_args(Basic))
    assert np.all([formula.formula.startswith("a_i") for formula in FORMULAS.values()])


def test_what_curves_say_is_read_off_them() -> None:
    table = activation_curves(["ReLU", "PReLU", "Dice"], SLOPES)
    said = lab.what_curves_say(table, SLOPES)
    # PReLU with a negative slope turns −2 into 0.6; Dice stays below ReLU's zero.
    assert "An input of −2 becomes −" in said
    assert "and 0.60 with PReLU; the other lies between.**" in said
    assert "ReLU has no slope there: nothing is learned from it." in said
    assert "mean of its inputs, 0.70" in said
    alone = lab.what_curves_say(activation_curves(["LeakyReLU"], SLOPES), SLOPES)
    assert alone == "**An input of −2 becomes −0.20 with LeakyReLU.**"


def test_ways_that_do_not_look_are_told_from_those_that_do() -> None:
    one, two, three, *_ = FORMULAS
    titles = [FORMULAS[kind].title for kind in (one, two, three)]
    said = lab.who_looks({one: 0.0, two: 0.2, three: 0.4})
    assert said.startswith(f"**{titles[0]}** gives these films the same weights")
    assert f"The other 2 look at it: **{titles[2]}** moves most" in said
    assert "up to 40 percentage points" in said
    assert lab.who_looks({two: 0.2, three: 0.1}).startswith("All look at the film asked about:")
    assert "The other one looks at it" in lab.who_looks({one: 0.0, two: 0.2})


def test_the_best_way_and_those_within_chance_of_it() -> None:
    one, two, three, *_ = FORMULAS
    titles = [FORMULAS[kind].title for kind in (one, two, three)]
    said = lab.who_does_best({one: 0.7, two: 0.7995, three: 0.8})
    assert said == (
        f"{titles[2]} does best, with a test AUC of 0.8000; {titles[1]} is within chance of it."
    )
    assert lab.who_does_best({one: 0.7, two: 0.8}).endswith("0.8000.")
