"""Cards: models of fields and their pairs."""

from __future__ import annotations

from recdemo.models.cards.card import FIELDS, SAMPLED, Card

# Whether somebody likes a film is told best by the last hundred, of which the latest say most; a mean of few says less, and what is
# known of a film watched goes for others like it.
RECENT = {"recency": 30.0}
LATEST = {"recency": 6.0, "content": True}  # what somebody picks next, by the last six or so
MEAN = {**RECENT, "prior": 5.0, "content": True}
RATED = {"learning_rate": 2e-3, "history_length": 100}

CARDS = (
    Card(
        key="fm",
        title="FM",
        family=FIELDS,
        idea=(
            "Every field of the visitor and the film has a vector, and every two fields attract or "
            "repel each other by the dot product of their vectors. The logit is the sum over all pairs."
        ),
        source="Rendle, Factorization Machines, ICDM 2010; document eq. 3-6, 3-7",
        formula=r"w_0 + \sum_i w_i + \sum_{i<j} \langle v_i, v_j \rangle",
        network="fm.FM",
        shows=("fields",),
        reads_order="last five",
        arguments_for={"like": MEAN, "next": {**LATEST, "embed_dim": 64}},
        training={
            "like": {**RATED, "epochs": 5},
            "next": {"epochs": 4, "batch_size": 512, "learning_rate": 0.003},
        },
    ),
    Card(
        key="embedding_mlp",
        title="Embedding MLP",
        family=FIELDS,
        idea=(
            "The vectors of all fields go side by side into a plain network. It is the deep half of many models "
            "here, on its own."
        ),
        source="Document fig. 3-4",
        formula=r"\mathrm{MLP}([v_1, \dots, v_F])",
        network="embedding_mlp.EmbeddingMLP",
        reads_order="last five",
        arguments_for={"like": MEAN, "next": LATEST},
        training={"like": {**RATED, "epochs": 3}, "next": {**SAMPLED, "epochs": 4, "share": 0.7}},
    ),
    Card(
        key="embedding_cnn",
        title="Embedding CNN",
        family=FIELDS,
        idea=(
            "Filters slide along the fields and read three neighbours at a time, as they would slide over an "
            "image. Which fields are neighbours is our choice, so it asks whether locality helps where there is "
            "little of it."
        ),
        source="Liu et al., A Convolutional Click Prediction Model, 2015; document fig. 3-6",
        formula=r"\mathrm{MLP}(\mathrm{ReLU}(\mathrm{Conv1d}_3([v_1, \dots, v_F])))",
        network="embedding_cnn.EmbeddingCNN",
        reads_order="last five",
        arguments_for={"like": MEAN, "next": LATEST},
        training={"like": {**RATED, "epochs": 3}, "next": {**SAMPLED, "epochs": 4, "share": 0.7}},
    ),
    Card(
        key="fnn",
        title="FNN",
        family=FIELDS,
        idea=(
            "A factorisation machine is trained first; then a network reads what it learned of each field, which "
            "no longer changes. An early way to spare a network starting from nothing."
        ),
        source="Zhang, Du and Wang, Deep Learning over Multi-field Categorical Data, 2016; document fig. 3-12",
        formula=r"\mathrm{MLP}([w_1, v_1, \dots, w_F, v_F]),\; w, v \text{ from FM}",
        network="fnn.FNN",
        reads_order="last five",
        arguments_for={"like": MEAN, "next": {"embed_dim": 32, "recency": 10.0}},
        training={"like": {**RATED, "epochs": 3}, "next": {**SAMPLED, "epochs": 3, "share": 0.7}},
    ),
    Card(
        key="fnn_plus",
        title="Improved FNN",
        family=FIELDS,
        idea=(
            "The products of all pairs of fields are summed into one vector, and a network reads that vector. "
            "Machine and network learn together."
        ),
        source="He and Chua, Neural Factorization Machines, 2017; document fig. 3-13, eq. 3-8",
        formula=r"\mathrm{MLP}\big((\textstyle\sum_i v_i)^2 - \sum_i v_i^2\big)",
        network="fnn_plus.FNNPlus",
        reads_order="last five",
        arguments_for={"like": MEAN, "next": LATEST},
        training={"like": {**RATED, "epochs": 3}, "next": {**SAMPLED, "epochs": 4, "share": 0.7}},
    ),
    Card(
        key="wide_deep",
        title="Wide & Deep",
        family=FIELDS,
        idea=(
            "A linear model memorises which taste goes with which film; a network beside it generalises to what "
            "was never seen together. Their logits are added."
        ),
        source="Cheng et al., Wide & Deep Learning for Recommender Systems, 2016; document fig. 3-14",
        formula=r"b + \sum_i w_i + \sum_{\text{crosses}} w_{ij} + \mathrm{MLP}([v_1, \dots, v_F])",
        network="wide_deep.WideDeep",
        shows=("fields",),
        reads_order="last five",
        arguments_for={"like": MEAN, "next": {"recency": 10.0}},
        training={"like": {**RATED, "epochs": 3}, "next": {**SAMPLED, "epochs": 4, "share": 0.7}},
    ),
    Card(
        key="wide_deep_poly2",
        title="Wide & Deep, POLY2",
        family=FIELDS,
        idea=(
            "Wide & Deep whose wide part has a weight for every pair of values of every two fields, except the three "
            "of the history. It memorises more, and knows nothing of a pair it never saw, unlike a factorisation machine."
        ),
        source="Chang et al., Low-degree Polynomial Data Mappings, 2010; document fig. 3-15",
        formula=r"b + \sum_i w_i + \sum_{\text{pairs}} w_{ij} + \mathrm{MLP}([v_1, \dots, v_F])",
        network="wide_deep.WideDeep",
        arguments={"crosses": "poly2"},
        shows=("fields",),
        reads_order="last five",
        arguments_for={"like": MEAN, "next": {"recency": 10.0}},
        training={"like": {**RATED, "epochs": 3}, "next": {**SAMPLED, "epochs": 3, "share": 0.7}},
    ),
    Card(
        key="deepfm",
        title="DeepFM",
        family=FIELDS,
        idea=(
            "A factorisation machine for pairs of fields and a small neural network for everything "
            "beyond pairs read the same vectors. Their two logits are added."
        ),
        source="Guo et al., DeepFM, IJCAI 2017; document fig. 3-16",
        formula=r"w_0 + \sum_i w_i + \sum_{i<j} \langle v_i, v_j \rangle + \mathrm{MLP}([v_1, \dots, v_F])",
        network="deepfm.DeepFM",
        shows=("fields",),
        reads_order="last five",
        arguments_for={"like": MEAN, "next": {**LATEST, "embed_dim": 64}},
        training={"like": {**RATED, "epochs": 5}, "next": {**SAMPLED, "epochs": 5, "share": 0.8}},
    ),
    Card(
        key="dcn",
        title="Deep & Cross",
        family=FIELDS,
        idea=(
            "Each cross layer multiplies the input by itself once more, so that products of three and four fields "
            "come in with few weights. A plain network runs beside it."
        ),
        source="Wang et al., Deep & Cross Network, ADKDD 2017; document 002",
        formula=r"x_{l+1} = x_0\,(x_l^\top w_l) + b_l + x_l,\quad w^\top [x_L, \mathrm{MLP}(x_0)]",
        network="dcn.DCN",
        reads_order="last five",
        arguments_for={"like": MEAN, "next": {**LATEST, "embed_dim": 32}},
        training={"like": {**RATED, "epochs": 4}, "next": {**SAMPLED, "epochs": 5, "share": 0.8}},
    ),
    Card(
        key="dcn_v2",
        title="Deep & Cross V2",
        family=FIELDS,
        idea=(
            "A cross layer has a weight for every two numbers of the input, where the first Deep & Cross had one for each. "
            "So what two fields have to say to each other is learned for every pair of fields, and can be read."
        ),
        source="Wang et al., DCN V2, WWW 2021",
        formula=r"x_{l+1} = x_0 \odot (W_l x_l + b_l) + x_l,\quad w^\top [x_L, \mathrm{MLP}(x_0)]",
        network="dcn_v2.DCNV2",
        arguments_for={
            "like": {**RECENT, "embed_dim": 48},
            "next": {"recency": 6.0, "embed_dim": 32},
        },
        shows=("fields", "crosses"),
        reads_order="last five",
        training={"like": {**RATED, "epochs": 3}, "next": {**SAMPLED, "epochs": 5, "share": 0.8}},
    ),
    Card(
        key="final_mlp",
        title="FinalMLP",
        family=FIELDS,
        idea=(
            "Two plain networks read the same fields, one through gates that the visitor sets and one through gates that "
            "the film sets. Their outputs are multiplied together, and two networks are enough to compete with "
            "the most elaborate crosses."
        ),
        source="Mao et al., FinalMLP, AAAI 2023",
        formula=r"b + w_1^\top o_1 + w_2^\top o_2 + \sum_h o_{1,h}^\top W_h\, o_{2,h},\quad "
        r"o_s = \mathrm{MLP}_s(2\sigma(\mathrm{MLP}(c_s)) \odot x)",
        network="final_mlp.FinalMLP",
        arguments_for={"like": RECENT, "next": {"recency": 6.0, "embed_dim": 32}},
        shows=("streams",),
        reads_order="last five",
        training={"like": {**RATED, "epochs": 5}, "next": {**SAMPLED, "epochs": 5, "share": 0.8}},
    ),
    Card(
        key="afm",
        title="AFM",
        family=FIELDS,
        idea=(
            "A factorisation machine that asks of each pair of fields how much it matters for this "
            "visitor and this film. The attention over pairs is a part of the sum, so it can be read."
        ),
        source="Xiao et al., Attentional Factorization Machines, IJCAI 2017; document eq. 3-10, 3-11",
        formula=r"w_0 + \sum_i w_i + p^\top \sum_{i<j} a_{ij}\,(v_i \odot v_j)",
        network="afm.AFM",
        arguments_for={"like": MEAN, "next": {**LATEST, "embed_dim": 64}},
        shows=("fields",),
        reads_order="last five",
        training={
            "like": {**RATED, "epochs": 4, "shorten": 0.1},
            "next": {**SAMPLED, "epochs": 3, "share": 0.5, "start_from": "fm"},
        },
    ),
)
