"""An old and a new model of one kind, side by side: the same visitor's list, and how far films have moved.

Two trainings turn and stretch their spaces as they like, so vectors are not compared; who a film's neighbours are is.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from recdemo.answers.compare import rank
from recdemo.answers.recommend import Recommender
from recdemo.core.protocols import PlacesFilms
from recdemo.core.session import Session
from recdemo.data.catalogue import labels_of

NEIGHBOURS = 10
# Films whose neighbourhoods are compared: of the others hardly anything is learned.
MOST_RATED = 1000


def list_changes(old: Recommender, new: Recommender, session: Session, k: int) -> pd.DataFrame:
    """Ranks by both models, over the same films, of the films on either's list of k.

    Returns:
        Columns ``movie_id``, ``title``, ``rank_before``, ``rank_after``, ``score_before`` and ``score_after``,
        best rank first.
    """
    ranks, scores = [], []
    for model in (old, new):
        found = rank(model, session).movie_ids
        ranks.append(pd.Series(np.arange(1, len(found) + 1), index=found))
        scores.append(pd.Series(model.scores(session), index=model.checkpoint.schema.movie_ids))
    table = pd.DataFrame({"rank_before": ranks[0], "rank_after": ranks[1]})
    table = table[(table <= k).any(axis=1)]
    films = old.catalogue.set_index("movie_id").loc[table.index]
    table.insert(0, "title", labels_of(films))
    table = table.assign(
        score_before=scores[0].loc[table.index], score_after=scores[1].loc[table.index]
    )
    order = table[["rank_before", "rank_after"]].min(axis=1)
    return table.loc[order.sort_values(kind="stable").index].rename_axis("movie_id").reset_index()


def neighbours_kept(old: Recommender, new: Recommender) -> float | None:
    """Mean share of a film's ten nearest neighbours by cosine that are the same in both models.

    Over the thousand films rated most. None where a model has no vector per film, or the films differ.
    """
    if not old.checkpoint.schema.same_films(new.checkpoint.schema):
        return None
    ratings = old.catalogue["ratings"].to_numpy()
    chosen = torch.from_numpy(np.sort(np.argsort(-ratings, kind="stable")[:MOST_RATED]) + 1)
    nearest = []
    for model in (old, new):
        if not isinstance(model.checkpoint.model, PlacesFilms):
            return None
        with torch.inference_mode():
            vectors = torch.nn.functional.normalize(
                model.checkpoint.model.film_vectors()[chosen].float()
            )
        alike = (vectors @ vectors.T).fill_diagonal_(-2)
        nearest.append(alike.topk(min(NEIGHBOURS, len(chosen) - 1)).indices.numpy())
    same = [len(np.intersect1d(*pair)) / len(pair[0]) for pair in zip(*nearest, strict=True)]
    return float(np.mean(same))
