"""What a GPU is worth: the same training on the processor and, where torch finds one, on the GPU.

    python benchmarks/gpu.py [--models din sasrec] [--share 0.2] [--epochs 2]

A model is trained by the command line as it stands, on some of the training rows: by one process on the processor; by torchrun with one process for
each GPU, which uses nccl; and by torchrun with two processes on the processor, which uses gloo. Prints rows per second after the first
epoch, how many times as many that is, and the loss and NDCG@10 of the last epoch, which agree within noise: another order of sums, and with
several processes other draws. Without a GPU the line of the GPU is missing. A few minutes; needs MovieLens-1M, see the README.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from rich.console import Console
from rich.table import Table

TORCHRUN = ("torch.distributed.run", "--standalone", "--nproc-per-node")
NO_GPU = {"CUDA_VISIBLE_DEVICES": ""}


def ways() -> dict[str, tuple[tuple[str, ...], dict[str, str]]]:
    """How a training is started, and in which environment."""
    gpus = torch.cuda.device_count()
    found: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {"processor": ((), NO_GPU)}
    if gpus:
        found[f"{gpus} GPU{'s' * (gpus > 1)}"] = (*TORCHRUN, str(gpus), "-m"), {}
    return found | {"2 processes": ((*TORCHRUN, "2", "-m"), NO_GPU)}


def train(model: str, start: tuple[str, ...], environment: dict[str, str], more: list[str]) -> dict:
    """The last epoch of a training."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", *start, "recdemo", "train", model, "--objective", "next"]
        done = subprocess.run(
            [*command, "--data", "ml-1m", "--out", out, *more],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{model} failed:\n{done.stderr[-3000:]}")
        card = json.loads((Path(out) / model / "next" / "card.json").read_text())
    last: dict = card["epochs"][-1]
    return last


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=["din", "sasrec"])
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--epochs", type=int, default=2)
    chosen = parser.parse_args()
    more = ["--share", str(chosen.share), "--epochs", str(chosen.epochs)]
    console = Console()
    table = Table("model", "on", "rows/s", "×", "loss", "NDCG@10")
    for model in chosen.models:
        base = 0.0
        for name, (start, environment) in ways().items():
            last = train(model, start, environment, more)
            speed = last["samples_per_second"]
            base = base or speed
            figures = f"{last['loss']:.4f}", f"{last['metrics']['ndcg@10']:.4f}"
            table.add_row(model, name, f"{speed:,.0f}", f"{speed / base:.2f}", *figures)
    if not torch.cuda.is_available():
        console.print("torch finds no GPU here.")
    console.print(table)


if __name__ == "__main__":
    main()
