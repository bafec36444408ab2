"""Every operation of a trace once more, by numpy alone, from what its step says it reads."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from recdemo.core.steps import Step, Trace


def by_hand(trace: Trace, step: Step) -> np.ndarray:
    """The values of a step from those of its inputs; of what is only read from tables, its own."""
    read = [trace[one] for one in step.inputs]
    given = dict(step.parameters)
    shape = step.values.shape
    first = read[0].values if read else step.values
    match step.operation:
        case "input":
            return step.values
        case "lookup":
            return sum(given.values()) if given else step.values
        case "sum":
            return _added(step, [_along(step, [one]) for one in read], given)
        case "dot" | "weighted_sum" | "matmul":
            return _added(
                step, [_along(step, read[:2]), *(_along(step, [one]) for one in read[2:])], given
            )
        case "product":
            return _along(step, read)
        case "scale":
            return first * given["factor"]
        case "softmax":
            high = np.exp(first - first.max(-1, keepdims=True, initial=-1e9))
            return high / high.sum(-1, keepdims=True)
        case "layer":
            return _layer(read, given, shape)
        case "pair_layer":
            x, q = first, read[1].values
            rows = [np.concatenate([one, q, one - q, one * q]) for one in x]
            return np.array([given["weight"] @ row + given["bias"] for row in rows]).reshape(shape)
        case "pairs":
            return sum((first[i] * first[j] for i, j in combinations(range(len(first)), 2)))
        case "relu":
            return np.where(first > 0, first, 0.0)
        case "dice":
            away = (first - given["norm.running_mean"]) / np.sqrt(
                given["norm.running_var"] + given["eps"]
            )
            p = 1 / (1 + np.exp(-away))
            return p * first + (1 - p) * given["alpha"] * first
        case "concat":
            return np.concatenate([one.values.ravel() for one in read])
        case "network":
            return [one for one in trace.steps if one.parent == step.id][-1].values.reshape(shape)
        case "score":
            return _score(trace.objective, first, given)
    raise NotImplementedError(f"say what {step.operation} is, by hand")


def _along(step: Step, read: Sequence[Step]) -> np.ndarray:
    """The product of some steps, summed over all axes that the step has not, along those that it has."""
    out = [axis.name for axis in step.axes]
    names = list(dict.fromkeys([*out, *(axis.name for one in read for axis in one.axes)]))
    letter = {name: chr(ord("a") + place) for place, name in enumerate(names)}
    sides = ["".join(letter[axis.name] for axis in one.axes) for one in read]
    left = [name for name in out if any(letter[name] in side for side in sides)]
    made = np.einsum(
        f"{','.join(sides)}->{''.join(letter[name] for name in left)}",
        *(one.values for one in read),
    )
    return made.reshape([axis.size if axis.name in left else 1 for axis in step.axes])


def _added(step: Step, parts: Sequence[np.ndarray], given: dict[str, np.ndarray]) -> np.ndarray:
    whole = np.zeros(step.values.shape)
    for part in (*parts, *given.values()):
        whole = whole + part
    return whole


def _layer(read: Sequence[Step], given: dict[str, np.ndarray], shape: tuple) -> np.ndarray:
    weight = given["weight"]
    rows = int(np.prod(shape)) // len(weight)
    if not rows:
        return np.zeros(shape)
    x = np.concatenate(
        [np.broadcast_to(one.values.reshape(-1, one.values.size // rows) if one.values.size else one.values, (rows, one.values.size // rows)) for one in read],
        axis=1,
    )  # fmt: skip
    return np.array([weight @ row + given.get("bias", 0.0) for row in x]).reshape(shape)


def _score(objective: str, logit: np.ndarray, given: dict[str, np.ndarray]) -> np.ndarray:
    if objective == "next":
        return np.exp(logit - given["total"])
    if objective == "like":
        return 1 / (1 + np.exp(-logit))
    return np.clip(logit, 1.0, 5.0)
