"""Cards: models that know users and films by their ids."""

from __future__ import annotations

from recdemo.models.cards.card import BY_ID, Card

CARDS = (
    Card(
        key="mf",
        title="Matrix factorisation",
        family=BY_ID,
        idea=(
            "Every user and every film has a vector, and the larger their dot product, the better they "
            "fit. It knows its users only by name: somebody new gets the vector that explains their films best."
        ),
        source="Koren, Bell and Volinsky, Matrix Factorization Techniques, 2009; document fig. 3-1",
        formula=r"u \cdot q + b_u + b_q + b",
        network="mf.MF",
        knows_users=True,
        training={
            "like": {"epochs": 8, "learning_rate": 4e-3, "weight_decay": 0.3},
            "next": {"epochs": 8, "batch_size": 512, "learning_rate": 0.008, "weight_decay": 0.03},
        },
    ),
    Card(
        key="two_tower",
        title="Two towers",
        family=BY_ID,
        idea=(
            "The user's vector and the film's vector each pass through a small network before they meet in a dot "
            "product. Film vectors can be computed ahead and searched, which is how large shops find their candidates."
        ),
        source="Covington et al., Deep Neural Networks for YouTube Recommendations, 2016; document fig. 3-2",
        formula=r"\mathrm{MLP}_u(u) \cdot \mathrm{MLP}_q(q)",
        network="two_tower.TwoTower",
        knows_users=True,
        training={
            "like": {"epochs": 6, "learning_rate": 3e-3, "weight_decay": 0.3},
            "next": {"epochs": 20, "batch_size": 512, "learning_rate": 0.003, "weight_decay": 0.02},
        },
    ),
    Card(
        key="concat_mlp",
        title="Concatenation MLP",
        family=BY_ID,
        idea=(
            "The user's and the film's vector are laid side by side, and a network finds out what they have to do "
            "with each other. It has to learn by itself what a dot product gives for nothing."
        ),
        source="He et al., Neural Collaborative Filtering, 2017; document fig. 3-3",
        formula=r"\mathrm{MLP}([u, q])",
        network="concat_mlp.ConcatMLP",
        knows_users=True,
        training={
            "like": {"epochs": 6, "learning_rate": 2e-3, "weight_decay": 0.3},
            "next": {
                "epochs": 5,
                "batch_size": 512,
                "learning_rate": 3e-3,
                "negatives": 32,
                "weight_decay": 0.3,
            },
        },
    ),
    Card(
        key="lightgcn",
        title="LightGCN",
        family=BY_ID,
        idea=(
            "Who liked what is a graph. Along it each film takes on some of the films that its viewers like too, and "
            "a visitor is the sum of the films they watched, of which the latest count most."
        ),
        source="He et al., LightGCN, SIGIR 2020",
        formula=r"\sum_i w_i\, x_i \cdot x_q + b_q,\quad x = \tfrac{1}{K+1}\sum_{k \le K} S^k e,\; "
        r"S = D_f^{-1/2} R^\top D_u^{-1} R\, D_f^{-1/2}",
        network="lightgcn.LightGCN",
        shows=("films",),
        reads_profile=False,
        reads_order="every place",
        objectives=("next",),
        arguments_for={"next": {"layers": 2}},
        training={
            "next": {
                "epochs": 4,
                "batch_size": 1024,
                "learning_rate": 8e-2,
                "weight_decay": 0.0,
                "share": 0.5,
            }
        },
    ),
    Card(
        key="rating_mlp",
        title="Rating MLP",
        family=BY_ID,
        idea=(
            "One wide layer over the user's and the film's vector predicts the stars. The list is the unseen "
            "films with the most stars, as in many a first tutorial."
        ),
        source="Document 001",
        formula=r"w^\top \mathrm{ReLU}(W [u, q] + b) + b_0",
        network="rating_mlp.RatingMLP",
        knows_users=True,
        objectives=("rating",),
        arguments_for={"rating": {"embed_dim": 128, "dropout": 0.4}},
        training={
            "rating": {
                "epochs": 14,
                "batch_size": 2048,
                "learning_rate": 3e-3,
                "weight_decay": 0.25,
            }
        },
    ),
)
