"""How much room runs and kept models may take: how many wait, how many there are, and what they take on disk.

On a shared host each visitor has a part of it.
"""

from __future__ import annotations

import os
from pathlib import Path

from recdemo.core.durations import now
from recdemo.core.errors import RequestError
from recdemo.jobs import store
from recdemo.jobs.owner import HOST, Visitor

MOST_RUNS, MOST_RUNS_VARIABLE = 20, "RECDEMO_RUNS_MOST"
MOST_BYTES, MOST_BYTES_VARIABLE = 500_000_000, "RECDEMO_RUNS_BYTES"
MOST_WAITING, MOST_WAITING_VARIABLE = 3, "RECDEMO_RUNS_WAITING"
MOST_KEPT, MOST_KEPT_VARIABLE = 20, "RECDEMO_KEPT_MOST"
OTHERS_STAY = (
    3600.0  # seconds that a visitor's run stays after its end, however much room another one needs
)
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
            f"{own} of your runs train or wait, and {each} may; wait for one to end, or cancel one"
        )
    most = limit(MOST_WAITING, MOST_WAITING_VARIABLE)
    if len(alive) > most:
        raise RequestError(
            f"one run trains and {len(alive) - 1} wait, which is all there is room for; wait for one to end, or "
            "cancel one"
        )


def check_kept(shelf: Path, by: Visitor = HOST) -> None:
    """Refuse one kept model more where there are enough. Inside `store.lock` only.

    Raises:
        RequestError: there are.
    """
    found = list(shelf.glob("[!.]*"))
    if not by.admin and sum(map(by.may_change, found)) >= (
        each := limit(KEPT_EACH, KEPT_EACH_VARIABLE)
    ):
        raise RequestError(f"{each} models of yours are kept, which is all one may; delete one")
    if len(found) >= (most := limit(MOST_KEPT, MOST_KEPT_VARIABLE)):
        raise RequestError(f"{most} models are kept, which is all there is room for; delete one")


def make(home: Path, kept: set[str], by: Visitor = HOST) -> list[str]:
    """Remove the oldest runs that have ended and of which no model was kept, until there is room for one more.

    Inside `store.lock` only. A visitor's own go first, and another's only where nothing else helps and they ended a while ago.

    Args:
        home: the folder of runs.
        kept: ids of the runs that a model was kept from.
        by: who needs it.

    Returns:
        Ids of the runs removed.

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
    count, mine, size, gone = len(folders), len(own), size_of(home), list[str]()
    while mine >= each or count >= most_runs or size > most_bytes:
        if spare:
            oldest = spare.pop(0)
            mine -= 1
        elif others and mine < each:
            oldest = others.pop(0)
        else:
            raise RequestError(
                f"there is no room for another run: {count} runs and {size / 1e6:.0f} MB are alive or kept, at most "
                f"{most_runs} and {most_bytes / 1e6:.0f} MB may be; delete a run or a kept model"
                if by.admin
                else f"there is no room for another run: {mine} of {count} are yours, and {each} of {most_runs} may be; "
                + ("delete one of yours" if mine else "come back later")
            )
        size -= size_of(oldest)
        count -= 1
        store.remove(oldest)
        gone.append(oldest.name)
    return gone


def _ended_before(folder: Path) -> bool:
    return (now() - store.read_status(folder).updated).total_seconds() > OTHERS_STAY


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
