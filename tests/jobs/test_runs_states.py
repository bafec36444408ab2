"""The states of a training run, from queued to ended, and on again."""

from __future__ import annotations

import datetime
import math
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from small_world import Desk, NoProcess

from recdemo import checkpoints
from recdemo.core.durations import now
from recdemo.core.errors import RequestError
from recdemo.jobs import control, store
from recdemo.jobs.store import Run, Status
from recdemo.jobs.worker import RunProcess
from recdemo.training.observer import Epoch, Step
from recdemo.training.pipeline import train
from recdemo.training.settings import settings_for


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
    with RunProcess(run.folder) as trainer:
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
    with pytest.raises(RequestError, match="cannot be started"):
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
