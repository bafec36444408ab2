"""RecTools on the common task: EASE, which is numpy's inverse there, SASRec, and the ALS of `implicit`, which it brings."""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# This file is named as the library it asks.
sys.path = [str(ROOT), *(place for place in sys.path if Path(place) != Path(__file__).parent)]
warnings.simplefilter("ignore")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import torch  # noqa: E402
from implicit.cpu.als import AlternatingLeastSquares  # noqa: E402
from pytorch_lightning import Trainer  # noqa: E402
from rectools import Columns  # noqa: E402
from rectools.dataset import Dataset  # noqa: E402
from rectools.models import EASEModel  # noqa: E402
from rectools.models.nn.transformers.sasrec import SASRecModel  # noqa: E402
from scipy import sparse  # noqa: E402

from benchmarks.peers.next_task import TOP, Epochs, NextTask, best_unseen, main  # noqa: E402


def fit(task: NextTask) -> Epochs:
    torch.set_num_threads(task.threads)
    if task.model == "ials":
        return ials(task, exact="exact" in task.how)
    return {"ease": ease, "sasrec": sasrec}[task.model](task)


def ease(task: NextTask) -> Epochs:
    data, _ = read(task)
    model = EASEModel(regularization=300.0)
    began = time.perf_counter()
    model.fit(data)
    yield time.perf_counter() - began, lambda: lists(model, data, task)


def ials(task: NextTask, *, exact: bool) -> Epochs:
    """By its own default three steps towards the solution in each round, or the solution itself."""
    user, movie = task.watched()
    counts = sparse.csr_matrix(
        (np.ones(len(user), np.float32), (user, movie)), shape=(task.users, task.films)
    )
    model = AlternatingLeastSquares(
        factors=task.embed_dim,
        iterations=10,
        use_cg=not exact,
        num_threads=task.threads,
        random_state=task.seed,
    )
    began = time.perf_counter()
    model.fit(counts, show_progress=False)
    yield (
        time.perf_counter() - began,
        lambda: best_unseen(model.user_factors @ model.item_factors.T, task),
    )


def sasrec(task: NextTask) -> Epochs:
    data, _ = read(task)

    def trainer() -> Trainer:
        return Trainer(
            max_epochs=1,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )

    torch.manual_seed(task.seed)
    model = SASRecModel(
        n_blocks=2,
        n_heads=2,
        n_factors=task.embed_dim,
        dropout_rate=0.3,
        session_max_len=task.length,
        loss="softmax",
        lr=task.learning_rate,
        batch_size=task.batch_size,
        epochs=1,
        get_trainer_func=trainer,
        recommend_torch_device="cpu",
    )
    for number in range(task.epochs):
        began = time.perf_counter()
        if number:
            model.fit_partial(data, min_epochs=1, max_epochs=1)
        else:
            model.fit(data)
        yield time.perf_counter() - began, lambda: lists(model, data, task)


def read(task: NextTask) -> tuple[Dataset, pd.DataFrame]:
    """The library's data set; places stand for times."""
    user, movie = task.watched()
    table = pd.DataFrame(
        {
            Columns.User: user,
            Columns.Item: movie,
            Columns.Weight: 1.0,
            Columns.Datetime: np.arange(len(user)),
        }
    )
    table[Columns.Datetime] = pd.to_datetime(table[Columns.Datetime], unit="s")
    return Dataset.construct(table), table


def lists(model: EASEModel | SASRecModel, data: Dataset, task: NextTask) -> np.ndarray:
    """[users, 10]."""
    found = model.recommend(np.arange(task.users), data, k=TOP, filter_viewed=True)
    shown = np.full((task.users, TOP), -1)
    shown[found[Columns.User], found[Columns.Rank] - 1] = found[Columns.Item]
    return shown


if __name__ == "__main__":
    main(fit)
