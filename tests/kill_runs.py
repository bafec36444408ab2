"""Runs that are killed again and again, each time at a random moment, and resumed until they are done.

    python tests/kill_runs.py WORLD KILLS SEED

A run's process is forked from this one, which has imported all it needs, so that a life takes a moment. Prints one
JSON value: per model, how often it was killed, and for each of its runs whether it reached what one that nobody
disturbs reaches.
"""

from __future__ import annotations

import io
import json
import os
import random
import signal
import sys
import threading
import time
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

import recdemo.training.pipeline  # noqa: F401  (what a run needs, imported once)
from recdemo import checkpoints, cli
from recdemo.jobs import control, store
from recdemo.jobs.store import Run

MODELS = (("fm", "next"), ("fnn", "like"), ("rnn_joint", "next"))


class Forked:
    """Stands for `subprocess.Popen`."""

    last = 0

    def __init__(self, words: list[str], *, stdout: Any, **_: object) -> None:
        self.pid = Forked.last = os.fork()
        if self.pid == 0:
            try:
                os.dup2(stdout.fileno(), 1)
                os.dup2(stdout.fileno(), 2)
                live(words)
            finally:
                os._exit(0)

    def wait(self) -> int:
        """For ever: who kills it asks for its exit status."""
        threading.Event().wait()
        return 0


def live(words: list[str]) -> None:
    """What a run's process does."""
    sys.argv = words[2:]
    with suppress(SystemExit):
        cli.main()


def ask(world: Path, model: str, objective: Any) -> store.Request:
    return control.ask(model, objective, str(world), epochs=3, batch_size=128, threads=1, seed=3)


def result(run: Run) -> tuple[Any, ...]:
    card = checkpoints.load(run.request.model, run.request.objective, run.base).card
    told = [(epoch.epoch, epoch.loss, epoch.metrics) for epoch in run.epochs]
    return card.weights_sha256, card.metrics, card.best_epoch, told


def undisturbed(world: Path, model: str, objective: Any) -> tuple[tuple[Any, ...], float]:
    """What a run reaches in this process, which so imports what it imports late; and its seconds the second time."""
    for _ in range(2):
        began = time.monotonic()
        request = ask(world, model, objective)
        with patch.object(control, "_set_going", lambda folder, request: store.read(folder)):
            run = control.start(request)
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            live([sys.executable, *control.command(request), "--run", str(run.folder)])
    return result(store.find(run.id)), time.monotonic() - began


def main(world: Path, kills: int, seed: int) -> dict[str, Any]:
    control.subprocess.Popen = Forked  # type: ignore[misc, assignment]
    os.nice = lambda by: by  # as fast as the machine allows
    draw, found = random.Random(seed), {}
    for model, objective in MODELS:
        wanted, life = undisturbed(world, model, objective)
        killed, equal = 0, []
        while killed < kills:
            run = control.start(ask(world, model, objective))
            while run.state != "done":
                if killed < kills:
                    time.sleep(draw.uniform(0, 1.1 * life))
                    os.kill(Forked.last, signal.SIGKILL)
                os.waitpid(Forked.last, 0)
                run = store.find(run.id)
                if run.state == "queued":  # killed before it came, and nobody waits for it
                    run = control.cancel(run.id)
                if run.state != "done":
                    assert run.state in ("interrupted", "cancelled"), run.log()
                    killed += 1
                    run = control.resume(run.id)
            equal.append(result(run) == wanted)
        found[model] = {"killed": killed, "equal": equal, "life": life}
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
