"""What a checkpoint says of its test part besides plain figures, and whether a model learned anything."""

from __future__ import annotations

from pydantic import BaseModel, FiniteFloat

from recdemo.core.figures import MAIN, METRICS
from recdemo.core.vocabulary import Objective


class Constant(BaseModel):
    """What the best answer that is the same for everybody reaches on validation (`recdemo.training.constant`)."""

    figure: FiniteFloat  # the one that decides, see `MAIN`
    chance: FiniteFloat = 0.0  # what luck alone may add to it


class Bin(BaseModel):
    """Predictions between two bounds: how many, their mean, and what share was liked."""

    count: int
    predicted: FiniteFloat
    liked: FiniteFloat


class Faithfulness(BaseModel):
    """How far weights tell what mattered: rank correlation with what removal does (`recdemo.training.faithfulness`)."""

    mean: FiniteFloat  # over users
    deviation: FiniteFloat | None = None  # of single users
    users: int
    # Means over users; None where not measured. In logits, against orders drawn by lot:
    deletion: FiniteFloat | None = None  # how much farther it moves as the heaviest are taken away
    insertion: FiniteFloat | None = None  # how much nearer it comes while the heaviest are put in
    # A rank correlation: near 1, what is shown has nothing to do with what was learned.
    shuffled: FiniteFloat | None = None  # with what the model shows whose weights are shuffled


class Report(BaseModel):
    """What a card says of the test part besides its plain figures."""

    slices: dict[str, dict[str, dict[str, FiniteFloat]]]  # by field, by code: metrics and "count"
    calibration: list[Bin] = []  # `like` only, by rising probability, as many predictions in each
    coverage: FiniteFloat | None = None  # `next` only: share of all films on anybody's first ten
    faithfulness: dict[str, Faithfulness] | None = None  # by kind; None: not measured


_NOT_BETTER: dict[Objective, str] = {
    "like": "which chance alone can reach",
    "next": "no better than {figure:.4f}, which one list of the most picked films for everybody reaches",
    "rating": "no better than {figure:.4f}, which the mean of all stars, given to every film, reaches",
}


def nothing_learned(objective: Objective, best: float, constant: Constant) -> str:
    """A sentence about a model whose best validation figure is no better than a constant answer's, else nothing.

    Args:
        objective: what it was trained for.
        best: its figure that decides, see `MAIN`, of its best epoch.
        constant: measured on the same questions.
    """
    metric = METRICS[MAIN[objective]]
    if metric.better * (best - constant.figure) > constant.chance:
        return ""
    how = _NOT_BETTER[objective].format(figure=constant.figure)
    return (
        f"It has learned nothing: its best {metric.title} on validation is {best:.4f}, {how}. Try another learning rate, "
        "more epochs or more data."
    )
