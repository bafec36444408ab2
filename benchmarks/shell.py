"""What a command waits for: from Enter to the last line, beside what Python and torch take to start.

    python benchmarks/shell.py [--repeats N]

The commands take turns, each in a process of its own, so that a slow moment of the machine falls on all of them. Prints the median
of the seconds, of the processor's seconds, and the seconds as a multiple of `import torch`, which whoever answers has to wait for.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
VISITOR = ("--like", "260", "--like", "1214", "--dislike", "1721")
COMMANDS = {
    "python": ("-c", ""),
    "import torch": ("-c", "import torch"),
    "import torch, pandas": ("-c", "import torch, pandas"),
    "recdemo --help": ("-m", "recdemo", "--help"),
    "recdemo models": ("-m", "recdemo", "models"),
    "recdemo recommend -m fm": ("-m", "recdemo", "recommend", "-m", "fm", *VISITOR),
    "recdemo recommend -m din": ("-m", "recdemo", "recommend", "-m", "din", *VISITOR),
    "recdemo explain -m fm": ("-m", "recdemo", "explain", "-m", "fm", "--movie", "1198", *VISITOR),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for turn in range(repeats + 1):
        for name, command in COMMANDS.items():
            found = run(command)
            if turn:  # the first turn warms the disk's cache
                taken[name].append(found)
    table = Table("command", "s", "of the processor", "× import torch", title_justify="left")
    base = statistics.median(seconds for seconds, _ in taken["import torch"])
    for name, found in taken.items():
        wall, processor = (statistics.median(each) for each in zip(*found, strict=True))
        table.add_row(name, f"{wall:.2f}", f"{processor:.2f}", f"{wall / base:.2f}")
    Console().print(table)


def run(command: tuple[str, ...]) -> tuple[float, float]:
    """Seconds, and seconds of the processor."""
    before, began = os.times(), time.perf_counter()
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - began, os.times()
    used = after.children_user + after.children_system
    return wall, used - before.children_user - before.children_system


if __name__ == "__main__":
    main()
