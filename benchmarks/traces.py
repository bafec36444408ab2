"""Every model's answers followed step by step, for made-up visitors: the last step against the list's figure, size and time.

python benchmarks/traces.py [--visitors 30]
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import recdemo
from recdemo import Session, Watched, checkpoints
from recdemo.core.vocabulary import AGES, GENDERS, OCCUPATIONS
from recdemo.core.worlds import join_key


def visitor(rng: random.Random, films: list[int]) -> Session:
    """Somebody who may be anybody, and has watched 0 to 50 films."""
    watched = rng.sample(films, rng.choice((0, 1, 3, 8, 20, 50)))
    return Session(
        rng.choice((None, *GENDERS)),
        rng.choice((None, *AGES)),
        rng.choice((None, *OCCUPATIONS)),
        [Watched(movie, rng.choice((True, False, None))) for movie in watched],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=30, help="for each model")
    visitors = parser.parse_args().visitors
    torch.set_num_threads(1)
    print(f"{'model':28}{'off by':>10}{'kB at most':>12}{'ms at most':>12}")
    worst = 0.0
    for world in checkpoints.worlds():
        for model, objective in checkpoints.available(checkpoints.root(world.key)):
            recommender = recdemo.load(join_key(model, world.key), objective)
            films = recommender.catalogue["movie_id"].tolist()
            rng = random.Random(f"{model} {objective}")
            off, size, slowest = 0.0, 0, 0.0
            for _ in range(visitors):
                session = visitor(rng, films)
                movie = rng.choice([film for film in films if film not in session.movie_ids])
                started = time.perf_counter()
                trace = recdemo.trace(recommender, session, movie)
                slowest = max(slowest, time.perf_counter() - started)
                wanted = float(recommender.scores(session)[films.index(movie)])
                off = max(off, abs(float(trace.steps[-1].values) - wanted))
                size = max(size, len(json.dumps(trace.to_json(), separators=(",", ":"))))
            worst = max(worst, off)
            name = f"{recommender.checkpoint.key} {objective}"
            print(f"{name:28}{off:10.1e}{size / 1000:12.0f}{1000 * slowest:12.0f}", flush=True)
    print(f"the last step is off by {worst:.1e} at most")


if __name__ == "__main__":
    main()
