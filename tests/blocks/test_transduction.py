"""HSTU's unit against plain loops."""

from __future__ import annotations

import pytest
import torch
from by_hand import close, draw, normal
from unit_by_hand import unit_by_hand

from recdemo.blocks import transduction as file
from recdemo.blocks.transduction import TransductionUnit

N, T, DIM, HEADS = 3, 7, 8, 2


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
