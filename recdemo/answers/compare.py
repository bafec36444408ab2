"""One session through several models: how far their lists agree, and on which films they part.

Lists are compared by rank-biased overlap (Webber, Moffat and Zobel, "A Similarity Measure for Indefinite
Rankings", ACM TOIS 2010), which counts agreement at the top more than further down. A film's disagreement is the
number of places between two of the models, averaged over all pairs of them.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from recdemo.core.errors import RequestError
from recdemo.core.session import Session
from recdemo.core.vocabulary import Objective
from recdemo.core.wording import FILM, Words

if TYPE_CHECKING:
    from recdemo.answers.recommend import Recommender

PERSISTENCE = 0.9  # p of rank-biased overlap: the first ten films then have 86% of the weight
DEPTH = 100  # films that overlap looks at; with p = 0.9, what lies deeper weighs 0.003%
FEW = 5
# To begin with: a baseline, and one model of each way to read a visitor.
FIRST_CHOICE = ("din", "popularity", "fm", "transformer4rec", "afm")


@dataclass(frozen=True, slots=True)
class Ranking:
    """What one model answers a session."""

    model: str
    objective: Objective
    movie_ids: np.ndarray  # [N] every film not watched, best first
    seconds: float  # taken to score and rank them


def default_models(menu: Collection[str], model: str) -> tuple[str, ...]:
    """Up to five models to begin with, in the order of the menu.

    Args:
        menu: models that exist.
        model: one that is among them if it exists: the one the visitor has been looking at.
    """
    wanted = [key for key in dict.fromkeys((model, *FIRST_CHOICE, *menu)) if key in menu][:FEW]
    return tuple(key for key in menu if key in wanted)


def question(objectives: Sequence[Objective], wanted: Objective) -> Objective:
    """What a model is asked: what is wanted where it is trained for that, else its default, the first."""
    return wanted if wanted in objectives else objectives[0]


def rank(recommender: Recommender, session: Session, name: str | None = None) -> Ranking:
    """All films the visitor has not watched, in the order `Recommender.recommend` gives them.

    Args:
        name: what the ranking is called; the model's key if left out.

    Raises:
        RequestError: a film of the history is not in the catalogue.
    """
    started = time.perf_counter()
    best = np.argsort(-recommender.logits(session), kind="stable")
    best = best[recommender.unseen(session)[best]]
    movie_ids = recommender.checkpoint.schema.movie_ids[best]
    seconds = time.perf_counter() - started
    name = name or recommender.checkpoint.card.model
    return Ranking(name, recommender.objective, movie_ids, seconds)


def side_by_side(rankings: Sequence[Ranking], k: int) -> pd.DataFrame:
    """Where each model puts the films that are among the first k of at least one of its rankings of one session.

    Returns:
        One row per film, films on most lists first, among them those that stand higher there: ``movie_id``,
        ``lists`` (how many have it among their first k), ``best`` and ``worst`` rank, ``apart`` (see
        `places_apart`), then its rank by each model, from 1, in columns named by the models' keys.
    """
    ranks = pd.DataFrame(
        {
            ranking.model: pd.Series(
                np.arange(1, len(ranking.movie_ids) + 1), index=ranking.movie_ids
            )
            for ranking in rankings
        }
    ).rename_axis("movie_id")
    listed = ranks.where(ranks <= k)
    table = ranks.assign(
        lists=listed.notna().sum(axis=1),
        best=ranks.min(axis=1),
        worst=ranks.max(axis=1),
        height=listed.mean(axis=1),
    )
    table = table[table["lists"] > 0]
    table = table.assign(apart=places_apart(table[list(ranks)].to_numpy()))
    table = table.sort_values(["lists", "height"], ascending=[False, True], kind="stable")
    columns = ["movie_id", "lists", "best", "worst", "apart", *ranks]
    return table.reset_index()[columns]


def places_apart(ranks: np.ndarray) -> np.ndarray:
    """How far apart models place a film: the mean of ``|r_i - r_j|`` over all pairs of models.

    Unlike the distance from best to worst, it does not hang on one model that stands alone.

    Args:
        ranks: [films, n] rank by each model.

    Returns:
        [films], zero where all agree, and everywhere for a single model.
    """
    size = ranks.shape[1]
    pairs = max(size * (size - 1) / 2, 1)
    # Of n sorted ranks, the i-th is subtracted n - i times and added i - 1 times.
    times = 2 * np.arange(1, size + 1) - size - 1
    return np.asarray((np.sort(ranks, axis=1) * times).sum(axis=1) / pairs)


def rank_biased_overlap(
    left: Sequence[int] | np.ndarray, right: Sequence[int] | np.ndarray, p: float = PERSISTENCE
) -> float:
    """Extrapolated rank-biased overlap of two lists of one length k: 1 if they are the same, 0 if disjoint.

    A reader goes from each film to the next with probability p, and at every depth d notes which share
    ``A_d`` of the first d films the two lists have in common; this is what they note on average, taking it that
    beyond depth k the share stays what it is there (Webber et al. 2010, eq. 32, for equal lengths):

        RBO_ext = A_k p^k + (1 - p) / p · Σ_{d=1..k} A_d p^d

    Args:
        left: [k] films, best first, each once.
        right: [k] the same.
        p: persistence, between 0 and 1; the smaller, the more the top counts.

    Raises:
        RequestError: p is out of range, or the lists are empty or of different length.
    """
    if not 0 < p < 1:
        raise RequestError(f"p must lie between 0 and 1, not {p!r}")
    depth = len(left)
    if not depth or depth != len(right):
        raise RequestError(f"lists of {depth} and {len(right)} films; give two of one length")
    place = {film: rank for rank, film in enumerate(np.asarray(right).tolist(), start=1)}
    # A film is common to both from the depth on at which the second list has it too.
    common_from = [
        max(rank, place[film])
        for rank, film in enumerate(np.asarray(left).tolist(), start=1)
        if film in place
    ]
    depths = np.arange(1, depth + 1)
    common = np.cumsum(np.bincount(common_from, minlength=depth + 1)[1:])
    agreement = common / depths
    weights = p**depths
    return float(agreement[-1] * weights[-1] + (1 - p) / p * (agreement * weights).sum())


def overlaps(rankings: Sequence[Ranking], p: float = PERSISTENCE) -> np.ndarray:
    """[n, n] rank-biased overlap of the first `DEPTH` films of every two rankings; one on the diagonal."""
    tops = [ranking.movie_ids[:DEPTH] for ranking in rankings]
    matrix = np.eye(len(tops))
    for i, left in enumerate(tops):
        for j in range(i):
            matrix[i, j] = matrix[j, i] = rank_biased_overlap(left, tops[j], p)
    return matrix


def by_similarity(overlap: np.ndarray) -> list[int]:
    """An order of models in which those that agree stand together.

    Average linkage on one minus the overlap, its leaves turned so that neighbours are as alike as they can be.

    Args:
        overlap: [n, n] symmetric, one on the diagonal.
    """
    if len(overlap) < 3:
        return list(range(len(overlap)))
    from scipy.cluster.hierarchy import leaves_list, linkage  # a second to import

    distances = np.clip(1 - overlap[np.triu_indices(len(overlap), k=1)], 0, None)
    return leaves_list(linkage(distances, "average", optimal_ordering=True)).tolist()


def on_lists(table: pd.DataFrame, labels: Mapping[str, str], w: Words = FILM) -> str:
    """How many lists the films are on, in a sentence.

    Args:
        table: as `side_by_side` returns it, with a column ``title``; of the models that have answered.
        labels: of all models asked, by key.
    """
    size, answered = len(labels), sum(key in table for key in labels)
    everywhere = int((table["lists"] == size).sum())
    first = table.iloc[0]
    if answered < size:
        return f"{answered} of {size} models have answered"
    if size == 1:
        return f"{next(iter(labels.values()))} alone"
    if everywhere > 1:
        return f"{everywhere} {w.films} are on all {size} lists"
    if first["lists"] > 1:
        return f"{first['title']} is on most lists, {first['lists']} of {size}"
    return f"No {w.film} is on two lists"


def who_agrees(overlap: np.ndarray, labels: Sequence[str]) -> str:
    """Which models agree most, and which least.

    Args:
        overlap: [n, n] as `overlaps` returns it, n above one.
        labels: of the models.
    """
    pairs = [(overlap[i, j], i, j) for i in range(len(labels)) for j in range(i)]
    (high, a, b), (low, c, d) = max(pairs), min(pairs)
    if len(pairs) == 1:
        return f"{labels[b]} and {labels[a]} overlap by {high:.2f}"
    return (
        f"{labels[b]} and {labels[a]} agree most ({high:.2f}), "
        f"{labels[d]} and {labels[c]} least ({low:.2f})"
    )


def agreed_and_disputed(table: pd.DataFrame, most: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The films that models place fewest, and most, ranks apart; half of the table each at most.

    Args:
        table: as `side_by_side` returns it.
        most: films of either kind.
    """
    count = min(most, (len(table) + 1) // 2)
    by_distance = [
        table.sort_values(["apart", "best"], ascending=[ascending, True], kind="stable").head(count)
        for ascending in (True, False)
    ]
    return by_distance[0], by_distance[1]


def where_they_part(
    agreed: pd.DataFrame, disputed: pd.DataFrame, labels: Mapping[str, str]
) -> tuple[str, str]:
    """The film agreed on most and the one disputed most, as a headline and with their ranks.

    Args:
        agreed, disputed: as `agreed_and_disputed` returns them, with a column ``title``.
        labels: of the models, by key.
    """
    first, last = agreed.iloc[0], disputed.iloc[0]
    ranks = last[list(labels)].astype(int)
    return (
        f"They agree most on {first['title']} and least on {last['title']}",
        f"**{first['title']}** has rank {first['best']:,} to {first['worst']:,}; **{last['title']}** rank "
        f"{last['best']:,} with {labels[str(ranks.idxmin())]} and {last['worst']:,} with {labels[str(ranks.idxmax())]}.",
    )
