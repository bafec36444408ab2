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
            high = high * np.reshape(given.get("there", np.ones(shape)), shape)
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
            alone = [(given["first"] @ one).item(), (given["second"] @ two).item()]
            return np.array([*alone, *(a @ w @ b for a, b, w in pieces)])
        case "word_windows":
            weight = given["weight"]  # [filters, d, words at once]
            wide = range(weight.shape[2])
            return np.array(
                [sum(weight[:, :, j] @ first[i + j] for j in wide) for i in range(shape[0])]
            ).reshape(shape)
        case "strongest":
            floor = given["floor"].ravel()[0]
            return first.max(0, initial=floor) + given["bias"]
        case "rnn" | "gru" | "lstm":
            return _recurrent(step, read, given)
        case "augru" | "update_gates":
            return _augru(step, read, given)
        case "project":
            return _project(read, given, shape)
        case "softmax_dot":
            return _softmax_dot(read, given, shape)
        case "attend":
            return _attend(read[0].values, read[1].values, given).reshape(shape)
        case "feed_forward":
            y = first + read[1].values
            return y + _feed(_normed(y, given, "before_feed."), given)
        case "feed_forward_post":
            y = _normed(first + read[1].values, given, "after_attention.")
            return _normed(y + _feed(y, given), given, "after_feed.")
        case "norm":
            return _normed(first, given, "")
        case "silu_project":
            return _hstu_part(first, given, shape)
        case "silu":
            return _hstu_looks(read, given)
        case "gated":
            x, looks, values = (one.values for one in read)
            width = len(given["inner.weight"]) // 4
            gates = _plain_norm(x, 1e-6) @ given["inner.weight"][:width].T
            taken = _plain_norm(_side_by_side(looks @ values), 1e-6)
            mixed = (gates * _sigmoid(gates) * taken) @ given["out.weight"].T
            return x + mixed + given["out.bias"]
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


def _recurrent(step: Step, read: Sequence[Step], given: dict[str, np.ndarray]) -> np.ndarray:
    """From a state of zero over all rows, or one more row from a state."""
    w, u = given["weight_ih_l0"], given["weight_hh_l0"]
    a, b = given["bias_ih_l0"], given["bias_hh_l0"]
    h = read[1].values if len(read) > 1 else np.zeros(u.shape[1])
    c = given["cell_state"].ravel() if "cell_state" in given else np.zeros(len(h))
    states = []
    for x in read[0].values.reshape(-1, w.shape[1]):
        i, o = w @ x + a, u @ h + b
        if step.operation == "rnn":
            h = np.tanh(i + o)
        elif step.operation == "gru":
            (r, z, n), (r2, z2, n2) = np.split(i, 3), np.split(o, 3)
            r, z = _sigmoid(r + r2), _sigmoid(z + z2)
            h = (1 - z) * np.tanh(n + r * n2) + z * h
        else:
            into, forget, new, out = np.split(i + o, 4)
            c = _sigmoid(forget) * c + _sigmoid(into) * np.tanh(new)
            h = _sigmoid(out) * np.tanh(c)
        states.append(h)
    return np.array(states).reshape(step.values.shape)


def _augru(step: Step, read: Sequence[Step], given: dict[str, np.ndarray]) -> np.ndarray:
    h = np.zeros(given["weight_hh"].shape[1])
    states, moves = [], []
    for x, weight in zip(*(one.values for one in read), strict=True):
        (r, z, n), (r2, z2, n2) = (
            np.split(given[f"weight_{s}"] @ v + given[f"bias_{s}"], 3)
            for s, v in (("ih", x), ("hh", h))
        )
        r, u = _sigmoid(r + r2), weight * _sigmoid(z + z2)
        h = (1 - u) * h + u * np.tanh(n + r * n2)
        states.append(h)
        moves.append(u.mean())
    return np.array(states if step.operation == "augru" else moves).reshape(step.values.shape)


def _project(read: Sequence[Step], given: dict[str, np.ndarray], shape: tuple) -> np.ndarray:
    heads, size = shape[0], shape[-1]
    width = heads * size
    weight, bias, part = given["weight"], given["bias"], int(given.get("part", 0))
    weight, bias = (w[part * width : (part + 1) * width] for w in (weight, bias))
    rows = np.concatenate([one.values.reshape(-1, weight.shape[1]) for one in read])
    made = (rows @ weight.T + bias) * given.get("factor", 1.0)
    made = made.reshape(-1, heads, size)
    if given.get("turned", 0.0):
        for place, row in enumerate(made):
            for pair in range(size // 2):
                angle = place / 10_000 ** (2 * pair / size)
                turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
                both = [pair, pair + size // 2]
                row[:, both] = row[:, both] @ turn.T
    return made.transpose(1, 0, 2).reshape(shape)


def _softmax_dot(read: Sequence[Step], given: dict[str, np.ndarray], shape: tuple) -> np.ndarray:
    q, k = (one.values for one in read)
    scores = np.einsum("htd,hsd->hts", q.reshape(len(q), -1, q.shape[-1]), k)
    if given.get("scaled", 0.0):
        scores = scores / np.sqrt(q.shape[-1])
    high = np.exp(scores - scores.max(-1, keepdims=True, initial=-1e9))
    if given.get("causal", 0.0):
        high = np.tril(high)
    return (high / high.sum(-1, keepdims=True)).reshape(shape)


def _side_by_side(heads: np.ndarray) -> np.ndarray:
    """[H, T, d] → [T, H * d]"""
    return heads.transpose(1, 0, 2).reshape(heads.shape[1], heads.shape[0] * heads.shape[2])


def _attend(looks: np.ndarray, values: np.ndarray, given: dict[str, np.ndarray]) -> np.ndarray:
    if looks.ndim == 2:
        looks = looks[:, None]
    return _side_by_side(looks @ values) @ given["weight"].T + given["bias"]


def _feed(y: np.ndarray, given: dict[str, np.ndarray]) -> np.ndarray:
    hidden = np.maximum(y @ given["feed.0.weight"].T + given["feed.0.bias"], 0)
    return hidden @ given["feed.2.weight"].T + given["feed.2.bias"]


def _plain_norm(x: np.ndarray, eps: float) -> np.ndarray:
    away = x - x.mean(-1, keepdims=True)
    return away / np.sqrt((away**2).mean(-1, keepdims=True) + eps)


def _normed(x: np.ndarray, given: dict[str, np.ndarray], name: str) -> np.ndarray:
    return _plain_norm(x, 1e-5) * given[f"{name}weight"] + given[f"{name}bias"]


def _hstu_part(x: np.ndarray, given: dict[str, np.ndarray], shape: tuple) -> np.ndarray:
    heads, width = shape[0], shape[0] * shape[2]
    weight = given["weight"][int(given["part"]) * width :][:width]
    made = _plain_norm(x, 1e-6) @ weight.T
    return (made * _sigmoid(made)).reshape(-1, heads, shape[2]).transpose(1, 0, 2)


def _hstu_looks(read: Sequence[Step], given: dict[str, np.ndarray]) -> np.ndarray:
    q, k = (one.values for one in read)
    found = np.zeros((len(q), q.shape[1], q.shape[1]))
    for h in range(len(q)):
        for t in range(q.shape[1]):
            for s in range(t + 1):
                score = (
                    q[h, t] @ k[h, s]
                    + given["distance"][h, min(t - s, given["distance"].shape[1] - 1)]
                )
                found[h, t, s] = score * _sigmoid(score) / (t + 1)
    return found


def _score(objective: str, logit: np.ndarray, given: dict[str, np.ndarray]) -> np.ndarray:
    if objective == "next":
        return np.exp(logit - given["total"])
    if objective == "like":
        return 1 / (1 + np.exp(-logit))
    return np.clip(logit, 1.0, 5.0)
