"""How good a model is, under the one protocol of this project.

``like``: AUC and log-loss over all ratings of a part. ``next``: for each user with a film picked in the
part (`Ratings.picked`), the first such film is the target, ranked against every film of the catalogue the user has not rated
before it (full ranking, never a sample): HR@10, NDCG@10, MRR. A tie counts against the target. ``rating``:
RMSE and MSE of the stars over all ratings of a part. ``like`` of what was shown in impressions: AUC, MRR, NDCG@5 and
NDCG@10 within each impression that holds both what was clicked and what was not, and their means over these, as MIND (Wu
et al., ACL 2020) defines them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from recdemo.core.protocols import TwoSided, needs_histories
from recdemo.core.vocabulary import Objective
from recdemo.encoding.ratings import Ratings

CHUNK = 2048  # rows scored at once
USERS = 64  # ranked at once by a model whose scores are one product of matrices


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model answered to n questions: all that figures are made of."""

    objective: Objective
    profile: Tensor  # [n, 3] of who was asked about
    given: Tensor  # [n] logits, or stars; in `next` the ranks of what was picked
    truth: Tensor  # [n] liked, or stars; in `next` the films picked
    shown: Tensor  # [n, k] the lists of `next`; else [n, 0]
    impression: Tensor  # [n] in which each was shown; 0 where nobody says

    @property
    def metrics(self) -> dict[str, float]:
        """The figures of the protocol."""
        if self.objective == "next":
            return next_metrics(self.given)
        if self.objective == "like" and bool(self.impression.any()):
            return impression_metrics(self.given, self.truth, self.impression)
        figures = rating_metrics if self.objective == "rating" else like_metrics
        return figures(self.given, self.truth)

    def of(self, chosen: Tensor) -> Answers:
        """Those to some of the questions."""
        parts = (self.profile, self.given, self.truth, self.shown, self.impression)
        return Answers(self.objective, *(part[chosen] for part in parts))


def ask(model: nn.Module, ratings: Ratings, rows: Tensor, objective: Objective) -> Answers:
    """Ask a trained model about `rows` [n] of all ratings, or of all of some users: those of `questions`, or some of these."""
    profile = ratings.profile[ratings.user[rows]]
    impression = torch.zeros_like(rows) if ratings.impression is None else ratings.impression[rows]
    if objective == "next":
        ranks, shown = rank_and_list(model, ratings, rows)
        return Answers(objective, profile, ranks, ratings.movie[rows], shown, impression)
    truth = ratings.stars if objective == "rating" else ratings.liked
    nothing = torch.zeros(len(rows), 0, dtype=torch.long)
    given = score_rows(model, ratings, rows)
    return Answers(objective, profile, given, truth[rows], nothing, impression)


def join(parts: Sequence[Answers]) -> Answers:
    """The answers about several parts of a data set as one."""
    columns = (
        (part.profile, part.given, part.truth, part.shown, part.impression) for part in parts
    )
    return Answers(parts[0].objective, *map(torch.cat, zip(*columns, strict=True)))


def questions(ratings: Ratings, part: Tensor, objective: Objective) -> Tensor:
    """[n] rows that the protocol asks about, among those where `part` [N] is True."""
    return next_targets(ratings, part) if objective == "next" else torch.nonzero(part).squeeze(1)


def next_targets(ratings: Ratings, part: Tensor) -> Tensor:
    """First row of a film picked (`Ratings.picked`) of each user within a part.

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
        parts = rows.split(CHUNK)
        histories = needs_histories(model)
        return torch.cat([model(ratings.batch(part, histories=histories)) for part in parts])


def rank_and_list(
    model: nn.Module, ratings: Ratings, rows: Tensor, k: int = 10
) -> tuple[Tensor, Tensor]:
    """Rank of the film rated, and the list its user would be shown instead.

    Returns:
        The rank, 1 is best, of the film rated among all not rated before by that user, [len(rows)]; and the k films
        best ranked, [len(rows), k] film indices. A list that runs out of films ends in zeros.
    """
    model.eval()
    ranks = torch.zeros(len(rows), dtype=torch.long)
    shown = torch.zeros(len(rows), min(k, ratings.schema.size), dtype=torch.long)
    with torch.inference_mode():
        i = 0
        for part in rows.split(USERS if isinstance(model, TwoSided) else 1):
            for row, scores in zip(part, _of_all_films(model, ratings, part), strict=True):
                target = scores[ratings.movie[row] - 1].clone()
                seen = ratings.movie[ratings.start[ratings.user[row]] : row]
                scores[seen - 1] = float("-inf")
                ranks[i] = (~(scores < target)).sum()  # what is not a number ranks last
                best, films = scores.topk(shown.shape[1])
                shown[i] = (films + 1) * best.isfinite()
                i += 1
    return ranks, shown


def _of_all_films(model: nn.Module, ratings: Ratings, rows: Tensor) -> Tensor:
    """[U, M] logits of every film for the users of some rows."""
    histories = needs_histories(model)
    if isinstance(model, TwoSided):
        visitors, films = model.sides(ratings.batch(rows, histories=histories))
        return visitors @ films[1:].T
    catalogue = torch.arange(1, ratings.schema.size + 1).expand(len(rows), -1)
    scores: Tensor = model(ratings.batch(rows, catalogue, histories=histories))
    return scores.view(len(rows), -1)


def like_metrics(logits: Tensor, liked: Tensor) -> dict[str, float]:
    """AUC and log-loss."""
    from sklearn.metrics import log_loss, roc_auc_score

    probability = torch.sigmoid(logits.double()).cpu().numpy()
    truth = liked.cpu().numpy()
    return {
        "auc": float(roc_auc_score(truth, probability)),
        "log_loss": float(log_loss(truth, probability, labels=[False, True])),
    }


def impression_metrics(logits: Tensor, clicked: Tensor, impression: Tensor) -> dict[str, float]:
    """Means over impressions of AUC, MRR, NDCG@5 and NDCG@10 within each; and the log-loss of all rows.

    A tie counts half in the AUC, and against what was clicked in the others.

    Args:
        logits: [n].
        clicked: [n].
        impression: [n] one that holds only one answer has no figure, and is left out.
    """
    score, click = logits.double().cpu().numpy(), clicked.cpu().numpy().astype(np.float64)
    rows = pd.DataFrame({"of": impression.cpu().numpy(), "score": score, "click": click})
    clicks = rows.groupby("of")["click"].transform("sum")
    rows = rows[(clicks > 0) & (clicks < rows.groupby("of")["click"].transform("size"))]
    rows = rows.sort_values(["of", "score", "click"], ascending=[True, False, True])
    lists = rows.groupby("of")
    hits = lists["click"].sum()
    others = lists.size() - hits
    place = lists.cumcount() + 1
    ranks = lists["score"].rank() * rows["click"]  # from the end, ties in the middle
    auc = (ranks.groupby(rows["of"]).sum() - hits * (hits + 1) / 2) / (hits * others)
    figures = {"auc": auc, "mrr": (rows["click"] / place).groupby(rows["of"]).sum() / hits}
    for k in (5, 10):
        gain = rows["click"] / np.log2(place + 1) * (place <= k)
        best = np.cumsum(1 / np.log2(np.arange(k) + 2))
        ideal = best[np.minimum(hits.to_numpy(dtype=int), k) - 1]
        figures[f"ndcg@{k}"] = gain.groupby(rows["of"]).sum() / ideal
    means = {name: float(values.mean()) for name, values in figures.items()}
    return means | {"log_loss": like_metrics(logits, clicked)["log_loss"]}


def rating_metrics(stars: Tensor, truth: Tensor) -> dict[str, float]:
    """RMSE and MSE."""
    mse = float((stars.double() - truth.double()).square().mean())
    return {"rmse": mse**0.5, "mse": mse}


def next_metrics(ranks: Tensor, k: int = 10) -> dict[str, float]:
    """HR@k, NDCG@k (one relevant film: 1 / log2(rank + 1)) and MRR."""
    rank = ranks.cpu().numpy().astype(np.float64)
    hit = rank <= k
    return {
        f"hr@{k}": float(hit.mean()),
        f"ndcg@{k}": float((hit / np.log2(rank + 1)).mean()),
        "mrr": float((1 / rank).mean()),
    }


def evaluate(
    model: nn.Module, ratings: Ratings, rows_of: Tensor, objective: Objective
) -> dict[str, float]:
    """The protocol's figures on one part, whose rows are True in `rows_of` [N].

    They are AUC and log-loss for `like`; HR@10, NDCG@10 and MRR for `next`; RMSE and MSE for `rating`.
    """
    return ask(model, ratings, questions(ratings, rows_of, objective), objective).metrics
