"""How long the whole zoo takes to train in one go: each training's beginning is timed, and the whole of it worked out.

    python benchmarks/zoo.py [--models KEY ...] [--seconds 8] [--limit 2.5]

Every model is trained for every question as `python -m recdemo leaderboard --train` does, but for one short epoch of each of its
stages: as large a part of the rows as should take about so many seconds. A step is worth the median of those taken, times all
steps of the epochs that the shipped card lists; reading, validation and the test part are done whole, and what is solved in one go
is solved. Seconds are of this process's processor, on one thread: they depend little on what else the machine does. Exits with 1
where two processes that never wait take longer for all of it than the limit, in hours. Takes about half an hour itself.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from rich.console import Console
from rich.table import Table

from recdemo import checkpoints
from recdemo.core.vocabulary import Objective
from recdemo.models import card_of
from recdemo.models.cards import CARDS
from recdemo.training.observer import Epoch, Observer, Step
from recdemo.training.pipeline import train
from recdemo.training.settings import settings_for

PROCESSES = 2
FIRST = 3  # steps of an epoch that are not counted: they make room for all others


class Clock(Observer):
    """Notes what the parts of a training take, in seconds of the processor."""

    def __init__(self) -> None:
        self.now = time.process_time()
        self.reading = self.validating = 0.0
        self.steps: list[float] = []  # of this epoch
        self.epochs: list[float] = []  # all steps of each, each worth their median

    def lap(self) -> float:
        """Seconds since the last call."""
        before, self.now = self.now, time.process_time()
        return self.now - before

    def on_start(self, data: object) -> None:
        self.reading += self.lap()

    def on_step(self, step: Step) -> None:
        self.steps.append(self.lap())

    def on_epoch(self, epoch: Epoch) -> None:
        self.validating += self.lap()
        self.epochs.append(statistics.median(self.steps[FIRST:] or self.steps) * len(self.steps))
        self.steps = []

    def on_measure(self) -> None:
        self.lap()


@dataclass(frozen=True)
class Parts:
    """Of one training, in seconds of one processor."""

    reading: float
    learning: float
    validating: float
    measuring: float

    @property
    def whole(self) -> float:
        return self.reading + self.learning + self.validating + self.measuring


def worked_out(model: str, objective: Objective, seconds: float) -> Parts:
    """What a training takes, by a short one."""
    settings = settings_for(model, objective)
    card = checkpoints.read_card(checkpoints.folder_of(model, objective))
    took = [float(epoch["seconds"]) for epoch in card.epochs]
    part = min(1.0, seconds / min(took)) if took else 1.0
    short = replace(settings, epochs=1, share=settings.share * part)
    clock, began = Clock(), time.process_time()
    with TemporaryDirectory() as aside:
        train(model, objective, "ml-1m", short, base=Path(aside), observer=clock)
    measuring = clock.lap()
    if not took:
        return Parts(clock.reading, clock.now - began - clock.reading - measuring, 0.0, measuring)
    epochs = len(took) / len(clock.epochs)  # of each stage
    return Parts(
        clock.reading,
        sum(clock.epochs) / part * epochs,
        clock.validating * epochs,
        measuring,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", choices=CARDS, default=list(CARDS))
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--limit", type=float, default=2.5)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    names = ("reading", "learning", "validation", "test part", "whole")
    table = Table("model", "question", *names, title="Seconds of one processor")
    total = 0.0
    for model in chosen.models:
        for objective in card_of(model).objectives:
            found = worked_out(model, objective, chosen.seconds)
            parts = (found.reading, found.learning, found.validating, found.measuring, found.whole)
            table.add_row(model, objective, *(f"{part:,.0f}" for part in parts))
            print(model, objective, f"{found.whole:,.0f} s", flush=True)
            total += found.whole
    Console().print(table)
    hours = total / 3600 / PROCESSES
    print(f"{total:,.0f} s of one processor: {hours:.2f} h in {PROCESSES} processes")
    sys.exit(1 if hours > chosen.limit else 0)


if __name__ == "__main__":
    main()
