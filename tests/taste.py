"""Models that learn nothing, for tests of figures and losses; worlds to learn from, and which ratings train."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from recdemo.core.batch import Batch
from recdemo.data import Dataset, simulate, simulated, split_by_order
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema


def simulate_strong_tastes(films: pd.DataFrame, *, users: int, own: float = 1.0) -> Dataset:
    """A world whose tastes are strong, the more the larger `own`, and whose hits are few, so that knowing people pays."""
    strong = {"QUALITY_SPREAD": 0.15, "OWN_SPREAD": own, "NOISE": 0.3, "POPULARITY_TAIL": 0.3}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in strong.items():
            patch.setattr(simulated, name, value)
        return simulate(films, users=users, seed=1)


def few_ratings_of(films: pd.DataFrame, users: int) -> Ratings:
    """Those of a few simulated users, with histories of six."""
    world = simulate(films, users=users, seed=1)
    return Ratings(world, Schema(world.movies, history_length=6))


def parts_of(ratings: Ratings) -> Tensor:
    """[N] which part each rating is of: it trains, validates or tests."""
    rows = pd.DataFrame({"user_id": ratings.user.numpy()})
    return torch.from_numpy(split_by_order(rows).astype(np.int64))


class Taste(nn.Module):
    """A fixed number for every user and film, in steps so that there are ties; it learns nothing."""

    def __init__(self, films: int, step: float = 0.5) -> None:
        super().__init__()
        table = torch.randn(7, films + 1, generator=torch.Generator().manual_seed(3))
        self.table = nn.Parameter((table / step).round() * step if step else table)

    def forward(self, batch: Batch) -> Tensor:
        row = batch.age.repeat_interleave(batch.candidates) - 1
        return self.table[row, batch.target_movie]

    def by_hand(self, ratings: Ratings, row: int, film: int) -> float:
        return self.table[int(ratings.profile[ratings.user[row], 1]) - 1, film].item()
