"""HSTU's unit against plain loops."""

from __future__ import annotations

import math

import by_hand
import numpy as np
import pytest
import torch
from by_hand import close, draw, normal, numbers, weights_of
from torch import Tensor

from recdemo.blocks import transduction as file
from recdemo.blocks.transduction import DISTANCES, TransductionUnit

N, T, DIM, HEADS = 3, 7, 8, 2


def _normed(x: np.ndarray) -> np.ndarray:
    mean = sum(x) / len(x)
    return (x - mean) / math.sqrt(sum((v - mean) ** 2 for v in x) / len(x) + 1e-6)


def _silu(x: np.ndarray) -> np.ndarray:
    return x * by_hand.sigmoid(x)


def unit_by_hand(unit: TransductionUnit, x: Tensor) -> tuple[Tensor, np.ndarray]:
    """What the unit makes of x [T, k], and what each place takes of each [H, T, T]."""
    w, rows = weights_of(unit), numbers(x)
    size = rows.shape[1] // unit.heads
    parts = [
        np.split(_silu(np.array(by_hand.linear(_normed(row), w["inner.weight"]))), 4)
        for row in rows
    ]
    out, weights = [], np.zeros((unit.heads, len(rows), len(rows)))
    for t, (gate, _, query, _) in enumerate(parts):
        joined = np.zeros(rows.shape[1])
        for h in range(unit.heads):
            of = slice(h * size, (h + 1) * size)
            for s in range(t + 1):
                _, value, _, key = parts[s]
                score = (
                    by_hand.dot(query[of], key[of]) + w["distance"][h, min(t - s, DISTANCES - 1)]
                )
                weights[h, t, s] = _silu(score) / (t + 1)
                joined[of] += weights[h, t, s] * value[of]
        out.append(rows[t] + by_hand.layer(gate * _normed(joined), w, "out"))
    return torch.as_tensor(np.array(out), dtype=torch.float32), weights


@pytest.mark.parametrize("at_once", [1, 2 * HEADS * T * T, 2**18])
def test_a_unit_is_its_formula(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "AT_ONCE", at_once)
    unit = draw(TransductionUnit(DIM, heads=HEADS, dropout=0.5))
    x = normal(N, T, DIM)
    found, shown = unit(x), unit.weights(x)
    for n in range(N):
        wanted, weights = unit_by_hand(unit, x[n])
        close(found[n], wanted, tolerance=3e-5)
        close(shown[n], weights)
    assert (shown < 0).any()
    assert (shown.sum(-1) - 1).abs().min() > 0.01  # no softmax


def test_far_films_are_all_as_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "DISTANCES", 3)
    unit = draw(TransductionUnit(DIM, heads=HEADS, dropout=0.0))
    assert unit.distance.shape == (HEADS, 3)
    bias = unit._bias(T)
    for t in range(T):
        for s in range(t + 1):
            assert torch.equal(bias[:, t, s], unit.distance[:, min(t - s, 2)])


def test_what_comes_later_changes_nothing_before_it() -> None:
    unit, x = draw(TransductionUnit(DIM, heads=HEADS, dropout=0.0)), normal(N, T, DIM)
    before = unit(x)
    for place in range(T):
        other = x.clone()
        other[:, place] = normal(N, DIM, seed=9)
        after = unit(other)
        close(after[:, :place], before[:, :place], tolerance=1e-6)
        assert ((after - before)[:, place:].abs().amax(-1) > 1e-4).all()


@pytest.mark.parametrize("heads", [0, 3])
def test_heads_that_do_not_fit_are_refused(heads: int) -> None:
    with pytest.raises(ValueError, match=rf"dim {DIM} is not.*heads {heads}"):
        TransductionUnit(DIM, heads=heads, dropout=0.0)
