"""Which ratings train, which validate and which test.

``order``, which every shipped figure is measured on: of a user's n films in the order rated, the last ``n // 10``
are the test, those before them back to ``n // 5`` from the end are for validation, the rest for training. A
model is thus always asked about a user's later films from their earlier ones. Below ten films there is no test
part, below five no validation part; the cut is in each user's own order, not at one date for all, so what others did
at a later date may stand in the training part.

``last``, as in publications on sequential recommendation: each user's last film is the test, the one before it
for validation. ``random``, as in the source documents: 10% of all ratings drawn at random are the test, 2% for
validation; what a user rated later may then train a model that is asked about an earlier film.

Impressions stay whole: they are one user's list each, and most users have one or two. ``order`` tests the last tenth of
all of them in time, ``last`` each user's last one, ``random`` a tenth drawn at random. What users clicked before the first
is their history, and neither trains nor tests.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from recdemo.core.vocabulary import Split
from recdemo.data.dataset import Dataset

TRAIN, VALIDATION, TEST, HISTORY = range(4)


def split_ratings(ratings: pd.DataFrame, how: Split) -> np.ndarray:
    """[rows] int8: TRAIN, VALIDATION or TEST for each rating; HISTORY for what came before all impressions.

    Args:
        ratings: as ``Dataset.ratings``; each user's rows in the order rated.
        how: see above. ``random`` is the same at every call.
    """
    if "impression" in ratings:
        return _split_impressions(ratings, how)
    if how == "order":
        return split_by_order(ratings)
    if how == "random":
        drawn = np.random.default_rng(0).random(len(ratings))
        return np.select([drawn < 0.1, drawn < 0.12], [TEST, VALIDATION], TRAIN).astype(np.int8)
    position, count = _position_and_count(ratings)
    enough = count >= 3
    part = np.select([position == count - 1, position == count - 2], [TEST, VALIDATION], TRAIN)
    return np.where(enough, part, TRAIN).astype(np.int8)


def parts_of(dataset: Dataset, how: Split) -> np.ndarray:
    """`split_ratings` of a data set, but for the users whose ratings all train (`Dataset.only_train`)."""
    part = split_ratings(dataset.ratings, how)
    part[dataset.ratings["user_id"].isin(dataset.only_train)] = TRAIN
    return part


def split_by_order(ratings: pd.DataFrame) -> np.ndarray:
    """[rows] int8: TRAIN, VALIDATION or TEST for each rating.

    Args:
        ratings: as ``Dataset.ratings``; each user's rows in the order rated.
    """
    position, count = _position_and_count(ratings)
    after_train = position >= count - count // 5
    after_validation = position >= count - count // 10
    return after_train.astype(np.int8) + after_validation.astype(np.int8)


def _split_impressions(ratings: pd.DataFrame, how: Split) -> np.ndarray:
    # As if each impression were one rating; for `order`, all of one user.
    lists = ratings.loc[ratings["impression"] > 0, ["user_id", "impression"]].drop_duplicates()
    if how == "order":
        lists = lists.sort_values("impression").assign(user_id=0)
    part = pd.Series(split_ratings(lists[["user_id"]], how), index=lists["impression"])
    return ratings["impression"].map(part).fillna(HISTORY).to_numpy(dtype=np.int8)


def _position_and_count(ratings: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Each rating's place among its user's, and how many that user has."""
    by_user = ratings.groupby("user_id", sort=False)["user_id"]
    return by_user.cumcount().to_numpy(), by_user.transform("size").to_numpy()
