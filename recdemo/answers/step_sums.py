"""Of each number of a step the terms that add up to it, where it is a sum: the largest by name, the others as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from recdemo.core.steps import Axis, Step, Term

MOST_CELLS = 128  # of a step whose sums are told
MOST_TERMS = 6  # told one by one
ADDED = ("lookup", "sum", "mean", "dot", "weighted_sum", "matmul")  # what their cells are
# Labels [n] and terms [..., n], the axes before being a step's.
Named = tuple[list[str], np.ndarray]


def sums_of(step: Step, steps: Mapping[str, Step]) -> tuple[tuple[Term, ...], ...]:
    """The terms of each cell, in row-major order; none where a cell is no sum, or cells are too many."""
    if not 0 < step.values.size <= MOST_CELLS or not (step.inputs or step.parameters):
        return ()
    found = _terms(step, [steps[one] for one in step.inputs])
    if found is None:
        return ()
    labels, terms = found
    return tuple(_largest(labels, cell) for cell in terms.reshape(step.values.size, len(labels)))


def _largest(labels: Sequence[str], terms: np.ndarray) -> tuple[Term, ...]:
    order = np.argsort(-np.abs(terms), kind="stable")
    told = order if len(order) <= MOST_TERMS + 1 else order[:MOST_TERMS]
    cell = [(labels[place], float(terms[place])) for place in told]
    if others := len(order) - len(told):
        cell.append((f"{others} others", float(terms[order[MOST_TERMS:]].sum())))
    return tuple(cell)


def _terms(step: Step, read: Sequence[Step]) -> Named | None:
    names = [axis.name for axis in step.axes]
    shape = step.values.shape
    if step.operation == "layer":
        return _of_layer(step, read) if read else None
    if step.operation == "pairs":
        return _of_pairs(read, step.parameters.get("factor", np.ones(())))
    if step.operation not in ADDED:
        return None
    if step.operation == "mean":
        [one] = read
        labels, terms = _summed(one.axes, one.values, names, shape, one.name, True)
        return labels, terms * (step.values.size / max(1, one.values.size))
    constants = [([name], _spread(value, shape)) for name, value in step.parameters.items()]
    if step.operation == "lookup":
        return _joined(constants) if constants else None
    if step.operation == "sum":
        single = len(read) == 1 and not constants
        parts = [_summed(one.axes, one.values, names, shape, one.name, single) for one in read]
        return _joined([*parts, *constants])
    (axes, values), more = _product(read[:2]), read[2:]
    product = " · ".join(one.name for one in read[:2])
    first = _summed(axes, values, names, shape, product, not more and not constants)
    parts = [_summed(one.axes, one.values, names, shape, one.name, False) for one in more]
    return _joined([first, *parts, *constants])


def _joined(parts: Sequence[Named]) -> Named:
    return [label for labels, _ in parts for label in labels], np.concatenate(
        [terms for _, terms in parts], axis=-1
    )


def _spread(value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(value.reshape(shape) if value.size > 1 else value.ravel()[0], shape)[
        ..., None
    ]


def _product(read: Sequence[Step]) -> tuple[list[Axis], np.ndarray]:
    """The product of steps, along all their axes."""
    axes = list({axis.name: axis for step in read for axis in step.axes}.values())
    values = np.ones([axis.size for axis in axes])
    for step in read:
        names = [axis.name for axis in step.axes]
        there = [axis.name for axis in axes if axis.name in names]
        moved = step.values.transpose([names.index(name) for name in there])
        values = values * moved.reshape([a.size if a.name in names else 1 for a in axes])
    return axes, values


def _summed(
    axes: Sequence[Axis],
    values: np.ndarray,
    names: Sequence[str],
    shape: tuple[int, ...],
    name: str,
    single: bool,
) -> Named:
    """What is summed over all axes but those of `names`: term by term along the axes that have labels, or, of a `single`
    summand, along all."""
    own = [axis.name for axis in axes]
    gone = [axis for axis in axes if axis.name not in names]
    told = [axis for axis in gone if axis.labels] or (gone if single else [])
    hidden = tuple(own.index(axis.name) for axis in gone if axis not in told)
    left = [name for name in own if name in names or name in [a.name for a in told]]
    values = values.sum(axis=hidden)
    order = [n for n in names if n in left] + [axis.name for axis in told]
    values = values.transpose([left.index(one) for one in order])
    labels = [""]
    for axis in told:
        rows = axis.labels or [f"{axis.name} {n}" for n in range(1, axis.size + 1)]
        labels = [f"{before} × {row}" if before else row for before in labels for row in rows]
    there = [size if n in left else 1 for n, size in zip(names, shape, strict=True)]
    values = np.broadcast_to(values.reshape([*there, len(labels)]), (*shape, len(labels)))
    return ([name] if labels == [""] else labels), values


def _of_layer(step: Step, read: Sequence[Step]) -> Named:
    """W x + b, x the inputs side by side: by what stands there, or number by number."""
    weight, bias = step.parameters["weight"], step.parameters.get("bias")  # [out, in], [out]
    shape = step.values.shape
    rows = step.values.size // len(weight)
    labels: list[str] = []
    terms: list[np.ndarray] = []
    start = 0
    for one in read:
        values = one.values.reshape(rows if one.values.size % rows == 0 else 1, -1)
        for label, size in _stretches(one, values.shape[1], len(read) == 1):
            labels.append(label)
            terms.append(values[:, :size] @ weight[:, start : start + size].T)  # [rows or 1, out]
            values, start = values[:, size:], start + size
    if bias is not None:
        labels.append("bias")
        terms.append(bias[None])
    wide = [np.broadcast_to(term, (rows, len(weight))) for term in terms]
    return labels, np.stack(wide, axis=-1).reshape(*shape, len(labels))


def _stretches(step: Step, width: int, single: bool) -> list[tuple[str, int]]:
    """What stands side by side in `width` numbers of a step, with a name for each stretch."""
    own = step.axes[-1:]
    if own and own[0].parts:
        return list(own[0].parts)
    rows = next(
        (axis.labels for axis in step.axes[-2:] if axis.labels and width % len(axis.labels) == 0),
        (),
    )
    if rows:
        return [(label, width // len(rows)) for label in rows]
    if single:
        name = own[0].name if own else step.name
        return [(f"{name} {n}", 1) for n in range(1, width + 1)]
    return [(step.name, width)]


def _of_pairs(read: Sequence[Step], factor: np.ndarray) -> Named:
    """v_i ⊙ v_j of every two fields."""
    names = [name for step in read for name in step.axes[0].labels]
    rows = [row for step in read for row in step.values]
    pairs = list(combinations(range(len(rows)), 2))
    terms = factor * np.stack([rows[i] * rows[j] for i, j in pairs], axis=-1)
    return [f"{names[i]} × {names[j]}" for i, j in pairs], terms
