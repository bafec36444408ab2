"""Training runs when things go wrong: kills, a full disk, errors, damaged files."""

from __future__ import annotations

import errno
import json
import os
import random
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from small_world import Desk, cut, flipped, make_desk, no_space, wait_until
from trials import trials

from recdemo import checkpoints
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.jobs import control, store, worker
from recdemo.jobs.store import Run
from recdemo.jobs.worker import reason_of
from recdemo.training import pipeline as one_run
from recdemo.training import snapshot
from recdemo.training.observer import Epoch

PROJECT = Path(__file__).resolve().parents[2]
KILLS = trials(2, 7)  # of each model's runs, at other moments each time that the tests run


def _digest(run: Run) -> str:
    folder = checkpoints.folder_of(run.request.model, run.request.objective, run.base)
    return checkpoints.read_card(folder).weights_sha256


# Killed


def test_runs_killed_at_any_moment_reach_what_they_would_have_reached(
    world: Path, tmp_path: Path
) -> None:
    seed = random.randrange(1000)
    print("seed", seed)  # stands in the report of a failure
    done = subprocess.run(
        [sys.executable, "tests/kill_runs.py", str(world), str(KILLS), str(seed)],
        cwd=PROJECT,
        env=os.environ
        | {
            "PYTHONPATH": str(PROJECT),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            store.ROOT_VARIABLE: str(tmp_path / "runs"),
            "RECDEMO_CHECKPOINTS": str(tmp_path / "nothing"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert sum(each["killed"] for each in found.values()) >= 3 * KILLS
    assert all(all(each["equal"]) and each["equal"] for each in found.values()), found


# A full disk


def _full(patch: pytest.MonkeyPatch, name: str, after: int) -> None:
    """Files of this name are no longer written after so many times."""
    write, written = store.write_whole, [0]

    def limited(path: Path, content: bytes, **rest: Any) -> None:
        written[0] += path.name == name
        if path.name == name and written[0] > after:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, content, **rest)

    patch.setattr(store, "write_whole", limited)
    patch.setattr(snapshot, "write_whole", limited)


@pytest.mark.parametrize(
    ("name", "after"),
    [
        (store.RESUME, 0),
        (store.RESUME, 1),
        (store.EPOCHS, 0),
        (store.EPOCHS, 2),
        (store.STATUS, 1),
        (store.STATUS, 4),
        (checkpoints.CARD, 0),
    ],
)
def test_a_full_disk_ends_a_run_with_its_reason_and_it_can_be_resumed(
    name: str, after: int, desk: Desk
) -> None:
    wanted = _digest(desk.done())
    run = desk.queue()
    with desk.patch.context() as patch:
        _full(patch, name, after)
        if name == checkpoints.CARD:
            patch.setattr(checkpoints, "write_card", no_space)
        failed = desk.work(run)
    assert failed.state == "failed"
    assert failed.status.reason.startswith("the disk is full")
    assert not list(failed.folder.glob("**/weights.safetensors"))
    with desk.patch.context() as patch:
        patch.setattr(control, "_set_going", lambda folder, request: store.read(folder))
        control.resume(run.id)
    assert desk.work(run).state == "done"
    assert _digest(run) == wanted


def test_a_process_that_may_not_write_much_says_so(desk: Desk) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))  # what is started has it, too
    try:
        run = control.start(desk.ask())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    wait_until(lambda: store.find(run.id).ended)
    found = store.find(run.id)
    assert (found.state, found.status.reason[:16]) == ("failed", "the disk is full")
    assert "Traceback" in found.log()


def test_a_run_is_not_started_on_a_full_disk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "write_whole", no_space)
    with pytest.raises(RequestError, match="not started: No space"):
        desk.queue()
    assert store.all_runs() == []
    assert list(desk.home.glob(f"{store.DRAFT}*")) == []


def test_a_process_that_cannot_be_started_is_told_of(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(control.subprocess, "Popen", none)
    run = control.start(desk.ask())
    assert (run.state, run.status.reason) == (
        "failed",
        "its process could not be started: Cannot allocate memory",
    )


def test_a_process_that_ends_before_it_begins_is_told_of(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    popen = subprocess.Popen
    monkeypatch.setattr(control.subprocess, "Popen", lambda words, **rest: popen(["false"], **rest))
    run = control.start(desk.ask())
    wait_until(lambda: store.find(run.id).ended)
    assert "before it began (exit status 1)" in store.find(run.id).status.reason


# Why a run has failed


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "not enough memory"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:1] can't allocate memory"), "not enough mem"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk is full"),
        (OSError(errno.EACCES, "Permission denied", "/x"), "/x: Permission denied"),
        (RequestError("training diverged"), "training diverged"),
        (CheckpointError("a card is damaged"), "a card is damaged"),
        (KeyError("x"), "KeyError: 'x'; the log has the details"),
        (ValueError("one\ntwo"), "ValueError: one; the log"),
        (ValueError(), "ValueError: no details"),
    ],
)
def test_reasons_are_words(error: Exception, words: str) -> None:
    assert words in reason_of(error)


def test_what_torch_and_safetensors_really_say_is_understood(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as too_large:
        torch.empty(10**15)
    assert "memory" in reason_of(too_large.value)
    from safetensors.torch import save_file

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(Exception, match="os error") as full:
            save_file({"a": torch.zeros(100_000)}, tmp_path / "a")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert reason_of(full.value).startswith("the disk is full")


def test_unreadable_ratings_are_named_by_their_line(desk: Desk, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(desk.world, broken)
    lines = (broken / "ratings.dat").read_text().splitlines()
    (broken / "ratings.dat").write_text("\n".join([*lines[:6], "1::x::3::1"]))
    failed = desk.work(desk.queue(source=str(broken)))
    assert failed.state == "failed"
    assert "ratings.dat, line 7" in failed.status.reason
    missing = desk.work(desk.queue(source=str(tmp_path / "nowhere.zip")))
    assert "nowhere.zip does not exist" in missing.status.reason


def test_a_run_that_diverges_or_cannot_be_built_says_so(
    desk: Desk, capfd: pytest.CaptureFixture[str]
) -> None:
    failed = desk.work(desk.queue(optimizer="sgd", learning_rate=1e30))
    assert "diverged" in failed.status.reason
    assert failed.state == "failed"
    assert "Traceback" in capfd.readouterr().err  # in the log, and not in the reason
    failed = desk.work(desk.queue(arguments={"depth": 3}))
    assert "depth" in failed.status.reason
    assert "Traceback" not in failed.status.reason
    assert failed.epochs == []


def test_an_error_nobody_thought_of_is_told_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_run, "report_of", lambda *_, **__: {}["surprise"])
    assert desk.work(desk.queue()).status.reason.startswith("KeyError: 'surprise'")


# Damaged files of a run


@pytest.fixture(scope="module")
def state(world: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, str]:
    """What a run of an FM leaves after its first epoch, and the digest of the weights it reaches."""
    with pytest.MonkeyPatch.context() as patch:
        desk = make_desk(world, tmp_path_factory.mktemp("state"), patch)
        digest = _digest(desk.done())
        run = desk.queue()
        write, written = snapshot.StateFile.write, []

        def once(file: snapshot.StateFile, *rest: Any) -> None:
            if written:
                no_space()
            write(file, *rest)
            written.append(file.path.read_bytes())

        patch.setattr(snapshot.StateFile, "write", once)
        assert desk.work(run).state == "failed"
    return written[0], digest


def test_a_damaged_state_is_never_gone_on_with(state: tuple[bytes, str], tmp_path: Path) -> None:
    raw, draw = state[0], random.Random(0)
    path = tmp_path / "state"
    for damaged in [*flipped(raw, draw, 60), *cut(raw, draw, 20)]:
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="state is damaged"):
            snapshot.StateFile(path, "it").read()


def test_a_run_whose_state_is_damaged_starts_again_and_says_so(
    state: tuple[bytes, str], desk: Desk
) -> None:
    raw, digest = state
    for content, note in ((raw, ""), (raw[:-1], "resume.state is damaged")):
        run = desk.queue()
        (run.folder / store.RESUME).write_bytes(content)
        store.write_epochs(run.folder, [Epoch(9, 0.0, {}, 0.0, 0.0)])  # of an earlier life
        found = desk.work(run)
        # So short a run may have learned nothing, which is said too.
        told = found.status.note.partition("It has learned nothing")[0][:23]
        assert (found.state, told) == ("done", note)
        assert [epoch.epoch for epoch in found.epochs] == [1, 2]
        assert _digest(found) == digest


def test_a_half_written_checkpoint_of_an_earlier_life_is_not_believed(desk: Desk) -> None:
    run = desk.queue()
    folder = checkpoints.folder_of("fm", "like", run.base)
    folder.mkdir(parents=True)
    (folder / ".like-draft").mkdir()
    (run.base / checkpoints.CATALOGUE).write_text("movie_id,title,year,genres,ratings,likes\n")
    assert desk.work(run).state == "done"
    assert len(pd.read_csv(run.base / checkpoints.CATALOGUE)) == 60
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", "weights.safetensors"]


@pytest.mark.parametrize("name", [store.REQUEST, store.STATUS, store.EPOCHS])
def test_a_page_reads_whatever_is_in_the_files_of_a_run(name: str, desk: Desk) -> None:
    run = desk.done()
    path, draw = run.folder / name, random.Random(1)
    raw = path.read_bytes()
    for damaged in [*flipped(raw, draw, 40), *cut(raw, draw, 10), b"", b"[" * 10_000]:
        path.write_bytes(damaged)
        for found in store.all_runs():
            assert found.title
            assert isinstance(found.progress, str)
            assert isinstance(found.epochs, list)
            json.dumps(found.as_dict())
    path.unlink()
    store.all_runs()
    control.delete(run.id)
    assert store.all_runs() == []


def test_a_run_whose_request_is_lost_is_named_and_can_be_deleted(desk: Desk) -> None:
    run = desk.done()
    (run.folder / store.REQUEST).write_text("{}")
    assert store.all_runs() == []
    with pytest.raises(RequestError, match=f"runs delete {run.id}"):
        store.find(run.id)
    control.delete(run.id)


def test_a_waiting_process_writes_again_what_was_damaged(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.queue()
    run = desk.queue()
    naps = 0

    def nap(_: float) -> None:
        nonlocal naps
        naps += 1
        assert store.find(run.id).status.doing == "in line"
        (run.folder / store.STATUS).write_text("x")
        if naps == 3:
            control.cancel(store.all_runs()[0].id)

    monkeypatch.setattr(worker, "sleep", nap)
    assert desk.work(run).state == "done"
    assert naps == 3


def test_a_lock_that_is_never_let_go_is_told_of(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LOCK_SECONDS", 0.05)
    lock = store.try_lock(desk.home / ".door")
    assert lock
    try:
        with pytest.raises(RequestError, match="in use by another"):
            store.all_runs()
    finally:
        lock.release()
