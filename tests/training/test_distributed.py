"""Two processes train what one would: the same weights where nothing is drawn by lot, the same figures within noise."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import together
import torch
from safetensors.torch import load_file
from together import EXACT, FITS
from torch import Tensor, nn
from typer.testing import CliRunner

from recdemo import cli
from recdemo.core.errors import RequestError
from recdemo.data import save_dataset, simulate
from recdemo.training import distributed as ranks_module
from recdemo.training.distributed import ALONE, Ranks, check_shares, ranks_here

PROJECT = Path(__file__).resolve().parents[2]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
TORCHRUN += ["--nproc-per-node", "2"]
SECONDS = 200  # that two processes may take on a busy machine

Found = dict[str, Any]


def _launch(*command: str) -> subprocess.CompletedProcess:
    launcher = subprocess.Popen(
        [*TORCHRUN, *command],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        output, errors = launcher.communicate(timeout=SECONDS)
    finally:
        launcher.terminate()  # it ends what it has started
    return subprocess.CompletedProcess(command, launcher.returncode, output, errors)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Found, Found, Found]]:
    """By model: what one process held in the end, and what each of two did."""
    folder = tmp_path_factory.mktemp("together")
    together.main(folder)
    done = _launch(str(PROJECT / "tests" / "together.py"), str(folder))
    assert done.returncode == 0, done.stderr[-3000:]
    names = ("0-of-1", "0-of-2", "1-of-2")
    return {
        asked.model: tuple(
            torch.load(folder / f"{asked.model}-{name}.pt", weights_only=True) for name in names
        )
        for asked in FITS
    }


def _distance(one: Found, other: Found) -> float:
    """Between the weights, at most."""
    pairs = [(value, other["weights"][name]) for name, value in one["weights"].items()]
    return max(float((a.double() - b.double()).abs().max()) for a, b in pairs)


@pytest.mark.parametrize("asked", FITS, ids=lambda asked: asked.model)
def test_all_ranks_end_with_one_model(asked: together.Asked, found: dict) -> None:
    _, first, second = found[asked.model]
    assert _distance(first, second) == 0.0
    for told in ("best", "test"):
        assert first[told] == second[told]
    for one, other in zip(first["epochs"], second["epochs"], strict=True):
        assert (one["metrics"], one["loss"]) == (other["metrics"], other["loss"])


@pytest.mark.parametrize(
    "asked", [a for a in FITS if a.settings is EXACT], ids=lambda asked: asked.model
)
def test_two_take_the_very_steps_of_one(asked: together.Asked, found: dict) -> None:
    """Batches of 101 rows are shared unevenly, and yet count as in one process."""
    alone, first, _ = found[asked.model]
    assert _distance(alone, first) < 1e-6
    assert alone["samples"] == first["samples"]
    for one, two in zip(alone["epochs"], first["epochs"], strict=True):
        assert one["loss"] == pytest.approx(two["loss"], abs=1e-6)


@pytest.mark.parametrize("asked", FITS, ids=lambda asked: asked.model)
def test_two_reach_the_figures_of_one(asked: together.Asked, found: dict) -> None:
    alone, first, _ = found[asked.model]
    figure = "ndcg@10" if asked.objective == "next" else "auc"
    assert first["test"][figure] == pytest.approx(alone["test"][figure], abs=0.03)
    assert len(first["epochs"]) == len(alone["epochs"])


def test_ranks_draw_differently_what_is_their_own(found: dict) -> None:
    """Two ranks that hid and drew the same would end elsewhere than where they do: not on one rank's weights."""
    alone, first, _ = found["rnn_joint"]
    assert _distance(alone, first) > 1e-3
    drawn = []
    for rank in (0, 1):
        common = Ranks(rank, 2).seed(5)
        assert common is not None
        drawn.append((torch.rand(3).tolist(), torch.randperm(9, generator=common).tolist()))
    assert drawn[0][0] != drawn[1][0]
    assert drawn[0][1] == drawn[1][1]


def test_the_command_line_trains_with_two(small_films: pd.DataFrame, tmp_path: Path) -> None:
    data = save_dataset(simulate(small_films, users=60, seed=1), tmp_path / "world")
    asked = ["fm", "--objective", "like", "--data", str(data), "--epochs", "1", "--json"]
    done = _launch("-m", "recdemo", "train", *asked, "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr[-3000:]
    card = json.loads(done.stdout)  # one of the two prints
    assert card["command"].startswith("torchrun --nproc-per-node 2 -m recdemo train fm ")
    assert done.stderr.count("epoch 1  loss") == 1
    folder = tmp_path / "out" / "fm" / "like"
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", "weights.safetensors"]
    assert load_file(folder / "weights.safetensors")


def test_a_run_is_one_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {ranks_module.LAUNCHED: "x", "RANK": "1", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    assert ranks_here() == Ranks(1, 2)
    result = CliRunner().invoke(cli.app, ["train", "fm", "--run", str(tmp_path)])
    assert isinstance(result.exception, RequestError)
    assert "leave --run out" in str(result.exception)


def test_without_torchrun_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ranks_module.LAUNCHED, raising=False)
    monkeypatch.setenv("RANK", "3")  # of something else
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert ranks_here() == ALONE
    module, rows = nn.Linear(2, 1), torch.arange(5)
    with ALONE.together():
        assert ALONE.wrap_ddp(module) is module
        assert ALONE.share(rows) is rows
        assert ALONE.on_main(lambda: "done") == "done"
    assert ALONE.command("python -m recdemo train fm") == "python -m recdemo train fm"


def test_shares_cover_a_batch() -> None:
    rows = torch.arange(11)
    shares: list[Tensor] = [Ranks(rank, 3).share(rows) for rank in range(3)]
    assert torch.cat(shares).tolist() == rows.tolist()
    assert {len(share) for share in shares} == {3, 4}


def test_a_batch_too_small_to_share_is_refused() -> None:
    check_shares(6, Ranks(0, 3))
    check_shares(2, ALONE)
    with pytest.raises(RequestError, match=r"batches of 5 rows .* 3 processes"):
        check_shares(5, Ranks(0, 3))
