"""Facts of metrics and splits, each once: which way is better, which metric decides. What a metric is called and says is in
`core.glossary`."""

from __future__ import annotations

from typing import NamedTuple

from recdemo.core.glossary import GLOSSARY
from recdemo.core.vocabulary import Objective, Split


class Metric(NamedTuple):
    """A figure of the protocol."""

    title: str  # as people read it
    better: int  # 1 where more of it is better, -1 where less is
    hint: str  # what it says, in a sentence
    is_share: bool  # between 0 and 1, so that its spread over users is bounded


def _metric(key: str, better: int, *, is_share: bool) -> Metric:
    return Metric(GLOSSARY[key].name, better, GLOSSARY[key].short, is_share)


METRICS: dict[str, Metric] = {
    "auc": _metric("auc", 1, is_share=True),
    "log_loss": _metric("log_loss", -1, is_share=False),
    "ndcg@10": _metric("ndcg@10", 1, is_share=True),
    "ndcg@5": _metric("ndcg@5", 1, is_share=True),
    "hr@10": _metric("hr@10", 1, is_share=True),
    "mrr": _metric("mrr", 1, is_share=True),
    "coverage": _metric("coverage", 1, is_share=False),  # of films, not a mean over users
    "rmse": _metric("rmse", -1, is_share=False),
    "mse": _metric("mse", -1, is_share=False),
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
