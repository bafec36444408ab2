"""Which users of MovieLens Latest Small are users of MovieLens-1M: whoever gave the same films the same stars.

    RECDEMO_DATA=… python benchmarks/same_people.py

A user is taken for one of MovieLens-1M where they have given three in four of that one's ratings, film and stars, among the
films that both sets know. Prints their ids, and how near the nearest comes who is not taken.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from recdemo.data import Dataset, load_dataset
from recdemo.data.latest import SAME_PEOPLE

SAME = 0.75


def opinions(dataset: Dataset, films: set[int]) -> tuple[np.ndarray, csr_matrix]:
    """User ids, and [users, film and stars] of the films that both sets know."""
    rated = dataset.ratings[dataset.ratings["movie_id"].isin(films)]
    users, row = np.unique(rated["user_id"], return_inverse=True)
    column = 11 * rated["movie_id"].to_numpy() + np.rint(2 * rated["rating"].to_numpy()).astype(int)
    ones = np.ones(len(rated))
    return users, csr_matrix((ones, (row, column)), shape=(len(users), 11 * (max(films) + 1)))


def nearest(ours: csr_matrix, theirs: csr_matrix) -> np.ndarray:
    """[users] how much of one of theirs each of ours has, at most."""
    both = (ours @ theirs.T).toarray()
    return np.asarray((both / np.asarray(theirs.sum(1)).T).max(1))


def same_people(small: Dataset, large: Dataset) -> tuple[list[int], np.ndarray]:
    """Users of the first who are in the second too; and of each user how near they come to one there."""
    films = set(small.movies["movie_id"]) & set(large.movies["movie_id"])
    users, ours = opinions(small, films)
    alike = nearest(ours, opinions(large, films)[1])
    return users[alike > SAME].tolist(), alike


def main() -> None:
    same, alike = same_people(load_dataset("ml-latest-small"), load_dataset("ml-1m"))
    print(f"{len(same)} of {len(alike)} users: {', '.join(map(str, same))}")
    print(
        f"the least alike of them {alike[alike > SAME].min():.2f}, the next {alike[alike <= SAME].max():.2f}"
    )
    print("as recorded" if tuple(same) == SAME_PEOPLE else "NOT as recorded")


if __name__ == "__main__":
    main()
