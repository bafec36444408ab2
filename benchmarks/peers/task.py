"""What every library is asked: the same rows, inputs, widths and optimizer; and how its answers are measured.

    python benchmarks/peers/LIBRARY.py FOLDER MODEL

prints one JSON value. `FOLDER` is made by `benchmarks/training.py`. This file needs numpy, scikit-learn and torch only, so
that it runs in every library's environment.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

PARTS = ("train", "validation", "test")
SINGLE = ("gender", "age", "occupation", "favourite_genre", "movie", "year")
LISTS = ("last_five", "watched", "disliked", "liked", "genres")
SEQUENCE = ("dien", "din")  # models that read a history as a sequence


@dataclass(frozen=True)
class Task:
    """One model and its data, as plain arrays."""

    folder: Path
    model: str
    embed_dim: int
    attention_dim: int
    hidden: list[int]
    batch_size: int
    learning_rate: float
    epochs: int
    threads: int
    seed: int
    sizes: dict[str, int]  # ids of each input, 0 included

    def part(self, name: str) -> dict[str, np.ndarray]:
        """Inputs and ``label`` of one of `PARTS`: single ids [N], lists [N, length] padded with 0."""
        with np.load(self.folder / f"{name}.npz") as arrays:
            return {key: arrays[key].astype(np.int64) for key in arrays.files}


class Trainer(Protocol):
    """A model of some library, with that library's own loop."""

    def train(self) -> tuple[list[float], list[float]]:
        """Seconds of each epoch's training alone, and the AUC on the validation part after it."""

    def predict(self, part: str) -> np.ndarray:
        """[N] scores of the rows of a part."""


class ByEpoch:
    """The usual loop: one epoch after the other, each measured."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def train(self) -> tuple[list[float], list[float]]:
        seconds, reached = [], []
        for _ in range(self.task.epochs):
            started = time.perf_counter()
            self.epoch()
            seconds.append(time.perf_counter() - started)
            reached.append(auc(self.task, "validation", self.predict("validation")))
        return seconds, reached

    def epoch(self) -> None:
        raise NotImplementedError

    def predict(self, part: str) -> np.ndarray:
        raise NotImplementedError


def auc(task: Task, part: str, scores: np.ndarray) -> float:
    """Of the scores of a part's rows."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(task.part(part)["label"], scores))


def read(folder: Path, model: str) -> Task:
    """The task of a folder."""
    settings = json.loads((folder / "task.json").read_text())
    return Task(folder=folder, model=model, **settings)


def main(make: Callable[[Task], Trainer]) -> None:
    """Train one model; print what each epoch took and reached."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("model")
    arguments = parser.parse_args()

    import torch

    task = read(arguments.folder, arguments.model)
    torch.set_num_threads(task.threads)
    torch.manual_seed(task.seed)
    with contextlib.redirect_stdout(sys.stderr):
        trainer = make(task)
        seconds, reached = trainer.train()
        test = auc(task, "test", trainer.predict("test"))
    answer = {
        "seconds": seconds,
        "samples_per_second": len(task.part("train")["label"]) * len(seconds) / sum(seconds),
        "validation_auc": reached,
        "test_auc": test,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(answer))
