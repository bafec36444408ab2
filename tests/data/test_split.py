"""The split by order: sizes in whole numbers, never the future, nobody left out."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from recdemo.data import TEST, TRAIN, VALIDATION, split_by_order, split_ratings


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


def test_leave_one_out_keeps_the_last_film_of_each_user_for_the_test() -> None:
    part = split_ratings(_ratings(1, 2, 3, 20), "last")
    ends = np.cumsum([1, 2, 3, 20])
    assert part[: ends[1]].tolist() == [TRAIN] * 3  # too few films to leave any out
    for start, end in itertools.pairwise(ends[1:]):
        wanted = [TRAIN] * (end - start - 2) + [VALIDATION, TEST]
        assert part[start:end].tolist() == wanted


def test_a_random_split_is_a_tenth_and_the_same_every_time() -> None:
    ratings = _ratings(*[100] * 200)
    part = split_ratings(ratings, "random")
    shares = np.bincount(part, minlength=3) / len(part)
    assert shares == pytest.approx([0.88, 0.02, 0.10], abs=0.01)
    assert (split_ratings(ratings, "random") == part).all()
    assert (np.diff(part[:100].astype(int)) < 0).any()  # not by order


def test_order_is_the_split_by_order() -> None:
    ratings = _ratings(7, 30)
    assert (split_ratings(ratings, "order") == split_by_order(ratings)).all()
