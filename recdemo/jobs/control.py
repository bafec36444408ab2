"""Start, cancel, resume and delete training runs; see `recdemo.jobs.store` for what a run is.

A run is started as ``python -m recdemo train … --run FOLDER``, in a session of its own, so that it outlives whoever
started it. One trains at a time; the others wait, as small processes, in the order in which they were asked for.
"""

from __future__ import annotations

import math
import os
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import JsonValue, ValidationError

from recdemo.core.durations import now
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.core.files import write_whole
from recdemo.core.places import environment
from recdemo.core.vocabulary import Objective, Split
from recdemo.core.worlds import world_of_data
from recdemo.jobs import room, store
from recdemo.jobs.kept import runs_kept
from recdemo.jobs.owner import HOST, Visitor
from recdemo.jobs.store import ENDED, Changes, Request, Run, Status
from recdemo.models import objective_of
from recdemo.training.command import train_words
from recdemo.training.settings import settings_for

ALLOWED_VARIABLE = "RECDEMO_RETRAIN"
PATIENCE = 1.0  # seconds from asking a process to end to ending it
ANSWER = 10.0  # seconds after which even that has failed

Allowed = Literal["on", "simulated", "off"]
LAST_EPOCHS = 3  # whose speed an estimate goes by


def allowed() -> Allowed:
    """What may be trained here, by RECDEMO_RETRAIN: anything, on simulated data only, or nothing.

    A public host that cannot have strangers' training sets it; a value that is none of the three means nothing.
    """
    given = os.environ.get(ALLOWED_VARIABLE, "on").strip().lower() or "on"
    return next((value for value in get_args(Allowed) if value == given), "off")


def check_allowed(source: str) -> None:
    """Refuse what may not be trained here.

    Raises:
        RequestError: says what may.
    """
    from recdemo.data.sources import MADE_UP

    if allowed() == "off":
        raise RequestError(
            f"training is switched off here ({ALLOWED_VARIABLE} is {os.environ[ALLOWED_VARIABLE]!r}); "
            "install recdemo on a machine of your own to train"
        )
    if allowed() == "simulated" and source not in MADE_UP:
        raise RequestError(
            f"only simulated data may be trained on here ({ALLOWED_VARIABLE} is 'simulated'), not "
            f"{Path(source).name!r}; install recdemo on a machine of your own for other data"
        )


def ask(
    model: str,
    objective: Objective | None = None,
    source: str = "simulated",
    *,
    arguments: dict[str, JsonValue] | None = None,
    split: Split = "order",
    seed: int = 0,
    threads: int | None = None,
    **changes: Any,
) -> Request:
    """A checked request.

    Args:
        model: key.
        objective: None for the model's own.
        source: as in `recdemo.data.load_dataset`.
        arguments: constructor arguments that differ from the model's defaults.
        split: see `recdemo.data.split`.
        seed: of the run.
        threads: of the computation; None for all cores but one.
        changes: settings, see `recdemo.training.settings`; None changes nothing.

    Raises:
        RequestError: no such model, objective or setting, or a value out of range.
    """
    from recdemo.data.sources import NAMES

    if source not in NAMES:
        source = str(Path(os.path.expanduser(source)).absolute())
    try:
        return Request(
            model=model,
            objective=objective_of(model, objective),
            source=source,
            changes=Changes(**changes),
            arguments=arguments or {},
            split=split,
            seed=seed,
            threads=store.spare_threads() if threads is None else threads,
        )
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise RequestError(f"{name} cannot be {first['input']!r}: {first['msg']}") from None


def start(request: Request, by: Visitor = HOST) -> Run:
    """Start a run, or let it wait for its turn; the oldest ended ones make room for it.

    Args:
        request: what is asked.
        by: whose it is.

    Raises:
        RequestError: it is not allowed here, too many wait, or there is no room.
    """
    check_allowed(request.source)
    home = store.root()
    with store.lock(home):
        room.clear_drafts(home)
        room.check_waiting(home, by)
        gone = room.make_room(home, runs_kept(home), by, request.source)
        note = f"to make room, these runs were removed: {'; '.join(gone)}" if gone else ""
        request = request.model_copy(update={"created": now()})
        folder = home / store.new_id(home, request.created)
        draft = folder.with_name(f"{store.DRAFT}{folder.name}")
        try:
            draft.mkdir()
            by.mark(draft)
            write_whole(draft / store.REQUEST, request.model_dump_json(indent=1).encode())
            store.write_status(draft, Status(state="queued", doing="starting", note=note))
            draft.rename(folder)
        except OSError as error:
            shutil.rmtree(draft, ignore_errors=True)
            raise RequestError(f"the run was not started: {error.strerror}; see {home}") from error
        return _set_going(folder, request)


def resume(id: str, by: Visitor = HOST) -> Run:
    """Go on with a run that did not come to its end, from its last whole epoch.

    Raises:
        RequestError: there is no such run, it is not theirs, it is alive or done, it is not allowed here, or too many wait.
    """
    run = store.find(id, by, own=True)
    check_allowed(run.request.source)
    with store.lock(run.folder.parent):
        found = _still_there(run)
        if not found.ended:
            raise RequestError(f"the run {run.title} is {found.state}; there is nothing to resume")
        if found.state == "done":
            raise RequestError(f"the run {run.title} is done; start another one")
        room.check_waiting(run.folder.parent, by)
        _write(run, Status(state="queued", doing="starting"))
        return _set_going(run.folder, run.request)


def cancel(id: str, by: Visitor = HOST) -> Run:
    """End a run, whatever it is doing; one that has ended stays as it is.

    Raises:
        RequestError: there is no such run, it is not theirs, or its process cannot be ended.
    """
    run = store.find(id, by, own=True)
    began, asked = time.monotonic(), False
    while time.monotonic() - began < ANSWER:
        with store.lock(run.folder.parent):
            status = store.read_status(run.folder)
            if status.state in ENDED:
                return _still_there(run)
            if status.pid is None or not store.is_alive(run.folder):
                if asked or status.pid is None:
                    gone = {"state": "cancelled", "pid": None, **store.OVER}
                    status = status.model_copy(update=gone | {"updated": now()})
                    _write(run, status)
                return _still_there(run)
            patient = time.monotonic() - began < PATIENCE
            if not asked or not patient:
                _signal(status.pid, gently=patient)
                asked = True
        time.sleep(0.02)
    raise RequestError(f"the run {run.title} does not end; end process {status.pid} by hand")


def delete(id: str, by: Visitor = HOST) -> None:
    """Remove a run and all that came of it; models kept from it stay.

    Raises:
        RequestError: there is no such run, it is not theirs, or it is alive.
    """
    home = store.root()
    folder = store.folder_of(id, home, by)
    with store.lock(home):
        by.check(folder, f"the run {id}")
        run = store.read(folder)
        if store.is_alive(folder):
            name = run.title if run else id
            raise RequestError(f"the run {name} has not ended; cancel it before it is deleted")
        room.remove(folder)
        room.clear_data(home)


def estimate(request: Request, ratings: int, base: Path | None = None) -> float | None:
    """Seconds that a run may take at most, measuring aside, by how fast the shipped checkpoint was trained.

    Args:
        request: what is asked.
        ratings: of the data.
        base: the folder of checkpoints to go by; None for that of the world whose data these are, or of the first one.

    Returns:
        None where there is no such checkpoint, or it was counted and not trained.
    """
    from recdemo import checkpoints

    if base is None:
        base = checkpoints.root(world_of_data(request.source).key)
        if (request.model, request.objective) not in checkpoints.available(base):
            base = checkpoints.root()
    try:
        card = checkpoints.read_card(checkpoints.folder_of(request.model, request.objective, base))
        seconds = [float(epoch["seconds"]) for epoch in card.epochs[-LAST_EPOCHS:]]
        # A model with a first stage has epochs of that, too.
        stages = math.ceil(len(card.epochs) / int(card.settings["epochs"]))
        read = card.data.ratings * float(card.settings.get("share", 1.0))
        per_rating = statistics.fmean(seconds) / read
    except (CheckpointError, KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    asked = settings_for(
        request.model, request.objective, data=request.source, **request.changes.model_dump()
    )
    return per_rating * ratings * asked.share * asked.epochs * stages


def command(request: Request) -> list[str]:
    """What a person types to train the same, after ``python``."""
    return train_words(
        request.model,
        request.objective,
        request.source,
        seed=request.seed,
        split=request.split,
        settings=request.changes.model_dump(),
        arguments=request.arguments,
    )


def _set_going(folder: Path, request: Request) -> Run:
    """Start the process of a run that is written down as queued. Inside `store.lock`."""
    threads = str(request.threads)
    settings = environment(PYTHONUNBUFFERED="1", OMP_NUM_THREADS=threads, MKL_NUM_THREADS=threads)
    words = [sys.executable, *command(request), "--run", str(folder)]
    try:
        with (folder / store.LOG).open("a", encoding="utf-8") as log:
            log.write(f"{now():%Y-%m-%d %H:%M:%S} UTC: {shlex.join(words[1:])}\n")
            log.flush()
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=settings,
                start_new_session=True,
            )
    except OSError as error:
        reason = f"its process could not be started: {error.strerror}"
        with suppress(OSError):
            store.write_status(folder, Status(state="failed", reason=reason))
    else:
        asked = store.read_status(folder)
        threading.Thread(target=_see_off, args=(process, folder, asked), daemon=True).start()
    found = store.read(folder)
    assert found is not None
    return found


def _see_off(process: subprocess.Popen[bytes], folder: Path, asked: Status) -> None:
    """Ask a process for its exit status when it ends; tell of one that never came to say anything itself."""
    code = process.wait()
    with suppress(OSError, RequestError), store.lock(folder.parent):
        if store.read_status(folder) == asked:
            reason = (
                f"its process ended before it began (exit status {code}); the log has the details"
            )
            store.write_status(folder, Status(state="failed", reason=reason))


def _write(run: Run, status: Status) -> None:
    try:
        store.write_status(run.folder, status)
    except OSError as error:
        raise RequestError(
            f"the state of the run {run.title} cannot be written: {error.strerror}"
        ) from error


def _still_there(run: Run) -> Run:
    found = store.read(run.folder)
    if found is None:
        raise RequestError(f"the run {run.title} has been deleted in the meantime")
    return found


def _signal(pid: int, *, gently: bool) -> None:
    """To the process that holds a run's lock; its number cannot have passed to another."""
    hard = getattr(signal, "SIGKILL", signal.SIGTERM)
    try:
        os.kill(pid, signal.SIGTERM if gently else hard)
    except ProcessLookupError:
        return
