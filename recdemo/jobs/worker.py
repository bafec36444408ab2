"""The process of a run: it waits for its turn, says how far it is, and leaves word of how it ended.

Nothing here imports torch, so that a process that waits is a small one.
"""

from __future__ import annotations

import errno
import math
import os
import re
import shutil
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from recdemo.core.durations import now
from recdemo.core.errors import CheckpointError, DataError, RequestError
from recdemo.jobs import store
from recdemo.jobs.store import Status
from recdemo.training.observer import Epoch, Observer, Step

if TYPE_CHECKING:
    from recdemo.checkpoints import DataCard

NICE = 10  # the app goes first
POLL = 0.3  # seconds between two looks whether it is this run's turn
SAY = 0.5  # seconds between two words of how far it is, at least
TRAINING = ".training"  # the lock of the one that trains
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_OS_ERROR = re.compile(r"\(os error (\d+)\)")  # as safetensors words what the system said
_NO_MEMORY = re.compile(r"allocate memory|out of memory|bad_alloc", re.IGNORECASE)


class RunProcess(Observer):
    """A run while its process lives; use it as ``with RunProcess(folder) as process:`` around all the work.

    Args:
        folder: of a run that is queued.

    Raises:
        RequestError: on entering: it is not queued, as it was cancelled, or goes on elsewhere.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._locks: list[FileLock] = []
        self._status = Status(state="queued", pid=os.getpid(), doing="in line")
        self._epochs: list[Epoch] = []
        self._said = 0.0  # when the status was last written
        self._began: tuple[float, float] | None = None  # when training began, and how far it was
        self._epoch_began = 0.0
        self._step: Step | None = None  # the last one

    @property
    def base(self) -> Path:
        """Where the checkpoint goes."""
        return self.folder / store.CHECKPOINT

    @property
    def state(self) -> Path:
        """Where the fit is kept."""
        return self.folder / store.RESUME

    def __enter__(self) -> RunProcess:
        with suppress(AttributeError, OSError):  # not every system has it
            os.nice(NICE)
        self._take()
        try:
            self._wait()
            shutil.rmtree(self.base, ignore_errors=True)  # half written in an earlier life
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write down how it ended. A process that is killed says nothing: its run reads as interrupted."""
        try:
            if error is None:
                self.state.unlink(missing_ok=True)
                self._end("done")
            elif isinstance(error, Exception):
                with suppress(OSError):
                    traceback.print_exception(kind, error, trace)
                self._end("failed", reason_of(error))
                raise SystemExit(1) from error
        finally:
            for lock in self._locks:
                lock.release()
            self._locks.clear()

    def on_read(self) -> None:
        self._say(doing="reading the ratings")

    def on_start(self, data: DataCard) -> None:
        print(f"{data.title}: {data.ratings:,} ratings by {data.users:,} users", file=sys.stderr)
        self._say(doing="training")

    def on_problem(self, problem: str) -> None:
        print(problem, file=sys.stderr)
        problem = problem.replace(f"{self.folder}{os.sep}", "")
        self._say(note="; ".join(filter(None, [self._status.note, problem])))

    def on_step(self, step: Step) -> None:
        clock, self._step = monotonic(), step
        done = (step.epoch - 1 + step.step / step.steps) / step.epochs
        if self._began is None:
            self._began = (clock, done)
            # An earlier life may have left more of them.
            store.write_epochs(self.folder, self._epochs)
        if step.step == 1:
            self._epoch_began = clock
        if clock - self._said < SAY:
            return
        began, was_done = self._began
        gone, ahead = clock - began, done - was_done
        in_epoch, loss = clock - self._epoch_began, step.loss
        self._say(
            **_place(step),
            loss=loss if math.isfinite(loss) else None,
            samples_per_second=_positive(step.samples * (1 - 1 / step.step), in_epoch),
            seconds_left=_positive(gone * (1 - done), ahead),
        )

    def on_epoch(self, epoch: Epoch) -> None:
        print(epoch, file=sys.stderr)
        self._epochs.append(epoch)
        store.write_epochs(self.folder, self._epochs)
        place = _place(self._step) if self._step else {}
        self._say(**place, loss=None, samples_per_second=epoch.samples_per_second)

    def on_measure(self) -> None:
        self._say(doing="measuring", seconds_left=None)

    def _take(self) -> None:
        nobody = f"{self.folder} is not a run; 'python -m recdemo runs' lists them"
        if not (self.folder / store.REQUEST).is_file():  # a lock would leave its file anywhere
            raise RequestError(nobody)
        with store.lock(self.folder.parent):
            run = store.read(self.folder)
            if run is None:
                raise RequestError(nobody)
            asked = store.read_status(self.folder)
            if asked.state != "queued" or asked.pid is not None:
                raise RequestError(f"the run {run.title} is {run.state}; it cannot be started")
            lock = store.try_lock(self.folder / store.LOCK)
            assert lock is not None  # nobody else starts a queued run
            self._locks.append(lock)
            self._say(note=asked.note)

    def _wait(self) -> None:
        """Until all runs asked for earlier, as far as they are alive, have ended, and nothing trains."""
        home = self.folder.parent
        while True:
            with store.lock(home):
                earlier = [path for path in store.ids(home) if path.name < self.folder.name]
                if not any(map(store.is_alive, earlier)):
                    lock = store.try_lock(home / TRAINING)
                    if lock is not None:
                        self._locks.append(lock)
                        self._say(state="running", doing="loading")
                        return
                if store.read_status(self.folder) != self._status:
                    store.write_status(self.folder, self._status)
            sleep(POLL)

    def _say(self, **changes: Any) -> None:
        self._said = monotonic()
        self._status = self._status.model_copy(update=changes | {"updated": now()})
        store.write_status(self.folder, self._status)

    def _end(self, state: store.State, reason: str = "") -> None:
        last = {"state": state, "reason": reason, "pid": None, **store.OVER}
        try:
            self._say(**last)
        except OSError:  # a full disk may still take what is no longer than what was there
            with suppress(OSError), (self.folder / store.STATUS).open("r+b") as file:
                file.write(self._status.model_dump_json().encode())
                file.truncate()


def reason_of(error: BaseException) -> str:
    """Why a run failed, in words for people; the log has the details."""
    text = str(error).strip()
    code = error.errno if isinstance(error, OSError) else _code(text)
    if code in FULL:
        return "the disk is full: free some space, e.g. by deleting runs, and resume it"
    if isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and _NO_MEMORY.search(text)
    ):
        return "there is not enough memory: ask for a smaller batch size, smaller data or a smaller model"
    if isinstance(error, RequestError | CheckpointError | DataError):
        return text
    first = text.splitlines()[0] if text else "no details"
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror or first}"
    return f"{type(error).__name__}: {first}; the log has the details"


def _place(step: Step) -> dict[str, int]:
    return {"epoch": step.epoch, "epochs": step.epochs, "step": step.step, "steps": step.steps}


def _code(text: str) -> int | None:
    found = _OS_ERROR.search(text)
    return int(found[1]) if found else None


def _positive(amount: float, by: float) -> float | None:
    return amount / by if amount > 0 and by > 0 else None
