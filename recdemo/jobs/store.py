"""Training runs: each a process of its own, which speaks through the files of its folder.

``<root>/<id>/`` holds ``request.json`` (what was asked), ``status.json`` (how far it is), ``epochs.json``,
``log.txt``, ``resume.state`` until it is done, and then ``checkpoint/``, a folder of checkpoints. Ids sort in the
order of creation. `recdemo.jobs.control` starts and ends runs, `recdemo.jobs.worker` is what runs.

Whether a run is alive is asked of the operating system, never of a file: from its start to its end, however it
ends, its process holds a lock on a file of its folder. Everybody who looks at that lock, or takes it, does so inside
`lock`, so that a lock found held is held by the run itself.

Nothing here imports torch: a page looks every second.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from filelock import FileLock, Timeout
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    JsonValue,
    TypeAdapter,
    ValidationError,
    create_model,
)

from recdemo.core.durations import duration, now, when
from recdemo.core.errors import RequestError
from recdemo.core.files import write_whole
from recdemo.core.places import PROJECT
from recdemo.core.vocabulary import MAX_SEED, Objective, Split
from recdemo.jobs.owner import HOST, Visitor
from recdemo.models import CARDS
from recdemo.training.observer import Epoch
from recdemo.training.settings import OFFERED, TYPES

ROOT_VARIABLE = "RECDEMO_RUNS"
REQUEST, STATUS, EPOCHS, LOG = "request.json", "status.json", "epochs.json", "log.txt"
RESUME, CHECKPOINT, LOCK = "resume.state", "checkpoint", ".lock"
KEPT_FOLDER = "kept"  # the folder of models that were kept, beside the runs
DRAFT = ".draft-"  # begins the names of folders that are being made, or removed
LOCK_SECONDS = 10.0  # longer than anybody holds `lock`
STARTING_SECONDS = 30.0  # that a new process may take to say that it is there

State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
ENDED: tuple[State, ...] = ("done", "failed", "cancelled", "interrupted")
# In the status of an ended run.
OVER: dict[str, Any] = {"doing": "", "loss": None, "seconds_left": None}
GONE = "its process is gone: it was killed, ran out of memory, or the machine was restarted"

_ID = re.compile(r"(?!9999)\d{8}-\d{6}-\d{3}", re.ASCII)  # in 9999, time has no next id
_EPOCHS = TypeAdapter(list[Epoch])
_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

# The settings that a request may change; None leaves the model's own.
_CHANGES: dict[str, Any] = {
    name: (Annotated[TYPES[name], Field(ge=about.least, le=about.most)] | None, None)
    for name, about in OFFERED.items()
}
Changes: Any = create_model("Changes", __config__=_STRICT, **_CHANGES)


class Request(BaseModel):
    """``request.json``: what was asked."""

    model_config = _STRICT

    model: str
    objective: Objective
    source: str = Field(min_length=1, max_length=4000)
    changes: Changes = Changes()
    arguments: dict[str, JsonValue] = {}
    split: Split = "order"
    seed: int = Field(default=0, ge=0, le=MAX_SEED)
    threads: int = Field(default_factory=lambda: spare_threads(), ge=1, le=256)
    created: datetime.datetime = Field(default_factory=lambda: now())


class Status(BaseModel):
    """``status.json``: how far a run is."""

    model_config = _STRICT

    state: State
    pid: int | None = None
    doing: str = ""  # in words, e.g. "reading the ratings"
    epoch: int = 0
    epochs: int = 0  # at most so many
    step: int = 0
    steps: int = 0
    loss: FiniteFloat | None = None  # of the epoch it is in, so far
    samples_per_second: FiniteFloat | None = None
    seconds_left: FiniteFloat | None = None
    reason: str = ""  # why it has failed, or was interrupted
    note: str = ""  # what else a person should know
    updated: AwareDatetime = Field(default_factory=lambda: now())


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it stood when it was read."""

    folder: Path
    request: Request
    status: Status

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def state(self) -> State:
        return self.status.state

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def title(self) -> str:
        """A name for people."""
        asked = self.request
        model = CARDS[asked.model].title if asked.model in CARDS else asked.model
        return f"{model}, {asked.objective}, {Path(asked.source).name}, {when(asked.created)}"

    @property
    def progress(self) -> str:
        """How far it is, or how it ended, in words; what is to be known besides is `status.note`."""
        status, parts = self.status, [self.status.doing] if self.status.doing else []
        if status.epoch and not status.reason:
            parts.append(f"epoch {status.epoch} of {status.epochs}")
        if status.seconds_left is not None:
            left = status.seconds_left
            parts.append(f"{duration(left)} left" if left >= 2 else "nearly done")
        return ", ".join([*parts, status.reason] if status.reason else parts)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        asked = self.request.model_dump(mode="json", exclude={"threads"})
        return (
            {"id": self.id, "title": self.title, "folder": str(self.folder)}
            | asked
            | self.status.model_dump(mode="json", exclude={"pid"})
        )

    @property
    def base(self) -> Path:
        """Its folder of checkpoints, as `recdemo.checkpoints` reads it; there once it is done."""
        return self.folder / CHECKPOINT

    @property
    def epochs(self) -> list[Epoch]:
        """What each epoch has reached so far."""
        try:
            return _EPOCHS.validate_json((self.folder / EPOCHS).read_bytes())
        except (OSError, ValidationError):
            return []

    def log(self, last: int = 8000) -> str:
        """The end of all that the process has printed, at most so many bytes."""
        try:
            with (self.folder / LOG).open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - last))
                return file.read().decode("utf-8", errors="replace")
        except OSError:
            return ""


def root() -> Path:
    """The folder of runs: RECDEMO_RUNS; not set, ``runs`` in the project, or one for temporary files if that cannot be written.

    Raises:
        RequestError: it cannot be written.
    """
    given, user = os.environ.get(ROOT_VARIABLE), os.getuid() if hasattr(os, "getuid") else 0
    temporary = Path(tempfile.gettempdir()) / f"recdemo-runs-{user}"
    # Not Path.expanduser, which fails where there is no such user.
    own = [Path(os.path.expanduser(given))] if given else []
    for place in own or (PROJECT / "runs", temporary):
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            foreign = place is temporary and (place.is_symlink() or place.stat().st_uid != user)
        except OSError:
            continue
        if not foreign and os.access(place, os.R_OK | os.W_OK | os.X_OK):
            return place.resolve()
    where = repr(given) if given else f"{PROJECT / 'runs'} or {temporary}"
    raise RequestError(
        f"runs cannot be written to {where}; set {ROOT_VARIABLE} to a writable folder"
    )


def all_runs(by: Visitor = HOST) -> list[Run]:
    """Every run that somebody may look at and whose request can be read, oldest first."""
    home = root()
    with lock(home):
        return [run for run in map(read, filter(by.may_look, ids(home))) if run]


def find(id: str, by: Visitor = HOST, *, own: bool = False) -> Run:
    """A run by its id, that somebody may look at or that is their own.

    Raises:
        RequestError: there is none.
    """
    home = root()
    with lock(home):
        run = read(folder_of(id, home, by))
    if run is None:
        raise RequestError(
            f"the run {id} cannot be read; remove it with 'python -m recdemo runs delete {id}'"
        )
    if own:
        by.check(run.folder, f"the run {run.title}")
    return run


def spare_threads() -> int:
    """All cores but one, which is for the app; more than four do not make small batches faster."""
    return min(max(1, (os.cpu_count() or 1) - 1), 4)


# What follows is for the modules beside this one.


@contextmanager
def lock(home: Path) -> Iterator[None]:
    """One at a time looks at locks, or starts, ends and removes runs: nobody mistakes another's look for a run.

    Raises:
        RequestError: somebody has held it for long.
    """
    one = FileLock(home / ".door", LOCK_SECONDS, poll_interval=0.005, fallback_to_soft=False)
    try:
        held = one.acquire()
    except Timeout:
        raise RequestError(
            f"{home} has been in use by another process for too long; try again"
        ) from None
    with held:
        yield


def try_lock(path: Path) -> FileLock | None:
    """A lock on a file, held until released or the process ends; None where another has it. Inside `lock` only."""
    one = FileLock(path, thread_local=False, fallback_to_soft=False)
    try:
        one.acquire(blocking=False)
    except Timeout:
        return None
    return one


def is_alive(folder: Path) -> bool:
    """Whether a run's process is there, or about to be. Inside `lock` only."""
    free = try_lock(folder / LOCK)
    if free is None:
        return True
    free.release()
    status = read_status(folder)
    waited = (now() - status.updated).total_seconds()
    return status.state == "queued" and status.pid is None and 0 <= waited < STARTING_SECONDS


def read(folder: Path) -> Run | None:
    """A run as it stands; None where its request cannot be read. Inside `lock` only."""
    try:
        request = Request.model_validate_json((folder / REQUEST).read_bytes())
    except (OSError, ValidationError):
        return None
    status = read_status(folder)
    if status.state not in ENDED and not is_alive(folder):
        status = read_status(folder)  # it may have ended well between the two looks
        if status.state not in ENDED:
            status = status.model_copy(update={"state": "interrupted", "reason": GONE, **OVER})
    return Run(folder, request, status)


def read_status(folder: Path) -> Status:
    """What the file says, which may be out of date; interrupted where it cannot be read."""
    try:
        return Status.model_validate_json((folder / STATUS).read_bytes())
    except (OSError, ValidationError):
        return Status(state="interrupted", reason=f"{folder / STATUS} cannot be read")


def write_status(folder: Path, status: Status) -> None:
    """Replace the file; for the run's own process, or inside `lock` where there is none."""
    write_whole(folder / STATUS, status.model_dump_json(indent=1).encode())


def write_epochs(folder: Path, epochs: list[Epoch]) -> None:
    """Replace the figures of the epochs."""
    write_whole(folder / EPOCHS, json.dumps([asdict(epoch) for epoch in epochs]).encode())


def ids(home: Path) -> list[Path]:
    """The folders of all runs, oldest first; what is no run is passed over."""
    return sorted(filter(_is_run, home.iterdir()))


def _is_run(path: Path) -> bool:
    there = _ID.fullmatch(path.name) and any((path / n).is_file() for n in (REQUEST, STATUS))
    with suppress(ValueError):
        return bool(there and _moment(path.name))
    return False


def _moment(id: str) -> datetime.datetime:
    return datetime.datetime.strptime(f"{id}000+0000", "%Y%m%d-%H%M%S-%f%z")


def new_id(home: Path, created: datetime.datetime) -> str:
    """An id behind all there are, even where the clock was set back. Inside `lock` only."""
    newest = max((path.name for path in ids(home)), default="")
    moment = max(created, _moment(newest)) if newest else created
    while (id := f"{moment:%Y%m%d-%H%M%S-%f}"[:-3]) <= newest or (home / id).exists():
        moment += datetime.timedelta(milliseconds=1)
    return id


def folder_of(id: str, home: Path, by: Visitor = HOST) -> Path:
    """The folder of a run.

    Raises:
        RequestError: there is none that they may look at.
    """
    folder = home / id
    if not _is_run(folder) or folder.name != id or not by.may_look(folder):
        raise RequestError(f"there is no run {id!r}; 'python -m recdemo runs' lists them")
    return folder
