"""How long it takes to rank the whole catalogue by every model, one after the other, as the Compare page does.

    python benchmarks/compare.py [--repeats N]

Prints seconds for all models in one go: the first time, with loading and without, then median and 95th
percentile with everything loaded, for histories of 0, 8 and 200 films, beside the processor's own time, which
other work on the machine does not lengthen; and the time to compare the lists.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from recdemo import Session, Watched, checkpoints
from recdemo.answers.compare import Ranking, by_similarity, overlaps, rank, side_by_side
from recdemo.answers.recommend import Recommender
from recdemo.core.vocabulary import Objective
from recdemo.data.catalogue import read_catalogue
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS
from recdemo.ui.personas import PERSONAS


def load_all() -> list[Recommender]:
    """Every model there is, each for its default objective where it is trained for that, sharing one schema."""
    schema = Schema(read_catalogue(checkpoints.root() / checkpoints.CATALOGUE))
    asked: dict[str, Objective] = {}
    for key, objective in checkpoints.available():
        if key not in asked or objective == CARDS[key].default_objective:
            asked[key] = objective
    return [Recommender(checkpoints.load(*pair, schema=schema)) for pair in asked.items()]


def rank_all(models: list[Recommender], session: Session) -> tuple[list[Ranking], float]:
    """The rankings, and the seconds they took."""
    started = time.perf_counter()
    rankings = [rank(model, session) for model in models]
    return rankings, time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    started = time.perf_counter()
    models = load_all()
    loading = time.perf_counter() - started
    _, first = rank_all(models, PERSONAS[0].session)
    print(f"{len(models)} models, first time: {loading:.2f} s to load, {first:.2f} s to rank")
    ids = models[0].catalogue.sort_values("ratings")["movie_id"].tolist()
    for session in (
        Session(),
        PERSONAS[0].session,
        Session("M", 56, 13, [Watched(movie, True) for movie in ids[-200:]]),
    ):
        busy = time.process_time()
        times = sorted(rank_all(models, session)[1] for _ in range(repeats))
        busy = (time.process_time() - busy) / repeats
        p95 = times[min(len(times) - 1, int(0.95 * len(times)))]
        print(
            f"{len(models)} models, loaded, {len(session.history)} films: "
            f"p50 {statistics.median(times):.2f} s, p95 {p95:.2f} s, {busy:.2f} s of processor"
        )
    rankings, _ = rank_all(models, PERSONAS[0].session)
    by_similarity(overlaps(rankings))  # imports scipy
    started = time.perf_counter()
    side_by_side(rankings, 10)
    by_similarity(overlaps(rankings))
    print(f"their lists compared: {1000 * (time.perf_counter() - started):.0f} ms")


if __name__ == "__main__":
    main()
