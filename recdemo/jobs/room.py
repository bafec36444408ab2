"""How much room runs and kept models may take: how many wait, how many there are, and what they take on disk.

On a shared host each visitor has a part of it.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from recdemo.core.durations import now
from recdemo.core.errors import RequestError
from recdemo.core.wording import counted
from recdemo.jobs import store
from recdemo.jobs.owner import HOST, Visitor

MOST_RUNS, MOST_RUNS_VARIABLE = 20, "RECDEMO_RUNS_MOST"
MOST_BYTES, MOST_BYTES_VARIABLE = 500_000_000, "RECDEMO_RUNS_BYTES"
MOST_WAITING, MOST_WAITING_VARIABLE = 3, "RECDEMO_RUNS_WAITING"
MOST_KEPT, MOST_KEPT_VARIABLE = 20, "RECDEMO_KEPT_MOST"
DATA = "data"  # the folder of people's own data, beside the runs that learn from them
# Seconds that a visitor's run stays after its end, however much room another one needs.
OTHERS_STAY = 3600.0
# Of one visitor.
RUNS_EACH, RUNS_EACH_VARIABLE = 5, "RECDEMO_RUNS_EACH"
KEPT_EACH, KEPT_EACH_VARIABLE = 5, "RECDEMO_KEPT_EACH"
ALIVE_EACH, ALIVE_EACH_VARIABLE = 2, "RECDEMO_WAITING_EACH"


def check_waiting(home: Path, by: Visitor = HOST) -> None:
    """Refuse one run more where enough wait. Inside `store.lock` only.

    Raises:
        RequestError: they do.
    """
    alive = [folder for folder in store.ids(home) if store.is_alive(folder)]
    own = sum(map(by.may_change, alive))
    if not by.admin and own >= (each := limit(ALIVE_EACH, ALIVE_EACH_VARIABLE)):
        raise RequestError(
            f"you have {counted(own, 'unfinished run')}, and the limit is {each}; wait for one to end, or cancel one"
        )
    most = limit(MOST_WAITING, MOST_WAITING_VARIABLE)
    if len(alive) > most:
        raise RequestError(
            f"the queue is full (one run is training, {len(alive) - 1} waiting); wait for one to end, or cancel one"
        )


def check_kept(shelf: Path, by: Visitor = HOST, size: int = 0) -> None:
    """Refuse one kept model more, of so many bytes, where there are enough. Inside `store.lock` only.

    Raises:
        RequestError: there are.
    """
    found = list(shelf.glob("[!.]*"))
    own = sum(map(by.may_change, found))
    if not by.admin and own >= (each := limit(KEPT_EACH, KEPT_EACH_VARIABLE)):
        raise RequestError(
            f"you have {counted(own, 'kept model')}, and the limit is {each}; delete one"
        )
    if len(found) >= (most := limit(MOST_KEPT, MOST_KEPT_VARIABLE)):
        raise RequestError(f"{most} models are kept, which is all there is room for; delete one")
    check_bytes(shelf.parent, size)


def check_bytes(home: Path, size: int) -> None:
    """Refuse so many bytes more where there is no room for them. Inside `store.lock` only.

    What was left half made goes, and data that no run names make room.

    Raises:
        RequestError: there is none.
    """
    clear_drafts(home)
    most = limit(MOST_BYTES, MOST_BYTES_VARIABLE)
    if size_of(home) + size > most:
        clear_data(home)
    if (taken := size_of(home)) + size > most:
        raise RequestError(
            f"there is no room for {size / 1e6:.1f} MB: runs and kept models take {taken / 1e6:.1f} of {most / 1e6:.1f} MB; "
            "delete a run or a kept model"
        )


def clear_data(home: Path, spare: str = "") -> None:
    """Remove a person's own data that no run names any more: they go with the last one that does. Inside `store.lock` only.

    Args:
        home: the folder of runs.
        spare: a source that a run is about to name.
    """
    named = {spare, *map(_source, store.ids(home))}
    for folder in (home / DATA).glob("[!.]*"):
        if not any(folder in Path(source).parents for source in named):
            shutil.rmtree(folder, ignore_errors=True)


def _source(folder: Path) -> str:
    try:
        return str(json.loads((folder / store.REQUEST).read_bytes())["source"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def make_room(home: Path, kept: set[str], by: Visitor = HOST, source: str = "") -> list[str]:
    """Remove the oldest runs that have ended and of which no model was kept, until there is room for one more.

    Inside `store.lock` only. A visitor's own go first, and another's only where nothing else helps and they ended a while ago.

    Args:
        home: the folder of runs.
        kept: ids of the runs that a model was kept from.
        by: who needs it.
        source: of the run that needs it.

    Returns:
        What the runs removed were called.

    Raises:
        RequestError: there is no room even so.
    """
    folders = store.ids(home)
    own = list(filter(by.may_change, folders))
    ended = [path for path in folders if path.name not in kept and not store.is_alive(path)]
    spare = [path for path in ended if path in own]
    others = [path for path in ended if path not in own and _ended_before(path)]
    most_runs = limit(MOST_RUNS, MOST_RUNS_VARIABLE)
    most_bytes = limit(MOST_BYTES, MOST_BYTES_VARIABLE)
    each = most_runs if by.admin else limit(RUNS_EACH, RUNS_EACH_VARIABLE)
    count, mine, gone = len(folders), len(own), list[str]()
    clear_data(home, source)
    while mine >= each or count >= most_runs or (size := size_of(home)) > most_bytes:
        if spare:
            oldest = spare.pop(0)
            mine -= 1
        elif others and mine < each:
            oldest = others.pop(0)
        elif mine >= each or count >= most_runs:
            most = each if mine >= each else most_runs
            raise RequestError(
                f"there is no room for another run: {mine} of {counted(count, 'run')} {'is' if mine == 1 else 'are'} yours, and the limit is {most}; "
                + ("cancel or delete one of yours" if mine else "come back in an hour")
            )
        else:
            raise RequestError(
                f"there is no room for another run: what is alive or kept takes {size / 1e6:.1f} MB, and {most_bytes / 1e6:.1f} "
                f"MB are allowed; {'delete a kept model, or a run that one was kept from' if by.admin else 'delete one of yours'}"
            )
        run = store.read(oldest)
        gone.append(run.title if run else oldest.name)
        count -= 1
        remove(oldest)
        clear_data(home, source)
    return gone


def _ended_before(folder: Path) -> bool:
    return (now() - store.read_status(folder).updated).total_seconds() > OTHERS_STAY


def remove(folder: Path) -> None:
    """Remove a folder: at once out of sight, then from the disk. Inside `store.lock` only.

    Raises:
        RequestError: the disk does not let it.
    """
    aside = folder.with_name(f"{store.DRAFT}{folder.name}")
    shutil.rmtree(aside, ignore_errors=True)  # of one whose removal was killed
    try:
        folder.rename(aside)
    except OSError as error:
        raise RequestError(f"{folder.name} cannot be removed: {error.strerror}") from error
    shutil.rmtree(aside, ignore_errors=True)


def clear_drafts(home: Path) -> None:
    """Remove what was left half made or half removed. Inside `store.lock` only."""
    for place in (home, home / store.KEPT_FOLDER):
        for path in place.glob(f"{store.DRAFT}*"):
            shutil.rmtree(path, ignore_errors=True)
    for path in (home / DATA).glob("*/.*"):
        path.unlink(missing_ok=True)


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder; what vanishes meanwhile does not count."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except OSError:
                continue
    return total


def limit(default: int, variable: str) -> int:
    """A limit, or what the environment says it is.

    Raises:
        RequestError: it says no number.
    """
    given = os.environ.get(variable)
    try:
        return int(given) if given else default
    except ValueError:
        raise RequestError(f"{variable} is {given!r}; set it to a whole number") from None
