"""Cards: what everything else is held against: popularity, and models that are solved in one go."""

from __future__ import annotations

from recdemo.models.cards.card import BASELINE, SOLVED, Card

# Of 9,724 films nearly half have been rated twice or less.
SPARSE = {"at_least": 3}

CARDS = (
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
        reads_history=False,
        reads_profile=False,
        objectives=("like", "next", "rating"),
        baseline=True,
    ),
    Card(
        key="ease",
        title="EASE",
        family=SOLVED,
        idea=(
            "One weight from every film to every other, the best possible, found by one matrix inversion. A score is the sum of "
            "the watched films' weights towards a candidate, so each of them can be read."
        ),
        source="Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019",
        formula=r"b_q + \sum_i x_i B_{iq},\quad B = I - P\,\mathrm{diag}(P)^{-1},\; P = (X^\top X + \lambda I)^{-1}",
        network="ease.EASE",
        shows=("films",),
        reads_profile=False,
        reads_order="every place",
        objectives=("next",),
        baseline=True,
        arguments_for={"next": {"keep": 100}},
        arguments_in={("2018", "next"): SPARSE},
    ),
    Card(
        key="linear_next",
        title="Linear next film",
        family=SOLVED,
        idea=(
            "Ridge regression from the films just watched, the latest weighing most, to the film picked after them. It takes seconds, and "
            "no deep model deserves its training time before it beats this."
        ),
        source="Choi et al., Session-aware Linear Item-Item Models (SLIST), WWW 2021",
        formula=r"b_q + \sum_i x_i B_{iq},\quad B = (X^\top X + \lambda I)^{-1} X^\top Y,\; x_i = w\,(1 + \mathrm{age}_i)^{-f}",
        network="linear_next.LinearNext",
        shows=("films",),
        reads_profile=False,
        reads_order="every place",
        objectives=("next",),
        baseline=True,
        arguments_for={"next": {"keep": 160}},
        arguments_in={("2018", "next"): {**SPARSE, "keep": 50}},
    ),
    Card(
        key="ials",
        title="iALS",
        family=SOLVED,
        idea=(
            "Matrix factorisation in which what was watched should score 1 and everything else nearly 0. Each side in turn is solved "
            "exactly, and so is a visitor's vector, which thus splits into a part for each film they watched."
        ),
        source="Hu, Koren and Volinsky, ICDM 2008; Rendle et al., Revisiting iALS, RecSys 2022",
        formula=r"b_q + s\, q^\top A^{-1} \sum_i c_i q_i,\quad A = \sum_i c_i q_i q_i^\top + \alpha_0 Q^\top Q + \lambda r^\nu I",
        network="ials.IALS",
        shows=("films",),
        reads_profile=False,
        reads_order="every place",
        objectives=("next",),
    ),
)
