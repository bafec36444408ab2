"""What each process of `test_distributed.py` does: train some models on a small world, alone or with others.

    torchrun --nproc-per-node 2 tests/together.py FOLDER

Leaves ``FOLDER/<model>-<rank>-of-<processes>.pt`` for each of `FITS`: what that rank held in the end.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd
import torch

from recdemo.core.vocabulary import GENRES, Objective
from recdemo.data import simulate, split_by_order
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS
from recdemo.training.distributed import ranks_here
from recdemo.training.feed import InMemory
from recdemo.training.loop import fit
from recdemo.training.metrics import evaluate
from recdemo.training.observer import Observer, Step
from recdemo.training.settings import Settings

# Nothing is drawn but the order of the rows: as many processes as there may be take the same steps.
EXACT = Settings(
    epochs=2, batch_size=101, optimizer="sgd", learning_rate=0.05, forget=0.0, shorten=0.0
)
QUICK = Settings(epochs=2, batch_size=100, learning_rate=0.02, negatives=8, weight_decay=0.01)


@dataclass(frozen=True)
class Asked:
    """A model to be trained."""

    model: str
    objective: Objective
    settings: Settings
    arguments: dict[str, object] = field(default_factory=dict)


FITS = (
    Asked("fm", "like", EXACT, {"embed_dim": 8}),
    Asked("fnn", "like", EXACT, {"embed_dim": 8, "hidden": [8], "dropout": 0.0}),  # in two stages
    Asked("mf", "like", EXACT, {"embed_dim": 8}),  # knows users by id
    Asked("din", "like", QUICK, {"embed_dim": 8, "dropout": 0.1}),  # Dice keeps statistics
    Asked("rnn_joint", "next", QUICK, {"embed_dim": 8}),  # has a second loss
    Asked("popularity", "like", QUICK),  # is counted
)


class Samples(Observer):
    """How many rows were read by each step."""

    def __init__(self) -> None:
        self.samples: list[int] = []

    def on_step(self, step: Step) -> None:
        self.samples.append(step.samples)


def world() -> tuple[Ratings, torch.Tensor]:
    """160 users over 60 films, and which of their ratings train, validate and test."""
    rng = np.random.default_rng(7)
    films = pd.DataFrame(
        {
            "movie_id": np.arange(1, 61),
            "title": [f"Film {number}" for number in range(60)],
            "year": rng.integers(1950, 2001, 60),
            "genres": [(genre,) for genre in rng.choice(GENRES, 60)],
        }
    )
    made = simulate(films, users=160, seed=1)
    schema = Schema(made.movies, history_length=8)
    return Ratings(made, schema), torch.from_numpy(split_by_order(made.ratings))


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    ratings, part = world()
    ranks = ranks_here()
    with ranks.together():
        for asked in FITS:
            known = {"users": len(ratings.profile), "objective": asked.objective}
            card = CARDS[asked.model]
            torch.manual_seed(0)
            model = card.model(
                ratings.schema, **asked.arguments, **(known if card.knows_users else {})
            )
            told = Samples()
            done = fit(
                model,
                InMemory(ratings, part),
                asked.objective,
                asked.settings,
                ranks=ranks,
                observer=told,
            )
            found = {
                "weights": model.state_dict(),
                "epochs": [asdict(epoch) for epoch in done.epochs],
                "best": done.best_epoch,
                "test": evaluate(model, ratings, part == 2, asked.objective),
                "samples": told.samples,
            }
            torch.save(found, folder / f"{asked.model}-{ranks.rank}-of-{ranks.size}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
