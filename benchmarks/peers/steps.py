"""Steps of `next`, each film picked beside many drawn at random: those of the recdemo that is found first.

    PYTHONPATH=CHECKOUT python benchmarks/peers/steps.py MODEL FILMS NEGATIVES BATCH STEPS THREADS

prints one JSON value: rows a second of the processor's time in the median step, which counts less of what else the machine
does, and peak memory. Rows are of training users who had watched at least
so many films, so that no history is padded. It calls nothing that the first release did not have.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time

import numpy as np
import torch

from recdemo import checkpoints
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS
from recdemo.training.losses import loss_of
from recdemo.training.opening import open_data
from recdemo.training.settings import Settings

WARM = 3  # steps before any is counted


def main(
    model_key: str, films: int, negatives: int, batch: int, steps: int, threads: int
) -> dict[str, float]:
    """Train a fresh model for some steps."""
    torch.set_num_threads(threads)
    dataset, _ = open_data("ml-1m", checkpoints.root())
    schema = Schema(dataset.movies, history_length=films)
    ratings = Ratings(dataset, schema)
    place = dataset.ratings.groupby("user_id", sort=False).cumcount().to_numpy()
    full = torch.from_numpy(np.flatnonzero(place >= films))
    torch.manual_seed(0)
    rows = full[torch.randperm(len(full))[: (WARM + steps) * batch]]
    settings = Settings(
        batch_size=batch, learning_rate=2e-3, negatives=negatives, forget=0.0, shorten=0.0
    )
    model = CARDS[model_key].model(schema).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, fused=True)
    seconds = []
    for part in rows.split(batch):
        began = time.process_time()
        optimizer.zero_grad()
        loss_of(model, ratings, part, "next", settings).backward()
        optimizer.step()
        seconds.append(time.process_time() - began)
    return {
        "rows_per_second": batch / statistics.median(seconds[WARM:]),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], *map(int, sys.argv[2:]))))
