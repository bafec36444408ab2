"""Cards: models that attend to the history."""

from __future__ import annotations

from recdemo.models.cards.card import ATTENTION, SAMPLED, Card

CARDS = (
    Card(
        key="attention_pooling",
        title="Attention pooling",
        family=ATTENTION,
        idea=(
            "What a watched film weighs depends on which film it is: some say more about a person than others. The weights do "
            "not depend on the candidate, which is what DIN changes."
        ),
        source="Document fig. 3-19, eq. 3-12, 3-13",
        formula=r"\mathrm{MLP}\big(\big[\sum_i a_i x_i,\; q\big]\big),\; a = \mathrm{softmax}_i\, h^\top \sigma(W x_i + b)",
        network="pooling.AttentionPooling",
        shows=("history",),
        reads_profile=False,
        weights_sum="one",
        weights_by_candidate=False,
        arguments_for={"like": {"recency": True}, "next": {"embed_dim": 64, "recency": True}},
        training={
            "like": {"epochs": 3, "learning_rate": 2e-3, "history_length": 100},
            "next": {**SAMPLED, "epochs": 6},
        },
    ),
    Card(
        key="din",
        title="DIN",
        family=ATTENTION,
        idea=(
            "For each candidate the visitor's history is read again: watched films that matter for it "
            "weigh more. The weighted films become the visitor's interest in just this candidate."
        ),
        source="Zhou et al., Deep Interest Network, KDD 2018; document fig. 3-19 to 3-21",
        formula=r"\mathrm{MLP}\Big(\Big[\sum_i a(x_i, q)\,x_i,\; q,\; \sum_i a(x_i, q)\,x_i \odot q,\; u\Big]\Big) + b_q",
        network="din.DIN",
        shows=("history",),
        arguments_for={"like": {"recency": True}, "next": {"recency": True}},
        training={
            "like": {"epochs": 4, "learning_rate": 2e-3},
            "next": {
                "epochs": 4,
                "batch_size": 256,
                "learning_rate": 0.003,
                "negatives": 32,
                "by_popularity": 0.8,
                "share": 0.5,
                "history_length": 30,
            },
        },
    ),
    Card(
        key="dien",
        title="DIEN",
        family=ATTENTION,
        idea=(
            "Interest is something that evolves: one recurrent network reads the films, a second one follows only "
            "what bears on the candidate, its gate held open or shut by attention."
        ),
        source="Zhou et al., Deep Interest Evolution Network, AAAI 2019; document eq. 3-26 to 3-29",
        formula=r"h'_t = (1 - a_t u_t) \odot h'_{t-1} + a_t u_t \odot \tilde h_t,\quad a = \mathrm{softmax}_t\, h_t W q",
        network="dien.DIEN",
        shows=("history", "evolution"),
        reads_order="every place",
        weights_sum="one",
        arguments_for={"like": {"recency": True}, "next": {"recency": True}},
        training={
            "like": {"epochs": 3, "learning_rate": 2e-3, "share": 0.4, "start_from": "din"},
            "next": {
                "epochs": 3,
                "batch_size": 256,
                "learning_rate": 0.002,
                "negatives": 16,
                "by_popularity": 0.8,
                "share": 0.7,
                "history_length": 30,
                "start_from": "din",
            },
        },
    ),
    Card(
        key="bst",
        title="BST",
        family=ATTENTION,
        idea=(
            "History and candidate stand in one sequence, and several heads of attention look at it in their own "
            "ways. Where the candidate looks can be read, head by head."
        ),
        source="Chen et al., Behavior Sequence Transformer, 2019; document fig. 3-36",
        formula=r"\mathrm{MLP}([\mathrm{Encoder}([x_1, \dots, x_L, q] + p)_q,\; u]) + b_q",
        network="bst.BST",
        shows=("history", "heads"),
        reads_order="every place",
        weights_sum="less than one",
        arguments_for={"next": {"embed_dim": 64}},
        training={
            "like": {"epochs": 4, "learning_rate": 4e-3, "share": 0.5},
            "next": {
                "epochs": 5,
                "batch_size": 256,
                "learning_rate": 0.002,
                "negatives": 32,
                "by_popularity": 0.8,
                "share": 0.7,
                "history_length": 30,
            },
        },
    ),
    Card(
        key="transformer4rec",
        title="Transformer",
        family=ATTENTION,
        idea=(
            "An encoder reads the history, each film in the light of every other, and answers for the candidate. "
            "In training a decoder has to write the second half of a history from its first."
        ),
        source="Vaswani et al., Attention Is All You Need, 2017; document fig. 3-38",
        formula=r"\mathrm{MLP}([z_L,\; q,\; z_L \odot q,\; u]) + b_q,\; z = \mathrm{Encoder}(x_1, \dots, x_L)",
        network="transformer4rec.Transformer4Rec",
        shows=("history", "layers"),
        reads_order="every place",
        weights_sum="one",
        weights_by_candidate=False,
        arguments_for={"next": {"embed_dim": 64}},
        training={
            "like": {"epochs": 4, "learning_rate": 4e-3, "share": 0.15},
            "next": {
                "epochs": 4,
                "batch_size": 256,
                "learning_rate": 0.002,
                "negatives": 32,
                "by_popularity": 0.8,
                "share": 0.5,
                "history_length": 30,
            },
        },
    ),
    Card(
        key="sasrec",
        title="SASRec",
        family=ATTENTION,
        idea=(
            "Every film is read in the light of those watched before it, and after each the network has to name the "
            "next. The state after the latest film is the visitor: the films it points at are the list."
        ),
        source="Kang and McAuley, Self-Attentive Sequential Recommendation, 2018; loss: Klenitskiy and Vasilev, 2023",
        formula=r"h_L \cdot q + b_q,\quad h_t = \mathrm{SelfAttention}(x_1, \dots, x_t)_t",
        network="sasrec.SASRec",
        shows=("history", "layers"),
        reads_profile=False,
        reads_order="every place",
        weights_sum="one",
        weights_by_candidate=False,
        objectives=("next",),
        training={
            "next": {
                "epochs": 14,
                "batch_size": 64,
                "learning_rate": 0.002,
                "history_length": 200,
                "patience": 4,
            }
        },
    ),
    Card(
        key="hstu",
        title="HSTU",
        family=ATTENTION,
        idea=(
            "Like SASRec, but with attention that has no softmax: a watched film adds as much as it has to say, however many "
            "others there are, and a gate decides what of the sum is let through."
        ),
        source="Zhai et al., Actions Speak Louder than Words, ICML 2024; here without time",
        formula=r"h_L \cdot q + b_q,\quad x + W_o\big(u \odot \mathrm{Norm}(\tfrac1n\,\mathrm{SiLU}(q k^\top + b)\,v)\big)",
        network="hstu.HSTU",
        shows=("history", "layers"),
        reads_profile=False,
        reads_order="every place",
        weights_by_candidate=False,
        objectives=("next",),
        arguments_for={"next": {"layers": 2, "embed_dim": 128, "dropout": 0.3}},
        training={
            "next": {
                "epochs": 16,
                "batch_size": 64,
                "learning_rate": 0.002,
                "history_length": 200,
                "patience": 4,
            }
        },
    ),
)
