"""A hundred candidates out of a million films by an index, then ranked: how many of the best it finds, and how fast.

    python benchmarks/retrieval.py [--films N] [--visitors V] [--model M]

The films are simulated: each a mixture of two real films' own vectors in the shipped two-tower model (``next``) and
noise, passed through its film tower. The visitors are users of MovieLens-1M where it is at hand, else simulated ones,
folded in as anybody new is. All times are of the processor, for one visitor on one thread. What the ranking model
costs is measured on fresh weights over a catalogue of as many films: its time does not depend on what it has learned.
What retrieval costs in quality is measured on the real catalogue with the shipped models: how much of the list of a
full ranking is kept, and whether the film picked next is on it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy, too, on one thread

import numpy as np
import pandas as pd
import torch

import recdemo
from benchmarks.growth import resident_mb
from recdemo import Session, Watched, checkpoints
from recdemo.answers.recommend import Recommender
from recdemo.answers.retrieval import (
    CANDIDATES,
    EFFORT,
    FilmIndex,
    exact,
    index_of,
    recall,
    retrieve_then_rank,
)
from recdemo.data import TEST, Dataset, find_data, read_movielens, simulate, split_ratings
from recdemo.data.catalogue import read_catalogue
from recdemo.encoding.encode import encode
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS
from recdemo.training.metrics import next_targets

EFFORTS = (64, 128, 256, 512)
NOISE = 0.5  # in standard deviations of the vectors' numbers
K = 10
HISTORY = 50


def simulated_films(model: torch.nn.Module, count: int) -> np.ndarray:
    """[count + 1, k] what the film tower makes of so many films that are not there; row 0 is zero."""
    real: torch.Tensor = model.films.weight[1:].detach()
    draw = torch.Generator().manual_seed(0)
    vectors = np.zeros((count + 1, model.film_tower(real[:1]).shape[1]), dtype=np.float32)
    for start in range(1, count + 1, 50_000):
        size = min(50_000, count + 1 - start)
        one, other = (real[torch.randint(len(real), (size,), generator=draw)] for _ in range(2))
        share = torch.rand(size, 1, generator=draw)
        noise = NOISE * real.std() * torch.randn(size, real.shape[1], generator=draw)
        mixed = share * one + (1 - share) * other + noise
        vectors[start : start + size] = model.film_tower(mixed).detach().numpy()
    return vectors


def asked(world: Dataset, schema: Schema, count: int) -> list[tuple[Session, int]]:
    """Users of the test part as visitors, each with the film picked next."""
    ratings = Ratings(world, schema)
    part = torch.from_numpy(split_ratings(world.ratings, "order"))
    rows = next_targets(ratings, part == TEST)
    rows = rows[:: max(1, len(rows) // count)][:count]
    found = []
    for row in rows.tolist():
        user = int(ratings.user[row])
        person = world.users.iloc[user]
        first = max(int(ratings.start[user]), row - HISTORY)
        films = schema.movie_ids[ratings.movie[first:row].numpy() - 1]
        liked = ratings.liked[first:row].tolist()
        history = [Watched(int(film), like) for film, like in zip(films, liked, strict=True)]
        session = Session(person["gender"], int(person["age"]), int(person["occupation"]), history)
        found.append((session, int(schema.movie_ids[int(ratings.movie[row]) - 1])))
    return found


def milliseconds(work: Callable[[Any], object], over: list[Any]) -> float:
    """Median processor time of one piece of work, after one that is not counted."""
    times = []
    for one in [over[0], *over]:
        started = time.process_time()
        work(one)
        times.append(time.process_time() - started)
    return 1000 * statistics.median(times[1:])


def at_scale(retriever: Recommender, visitors: list[Session], count: int, model: str) -> None:
    """A million films: the index against scoring all, then the ranking of its candidates."""
    network, schema = retriever.checkpoint.model, retriever.checkpoint.schema
    vectors = simulated_films(network, count)
    nobody = torch.zeros(1, 0, dtype=torch.long)

    def place(session: Session) -> np.ndarray:
        with torch.inference_mode():
            return network.user_vectors(encode(schema, [session], nobody)).numpy()

    users = np.concatenate([place(session) for session in visitors])
    each = list(np.split(users, len(users)))
    wanted = exact(vectors, users, CANDIDATES)
    slow = milliseconds(lambda user: exact(vectors, user, CANDIDATES), each)
    before, started = resident_mb(), time.process_time()
    index = FilmIndex(vectors)
    built = time.process_time() - started
    print(
        f"{count:,} films of {vectors.shape[1]} numbers ({vectors.nbytes / 1e6:.0f} MB), {len(users)} visitors: "
        f"index built in {built:.0f} s of processor, {resident_mb() - before:.0f} MB"
    )
    print(f"| how | effort | recall@{CANDIDATES} | ms for a visitor |\n|---|---|---|---|")
    print(f"| every film scored | | 1 | {slow:.2f} |")
    for effort in EFFORTS:
        index.effort = effort
        share = recall(index.search(users, CANDIDATES), wanted)
        fast = milliseconds(lambda user: index.search(user, CANDIDATES), each)
        print(
            f"| index | {effort}{' (default)' if effort == EFFORT else ''} | {share:.3f} | {fast:.2f} |"
        )
    folding = milliseconds(place, visitors)
    movies = pd.concat([schema.movies] * -(-count // schema.size), ignore_index=True).head(count)
    large = Schema(movies.assign(movie_id=np.arange(1, count + 1)))
    ranker = CARDS[model].model(large).eval()
    rows = torch.from_numpy(wanted[:20])

    def rank(films: torch.Tensor) -> None:
        with torch.inference_mode():
            ranker(encode(large, [Session("F", 25, 12, history)], films))

    history = [Watched(int(movie), True) for movie in large.movie_ids[:HISTORY]]
    few = milliseconds(rank, list(rows))
    many = milliseconds(rank, [torch.arange(1, 10_001)] * 3) - few
    print(f"to place a visitor by {HISTORY} films: {folding:.1f} ms")
    print(f"{model} ranks {CANDIDATES} candidates in {few:.1f} ms; ", end="")
    print(f"all films would take it ≈ {many * count / 10_000 / 1000:.1f} s (from 10,000)")


def on_real_films(retriever: Recommender, model: str, questions: list[tuple[Session, int]]) -> None:
    """What is lost when only candidates are ranked."""
    ranker = recdemo.load(model, objective="next")
    index = index_of(retriever)
    print(
        f"| {retriever.catalogue.shape[0]:,} real films | of the full top {K} kept | HR@{K} |\n|---|---|---|"
    )
    for candidates in (50, CANDIDATES, 500):
        kept, hits, full_hits = [], [], []
        for session, picked in questions:
            full = ranker.recommend(session, K)["movie_id"].tolist()
            found = retrieve_then_rank(retriever, index, ranker, session, K, candidates=candidates)
            kept.append(len(set(full) & set(found)) / K)
            hits.append(picked in found)
            full_hits.append(picked in full)
        print(f"| {candidates} candidates | {np.mean(kept):.2f} | {np.mean(hits):.3f} |")
    print(f"| all films ranked | 1 | {np.mean(full_hits):.3f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=1_000_000)
    parser.add_argument("--visitors", type=int, default=200)
    parser.add_argument("--model", default="din", help="the one that ranks")
    given = parser.parse_args()
    torch.set_num_threads(1)
    catalogue = read_catalogue(checkpoints.root() / checkpoints.CATALOGUE)
    retriever = recdemo.load("two_tower", objective="next")
    schema = retriever.checkpoint.schema
    path = find_data("ml-1m")
    world = read_movielens(path) if path else simulate(catalogue)
    questions = asked(world, schema, given.visitors)
    on_real_films(retriever, given.model, questions)
    print(f"({world.title}, {len(questions)} users)")
    films = retriever.checkpoint.model.film_vectors()[1:].detach()
    spread = torch.linalg.svdvals(films - films.mean(0)).square()
    share = float(spread[:2].sum() / spread.sum())
    print(f"two of {len(spread)} directions hold {share:.1%} of its film vectors' spread\n")
    at_scale(retriever, [session for session, _ in questions], given.films, given.model)


if __name__ == "__main__":
    main()
