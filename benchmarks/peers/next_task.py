"""What libraries are asked that name the next film: who watched what, in order, and whose next film is to be found.

    python benchmarks/peers/LIBRARY.py FOLDER MODEL [--how WORD] [--seconds S]

prints one JSON value: seconds of training after each epoch, and what the ten films named then are worth. `FOLDER` is made by
`benchmarks/next_peers.py`. This file needs numpy only, so that it runs in every library's environment.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TOP = 10


@dataclass(frozen=True)
class NextTask:
    """One model and its data. Users and films are numbered from 0."""

    folder: Path
    model: str
    how: str  # what is special to this library's turn
    users: int
    films: int
    embed_dim: int
    length: int  # films of a history that a sequence model reads
    batch_size: int
    learning_rate: float
    epochs: int
    threads: int
    seed: int
    prefixes: int  # histories of a step, where each teaches one film only
    seconds: float  # to learn for, where an epoch takes too long

    def watched(self) -> tuple[np.ndarray, np.ndarray]:
        """User and film of all that trains, each user's in the order watched."""
        with np.load(self.folder / "train.npz") as arrays:
            return arrays["user"], arrays["movie"]

    def ndcg(self, lists: np.ndarray) -> float:
        """Of [users, 10] films, NDCG@10 of the film that each user watched next."""
        _, places = np.nonzero(lists == np.load(self.folder / "next.npy")[:, None])
        return float((1 / np.log2(places + 2)).sum() / self.users)


# After each epoch: seconds of training since the last, and what gives [users, 10] films then, none watched in training. Where
# `NextTask.seconds` end training, once: seconds that an epoch would take.
Epochs = Iterator[tuple[float, Callable[[], np.ndarray]]]


def main(fit: Callable[[NextTask], Epochs]) -> None:
    """Train one model; print what each epoch took and reached."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("model")
    parser.add_argument("--how", default="")
    parser.add_argument("--seconds", type=float, default=0.0)
    arguments = parser.parse_args()
    settings = json.loads((arguments.folder / "task.json").read_text())
    task = NextTask(**vars(arguments), **settings)
    seconds, reached = [], []
    with contextlib.redirect_stdout(sys.stderr):
        for took, lists in fit(task):
            seconds.append(took)
            reached.append(task.ndcg(lists()))
    print(json.dumps({"seconds": seconds, "ndcg": reached}))


def best_unseen(scores: np.ndarray, task: NextTask) -> np.ndarray:
    """The ten films best scored that a user has not watched: [users, films] → [users, 10]."""
    scores[task.watched()] = -np.inf
    best = np.argpartition(-scores, TOP, axis=1)[:, :TOP]
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
    return np.take_along_axis(best, order, axis=1)
