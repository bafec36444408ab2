"""What a GPU is worth: the same training on the processor and, where torch finds one, on the GPU.

    python benchmarks/gpu.py [--models din sasrec] [--share 0.2] [--epochs 2]

A model learns `next` from some of the training rows: one process on the processor; started by torchrun, one process for each GPU, which use nccl; and
started by torchrun, two processes on the processor, which use gloo. Prints rows per second of the last epoch, how many times as many as
on the processor, and the loss and validation NDCG@10 of that epoch, which agree within noise: the order of sums is another, and with several
processes so are the draws. Where there is no GPU, its line is missing. A few minutes; needs MovieLens-1M, see the README.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from rich.console import Console
from rich.table import Table

from recdemo import checkpoints
from recdemo.training.distributed import ranks_here
from recdemo.training.loop import fit
from recdemo.training.opening import open_data, source_of
from recdemo.training.pipeline import build
from recdemo.training.settings import settings_for

TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node")
NO_GPU = {"CUDA_VISIBLE_DEVICES": ""}
RESULT = "result: "


def ways() -> dict[str, tuple[tuple[str, ...], dict[str, str]]]:
    """How a training is started, and in which environment."""
    gpus = torch.cuda.device_count()
    found: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {"processor": ((), NO_GPU)}
    if gpus:
        found["GPU" if gpus == 1 else f"{gpus} GPUs"] = (*TORCHRUN, str(gpus)), {}
    return found | {"2 processes": ((*TORCHRUN, "2"), NO_GPU)}


def learn(model: str, share: float, epochs: int) -> None:
    """Train in this process, one of those that torchrun has started or the only one; the first prints what the last epoch reached."""
    ranks = ranks_here()
    dataset, schema = open_data("ml-1m", checkpoints.root())
    settings = replace(settings_for(model, "next"), share=share, epochs=epochs, start_from="")
    schema = schema.of_length(settings.history_length)
    source = source_of(dataset, schema, "order")
    with ranks.together():
        torch.manual_seed(settings.seed)
        network, _ = build(model, "next", dataset, schema, {})
        last = fit(network, source, "next", settings, ranks=ranks).epochs[-1]
    if ranks.first:
        figures = {"speed": last.samples_per_second, "loss": last.loss, **last.metrics}
        print(RESULT + json.dumps(figures), flush=True)


def run(start: tuple[str, ...], environment: dict[str, str], words: list[str]) -> dict[str, float]:
    """What processes of their own say of themselves."""
    command = [sys.executable, *start, __file__, *words]
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    line = next(line for line in done.stdout.splitlines() if line.startswith(RESULT))
    found: dict[str, float] = json.loads(line.removeprefix(RESULT))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=["din", "sasrec"])
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--only", metavar="MODEL", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.only:
        learn(chosen.only, chosen.share, chosen.epochs)
        return
    table = Table("model", "on", "rows/s", "×", "loss", "NDCG@10")
    for model in chosen.models:
        base = 0.0
        words = ["--only", model, "--share", str(chosen.share), "--epochs", str(chosen.epochs)]
        for name, (start, environment) in ways().items():
            found = run(start, environment, words)
            base = base or found["speed"]
            figures = f"{found['loss']:.4f}", f"{found['ndcg@10']:.4f}"
            table.add_row(
                model, name, f"{found['speed']:,.0f}", f"{found['speed'] / base:.2f}", *figures
            )
    console = Console()
    if not torch.cuda.is_available():
        console.print("torch finds no GPU here.")
    console.print(table)


if __name__ == "__main__":
    main()
