"""A taste in a minute: which films to ask somebody about next.

A film is worth asking about as far as people have seen it, as far as the answer tells something, and as far as films of its genres are not asked
about already. What an answer tells is what it would change. A taste is an unknown vector u, standard normal at first; an opinion of film f is
q_f · u and noise. What was said leaves u the covariance P = (I + Σ q qᵀ / σ²)⁻¹, and one more answer would take from the variance of the opinions of
all films g, each counted w_g times, Σ_g w_g (q_gᵀ P q_f)² / (σ² + q_fᵀ P q_f): the optimal design for a linear model (Chaloner and Verdinelli,
"Bayesian Experimental Design: A Review", 1995). Whether an answer is yes or no plays no part in it. Before anything is said, what is seen most is asked
about. `benchmarks/taste.py` compares the rule with the most popular films and with films by lot.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

NOISE = 1.0  # σ², where an opinion varies by one on average before anything is said
CROWD = 0.3  # how soon films of one genre are enough


def known(ratings: np.ndarray) -> np.ndarray:
    """[M] how likely a film has been seen, beside the film rated most."""
    return np.asarray(ratings / max(1, ratings.max(initial=0)))


def would_tell(
    vectors: np.ndarray, weight: np.ndarray, said: Sequence[int] | np.ndarray
) -> np.ndarray:
    """[M] what an answer about each film would take from the variance of all opinions together.

    Args:
        vectors: [M, k] of the films.
        weight: [M] how much each film counts; also brings the vectors to a mean length of one.
        said: rows of the films that were spoken of.
    """
    weight = weight / max(weight.sum(), np.finfo(float).tiny)
    length = float(weight @ (vectors**2).sum(1))
    q = vectors / max(length, np.finfo(float).tiny) ** 0.5
    spoken = q[said]
    covariance = np.linalg.inv(np.eye(q.shape[1]) + spoken.T @ spoken / NOISE)
    along = q @ covariance  # [M, k]
    together = (q * weight[:, None]).T @ q  # [k, k]
    return np.asarray(((along @ together) * along).sum(1) / (NOISE + (along * q).sum(1)))


def genre_shares(genres: Sequence[Sequence[str]]) -> np.ndarray:
    """[M, G] the share that each genre has in a film; all zero for a film without genres."""
    column = {
        name: number for number, name in enumerate(sorted({n for one in genres for n in one}))
    }
    shares = np.zeros((len(genres), len(column)))
    for row, names in enumerate(genres):
        for name in names:
            shares[row, column[name]] = 1 / len(names)
    return shares


def to_ask(
    films: pd.DataFrame,
    count: int,
    *,
    said: Collection[int] = (),
    shown: Sequence[int] = (),
    passed: Collection[int] = (),
    vectors: np.ndarray | None = None,
) -> list[int]:
    """The films to ask about, best first; one that is shown already and still among them keeps its place.

    Each is the best one for what it is worth and for how few of those before it are of its genres.

    Args:
        films: the catalogue.
        count: how many; fewer come back where there are fewer films.
        said: ids of the films that were spoken of.
        shown: ids of the films asked about now, place by place.
        passed: ids of films not to be asked about again.
        vectors: [M, k] the films to a model; None where there are none.

    Returns:
        Ids.
    """
    ids, ratings = films["movie_id"].to_numpy(), films["ratings"].to_numpy()
    spoken = np.flatnonzero(np.isin(ids, list(said)))
    worth, shares = known(ratings), genre_shares(films["genres"].tolist())
    if vectors is not None and len(spoken):
        worth = worth * would_tell(vectors, ratings.astype(float), spoken)
    worth[np.isin(ids, [*said, *passed])] = -1.0
    crowd = np.zeros(shares.shape[1])  # films chosen of each genre
    chosen: list[int] = []
    for _ in range(min(count, int((worth >= 0).sum()))):
        best = int(np.where(worth < 0, worth, worth / (1 + CROWD * (shares @ crowd))).argmax())
        worth[best] = -1.0
        crowd += shares[best] > 0
        chosen.append(int(ids[best]))
    places = shown[: len(chosen)]
    new = iter([movie for movie in chosen if movie not in places])
    return [movie if movie in chosen else next(new) for movie in places] + list(new)
