"""The loss over all films, and its gradients, beside torch's matrix product and cross-entropy, in turns on one thread.

python benchmarks/softmax.py [--rows N] [--films M] [--width D] [--repeats R]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from torch import Tensor

from recdemo.blocks.softmax import catalogue_loss


def seconds(loss: Callable[[], Tensor], leaves: tuple[Tensor, Tensor]) -> float:
    """Of a loss and its gradients."""
    started = time.perf_counter()
    torch.autograd.grad(loss(), leaves)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("rows", 2048), ("films", 3883), ("width", 65), ("repeats", 15)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    visitors = torch.randn(asked.rows, asked.width, requires_grad=True)
    films = torch.randn(asked.films + 1, asked.width, requires_grad=True)
    picked = torch.randint(1, asked.films + 1, (asked.rows,))

    def ours() -> Tensor:
        return catalogue_loss(visitors, films, picked)

    def torchs() -> Tensor:
        return torch.nn.functional.cross_entropy(visitors @ films[1:].T, picked - 1)

    leaves = (visitors, films)
    seconds(ours, leaves), seconds(torchs, leaves)  # warm
    turns = [(seconds(ours, leaves), seconds(torchs, leaves)) for _ in range(asked.repeats)]
    mine, other = (statistics.median(times) for times in zip(*turns, strict=True))
    ratio = statistics.median(other / mine for mine, other in turns)
    print(f"recdemo {1000 * mine:.1f} ms, torch {1000 * other:.1f} ms: {ratio:.1f} times as fast")


if __name__ == "__main__":
    main()
