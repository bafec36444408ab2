"""Training runs in processes of their own: their order, their end, and that they can be ended at once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_world import Desk, gone, wait_for_doing, wait_until

from recdemo import checkpoints
from recdemo.jobs import control, store
from recdemo.jobs.store import Run

PROJECT = Path(__file__).resolve().parents[2]


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
        runs = store.all_runs()
        training = [run.id for run in runs if run.state == "running"]
        assert len(training) < 2
        order.extend(set(training) - set(order))
        return all(run.ended for run in runs)

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
from recdemo.jobs.worker import RunProcess
with RunProcess(Path(sys.argv[1])) as trainer:
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
