"""How much room runs may take: how many wait, how many there are, and what they take on disk."""

from __future__ import annotations

import os
from pathlib import Path

from recdemo.core.errors import RequestError
from recdemo.jobs import store

MOST_RUNS, MOST_RUNS_VARIABLE = 20, "RECDEMO_RUNS_MOST"
MOST_BYTES, MOST_BYTES_VARIABLE = 500_000_000, "RECDEMO_RUNS_BYTES"
MOST_WAITING, MOST_WAITING_VARIABLE = 3, "RECDEMO_RUNS_WAITING"


def check_waiting(home: Path) -> None:
    """Refuse one run more where enough wait. Inside `store.lock` only.

    Raises:
        RequestError: they do.
    """
    alive = [folder for folder in store.ids(home) if store.is_alive(folder)]
    most = limit(MOST_WAITING, MOST_WAITING_VARIABLE)
    if len(alive) > most:
        raise RequestError(
            f"one run trains and {len(alive) - 1} wait, which is all there is room for; wait for one to end, or "
            "cancel one"
        )


def make(home: Path, kept: set[str]) -> None:
    """Remove the oldest runs that have ended and of which no model was kept, until there is room for one more.

    Inside `store.lock` only.

    Args:
        home: the folder of runs.
        kept: ids of the runs that a model was kept from.

    Raises:
        RequestError: there is no room even so.
    """
    folders = store.ids(home)
    spare = [path for path in folders if path.name not in kept and not store.is_alive(path)]
    most_runs = limit(MOST_RUNS, MOST_RUNS_VARIABLE)
    most_bytes = limit(MOST_BYTES, MOST_BYTES_VARIABLE)
    count, size = len(folders), size_of(home)
    while count >= most_runs or size > most_bytes:
        if not spare:
            raise RequestError(
                f"there is no room for another run: {count} runs and {size / 1e6:.0f} MB are alive or kept, at most "
                f"{most_runs} and {most_bytes / 1e6:.0f} MB may be; delete a run or a kept model"
            )
        oldest = spare.pop(0)
        size -= size_of(oldest)
        count -= 1
        store.remove(oldest)


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
