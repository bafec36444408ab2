"""Every fact of a metric and of a split, once: name, direction, what it says, which one decides."""

from __future__ import annotations

from typing import NamedTuple

from recdemo.core.vocabulary import Objective, Split


class Metric(NamedTuple):
    """A figure of the protocol."""

    title: str  # as people read it
    better: int  # 1 where more of it is better, -1 where less is
    hint: str  # what it says, in a sentence
    is_share: bool = True  # between 0 and 1, so that its spread over users is bounded


METRICS: dict[str, Metric] = {
    "auc": Metric("AUC", 1, "How often a film liked scores above one not liked; 0.5 is chance."),
    "log_loss": Metric(
        *("log-loss", -1, "How surprised the model is by the answers; less is better."),
        is_share=False,
    ),
    "ndcg@10": Metric(
        "NDCG@10", 1, "Like HR@10, but a film counts less the further down the ten it stands."
    ),
    "ndcg@5": Metric("NDCG@5", 1, "Like NDCG@10, of the first five."),
    "hr@10": Metric(
        "HR@10", 1, "How often the film liked next is among the first ten of all films."
    ),
    "mrr": Metric("MRR", 1, "Mean of one over the rank of the film liked next."),
    "coverage": Metric(
        *("coverage", 1, "Share of all films that are among the first ten of at least one user."),
        is_share=False,  # of films, not a mean over users
    ),
    "rmse": Metric(
        *("RMSE", -1, "How far the stars are off: root of the mean squared error; less is better."),
        is_share=False,
    ),
    "mse": Metric("MSE", -1, "Mean squared error of the stars; less is better.", is_share=False),
}
# The figure that decides, for each question: which epoch is kept, and who leads.
MAIN: dict[Objective, str] = {"like": "auc", "next": "ndcg@10", "rating": "rmse"}
SPLIT_NAMES: dict[Split, str] = {
    "order": "Last tenth of each user",
    "last": "Last film of each user",
    "random": "Random tenth",
}
SPLITS: dict[Split, str] = {
    "order": "Of each user's films in the order rated, the last tenth is the test, the tenth before it chooses the "
    "best epoch, the rest trains; a history holds only what came before.",
    "last": "Leave-one-out, as in publications: each user's last film is the test, the one before it chooses the "
    "best epoch, the rest trains.",
    "random": "A tenth of all ratings, drawn at random, is the test, as in the source documents; a film rated later "
    "may then have trained a model that is asked about an earlier one.",
}
