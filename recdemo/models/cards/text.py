"""Cards: models that read the words of titles."""

from __future__ import annotations

from recdemo.models.cards.card import TEXT, Card

CARDS = (
    Card(
        key="dcn_text",
        title="Deep & Cross on titles",
        family=TEXT,
        idea=(
            "A film is the sentence vector of its title and genres, a visitor the mean of the films they liked. "
            "No film is known by name, so one that nobody has rated is judged as well as any other."
        ),
        source="Wang et al., Deep & Cross Network, 2017; document 002",
        formula=r"w^\top [x_L, \mathrm{MLP}(x_0)],\; x_0 = \big[\mathrm{mean}_{\text{liked}}\, s_i,\; s_q\big]",
        network="dcn.DCNText",
        reads_profile=False,
        reads_dislikes=False,
        arguments_for={"like": {"recency": 30.0}, "next": {"recency": 10.0}},
        training={
            "like": {"epochs": 5, "learning_rate": 2e-3, "weight_decay": 0.0},
            "next": {
                "epochs": 6,
                "batch_size": 512,
                "learning_rate": 3e-3,
                "negatives": 32,
                "by_popularity": 0.8,
                "weight_decay": 0.0,
                "share": 0.3,
            },
        },
    ),
    Card(
        key="textcnn_rating",
        title="TextCNN rating",
        family=TEXT,
        idea=(
            "From who somebody is, what genres a film has and which words are in its title, it predicts the stars. It knows "
            "neither users nor films, which shows how far a profile and a title go."
        ),
        source="Document 000; Kim, Convolutional Neural Networks for Sentence Classification, 2014",
        formula=r"\mathrm{MLP}([u, q, u \odot q]),\; q = \mathrm{MLP}([\text{genres}, \mathrm{TextCNN}(\text{title})])",
        network="textcnn_rating.TextCNNRating",
        reads_history=False,
        arguments={"dropout": 0.05},
        objectives=("rating",),
        training={
            "rating": {
                "epochs": 15,
                "batch_size": 4096,
                "optimizer": "adam",
                "learning_rate": 6e-3,
                "weight_decay": 0.0,
            }
        },
    ),
    Card(
        key="textcnn_history",
        title="TextCNN with history",
        family=TEXT,
        idea=(
            "The same network, which now also reads what the visitor thought of the films they watched. The gain in "
            "its stars is what a profile could not tell."
        ),
        source="Document 000, with a history added",
        formula=r"\mathrm{MLP}([u, q, u \odot q]),\; u = \mathrm{MLP}([\text{profile}, \text{history}])",
        network="textcnn_rating.TextCNNRating",
        arguments={"history": True, "dropout": 0.05},
        objectives=("rating",),
        training={
            "rating": {
                "epochs": 15,
                "patience": 4,
                "batch_size": 1024,
                "optimizer": "adam",
                "learning_rate": 3e-3,
                "weight_decay": 0.0,
            }
        },
    ),
)
