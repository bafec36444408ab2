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
            high = high * given.get("there", 1.0)
            return high / high.sum(-1, keepdims=True)
        case "layer":
            return _layer(read, given, shape)
        case "pair_layer":
            x, q = first, read[1].values
            rows = [np.concatenate([one, q, one - q, one * q]) for one in x]
            return np.array([given["weight"] @ row + given["bias"] for row in rows]).reshape(shape)
        case "mean":
            return _along(step, read) / max(1, first.size // max(1, step.values.size))
        case "part":
            return first[..., int(given["start"]) : int(given["stop"])].reshape(shape)
        case "last":
            return first[-1] if len(first) else np.zeros(shape)
        case "pairs":
            rows = [row for one in read for row in one.values]
            found = sum(a * b for a, b in combinations(rows, 2))
            return found * given.get("factor", 1.0)
        case "relu_net" | "sigmoid_net":
            hidden = first @ given["weight"].T + given["bias"]
            bent = np.maximum(hidden, 0) if step.operation == "relu_net" else _sigmoid(hidden)
            return (bent @ given["outer"].T).reshape(shape) * np.reshape(
                given.get("there", np.ones(shape)), shape
            )
        case "solve":
            c, x = (one.values for one in read)
            system = sum(
                (a * np.outer(v, v) for a, v in zip(c, x, strict=True)), given["everything"]
            )
            system = system + given["pull"] * np.eye(x.shape[1])
            return given["factor"] * (np.linalg.inv(system) @ (c @ x))
        case "pair_products":
            users, films = (list(one.values) for one in read)
            pairs = [*combinations(users, 2), *combinations(films, 2)]
            return np.array([a * b for a, b in [*pairs, *((u, f) for f in films for u in users)]])
        case "cross":
            x0, x = (one.values for one in read)
            return x0 * (x @ given["weight"]) + given["bias"] + x
        case "cross_v2":
            x0, x = read[0].values, read[-1].values
            return x0 * (given["weight"] @ x + given["bias"]) + x
        case "convolution":
            rows = np.array([row for one in read for row in one.values])
            weight, places = given["weight"], range(int(given["start"]), int(given["stop"]))
            windows = [rows[place : place + weight.shape[2]].T for place in places]
            return np.array([(weight * w).sum((1, 2)) + given["bias"] for w in windows]).T
        case "gated_layer":
            *sides, gates = (one.values.ravel() for one in read)
            return given["weight"] @ (gates * np.concatenate(sides)) + given["bias"]
        case "fusion":
            one, two = (side.values for side in read)
            pieces = zip(
                np.split(one, len(given["heads"])),
                np.split(two, len(given["heads"])),
                given["heads"],
                strict=True,
            )
            alone = [float(given["first"] @ one), float(given["second"] @ two)]
            return np.array([*alone, *(a @ w @ b for a, b, w in pieces)])
        case "tanh":
            return np.tanh(first)
        case "sigmoid":
            return _sigmoid(first) * given.get("factor", 1.0)
        case "leaky_relu":
            return np.where(first > 0, first, 0.01 * first)
        case "batch_norm":
            spread = np.sqrt(given["running_var"] + 1e-5)
            return (first - given["running_mean"]) / spread * given["weight"] + given["bias"]
        case "relu":
            return np.where(first > 0, first, 0.0)
        case "dice":
            away = (first - given["norm.running_mean"]) / np.sqrt(
                given["norm.running_var"] + given["eps"]
            )
            p = 1 / (1 + np.exp(-away))
            return p * first + (1 - p) * given["alpha"] * first
        case "concat":
            if len(shape) == 2:  # row by row
                return np.concatenate([one.values.reshape(shape[0], -1) for one in read], axis=1)
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


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _score(objective: str, logit: np.ndarray, given: dict[str, np.ndarray]) -> np.ndarray:
    if objective == "next":
        return np.exp(logit - given["total"])
    if objective == "like":
        return 1 / (1 + np.exp(-logit))
    return np.clip(logit, 1.0, 5.0)
