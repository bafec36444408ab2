"""A small made-up world as MovieLens-1M files, a desk for training runs over it in a folder of its own, and damage."""

from __future__ import annotations

import errno
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from recdemo import cli
from recdemo.data import Dataset
from recdemo.jobs import control, room, store
from recdemo.jobs.store import Request, Run, Status
from recdemo.training.observer import Epoch, Observer, Step

SECONDS = 120.0  # that anything may take on a busy machine


class Recorder(Observer):
    """Keeps what it is told of a fit."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.epochs: list[Epoch] = []
        self.problems: list[str] = []

    def on_step(self, step: Step) -> None:
        self.steps.append(step)

    def on_epoch(self, epoch: Epoch) -> None:
        self.epochs.append(epoch)

    def on_problem(self, problem: str) -> None:
        self.problems.append(problem)


def write_world(world: Dataset, folder: Path) -> Path:
    """The three files of MovieLens-1M."""
    folder.mkdir()
    files = {
        "movies.dat": [
            f"{film.movie_id}::{film.title} ({film.year})::{'|'.join(film.genres)}"
            for film in world.movies.itertuples()
        ],
        "users.dat": [
            f"{user.user_id}::{user.gender}::{user.age}::{user.occupation}::00000"
            for user in world.users.itertuples()
        ],
        "ratings.dat": [
            f"{row.user_id}::{row.movie_id}::{row.rating}::{second}"
            for second, row in enumerate(world.ratings.itertuples())
        ],
    }
    for name, lines in files.items():
        (folder / name).write_text("\n".join(lines) + "\n", encoding="latin-1")
    return folder


@dataclass
class Desk:
    """Where runs are asked for in a test: the folder of runs is its own, and nothing is shipped."""

    home: Path
    world: Path
    patch: pytest.MonkeyPatch

    def ask(self, model: str = "fm", **changes: Any) -> Request:
        """Two quick epochs over the small world, if nothing else is said."""
        given = {"epochs": 2, "batch_size": 256, "threads": 1, "source": str(self.world)} | changes
        if model == "popularity":
            given = {k: v for k, v in given.items() if k not in ("epochs", "batch_size")}
        return control.ask(model, given.pop("objective", "like"), given.pop("source"), **given)

    def queue(self, model: str = "fm", **changes: Any) -> Run:
        """A run that is asked for, and whose process never comes."""
        with self.patch.context() as patch:
            patch.setattr(control.subprocess, "Popen", NoProcess)
            return control.start(self.ask(model, **changes))

    def work(self, run: Run) -> Run:
        """What a run's process does, in this one."""
        words = [*control.command(run.request)[3:], "--run", str(run.folder)]
        with suppress(SystemExit):
            cli.app(["train", *words], standalone_mode=False)
        return store.find(run.id)

    def done(self, model: str = "fm", **changes: Any) -> Run:
        """A run that has ended well."""
        run = self.work(self.queue(model, **changes))
        assert run.state == "done", run.status.reason
        return run

    def ended(self, state: store.State) -> Run:
        """A run that has ended some way."""
        run = self.queue()
        store.write_status(run.folder, Status(state=state))
        return store.find(run.id)


class NoProcess:
    """Stands for a process that never comes."""

    def __init__(self, *_: object, **__: object) -> None:
        self.pid = 0

    def wait(self) -> int:
        """For ever: it never ends either."""
        threading.Event().wait()
        return 0


def make_desk(world: Path, folder: Path, patch: pytest.MonkeyPatch) -> Desk:
    """A desk; the variables that runs go by are its own until the patch is undone."""
    for variable in (
        control.ALLOWED_VARIABLE,
        room.MOST_RUNS_VARIABLE,
        room.MOST_BYTES_VARIABLE,
        room.MOST_WAITING_VARIABLE,
    ):
        patch.delenv(variable, raising=False)
    (folder / "nothing").mkdir()
    patch.setenv("RECDEMO_CHECKPOINTS", str(folder / "nothing"))
    patch.setenv(store.ROOT_VARIABLE, str(folder / "runs"))
    patch.setattr("os.nice", lambda by: by)  # the tests go on after it
    return Desk(store.root(), world, patch)


def wait_until(reached: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Look often; fail where it does not come."""
    began = time.monotonic()
    while not reached():
        assert time.monotonic() - began < seconds, "it did not come"
        time.sleep(0.01)


def wait_for(run: Run, *states: store.State) -> Run:
    """Until a run is in one of these states."""
    wait_until(lambda: store.find(run.id).state in states)
    return store.find(run.id)


def wait_for_doing(run: Run, doing: str) -> None:
    """Until a run says that it does this."""

    def reached() -> bool:
        found = store.find(run.id)
        return found.status.doing == doing or found.ended

    wait_until(reached)
    assert not store.find(run.id).ended, store.find(run.id).log()


def gone(pid: int) -> bool:
    """Whether no such process is there, dead ones not yet asked for left aside."""
    found = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return not found.stdout.strip() or found.stdout.strip().startswith("Z")


def no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def flipped(raw: bytes, draw: random.Random, times: int) -> Iterator[bytes]:
    """With one bit turned, anywhere."""
    for _ in range(times):
        place = draw.randrange(len(raw))
        yield raw[:place] + bytes([raw[place] ^ 1 << draw.randrange(8)]) + raw[place + 1 :]


def cut(raw: bytes, draw: random.Random, times: int) -> Iterator[bytes]:
    """With its end missing."""
    return (raw[: draw.randrange(len(raw))] for _ in range(times))
