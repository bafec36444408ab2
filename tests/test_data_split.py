"""The split by order: sizes in whole numbers, never the future, nobody left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recdemo.data import TEST, TRAIN, VALIDATION, split_by_order


def _ratings(*counts: int) -> pd.DataFrame:
    users = np.repeat(np.arange(1, len(counts) + 1), counts)
    return pd.DataFrame({"user_id": users, "movie_id": np.arange(len(users)), "rating": 3})


@pytest.mark.parametrize(
    ("films", "sizes"),
    [
        (1, (1, 0, 0)),
        (4, (4, 0, 0)),
        (5, (4, 1, 0)),
        (9, (8, 1, 0)),
        (10, (8, 1, 1)),
        (19, (16, 2, 1)),
        (20, (16, 2, 2)),
        (115, (92, 12, 11)),
    ],
)
def test_sizes_of_one_user(films: int, sizes: tuple[int, int, int]) -> None:
    part = split_by_order(_ratings(films))
    assert tuple(np.bincount(part, minlength=3)) == sizes


def test_each_user_is_split_alone_and_never_from_the_future() -> None:
    counts = np.random.default_rng(0).integers(1, 60, 200)
    ratings = _ratings(*counts)
    part = split_by_order(ratings)
    assert part.dtype == np.int8
    assert len(part) == len(ratings)
    for user, count in enumerate(counts, start=1):
        mine = part[ratings["user_id"].to_numpy() == user]
        naive = [
            TRAIN if row < count - count // 5 else VALIDATION if row < count - count // 10 else TEST
            for row in range(count)
        ]
        assert mine.tolist() == naive
        assert (np.diff(mine) >= 0).all()


def test_the_row_labels_of_the_frame_do_not_matter() -> None:
    ratings = _ratings(10, 20)
    relabelled = ratings.set_index(np.arange(100, 130)[::-1])
    assert (split_by_order(relabelled) == split_by_order(ratings)).all()


def test_no_ratings_give_no_rows() -> None:
    assert split_by_order(_ratings()).shape == (0,)


def test_real_data_is_split_eighty_ten_ten(ml_1m) -> None:
    share = np.bincount(split_by_order(ml_1m.ratings)) / len(ml_1m.ratings)
    assert share == pytest.approx([0.8, 0.1, 0.1], abs=0.01)
