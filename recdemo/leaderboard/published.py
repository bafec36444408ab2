"""Figures that others have published for MovieLens-1M under a protocol that is ours too, with where they stand.

They are quoted, not measured here: preprocessing, ties in time and the search for settings differ from source to source, so
they say where the field is, and rank nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recdemo.core.vocabulary import Objective, Split


@dataclass(frozen=True, slots=True)
class Published:
    """One model as its source states it."""

    title: str
    figures: Mapping[str, float]  # by name, as in `recdemo.core.figures.METRICS`
    source: str
    url: str


DATA = "MovieLens-1M"  # `DataCard.title` of rows that may stand beside these


def _ranking(title: str, hr: float, ndcg: float, source: str, url: str) -> Published:
    return Published(title, {"hr@10": hr, "ndcg@10": ndcg}, source, url)


_TURNING = (
    "Klenitskiy and Vasilev, “Turning Dross Into Gold Loss”, RecSys 2023, and its repository",
    "https://github.com/antklen/sasrec-bert4rec-recsys23",
)
_GRID = (
    "Gusak and others, “Time to Split”, RecSys 2025, and its repository",
    "https://github.com/monkey0head/time-to-split",
)
_HSTU = (
    "Zhai and others, “Actions Speak Louder than Words”, ICML 2024, and its repository",
    "https://github.com/facebookresearch/generative-recommenders",
)
LEAVE_ONE_OUT = (
    _ranking("SASRec, best of a grid", 0.323, 0.188, *_GRID),
    _ranking("SASRec, 3,000 negatives", 0.316, 0.186, *_TURNING),
    _ranking("SASRec, full softmax", 0.315, 0.182, *_TURNING),
    _ranking(
        *("eSASRec", 0.313, 0.177),
        source="Tikhonovich and others, “eSASRec”, RecSys 2025, and its repository",
        url="https://github.com/blondered/transformer_benchmark",
    ),
    _ranking(
        *("gSASRec", 0.300, 0.173),
        source="Petrov and Macdonald, “gSASRec”, RecSys 2023, and its repository",
        url="https://github.com/asash/gSASRec-pytorch",
    ),
    _ranking("HSTU", 0.310, 0.172, *_HSTU),
    _ranking(
        *("HSTU, without times", 0.302, 0.172),
        source="RecTools, tutorial on HSTU",
        url="https://github.com/MobileTeleSystems/RecTools",
    ),
    _ranking("GRU4Rec, best of a grid", 0.289, 0.168, *_GRID),
    _ranking("BERT4Rec", 0.284, 0.154, *_TURNING),
)
RANDOM_RATINGS = (
    Published(
        "GLocal-K",
        {"rmse": 0.823},
        source="Han and others, “GLocal-K”, CIKM 2021",
        url="https://arxiv.org/abs/2108.12184",
    ),
    Published(
        "SparseFC",
        {"rmse": 0.823},
        source="Muller, Martel and Indiveri, “Kernelized Synaptic Weight Matrices”, ICML 2018",
        url="https://proceedings.mlr.press/v80/muller18a.html",
    ),
    Published(
        "I-AutoRec",
        {"rmse": 0.831},
        source="Sedhain and others, “AutoRec”, WWW 2015",
        url="https://doi.org/10.1145/2740908.2742726",
    ),
)


def beside(objective: Objective, split: Split, name: str | None = None) -> tuple[Published, ...]:
    """What is published for a question under a split, best first; of those that state a figure, where one is named."""
    protocols: dict[tuple[Objective, Split], tuple[Published, ...]] = {
        ("next", "last"): LEAVE_ONE_OUT,
        ("rating", "random"): RANDOM_RATINGS,
    }
    found = protocols.get((objective, split), ())
    return tuple(one for one in found if name is None or name in one.figures)
