"""How good a model is, under the one protocol of this project.

``like``: AUC and log-loss over all ratings of a part. ``next``: for each user with a liked film in the
part, the first such film is the target, ranked against every film of the catalogue the user has not rated
before it (full ranking, never a sample): HR@10, NDCG@10, MRR. A tie counts against the target. ``rating``:
RMSE and MSE of the stars over all ratings of a part.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from recdemo.features import Ratings

CHUNK = 8192  # rows scored at once


def next_targets(ratings: Ratings, part: Tensor) -> Tensor:
    """First row of a film picked, that is liked, of each user within a part.

    Args:
        ratings: all ratings.
        part: [N] True for the rows of the part.

    Returns:
        [users with such a film] rows.
    """
    rows = torch.nonzero(part & ratings.picked).squeeze(1)
    first = torch.ones(len(rows), dtype=torch.bool)
    first[1:] = ratings.user[rows[1:]] != ratings.user[rows[:-1]]
    return rows[first]


def score_rows(model: nn.Module, ratings: Ratings, rows: Tensor) -> Tensor:
    """Logit, or stars, of the film rated: [len(rows)]."""
    model.eval()
    with torch.inference_mode():
        return torch.cat([model(ratings.batch(chunk)) for chunk in rows.split(CHUNK)])


def rank_of_target(model: nn.Module, ratings: Ratings, rows: Tensor) -> Tensor:
    """Rank, 1 is best, of the film rated among all not rated before by that user: [len(rows)]."""
    return rank_and_list(model, ratings, rows)[0]


def rank_and_list(
    model: nn.Module, ratings: Ratings, rows: Tensor, k: int = 10
) -> tuple[Tensor, Tensor]:
    """The same, and the k films that each user would be shown, [len(rows), k] film indices.

    A list that runs out of films ends in zeros.
    """
    model.eval()
    catalogue = torch.arange(1, ratings.schema.size + 1)
    ranks = torch.zeros(len(rows), dtype=torch.long)
    shown = torch.zeros(len(rows), min(k, len(catalogue)), dtype=torch.long)
    with torch.inference_mode():
        for i, row in enumerate(rows):
            batch = ratings.batch(row.unsqueeze(0), catalogue.unsqueeze(0))
            scores = model(batch)  # [M]
            target = scores[ratings.movie[row] - 1].clone()
            seen = ratings.movie[ratings.start[ratings.user[row]] : row]
            scores[seen - 1] = float("-inf")
            ranks[i] = (~(scores < target)).sum()  # what is not a number ranks last
            best, films = scores.topk(shown.shape[1])
            shown[i] = (films + 1) * best.isfinite()
    return ranks, shown


def like_metrics(logits: Tensor, liked: Tensor) -> dict[str, float]:
    """AUC and log-loss."""
    from sklearn.metrics import log_loss, roc_auc_score

    probability = torch.sigmoid(logits.double()).numpy()
    truth = liked.numpy()
    return {
        "auc": float(roc_auc_score(truth, probability)),
        "log_loss": float(log_loss(truth, probability, labels=[False, True])),
    }


def rating_metrics(stars: Tensor, truth: Tensor) -> dict[str, float]:
    """RMSE and MSE."""
    mse = float((stars.double() - truth.double()).square().mean())
    return {"rmse": mse**0.5, "mse": mse}


def next_metrics(ranks: Tensor, k: int = 10) -> dict[str, float]:
    """HR@k, NDCG@k (one relevant film: 1 / log2(rank + 1)) and MRR."""
    rank = ranks.numpy().astype(np.float64)
    hit = rank <= k
    return {
        f"hr@{k}": float(hit.mean()),
        f"ndcg@{k}": float((hit / np.log2(rank + 1)).mean()),
        "mrr": float((1 / rank).mean()),
    }
