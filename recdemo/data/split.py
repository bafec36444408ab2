"""The split that every model is trained and measured on: by order, within each user.

Protocol: of a user's n films in the order rated, the last ``n // 10`` are the test, those before them
back to ``n // 5`` from the end are for validation, the rest for training. A model is thus always asked
about a user's later films from their earlier ones. Below ten films there is no test part, below five no
validation part; the cut is in each user's own order, not at one date for all, so what others did at a
later date may stand in the training part.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

TRAIN, VALIDATION, TEST = range(3)


def split_by_order(ratings: pd.DataFrame) -> np.ndarray:
    """[rows] int8: TRAIN, VALIDATION or TEST for each rating.

    Args:
        ratings: as ``Dataset.ratings``; each user's rows in the order rated.
    """
    by_user = ratings.groupby("user_id", sort=False)["user_id"]
    position = by_user.cumcount().to_numpy()
    count = by_user.transform("size").to_numpy()
    after_train = position >= count - count // 5
    after_validation = position >= count - count // 10
    return after_train.astype(np.int8) + after_validation.astype(np.int8)
