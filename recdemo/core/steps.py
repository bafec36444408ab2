"""How one answer is computed, step by step, as typed data: operations, axes with names, values, sums. No torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Operation = Literal[
    "input",  # given
    "lookup",  # read from tables; the sum of its parameters, where it has any
    "sum",  # each input summed over the axes that the output lacks; all of these, and parameters, added
    "mean",  # of one input over the axes that the output lacks
    "product",  # of the inputs, axis by axis
    "dot",  # the product of the first two inputs, summed over the axes that the output lacks; further inputs are added
    "weighted_sum",  # as dot: weights first, then what is weighed
    "matmul",  # as dot
    "scale",  # times the parameter `factor`
    "softmax",  # over the last axis
    "layer",  # W x + b, x the inputs side by side
    "network",  # what its own steps make: the value of the last
    "concat",  # the inputs side by side
    "part",  # the numbers from `start` to `stop` of the last axis
    "last",  # the last of the first axis; zero where there is none
    "pairs",  # Σ over pairs i < j of v_i ⊙ v_j, of the first axes of the inputs one after the other; times `factor`
    "pair_products",  # v_i ⊙ v_j of each pair: within the first input, within the second, then across, second by second
    "pair_layer",  # W [x, q, x − q, x ⊙ q] + b
    "relu_net",  # hᵀ ReLU(W x + b)
    "sigmoid_net",  # hᵀ σ(W x + b)
    "cross",  # x_0 (x · w) + b + x, of x_0 and x
    "cross_v2",  # x_0 ⊙ (W x + b) + x
    "convolution",  # windows of rows of the inputs, one after the other, from row `start` to `stop`
    "word_windows",  # each filter along the words, as many at once as it is wide
    "strongest",  # the largest over the first axis and the parameter `floor`, and the bias
    "gated_layer",  # W (g ⊙ x) + b, x the inputs but the last side by side, g the last
    "fusion",  # w_1 · o_1, w_2 · o_2 and o_1 W_h o_2 of each head
    "solve",  # (Σ c q qᵀ + everything + pull I)⁻¹ Σ c q, scaled
    "rnn",
    "gru",
    "lstm",
    "augru",  # states of a GRU whose update gate is scaled by the second input
    "update_gates",  # of it, the mean
    "project",  # W x + b of each row of the inputs, times `factor`, cut into heads; `part` of several, `turned` by place
    "softmax_dot",  # softmax(q · k) over the last axis; `causal`: over what is not later; `scaled` by 1 / √d
    "attend",  # W [Σ a v of each head, side by side] + b
    "feed_forward",  # y + W_2 ReLU(W_1 LayerNorm(y) + b_1) + b_2, y the sum of the inputs
    "feed_forward_post",  # LayerNorm(y + W_2 ReLU(W_1 y + b_1) + b_2), y LayerNorm of the sum of the inputs
    "silu_project",  # SiLU(W LayerNorm(x)) of each row, its `part` of four, cut into heads
    "silu",  # SiLU(q · k + b) / how many films are looked at, b by how far apart two films are
    "gated",  # x + W (u ⊙ LayerNorm(Σ a v of each head, side by side)) + b, of x, a and v; u as a silu_project of x
    "norm",
    "batch_norm",
    "dice",
    "relu",
    "leaky_relu",
    "sigmoid",
    "tanh",
    "score",  # from the logit to what a list shows
]
MANY = 1000  # numbers of a step that JSON says in short
ANSWER = "logit"  # the id of the step whose value the model returns
Term = tuple[str, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """What one axis of a step's values counts: films by title, fields by name, or numbers without a name.

    `parts` are names and sizes of the stretches that stand side by side along it.
    """

    name: str
    size: int
    labels: tuple[str, ...] = ()
    movie_ids: tuple[int, ...] = ()
    parts: tuple[tuple[str, int], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """What there is of it, for JSON."""
        found: dict[str, Any] = {"name": self.name, "size": self.size}
        for name in ("labels", "movie_ids", "parts"):
            if value := getattr(self, name):
                found[name] = list(map(list, value)) if name == "parts" else list(value)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One operation of an answer.

    Args:
        id: unique; a step folded into another is called ``parent.id``.
        name: for people.
        symbol: LaTeX of the value.
        formula: LaTeX of the operation.
        operation: which.
        inputs: ids of the steps read.
        parent: id of the step that this one is folded into; empty at the top.
        axes: of the values.
        values: what was made.
        says: one plain sentence.
        parameters: weights and constants of the operation, by name.
        sums: for each cell, in row-major order, the terms that add up to it, the largest first; empty where a cell is no sum.
    """

    id: str
    name: str
    symbol: str
    formula: str
    operation: Operation
    inputs: tuple[str, ...]
    parent: str
    axes: tuple[Axis, ...]
    values: np.ndarray
    says: str
    parameters: Mapping[str, np.ndarray] = field(default_factory=dict)
    sums: tuple[tuple[Term, ...], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON: numbers to six significant digits; more than a thousand of them to a thousandth of the largest; no parameters.

        Where a folded step only brings so many to one size, or adds them up by weights that stand there too, they are None.
        """
        many = self.values.size > MANY
        hidden = many and self.parent and self.operation in ("norm", "attend")
        names = ("id", "name", "symbol", "formula", "operation", "parent", "says")
        found: dict[str, Any] = {name: getattr(self, name) for name in names}
        found["inputs"] = list(self.inputs)
        found["axes"] = [axis.as_dict() for axis in self.axes]
        found["values"] = None if hidden else _short(self.values)
        if self.sums:
            found["sums"] = [[[label, _digits(x)] for label, x in cell] for cell in self.sums]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """One answer as it was computed: the steps to the logit of one film, and the last to the figure that a list shows."""

    model: str
    title: str
    objective: str
    movie_id: int
    film: str
    logit: float
    score: float
    score_name: str
    steps: tuple[Step, ...]

    def __getitem__(self, step: str) -> Step:
        return next(one for one in self.steps if one.id == step)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        names = ("model", "title", "objective", "movie_id", "film", "logit", "score", "score_name")
        return {name: getattr(self, name) for name in names} | {
            "steps": [step.as_dict() for step in self.steps]
        }


def _short(values: np.ndarray) -> Any:
    if values.size > MANY:
        largest = float(np.abs(values).max())
        places = 2 - math.floor(math.log10(largest)) if largest else 0
        return _nested(np.round(values, places).tolist(), lambda value: value)
    return _nested(values.tolist(), _digits)


def _nested(value: Any, short: Callable[[float], float]) -> Any:
    if isinstance(value, list):
        return [_nested(one, short) for one in value]
    made = short(value)
    return int(made) if made.is_integer() else made


def _digits(value: float) -> float:
    return float(f"{value:.6g}")
