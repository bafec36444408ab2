"""Cards: models that read a history as a sequence."""

from __future__ import annotations

from recdemo.models.cards.card import SAMPLED, SEQUENCE, Card

CARDS = (
    Card(
        key="pooling",
        title="Mean of the history",
        family=SEQUENCE,
        idea=(
            "All watched films are averaged into one vector, whatever the candidate. It is what attention and "
            "recurrence have to improve on."
        ),
        source="Document fig. 3-18",
        formula=r"\mathrm{MLP}\big(\big[\tfrac{1}{L}\sum_i x_i,\; q\big]\big)",
        network="pooling.Pooling",
        reads_profile=False,
        arguments_for={"like": {"recency": True}, "next": {"embed_dim": 64, "recency": True}},
        training={
            "like": {"epochs": 4, "learning_rate": 2e-3, "history_length": 100},
            "next": {**SAMPLED, "epochs": 6},
        },
    ),
    Card(
        key="rnn",
        title="RNN",
        family=SEQUENCE,
        idea=(
            "The films are read one by one, in the order watched, and the candidate last; the state then says how "
            "well it fits. Order matters from here on."
        ),
        source="Document fig. 3-8; Cho et al., 2014, for the GRU cell",
        formula=r"\mathrm{MLP}(\mathrm{GRU}(x_1, \dots, x_L, q))",
        network="recurrent.RNN",
        reads_profile=False,
        reads_order="every place",
        training={
            "like": {"epochs": 4, "learning_rate": 2e-3, "share": 0.25},
            "next": {**SAMPLED, "epochs": 6, "share": 0.5},
        },
    ),
    Card(
        key="rnn_als",
        title="RNN with dot product",
        family=SEQUENCE,
        idea=(
            "The state after the last film takes the place that a user's own vector has in matrix factorisation. "
            "So what they watched, in order, makes a visitor's taste."
        ),
        source="Hidasi et al., Session-based Recommendations with RNNs, ICLR 2016; document fig. 3-9",
        formula=r"\mathrm{GRU}(x_1, \dots, x_L) \cdot q + b_q + b",
        network="recurrent.RNNMF",
        reads_profile=False,
        reads_order="every place",
        training={
            "like": {"epochs": 4, "learning_rate": 2e-3, "share": 0.25},
            "next": {"epochs": 5, "batch_size": 256, "learning_rate": 0.003, "share": 0.5},
        },
    ),
    Card(
        key="rnn_joint",
        title="RNN trained at every step",
        family=SEQUENCE,
        idea=(
            "The same network also has to name the next film after each one it reads, out of all the films there are. "
            "One history then teaches as many lessons as it has films."
        ),
        source="Hidasi et al., ICLR 2016; document fig. 3-11, eq. 3-5",
        formula=r"h_L \cdot q + b_q + b,\quad \mathcal L - \alpha\, \mathrm{mean}_t \log \mathrm{softmax}(Q h_t + b)_{t+1}",
        network="recurrent.RNNJoint",
        reads_profile=False,
        reads_order="every place",
        arguments_for={"next": {"embed_dim": 128, "dropout": 0.4}},
        training={
            "like": {"epochs": 3, "learning_rate": 2e-3, "share": 0.15, "second_task": 0.05},
            "next": {
                "epochs": 14,
                "batch_size": 64,
                "learning_rate": 0.003,
                "history_length": 200,
                "patience": 4,
            },
        },
    ),
)
