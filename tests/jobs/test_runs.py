"""Training runs: what they say, their order, their end, and that one which was stopped ends like one which was not."""

from __future__ import annotations

import copy
import datetime
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from small_world import (
    Desk,
    NoProcess,
    Recorder,
    gone,
    wait_for_doing,
    wait_until,
)
from torch import Tensor, nn

from recdemo import checkpoints
from recdemo.core.durations import duration, now
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.core.vocabulary import Objective
from recdemo.data import simulate, split_by_order
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.jobs import control, kept, room, store
from recdemo.jobs.store import Request, Run, Status
from recdemo.jobs.worker import Trainer
from recdemo.models import CARDS
from recdemo.training import snapshot as resume
from recdemo.training import validation
from recdemo.training.feed import InMemory
from recdemo.training.loop import fit
from recdemo.training.observer import Epoch, Step
from recdemo.training.pipeline import train
from recdemo.training.settings import Settings, settings_for
from recdemo.training.snapshot import Fit, Snapshot

PROJECT = Path(__file__).resolve().parents[2]
QUICK = Settings(epochs=3, batch_size=256, learning_rate=0.02, negatives=4)


# A fit that was stopped


@pytest.fixture(scope="module")
def ratings(small_films: pd.DataFrame) -> Ratings:
    made = simulate(small_films, users=40, seed=1)
    return Ratings(made, Schema(made.movies, history_length=6))


@pytest.fixture(scope="module")
def part(ratings: Ratings) -> Tensor:
    rows = pd.DataFrame({"user_id": ratings.user.numpy()})
    return torch.from_numpy(split_by_order(rows).astype(np.int64))


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


# What a run is


def test_ids_sort_in_the_order_of_creation_even_where_the_clock_goes_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [desk.ended("done").id]
    late = datetime.datetime(2040, 2, 3, 4, 5, 6, 999_500, tzinfo=datetime.UTC)
    for moment in (late, late, late - datetime.timedelta(days=9)):
        monkeypatch.setattr(control, "now", lambda moment=moment: moment)
        made.append(desk.ended("done").id)
    assert made[1:] == ["20400203-040506-999", "20400203-040507-000", "20400203-040507-001"]
    assert [run.id for run in store.all_runs()] == made == sorted(made)


def test_a_request_comes_back_as_it_was(desk: Desk) -> None:
    asked = desk.ask("rnn", learning_rate=0.01, arguments={"cell": "lstm", "hidden": [8]}, seed=7)
    with desk.patch.context() as patch:
        patch.setattr(control.subprocess, "Popen", lambda *_, **__: pytest.fail("not yet"))
        assert Request.model_validate_json(asked.model_dump_json()) == asked
    words = control.command(asked)
    assert words[:4] == ["-m", "recdemo", "train", "rnn"]
    assert words[words.index("--learning-rate") + 1] == "0.01"
    assert words[words.index("--data") + 1] == str(desk.world)
    assert "cell=lstm" in words
    assert "hidden=[8]" in words


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"model": "nope"}, "nope"),
        ({"objective": "rating"}, "rating"),
        ({"epochs": 0}, "epochs cannot be 0"),
        ({"batch_size": 1}, "batch_size cannot be 1"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"optimizer": "lion"}, "lion"),
        ({"share": 2.0}, "share cannot be 2"),
        ({"speed": 3}, "speed"),
        ({"seed": -1}, "seed cannot be -1"),
        ({"threads": 0}, "threads cannot be 0"),
        ({"source": ""}, ""),
    ],
)
def test_a_wrong_request_is_named(wrong: dict[str, Any], named: str, desk: Desk) -> None:
    if wrong == {"source": ""}:
        assert desk.ask(source="").source == str(Path.cwd())  # a folder, which may hold data
        return
    with pytest.raises(RequestError, match=named):
        desk.ask(**wrong)


FIRST_RELEASE = {
    store.REQUEST: """{"model": "fm", "objective": "like", "source": "simulated", "changes": {"epochs": 2,
        "batch_size": null, "optimizer": null, "learning_rate": null, "weight_decay": null, "negatives": null,
        "share": 0.5}, "arguments": {}, "split": "order", "seed": 0, "threads": 1,
        "created": "2026-11-20T10:00:00.000000Z"}""",
    store.STATUS: """{"state": "done", "pid": null, "doing": "", "epoch": 2, "epochs": 2, "step": 9, "steps": 9,
        "loss": null, "samples_per_second": 100.0, "seconds_left": null, "reason": "", "note": "",
        "updated": "2026-11-20T10:01:00.000000Z"}""",
    store.EPOCHS: """[{"epoch": 1, "loss": 0.5, "metrics": {"auc": 0.7}, "samples_per_second": 100.0,
        "seconds": 2.0}]""",
}


def test_a_run_of_the_first_release_is_listed(desk: Desk) -> None:
    folder = desk.home / "20261120-100000-000"
    folder.mkdir()
    for name, content in FIRST_RELEASE.items():
        (folder / name).write_text(content)
    (run,) = store.all_runs()
    assert (run.state, run.request.changes.epochs, run.request.changes.share) == ("done", 2, 0.5)
    assert [epoch.loss for epoch in run.epochs] == [0.5]


@pytest.fixture
def no_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A project that cannot be written; gives the folder for temporary files."""
    (tmp_path / "file").touch()
    (tmp_path / "temporary").mkdir()
    monkeypatch.delenv(store.ROOT_VARIABLE, raising=False)
    monkeypatch.setattr(store, "PROJECT", tmp_path / "file")
    monkeypatch.setattr(store.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    return tmp_path / "temporary"


def test_where_runs_are_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_project: Path
) -> None:
    assert store.root().parent == no_project
    monkeypatch.setenv(store.ROOT_VARIABLE, str(tmp_path / "here" / "runs"))
    assert store.root() == tmp_path / "here" / "runs"
    monkeypatch.delenv(store.ROOT_VARIABLE)
    monkeypatch.setattr(store.tempfile, "gettempdir", lambda: str(tmp_path / "file"))
    with pytest.raises(RequestError, match=store.ROOT_VARIABLE):
        store.root()


@pytest.mark.parametrize("given", ["file/runs", "~nobody-here/runs"])
def test_a_place_that_is_asked_for_and_cannot_be_written_is_an_error(
    given: str, monkeypatch: pytest.MonkeyPatch, no_project: Path
) -> None:
    monkeypatch.chdir(no_project.parent)
    (no_project.parent / "~nobody-here").touch()
    monkeypatch.setenv(store.ROOT_VARIABLE, given)
    with pytest.raises(RequestError, match=f"written to '{given}'; set RECDEMO_RUNS"):
        store.root()


def test_a_foreign_folder_for_temporary_files_is_not_used(no_project: Path) -> None:
    (no_project / "elsewhere").mkdir()
    (no_project / f"recdemo-runs-{os.getuid()}").symlink_to(no_project / "elsewhere")
    with pytest.raises(RequestError, match="cannot be written"):
        store.root()


def test_a_folder_of_somebody_else_is_not_used(
    monkeypatch: pytest.MonkeyPatch, no_project: Path
) -> None:
    assert store.root().parent == no_project
    monkeypatch.setattr(store.os, "getuid", lambda: 4242)
    with pytest.raises(RequestError, match="cannot be written"):
        store.root()


TORCH_FREE = """
import sys
from recdemo.jobs import control, kept, room, store
found = store.all_runs()
assert found, "nothing to read"
for run in found:
    assert run.title and run.epochs and run.log() and run.progress is not None and run.as_dict()
control.estimate(control.ask("fm"), 1000)
control.cancel(found[0].id)
control.allowed()
kept.keep(found[0].id, "From a page")
assert kept.find_kept("from-a-page").name == "From a page" and kept.all_kept()
kept.rename("from-a-page", "Again")
kept.delete("again")
control.delete(found[0].id)
print(sorted({"torch", "sklearn"} & set(sys.modules)))
"""


def test_a_page_reads_and_manages_runs_without_torch(desk: Desk) -> None:
    desk.done()
    done = subprocess.run(
        [sys.executable, "-c", TORCH_FREE], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr


# States


def test_a_run_that_is_done_holds_a_checkpoint_its_figures_and_its_log(
    desk: Desk, capfd: pytest.CaptureFixture[str]
) -> None:
    run = desk.done()
    card = checkpoints.load("fm", "like", run.base).card
    assert [epoch.epoch for epoch in run.epochs] == [1, 2]
    assert [epoch.metrics for epoch in run.epochs] == [e["metrics"] for e in card.epochs]
    assert card.command.endswith("--data world --seed 0 --epochs 2 --batch-size 256")
    assert (run.status.epoch, run.status.epochs) == (2, 2)
    assert run.status.step == run.status.steps > 3
    assert run.status.samples_per_second == run.epochs[-1].samples_per_second
    assert (run.status.pid, run.status.seconds_left, run.status.doing) == (None, None, "")
    assert not (run.folder / store.RESUME).exists()
    assert "epoch 2  loss" in capfd.readouterr().err
    assert sorted(path.name for path in run.base.iterdir()) == ["catalogue.csv", "fm"]


def test_a_run_says_what_the_command_alone_would_reach(desk: Desk, tmp_path: Path) -> None:
    run = desk.done()
    settings = settings_for("fm", "like", epochs=2, batch_size=256)
    card = train("fm", "like", str(desk.world), settings, base=tmp_path / "alone")
    ours = checkpoints.read_card(checkpoints.folder_of("fm", "like", run.base))
    assert ours.weights_sha256 == card.weights_sha256
    assert ours.metrics == card.metrics


@pytest.mark.parametrize("state", ["queued", "running"])
def test_what_says_it_is_alive_and_is_not_was_interrupted(state: store.State, desk: Desk) -> None:
    run = desk.queue()
    was = Status(state=state, pid=os.getpid(), epoch=3, loss=0.5, seconds_left=9, doing="training")
    store.write_status(run.folder, was)
    found = store.find(run.id)
    assert (found.state, found.status.epoch) == ("interrupted", 3)
    assert (found.status.loss, found.status.doing) == (None, "")
    assert "its process is gone" in found.progress
    assert "left" not in found.progress
    assert (
        control.cancel(run.id).state == "interrupted"
    )  # and this process, which has that number, goes on


def test_a_run_that_ends_while_it_is_looked_at_has_ended(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = desk.queue()
    store.write_status(run.folder, Status(state="running", pid=1))

    def ends(folder: Path) -> bool:
        store.write_status(folder, Status(state="done"))
        return False

    monkeypatch.setattr(store, "is_alive", ends)
    assert store.find(run.id).state == "done"


def test_a_process_may_take_a_while_to_come(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run = desk.queue()
    assert run.state == "queued"
    later = now() + datetime.timedelta(seconds=store.STARTING_SECONDS + 1)
    monkeypatch.setattr(store, "now", lambda: later)
    assert store.find(run.id).state == "interrupted"
    monkeypatch.setattr(store, "now", lambda: later - datetime.timedelta(days=1))
    assert store.find(run.id).state == "interrupted"  # of tomorrow, by a clock that was set back


def test_a_run_tells_how_far_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run = desk.queue()
    store.write_epochs(run.folder, [Epoch(7, 0.5, {}, 1.0, 1.0)])  # of an earlier life
    clock = 1e9
    with Trainer(run.folder) as trainer:
        monkeypatch.setattr("recdemo.jobs.worker.monotonic", lambda: clock)
        trainer.on_step(Step(3, 4, step=1, steps=10, samples=50, losses=torch.tensor(60.0)))
        assert store.find(run.id).epochs == []
        clock += 10
        trainer.on_step(Step(3, 4, step=6, steps=10, samples=300, losses=torch.tensor(150.0)))
        status = store.find(run.id).status
        clock += 10
        trainer.on_step(Step(3, 4, step=9, steps=10, samples=450, losses=torch.tensor(math.nan)))
        assert store.find(run.id).status.loss is None
    assert (status.state, status.epoch, status.epochs, status.step, status.steps) == (
        *("running", 3, 4, 6, 10),
    )
    assert status.loss == 0.5
    assert status.samples_per_second == pytest.approx(25)  # 250 since the first step
    # An eighth of all took ten seconds: from 2.1 of 4 epochs to 2.6. The other 1.4 take 28.
    assert status.seconds_left == pytest.approx(28)
    assert store.find(run.id).status.loss is None
    assert store.find(run.id).state == "done"


def test_only_a_queued_run_is_taken_up_and_only_once(desk: Desk, capfd: Any) -> None:
    run = desk.queue()
    control.cancel(run.id)
    with pytest.raises(RequestError, match=r"FM, like.*is cancelled"):
        desk.work(run)
    other = desk.queue()
    store.write_status(other.folder, Status(state="queued", pid=1))
    with pytest.raises(RequestError, match="not to be started"):
        desk.work(other)
    with pytest.raises(RequestError, match="is not a run"):
        desk.work(Run(desk.home / "elsewhere", run.request, run.status))
    nowhere = desk.home.parent / "nowhere"
    nowhere.mkdir()
    with pytest.raises(RequestError, match="is not a run"):
        desk.work(Run(nowhere / "x", run.request, run.status))
    assert not list(nowhere.iterdir())  # no file of a lock either


def test_resume_goes_on_where_it_can(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control.subprocess, "Popen", NoProcess)
    for state in ("failed", "cancelled", "interrupted"):
        run = desk.ended(state)
        assert control.resume(run.id).state == "queued"
        with pytest.raises(RequestError, match=r"is queued.*nothing to resume"):
            control.resume(run.id)
        control.cancel(run.id)
    with pytest.raises(RequestError, match="is done"):
        control.resume(desk.ended("done").id)
    with pytest.raises(RequestError, match="no run '20000101-000000-000'"):
        control.resume("20000101-000000-000")


def test_cancelling_what_has_ended_changes_nothing(desk: Desk) -> None:
    for state in store.ENDED:
        run = desk.ended(state)
        before = (run.folder / store.STATUS).read_bytes()
        assert control.cancel(run.id).state == state
        assert (run.folder / store.STATUS).read_bytes() == before


@pytest.mark.parametrize("id", ["../../etc", "", "20000101-000000-000", ".training", "kept"])
def test_no_other_folder_is_taken_for_a_run(id: str, desk: Desk) -> None:
    (desk.home / "kept").mkdir()
    for act in (control.cancel, control.resume, control.delete, store.find):
        with pytest.raises(RequestError, match="no run"):
            act(id)
    assert (desk.home / "kept").exists()


# Room


def test_the_oldest_ended_runs_make_room(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(room.MOST_RUNS_VARIABLE, "4")
    kept_run = desk.done()
    kept.keep(kept_run.id, "Mine")
    ended = [desk.ended(state) for state in ("failed", "done", "cancelled")]
    desk.queue()
    left = [run.id for run in store.all_runs()]
    assert len(left) == 4
    assert kept_run.id in left
    assert ended[0].id not in left
    for run in store.all_runs():
        if run.ended and run.id != kept_run.id:
            control.delete(run.id)
    for _ in range(2):
        desk.queue()
    with pytest.raises(RequestError, match="4 of all, and 4 may be; cancel or delete one"):
        desk.queue()


def test_bytes_are_counted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    runs_ended = [desk.ended("done") for _ in range(3)]
    for run in runs_ended:
        (run.folder / "large").write_bytes(bytes(100_000))
    assert room.size_of(desk.home) > 300_000
    monkeypatch.setenv(room.MOST_BYTES_VARIABLE, "150000")
    desk.queue()
    assert runs_ended[2].id in [run.id for run in store.all_runs()]
    assert runs_ended[1].id not in [run.id for run in store.all_runs()]
    monkeypatch.setenv(room.MOST_BYTES_VARIABLE, "much")
    with pytest.raises(RequestError, match="'much'"):
        desk.queue()


def test_data_of_ones_own_go_with_the_last_run_that_names_them(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(room.MOST_BYTES_VARIABLE, "1000000")
    mine, never = (desk.home / room.DATA / name / "own.zip" for name in ("mine", "never"))
    for path in (mine, never):
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(600_000))
    first, second = (desk.queue(source=str(mine)) for _ in range(2))
    assert not never.exists(), "no run names it, and it took the room of one that does"
    for run in (first, second):
        assert mine.exists()
        control.cancel(run.id)
        control.delete(run.id)
    assert not mine.exists()
    never.parent.mkdir()
    never.write_bytes(bytes(600_000))
    room.check_bytes(desk.home, 900_000)
    with pytest.raises(RequestError, match=r"no room for 1.1 MB: .* take 0.0 of 1.0 MB; delete"):
        room.check_bytes(desk.home, 1_100_000)


def test_what_made_room_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(room.MOST_RUNS_VARIABLE, "1")
    first = desk.ended("failed")
    assert f"these runs were removed: {first.title}" in desk.done().status.note


@pytest.mark.parametrize(
    "name", ["99991231-235959-999", "20261399-000000-000", "20261101-000000-000"]
)
def test_a_folder_that_is_no_run_is_passed_over(name: str, desk: Desk) -> None:
    folder = desk.home / name
    folder.mkdir()
    if not name.startswith("20261101"):
        (folder / store.REQUEST).write_text("{}")
    run = desk.queue()
    assert [found.id for found in store.all_runs()] == [run.id]
    with pytest.raises(RequestError, match="no run"):
        control.delete(name)
    assert folder.is_dir()


def test_only_so_many_wait(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(room.MOST_WAITING_VARIABLE, "1")
    first, _ = desk.queue(), desk.queue()
    with pytest.raises(RequestError, match="one run trains and 1 wait"):
        desk.queue()
    control.cancel(first.id)
    desk.queue()
    with pytest.raises(RequestError, match="one run trains and 1 wait"):
        control.resume(first.id)


def test_delete_takes_all_of_a_run_and_never_one_that_is_alive(desk: Desk) -> None:
    run = desk.queue()
    with pytest.raises(RequestError, match=r"FM, like, world.*has not ended"):
        control.delete(run.id)
    control.cancel(run.id)
    control.delete(run.id)
    assert store.all_runs() == []
    assert [path.name for path in desk.home.iterdir()] == [".door"]


def test_what_a_crash_left_half_made_is_cleared(desk: Desk) -> None:
    (desk.home / f"{store.DRAFT}one").mkdir()
    (desk.home / store.KEPT / f"{store.DRAFT}two").mkdir(parents=True)
    desk.queue()
    assert list(desk.home.glob(f"**/{store.DRAFT}*")) == []


# What may be trained here


def test_retraining_can_be_switched_off(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert control.allowed() == "on"
    run = desk.ended("interrupted")
    for value, expected in (("off", "off"), ("OFF ", "off"), ("no", "off"), ("", "on")):
        monkeypatch.setenv(control.ALLOWED_VARIABLE, value)
        assert control.allowed() == expected
    monkeypatch.setenv(control.ALLOWED_VARIABLE, "simulated")
    with pytest.raises(RequestError, match=r"only simulated.*'world'"):
        desk.queue()
    with pytest.raises(RequestError, match="only simulated"):
        control.resume(run.id)
    assert desk.queue(source="simulated").state == "queued"
    monkeypatch.setenv(control.ALLOWED_VARIABLE, "of")
    with pytest.raises(RequestError, match=r"switched off here.*'of'"):
        desk.queue(source="simulated")


# How long


def test_an_estimate_scales_what_the_shipped_run_took(desk: Desk) -> None:
    run = desk.done(epochs=2)
    card = checkpoints.read_card(checkpoints.folder_of("fm", "like", run.base))
    seconds = sum(epoch["seconds"] for epoch in card.epochs) / 2
    same = control.estimate(desk.ask(), card.data.ratings, run.base)
    assert same == pytest.approx(2 * seconds)
    more = control.estimate(desk.ask(epochs=6, share=0.5), 10 * card.data.ratings, run.base)
    assert more == pytest.approx(30 * seconds)
    staged = desk.done("fnn", epochs=1)
    card = checkpoints.read_card(checkpoints.folder_of("fnn", "like", staged.base))
    assert len(card.epochs) == 2  # of the first stage, and of the network
    both = sum(epoch["seconds"] for epoch in card.epochs)
    found = control.estimate(desk.ask("fnn", epochs=1), card.data.ratings, staged.base)
    assert found == pytest.approx(both)
    assert control.estimate(desk.ask("din"), 1000, run.base) is None
    shipped = PROJECT / "checkpoints"
    fm = control.estimate(desk.ask(epochs=None, batch_size=None), 1_000_209, shipped)
    assert 60 < (fm or 0) < 3600
    assert control.estimate(desk.ask("popularity"), 1000, shipped) is None


# Processes


def _alive_pid(run: Run) -> int:
    wait_until(lambda: store.find(run.id).status.pid is not None)
    pid = store.find(run.id).status.pid
    assert pid
    return pid


START = """
import sys
from recdemo.jobs import control
print(control.start(control.ask("fm", "like", sys.argv[1], epochs=2, batch_size=256, threads=1)).id)
"""


def test_runs_train_one_after_the_other_and_outlive_who_started_them(
    desk: Desk, tmp_path: Path
) -> None:
    shipped = {
        path: path.stat().st_mtime_ns for path in (PROJECT / "checkpoints").rglob("*.safetensors")
    }
    started = subprocess.run(  # elsewhere, by somebody who ends at once
        [sys.executable, "-c", START, str(desk.world)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=True,
    )
    first = store.find(started.stdout.strip())
    second = control.start(desk.ask("popularity"))
    third = control.start(desk.ask("popularity", objective="next"))
    killed = _alive_pid(second)
    if sys.platform == "linux":
        maps = Path(f"/proc/{killed}/maps").read_text()
        assert not {"torch", "pandas"} & set(re.findall(r"\w+", maps))  # one that waits is small
        assert os.getpriority(os.PRIO_PROCESS, killed) > os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getsid(killed) == killed
    _alive_pid(third)
    assert store.find(third.id).status.doing == "in line"
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: store.find(second.id).state == "interrupted")
    assert store.find(third.id).state == "queued"  # the first is still at it
    order: list[str] = []

    def all_ended() -> bool:
        training = [run.id for run in store.all_runs() if run.state == "running"]
        assert len(training) < 2
        order.extend(set(training) - set(order))
        return all(run.ended for run in store.all_runs())

    wait_until(all_ended)
    states = {run.id: run.state for run in store.all_runs()}
    assert states == {first.id: "done", second.id: "interrupted", third.id: "done"}
    assert order == [first.id, third.id]
    assert "epoch 2  loss" in store.find(first.id).log()
    assert checkpoints.load("fm", "like", first.base).card.data.users == 40
    after = {path: path.stat().st_mtime_ns for path in shipped}
    assert after == shipped


def _cancel(run: Run, seconds: float = 2.0) -> None:
    pid = store.find(run.id).status.pid
    began = time.monotonic()
    assert control.cancel(run.id).state == "cancelled"
    assert time.monotonic() - began < seconds
    assert pid is None or gone(pid)
    assert (
        store.find(run.id).progress == store.find(run.id).status.note
        or store.find(run.id).status.epoch
    )


def test_cancel_works_at_once_whatever_a_run_is_doing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "RECDEMO_CHECKPOINTS", str(PROJECT / "checkpoints")
    )  # its films take a while
    run = control.start(desk.ask(source="simulated", epochs=500, share=0.02))
    _cancel(run)  # before it is there
    control.resume(run.id)
    wait_for_doing(run, "loading")
    waiting = control.start(desk.ask())
    _alive_pid(waiting)
    _cancel(waiting)
    _cancel(run)
    control.resume(run.id)
    wait_for_doing(run, "reading the ratings")
    _cancel(run)
    control.resume(run.id)
    wait_until(lambda: len(store.find(run.id).epochs) > 0)
    assert store.find(run.id).state == "running"
    _cancel(run)
    other = control.start(desk.ask("popularity", source="simulated", objective="next"))
    wait_for_doing(other, "measuring")
    _cancel(other)
    assert {found.state for found in store.all_runs()} == {"cancelled"}


STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
from pathlib import Path
from recdemo.jobs.worker import Trainer
with Trainer(Path(sys.argv[1])) as trainer:
    time.sleep(600)
"""


def test_a_process_that_does_not_listen_is_killed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    popen = subprocess.Popen
    monkeypatch.setattr(
        control.subprocess,
        "Popen",
        lambda words, **rest: popen([sys.executable, "-c", STUBBORN, words[-1]], **rest),
    )
    run = control.start(desk.ask())
    wait_for_doing(run, "loading")
    _cancel(run)


# The command line


def test_the_command_line_lists_and_ends_runs(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    from recdemo import cli

    def run(*words: str) -> str:
        cli.app([*words], standalone_mode=False)
        return capsys.readouterr().out

    failed, queued = desk.ended("failed"), desk.queue()
    rows = json.loads(run("runs", "--json"))
    assert [(row["id"], row["state"]) for row in rows] == [
        (failed.id, "failed"),
        (queued.id, "queued"),
    ]
    assert rows[0]["model"] == "fm"
    assert "2 runs" in run("runs")
    assert "cancelled" in run("runs", "cancel", queued.id)
    with desk.patch.context() as patch:
        patch.setattr(control.subprocess, "Popen", NoProcess)
        assert "queued" in run("runs", "resume", failed.id)
    assert "cancelled" in run("runs", "cancel", failed.id)
    run("runs", "delete", queued.id)
    assert [row["id"] for row in json.loads(run("runs", "--json"))] == [failed.id]
    with pytest.raises(RequestError, match="no run"):
        run("runs", "cancel", "nothing")


def test_progress_is_words_for_people(desk: Desk) -> None:
    run = desk.queue()
    status = Status(state="running", doing="training", epoch=2, epochs=9, seconds_left=41.6)
    assert replace(run, status=status).progress == "training, epoch 2 of 9, 42 seconds left"
    nearly = status.model_copy(update={"seconds_left": 0.4})
    assert replace(run, status=nearly).progress == "training, epoch 2 of 9, nearly done"
    failed = Status(state="failed", epoch=2, epochs=9, reason="the disk is full")
    assert replace(run, status=failed).progress == "the disk is full"
    assert run.title.startswith("FM, like, world, ")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 seconds"), (89, "89 seconds"), (600, "10 minutes"), (7200, "2.0 hours")],
)
def test_a_duration_is_words_for_people(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_epochs_are_read_as_they_were_written(desk: Desk) -> None:
    run = desk.queue()
    assert run.epochs == []
    epochs = [Epoch(1, 0.5, {"auc": 0.7}, 100.0, 2.0), Epoch(2, 0.4, {"auc": 0.8}, 90.0, 3.0)]
    store.write_epochs(run.folder, epochs)
    assert run.epochs == epochs
    (run.folder / store.EPOCHS).write_text("[{")
    assert run.epochs == []


def test_the_end_of_a_log_is_read(desk: Desk) -> None:
    run = desk.queue()
    (run.folder / store.LOG).write_bytes("ä".encode() * 9000)
    assert len(run.log(last=101)) == 51  # a letter cut in two is shown as such
    (run.folder / store.LOG).unlink()
    assert run.log() == ""


def test_a_damaged_state_is_named(tmp_path: Path) -> None:
    assert resume.StateFile(tmp_path / "none", "it").read() is None
    (tmp_path / "state").write_bytes(b"abc")
    with pytest.raises(CheckpointError, match="state is damaged"):
        resume.StateFile(tmp_path / "state", "it").read()
