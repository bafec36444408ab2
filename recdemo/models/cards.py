"""What every model of the zoo says of itself, in the order of the menus.

A new model is one file beside this one and one card here. Nothing in this file imports torch, so that a menu
is there before the libraries behind the models are.
"""

from __future__ import annotations

from recdemo.models.card import Card

BASELINE = "Baseline"
SOLVED = "Solved in one go"
BY_ID = "Users and films by id"
FIELDS = "Fields and their pairs"
SEQUENCE = "History as a sequence"
ATTENTION = "Attention over the history"
TEXT = "Words of the titles"

_ALL = (
    Card(
        key="popularity",
        title="Popularity",
        family=BASELINE,
        idea=(
            "Everybody gets what most people liked. It knows nothing of the visitor, so whatever a "
            "model gains over it is what that model learned about people."
        ),
        source="Baseline: Bayesian-smoothed share of likes (like), or mean of the stars (rating); share of all likes (next)",
        formula=r"\mathrm{logit}\,\frac{\text{likes}_q + m\,\bar p}{\text{ratings}_q + m},\quad "
        r"\frac{\text{stars}_q + m\,\bar r}{\text{ratings}_q + m}",
        network="popularity.Popularity",
        objectives=("like", "next", "rating"),
        aside="Popularity gives everybody the same list; only films already watched are left out.",
        baseline=True,
    ),
    Card(
        key="ease",
        title="EASE",
        family=SOLVED,
        idea=(
            "One weight from every film to every other, the best there are, found by one matrix inversion. A score is the sum of "
            "the watched films' weights towards a candidate, so each of them can be read."
        ),
        source="Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019",
        formula=r"b_q + \sum_i x_i B_{iq},\quad B = I - P\,\mathrm{diag}(P)^{-1},\; P = (X^\top X + \lambda I)^{-1}",
        network="ease.EASE",
        shows=("films",),
        objectives=("next",),
        aside="EASE reads the films watched, the latest most, and no profile.",
        baseline=True,
    ),
    Card(
        key="linear_next",
        title="Linear next film",
        family=SOLVED,
        idea=(
            "Ridge regression from the films just watched, the latest most, to the film picked after them. It takes seconds, and "
            "no deep model deserves its training time before it beats this."
        ),
        source="Choi et al., Session-aware Linear Item-Item Models (SLIST), WWW 2021",
        formula=r"b_q + \sum_i x_i B_{iq},\quad B = (X^\top X + \lambda I)^{-1} X^\top Y,\; x_i = w\,(1 + \mathrm{age}_i)^{-f}",
        network="linear_next.LinearNext",
        shows=("films",),
        objectives=("next",),
        aside="Linear next film reads the films watched, the latest most, and no profile.",
        baseline=True,
    ),
    Card(
        key="ials",
        title="iALS",
        family=SOLVED,
        idea=(
            "Matrix factorisation in which what was watched should score 1 and everything else nearly 0. Each side in turn is solved "
            "exactly, and a visitor's vector too, so it splits into a part for each film they watched."
        ),
        source="Hu, Koren and Volinsky, ICDM 2008; Rendle et al., Revisiting iALS, RecSys 2022",
        formula=r"b_q + s\, q^\top A^{-1} \sum_i c_i q_i,\quad A = \sum_i c_i q_i q_i^\top + \alpha_0 Q^\top Q + \lambda r^\nu I",
        network="ials.IALS",
        shows=("films",),
        objectives=("next",),
        aside="iALS reads the films watched, the latest most, and no profile.",
    ),
    Card(
        key="mf",
        title="Matrix factorisation",
        family=BY_ID,
        idea=(
            "Every user and every film has a vector, and they fit as well as their dot product is large. "
            "It knows its users by name only: somebody new gets the vector that explains their films best."
        ),
        source="Koren, Bell and Volinsky, Matrix Factorization Techniques, 2009; document fig. 3-1",
        formula=r"u \cdot q + b_u + b_q + b",
        network="mf.MF",
        knows_users=True,
        training={
            "like": {"epochs": 8, "learning_rate": 4e-3, "weight_decay": 0.3},
            "next": {"epochs": 8, "batch_size": 512, "learning_rate": 0.004, "weight_decay": 0.3},
        },
    ),
    Card(
        key="two_tower",
        title="Two towers",
        family=BY_ID,
        idea=(
            "The user's vector and the film's vector each pass a small network before they meet in a dot "
            "product. Film vectors can be computed ahead and searched, which is how large shops retrieve."
        ),
        source="Covington et al., Deep Neural Networks for YouTube Recommendations, 2016; document fig. 3-2",
        formula=r"\mathrm{MLP}_u(u) \cdot \mathrm{MLP}_q(q)",
        network="two_tower.TwoTower",
        knows_users=True,
        training={
            "like": {"epochs": 6, "learning_rate": 3e-3, "weight_decay": 0.3},
            "next": {
                "epochs": 8,
                "batch_size": 512,
                "learning_rate": 3e-3,
                "negatives": 64,
                "weight_decay": 0.02,
            },
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
        objectives=("next",),
        training={
            "next": {
                "epochs": 4,
                "batch_size": 1024,
                "learning_rate": 2e-2,
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
        training={"rating": {"epochs": 8, "learning_rate": 2e-3, "weight_decay": 0.5}},
    ),
    Card(
        key="fm",
        title="FM",
        family=FIELDS,
        idea=(
            "Every field of the visitor and the film has a vector, and every two fields attract or "
            "repel each other by the dot product of theirs. The logit is the sum over all pairs."
        ),
        source="Rendle, Factorization Machines, ICDM 2010; document eq. 3-6, 3-7",
        formula=r"w_0 + \sum_i w_i + \sum_{i<j} \langle v_i, v_j \rangle",
        network="fm.FM",
        shows=("fields",),
        arguments_for={"next": {"embed_dim": 64, "recency": 10.0}},
        training={
            "like": {"epochs": 5, "learning_rate": 2e-3},
            "next": {"epochs": 4, "batch_size": 512, "learning_rate": 0.003},
        },
    ),
    Card(
        key="embedding_mlp",
        title="Embedding MLP",
        family=FIELDS,
        idea=(
            "The vectors of all fields side by side, into a plain network. It is the deep half of many models "
            "here, on its own."
        ),
        source="Document fig. 3-4",
        formula=r"\mathrm{MLP}([v_1, \dots, v_F])",
        network="embedding_mlp.EmbeddingMLP",
        training={
            "like": {"epochs": 3, "learning_rate": 2e-3},
            "next": {
                "epochs": 4,
                "batch_size": 512,
                "learning_rate": 3e-3,
                "negatives": 32,
                "share": 0.35,
            },
        },
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
        training={
            "like": {"epochs": 3, "learning_rate": 2e-3, "share": 0.5},
            "next": {
                "epochs": 6,
                "batch_size": 512,
                "learning_rate": 3e-3,
                "negatives": 32,
                "share": 0.3,
            },
        },
    ),
    Card(
        key="fnn",
        title="FNN",
        family=FIELDS,
        idea=(
            "A factorisation machine is trained first; then a network reads what it learned of each field, which "
            "no longer changes. An early way to spare a network the start from nothing."
        ),
        source="Zhang, Du and Wang, Deep Learning over Multi-field Categorical Data, 2016; document fig. 3-12",
        formula=r"\mathrm{MLP}([w_1, v_1, \dots, w_F, v_F]),\; w, v \text{ from FM}",
        network="fnn.FNN",
        training={
            "like": {"epochs": 3, "learning_rate": 2e-3, "share": 0.5},
            "next": {
                "epochs": 2,
                "batch_size": 512,
                "learning_rate": 3e-3,
                "negatives": 32,
                "share": 0.3,
            },
        },
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
        training={
            "like": {"epochs": 3, "learning_rate": 2e-3},
            "next": {
                "epochs": 4,
                "batch_size": 512,
                "learning_rate": 3e-3,
                "negatives": 32,
                "share": 0.35,
            },
        },
    ),
    Card(
        key="wide_deep",
        title="Wide & Deep",
        family=FIELDS,
        idea=(
            "A linear model memorises which taste goes with which film, a network beside it generalises to what "
            "was never seen together. Their logits are added."
        ),
        source="Cheng et al., Wide & Deep Learning for Recommender Systems, 2016; document fig. 3-14",
        formula=r"b + \sum_i w_i + \sum_{\text{crosses}} w_{ij} + \mathrm{MLP}([v_1, \dots, v_F])",
        network="wide_deep.WideDeep",
        shows=("fields",),
        training={
            "like": {"epochs": 3, "learning_rate": 2e-3},
            "next": {
                "epochs": 3,
                "batch_size": 512,
                "learning_rate": 3e-3,
                "negatives": 32,
                "share": 0.35,
            },
        },
    ),
    Card(
        key="wide_deep_poly2",
        title="Wide & Deep, POLY2",
        family=FIELDS,
        idea=(
            "Wide & Deep whose wide part has a weight for every pair of values of every two fields, the three of the "
            "history aside. It memorises more, and knows nothing of a pair it never saw, unlike a factorisation machine."
        ),
        source="Chang et al., Low-degree Polynomial Data Mappings, 2010; document fig. 3-15",
        formula=r"b + \sum_i w_i + \sum_{\text{pairs}} w_{ij} + \mathrm{MLP}([v_1, \dots, v_F])",
        network="wide_deep.WideDeep",
        arguments={"crosses": "poly2"},
        shows=("fields",),
        training={
            "like": {"epochs": 3, "learning_rate": 2e-3, "share": 0.5},
            "next": {
                "epochs": 2,
                "batch_size": 512,
                "learning_rate": 3e-3,
                "negatives": 16,
                "share": 0.3,
            },
        },
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
        training={
            "like": {"epochs": 5, "learning_rate": 2e-3},
            "next": {"epochs": 5, "batch_size": 512, "learning_rate": 3e-3, "negatives": 32},
        },
    ),
    Card(
        key="dcn",
        title="Deep & Cross",
        family=FIELDS,
        idea=(
            "Each cross layer multiplies the input with itself once more, so that products of three and four fields "
            "come in with few weights. A plain network runs beside it."
        ),
        source="Wang et al., Deep & Cross Network, ADKDD 2017; document 002",
        formula=r"x_{l+1} = x_0\,(x_l^\top w_l) + b_l + x_l,\quad w^\top [x_L, \mathrm{MLP}(x_0)]",
        network="dcn.DCN",
        training={
            "like": {"epochs": 4, "learning_rate": 2e-3},
            "next": {"epochs": 5, "batch_size": 512, "learning_rate": 3e-3, "negatives": 32},
        },
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
        arguments_for={"like": {"recency": 30.0}, "next": {"recency": 12.0}},
        shows=("fields", "crosses"),
        training={
            "like": {"epochs": 5, "learning_rate": 2e-3},
            "next": {
                "epochs": 4,
                "batch_size": 512,
                "learning_rate": 0.003,
                "negatives": 32,
                "by_popularity": 0.8,
                "share": 0.7,
            },
        },
    ),
    Card(
        key="final_mlp",
        title="FinalMLP",
        family=FIELDS,
        idea=(
            "Two plain networks read the same fields, one through gates that the visitor sets and one through gates that "
            "the film sets. Their outputs are multiplied with each other, and two networks are enough to compete with "
            "the most elaborate crosses."
        ),
        source="Mao et al., FinalMLP, AAAI 2023",
        formula=r"b + w_1^\top o_1 + w_2^\top o_2 + \sum_h o_{1,h}^\top W_h\, o_{2,h},\quad "
        r"o_s = \mathrm{MLP}_s(2\sigma(\mathrm{MLP}(c_s)) \odot x)",
        network="final_mlp.FinalMLP",
        arguments_for={"like": {"recency": 30.0}, "next": {"recency": 12.0}},
        shows=("streams",),
        training={
            "like": {"epochs": 5, "learning_rate": 2e-3},
            "next": {
                "epochs": 4,
                "batch_size": 512,
                "learning_rate": 0.003,
                "negatives": 32,
                "by_popularity": 0.8,
                "share": 0.7,
            },
        },
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
        shows=("fields",),
        training={
            "like": {"epochs": 4, "learning_rate": 2e-3},
            "next": {"epochs": 4, "batch_size": 512, "learning_rate": 3e-3, "negatives": 16},
        },
    ),
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
        arguments_for={"next": {"embed_dim": 64, "recency": True}},
        training={
            "like": {"epochs": 4, "learning_rate": 2e-3},
            "next": {
                "epochs": 6,
                "batch_size": 512,
                "learning_rate": 0.003,
                "negatives": 32,
                "by_popularity": 0.8,
            },
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
        training={
            "like": {"epochs": 4, "learning_rate": 2e-3, "share": 0.25},
            "next": {
                "epochs": 6,
                "batch_size": 512,
                "learning_rate": 3e-3,
                "negatives": 32,
                "share": 0.25,
            },
        },
    ),
    Card(
        key="rnn_als",
        title="RNN with dot product",
        family=SEQUENCE,
        idea=(
            "The state after the last film takes the place that a user's own vector has in matrix factorisation. "
            "So a visitor's taste is written by what they watched, in order."
        ),
        source="Hidasi et al., Session-based Recommendations with RNNs, ICLR 2016; document fig. 3-9",
        formula=r"\mathrm{GRU}(x_1, \dots, x_L) \cdot q + b_q + b",
        network="recurrent.RNNMF",
        training={
            "like": {"epochs": 4, "learning_rate": 2e-3, "share": 0.25},
            "next": {
                "epochs": 5,
                "batch_size": 512,
                "learning_rate": 3e-3,
                "negatives": 64,
                "share": 0.25,
            },
        },
    ),
    Card(
        key="rnn_joint",
        title="RNN, trained at every step",
        family=SEQUENCE,
        idea=(
            "The same network also has to name the next film after each one it reads, out of all films there are. "
            "One history then teaches as many lessons as it has films."
        ),
        source="Hidasi et al., ICLR 2016; document fig. 3-11, eq. 3-5",
        formula=r"h_L \cdot q + b_q + b,\quad \mathcal L - \alpha\, \mathrm{mean}_t \log \mathrm{softmax}(Q h_t + b)_{t+1}",
        network="recurrent.RNNJoint",
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
    Card(
        key="attention_pooling",
        title="Attention pooling",
        family=ATTENTION,
        idea=(
            "A watched film weighs by what film it is: some say more about a person than others. The weights do "
            "not depend on the candidate, which is what DIN changes."
        ),
        source="Document fig. 3-19, eq. 3-12, 3-13",
        formula=r"\mathrm{MLP}\big(\big[\sum_i a_i x_i,\; q\big]\big),\; a = \mathrm{softmax}_i\, h^\top \sigma(W x_i + b)",
        network="pooling.AttentionPooling",
        shows=("history",),
        arguments_for={"next": {"embed_dim": 64, "recency": True}},
        training={
            "like": {"epochs": 3, "learning_rate": 2e-3},
            "next": {
                "epochs": 6,
                "batch_size": 512,
                "learning_rate": 0.003,
                "negatives": 32,
                "by_popularity": 0.8,
            },
        },
    ),
    Card(
        key="din",
        title="DIN",
        family=ATTENTION,
        idea=(
            "For each candidate the visitor's history is read anew: watched films that matter for it "
            "weigh more. The weighted films become the visitor's interest in just this candidate."
        ),
        source="Zhou et al., Deep Interest Network, KDD 2018; document fig. 3-19 to 3-21",
        formula=r"\mathrm{MLP}\Big(\Big[\sum_i a(x_i, q)\,x_i,\; q,\; \sum_i a(x_i, q)\,x_i \odot q,\; u\Big]\Big) + b_q",
        network="din.DIN",
        shows=("history",),
        arguments_for={"next": {"recency": True}},
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
        training={
            "like": {"epochs": 4, "learning_rate": 2e-3, "share": 0.2},
            "next": {
                "epochs": 4,
                "batch_size": 256,
                "learning_rate": 3e-3,
                "negatives": 8,
                "share": 0.15,
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
        arguments_for={"next": {"embed_dim": 64}},
        training={
            "like": {"epochs": 4, "learning_rate": 2e-3, "share": 0.5},
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
            "An encoder reads the history, every film in the light of every other, and answers for the candidate. "
            "In training a decoder has to write the second half of a history from its first."
        ),
        source="Vaswani et al., Attention Is All You Need, 2017; document fig. 3-38",
        formula=r"\mathrm{MLP}([z_L,\; q,\; z_L \odot q,\; u]) + b_q,\; z = \mathrm{Encoder}(x_1, \dots, x_L)",
        network="transformer4rec.Transformer4Rec",
        shows=("history", "layers"),
        training={
            "like": {"epochs": 4, "learning_rate": 2e-3, "share": 0.15},
            "next": {
                "epochs": 4,
                "batch_size": 256,
                "learning_rate": 2e-3,
                "negatives": 32,
                "share": 0.15,
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
            "As SASRec, but attention without a softmax: a watched film adds as much as it has to say, however many "
            "others there are, and a gate decides what of the sum is let through."
        ),
        source="Zhai et al., Actions Speak Louder than Words, ICML 2024; here without time",
        formula=r"h_L \cdot q + b_q,\quad x + W_o\big(u \odot \mathrm{Norm}(\tfrac1n\,\mathrm{SiLU}(q k^\top + b)\,v)\big)",
        network="hstu.HSTU",
        shows=("history", "layers"),
        objectives=("next",),
        arguments_for={"next": {"layers": 2}},
        training={
            "next": {
                "epochs": 12,
                "batch_size": 64,
                "learning_rate": 0.002,
                "history_length": 200,
                "patience": 4,
            }
        },
    ),
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
        training={
            "like": {"epochs": 5, "learning_rate": 2e-3, "weight_decay": 0.0},
            "next": {
                "epochs": 6,
                "batch_size": 512,
                "learning_rate": 3e-3,
                "negatives": 32,
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
            "Who somebody is, what genres a film has and which words its title, and from that the stars. It knows "
            "neither users nor films, which shows how far a profile and a title go."
        ),
        source="Document 000; Kim, Convolutional Neural Networks for Sentence Classification, 2014",
        formula=r"\mathrm{MLP}([u, q, u \odot q]),\; q = \mathrm{MLP}([\text{genres}, \mathrm{TextCNN}(\text{title})])",
        network="textcnn_rating.TextCNNRating",
        aside="This model reads the profile and the films' titles, not the history.",
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
            "The same network, which now also reads what the visitor thought of the films they watched. How much better "
            "its stars are is what a profile could not tell."
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

CARDS: dict[str, Card] = {card.key: card for card in _ALL}
