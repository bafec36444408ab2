"""What every model of the zoo says of itself, in the order of the menus.

A new model is one file beside this one and one card here. Nothing in this file imports torch, so that a menu
is there before the libraries behind the models are.
"""

from __future__ import annotations

from recdemo.models.card import Card

_ALL = (
    Card(
        key="popularity",
        title="Popularity",
        family="Baseline",
        idea=(
            "Everybody gets what most people liked. It knows nothing of the visitor, so whatever a "
            "model gains over it is what that model learned about people."
        ),
        source="Baseline: Bayesian-smoothed share of likes (like), share of all likes (next)",
        formula=r"\mathrm{logit}\,\frac{\text{likes}_q + m\,\bar p}{\text{ratings}_q + m}",
        network="popularity.Popularity",
    ),
    Card(
        key="fm",
        title="FM",
        family="Factorisation machines",
        idea=(
            "Every field of the visitor and the film has a vector, and every two fields attract or "
            "repel each other by the dot product of theirs. The logit is the sum over all pairs."
        ),
        source="Rendle, Factorization Machines, ICDM 2010; document eq. 3-6, 3-7",
        formula=r"w_0 + \sum_i w_i + \sum_{i<j} \langle v_i, v_j \rangle",
        network="fm.FM",
        shows=("fields",),
        training={
            "like": {"epochs": 5, "learning_rate": 2e-3},
            "next": {"epochs": 8, "batch_size": 512, "learning_rate": 3e-3, "negatives": 64},
        },
    ),
    Card(
        key="deepfm",
        title="DeepFM",
        family="Factorisation machines",
        idea=(
            "A factorisation machine for pairs of fields and a small neural network for everything "
            "beyond pairs read the same vectors. Their two logits are added."
        ),
        source="Guo et al., DeepFM, IJCAI 2017; document fig. 3-16",
        formula=r"w_0 + \sum_i w_i + \sum_{i<j} \langle v_i, v_j \rangle + \mathrm{MLP}([v_1, \dots, v_F])",
        network="deepfm.DeepFM",
        shows=("fields",),
        training={
            "like": {"epochs": 5, "learning_rate": 2e-3},
            "next": {"epochs": 5, "batch_size": 512, "learning_rate": 3e-3, "negatives": 32},
        },
    ),
    Card(
        key="afm",
        title="AFM",
        family="Factorisation machines",
        idea=(
            "A factorisation machine that asks of each pair of fields how much it matters for this "
            "visitor and this film. The attention over pairs is a part of the sum, so it can be read."
        ),
        source="Xiao et al., Attentional Factorization Machines, IJCAI 2017; document eq. 3-10, 3-11",
        formula=r"w_0 + \sum_i w_i + p^\top \sum_{i<j} a_{ij}\,(v_i \odot v_j)",
        network="afm.AFM",
        shows=("fields",),
        training={
            "like": {"epochs": 4, "learning_rate": 2e-3},
            "next": {"epochs": 4, "batch_size": 512, "learning_rate": 3e-3, "negatives": 16},
        },
    ),
    Card(
        key="din",
        title="DIN",
        family="Attention over the history",
        idea=(
            "For each candidate the visitor's history is read anew: watched films that matter for it "
            "weigh more. The weighted films become the visitor's interest in just this candidate."
        ),
        source="Zhou et al., Deep Interest Network, KDD 2018; document fig. 3-19 to 3-21",
        formula=r"\mathrm{MLP}\Big(\Big[\sum_i a(x_i, q)\,x_i,\; q,\; \sum_i a(x_i, q)\,x_i \odot q,\; u\Big]\Big) + b_q",
        network="din.DIN",
        shows=("history",),
        training={
            "like": {"epochs": 4, "learning_rate": 2e-3},
            "next": {"epochs": 4, "batch_size": 128, "learning_rate": 2e-3, "negatives": 16},
        },
    ),
)

CARDS: dict[str, Card] = {card.key: card for card in _ALL}
