"""recdemo on the common task: the papers' own form of its formulas, and SASRec by its own loop."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.peers.next_task import Epochs, NextTask, best_unseen, main
from recdemo import checkpoints
from recdemo.blocks.solved import rows_of
from recdemo.core.batch import Known
from recdemo.core.vocabulary import JUST_WATCHED
from recdemo.data.split import TRAIN, split_ratings
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.models.ease import EASE
from recdemo.models.ials import IALS, Side
from recdemo.models.linear_next import LinearNext
from recdemo.models.sasrec import SASRec
from recdemo.training.feed import InMemory
from recdemo.training.loop import fit as train
from recdemo.training.metrics import questions, rank_and_list
from recdemo.training.observer import Epoch, Observer
from recdemo.training.opening import open_data
from recdemo.training.settings import Settings


def fit(task: NextTask) -> Epochs:
    torch.set_num_threads(task.threads)
    torch.manual_seed(task.seed)
    return {"ease": ease, "linear_next": linear_next, "ials": ials, "sasrec": sasrec}[task.model](
        task
    )


def known_of(task: NextTask) -> Known:
    """What trains: films all just watched, each of them picked."""
    user, movie = map(torch.from_numpy, task.watched())
    watched = torch.full_like(user, JUST_WATCHED)
    return Known(user, movie + 1, watched, torch.ones_like(user, dtype=torch.bool))


def schema_of(task: NextTask) -> Schema:
    _, schema = open_data("ml-1m", checkpoints.root())
    return Schema(schema.movies, history_length=task.length)


def ease(task: NextTask) -> Epochs:
    model, known = EASE(schema_of(task), window=0, watched=1.0), known_of(task)
    began = time.perf_counter()
    with torch.inference_mode():
        weights = model._solved(known, task.films)
    yield time.perf_counter() - began, lambda: by_weights(weights, task)


def linear_next(task: NextTask) -> Epochs:
    model, known = LinearNext(schema_of(task)), known_of(task)
    began = time.perf_counter()
    with torch.inference_mode():
        weights = model._solved(known, task.films)
    yield time.perf_counter() - began, lambda: by_weights(weights, task, fade=0.8)


def by_weights(weights: torch.Tensor, task: NextTask, fade: float = 0.0) -> np.ndarray:
    """[users, 10] by Σ_i x_i B_iq, x_i = (1 + age)^−fade of a film watched."""
    user, movie = task.watched()
    last = np.searchsorted(user, user, side="right") - 1
    x = np.zeros((task.users, task.films), np.float32)
    x[user, movie] = (1.0 + last - np.arange(len(user))) ** -fade
    return best_unseen(x @ weights.numpy(), task)


def ials(task: NextTask) -> Epochs:
    model = IALS(schema_of(task), embed_dim=task.embed_dim, window=0, rounds=10, watched=1.0)
    known = known_of(task)
    began = time.perf_counter()
    with torch.inference_mode():
        films = model._solved(known, model.films.weight.clone()).float()
    took = time.perf_counter() - began
    with torch.inference_mode():
        row, counts = rows_of(known), torch.ones(len(known.movie))
        users = model._solve_side(Side(row, known.movie, counts, task.users + 1), films)
    yield took, lambda: best_unseen((users[1:] @ films[1:].T).numpy(), task)


def sasrec(task: NextTask) -> Epochs:
    dataset, _ = open_data("ml-1m", checkpoints.root())
    ratings = Ratings(dataset, schema_of(task), every_film=True)
    ratings.feedback.fill_(JUST_WATCHED)
    part = torch.from_numpy(split_ratings(dataset.ratings, "order"))
    asked = questions(ratings, part != TRAIN, "next")
    model = SASRec(ratings.schema, embed_dim=task.embed_dim)
    settings = Settings(
        epochs=task.epochs,
        patience=task.epochs,
        batch_size=task.batch_size,
        learning_rate=task.learning_rate,
        forget=0.0,
        shorten=0.0,
        history_length=task.length,
        seed=task.seed,
    )
    done: list[tuple[float, np.ndarray]] = []

    class Watch(Observer):
        def on_epoch(self, epoch: Epoch) -> None:
            done.append((epoch.seconds, rank_and_list(model, ratings, asked)[1].numpy() - 1))

    train(model, InMemory(ratings, part), "next", settings, observer=Watch())
    for seconds, shown in done:
        yield seconds, lambda shown=shown: shown


if __name__ == "__main__":
    main(fit)
