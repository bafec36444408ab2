"""How long a model takes to rank the whole catalogue for one visitor.

    python benchmarks/serving.py [--repeats N] [--threads 1 2]

For each number of threads: milliseconds, median and 95th percentile, for histories of 0, 10, 50 and 200 films; what loading a
model and its very first answer take; and one visitor of 50 films through one model of each kind, one after the
other. Models take turns, so that a slow moment of the machine falls on all of them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from rich.console import Console
from rich.table import Table

import recdemo
from recdemo import checkpoints
from recdemo.answers.recommend import Recommender

HISTORIES = (0, 10, 50, 200)
Key = tuple[str, str]
Result = TypeVar("Result")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    chosen = parser.parse_args()
    keys = checkpoints.available()
    ids = recdemo.load(*keys[0]).catalogue.sort_values("ratings")["movie_id"].tolist()
    sessions = {
        n: recdemo.Session("F", 25, 12, [recdemo.Watched(m, True) for m in ids[-n:] if n])
        for n in HISTORIES
    }
    console, models = Console(), {}
    torch.set_num_threads(chosen.threads[0])
    cold = Table("model", "load ms", "first answer ms", title="Cold", title_justify="left")
    for key in keys:
        models[key], loading = timed(lambda key=key: recdemo.load(*key))
        _, first = timed(lambda key=key: models[key].logits(sessions[10]))
        cold.add_row(" ".join(key), f"{loading:.0f}", f"{first:.0f}")
    console.print(cold)
    for threads in chosen.threads:
        torch.set_num_threads(threads)
        console.print(warm(models, sessions, threads, chosen.repeats))
        console.print(in_one_go(models, sessions[50], threads))


def warm(models: dict[Key, Recommender], sessions: dict, threads: int, repeats: int) -> Table:
    """Every model, every history."""
    times: dict[tuple[Key, int], list[float]] = {}
    for turn in range(repeats + 2):
        for key, model in models.items():
            for films, session in sessions.items():
                _, taken = timed(lambda m=model, s=session: m.logits(s))
                if turn >= 2:  # the first two turns warm up
                    times.setdefault((key, films), []).append(taken)
    table = Table(
        "model",
        *(f"{n} films: p50 / p95 ms" for n in sessions),
        title=f"Warm, {threads} thread(s)",
        title_justify="left",
    )
    for key in models:
        cells = []
        for films in sessions:
            mine = sorted(times[key, films])
            p95 = mine[min(len(mine) - 1, int(0.95 * len(mine)))]
            cells.append(f"{statistics.median(mine):.1f} / {p95:.1f}")
        table.add_row(" ".join(key), *cells)
    return table


def in_one_go(models: dict[Key, Recommender], session: recdemo.Session, threads: int) -> str:
    """One model of each kind after the other, median of nine."""
    kinds = {name: model for (name, _), model in reversed(models.items())}
    taken = [timed(lambda: [m.logits(session) for m in kinds.values()])[1] for _ in range(9)]
    return f"{len(kinds)} models in one go, {threads} thread(s): {statistics.median(taken):.0f} ms"


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """What a call returns, and the milliseconds it took."""
    started = time.perf_counter()
    found = work()
    return found, 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    main()
