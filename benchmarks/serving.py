"""How long a model takes to rank the whole catalogue for one visitor, on one thread.

    python benchmarks/serving.py [--repeats N]

Prints milliseconds, median and 95th percentile, for histories of 0, 10, 60 and 200 films; models take turns,
so that a slow moment of the machine falls on all of them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from rich.console import Console
from rich.table import Table

import recdemo
from recdemo import checkpoints

HISTORIES = (0, 10, 60, 200)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=30)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    models = {pair: recdemo.load(*pair) for pair in checkpoints.available()}
    ids = next(iter(models.values())).catalogue.sort_values("ratings")["movie_id"].tolist()
    sessions = {
        n: recdemo.Session("F", 25, 12, [recdemo.Watched(m, True) for m in ids[-n:] if n])
        for n in HISTORIES
    }
    times: dict[tuple[tuple[str, str], int], list[float]] = {}
    for turn in range(repeats + 2):
        for key, model in models.items():
            for films, session in sessions.items():
                started = time.perf_counter()
                model.logits(session)
                if turn >= 2:  # the first two turns warm up
                    times.setdefault((key, films), []).append(time.perf_counter() - started)
    table = Table("model", *(f"{n} films: p50 / p95 ms" for n in HISTORIES))
    for key in models:
        cells = []
        for films in HISTORIES:
            mine = sorted(times[key, films])
            p95 = mine[min(len(mine) - 1, int(0.95 * len(mine)))]
            cells.append(f"{1000 * statistics.median(mine):.1f} / {1000 * p95:.1f}")
        table.add_row(" ".join(key), *cells)
    Console().print(table)


if __name__ == "__main__":
    main()
