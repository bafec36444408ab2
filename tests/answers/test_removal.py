"""Taking things away one after the other, against loops; and models that have forgotten what they learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from shipped import load

from recdemo import Session, Watched, checkpoints
from recdemo.answers.removal import (
    BY_LOT,
    MIN_FOR_CORRELATION,
    deletion_and_insertion,
    pair_removal,
    pairs_kept,
    shuffled,
)
from recdemo.answers.trust import trust


def trapezoids(height: list[float], places: list[int]) -> float:
    steps = zip(places, places[1:], height, height[1:], strict=False)
    return sum((right - left) * (a + b) / 2 for left, right, a, b in steps) / places[-1]


@pytest.mark.parametrize("size", [3, 7, 60])
def test_curves_are_what_the_sets_kept_give(size: int) -> None:
    rng = np.random.default_rng(size)
    weights, worth = rng.normal(size=size), rng.normal(size=size)

    def logit(kept: set[int]) -> float:
        return float(np.tanh(sum(worth[i] for i in kept)))

    def ask(kept: np.ndarray) -> np.ndarray:
        return np.array([logit(set(np.flatnonzero(row).tolist())) for row in kept])

    curves = deletion_and_insertion(weights, ask, seed=5)
    assert curves is not None
    order = sorted(range(size), key=lambda i: -abs(weights[i]))
    counts = curves.counts.tolist()
    assert counts[0] == 0
    assert counts[-1] == size
    assert counts == sorted(set(counts))

    def away(kept: list[int]) -> float:
        return abs(logit(set(kept)) - logit(set(range(size))))

    by_lot = np.random.default_rng(5)
    orders = [by_lot.permutation(size).tolist() for _ in range(BY_LOT)]
    deleted, inserted = ([away(order[n:]) for n in counts], [away(order[:n]) for n in counts])
    without = [float(np.mean([away(one[n:]) for one in orders])) for n in counts]
    alone = [float(np.mean([away(one[:n]) for one in orders])) for n in counts]
    assert curves.deleted.tolist() == pytest.approx(deleted)
    assert curves.inserted.tolist() == pytest.approx(inserted)
    farther = trapezoids(deleted, counts) - trapezoids(without, counts)
    nearer = trapezoids(alone, counts) - trapezoids(inserted, counts)
    assert (curves.deletion, curves.insertion) == pytest.approx((farther, nearer))


def test_two_things_have_no_order_worth_the_name() -> None:
    few = np.ones(MIN_FOR_CORRELATION - 1)
    assert deletion_and_insertion(few, lambda kept: kept.sum(1)) is None


def test_the_pairs_that_are_kept_share_the_attention() -> None:
    rng = np.random.default_rng(1)
    attention = rng.dirichlet(np.ones(6))
    parts = attention * rng.normal(size=6)
    ask = pairs_kept(attention, parts)
    for kept in ([0, 1, 2, 3, 4, 5], [1, 4], [3]):
        share = sum(attention[i] for i in kept)
        mask = np.isin(np.arange(6), kept)[None]
        assert ask(mask)[0] == pytest.approx(sum(parts[i] / share for i in kept))
    assert ask(np.zeros((1, 6), dtype=bool))[0] == 0
    effects = ask(np.ones((1, 6), dtype=bool)) - ask(~np.eye(6, dtype=bool))
    assert effects == pytest.approx(pair_removal(attention, parts))


@pytest.mark.parametrize("pair", [("din", "next"), ("ease", "next"), ("textcnn_history", "rating")])
def test_a_shuffled_model_has_the_same_numbers_in_other_places(pair: tuple[str, str]) -> None:
    model = checkpoints.load(*pair).model  # type: ignore[arg-type]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    twin, again = shuffled(model, seed=1), shuffled(model, seed=1)
    assert not twin.training
    moved = 0
    for name, value in twin.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
        assert torch.equal(model.state_dict()[name], before[name])  # the model itself is as it was
        assert torch.equal(value.flatten().sort().values, before[name].flatten().sort().values)
        moved += not torch.equal(value, before[name])
    assert moved


SESSION = Session("F", 25, 12, [Watched(m, m % 2 == 0) for m in (1721, 1196, 260, 1214, 541, 589)])


@pytest.mark.parametrize("key", ["din", "afm", "bst", "sasrec"])
def test_a_visitor_s_weights_are_tested_by_what_the_model_says_without_them(key: str) -> None:
    model = load(key)
    explanation = model.explain(SESSION, 1210)
    weights = explanation.weights
    assert weights is not None
    found = trust(model, SESSION, 1210)
    assert found.curves is not None
    order = np.argsort(-np.abs(weights.weights), kind="stable")
    if weights.axis == "film":
        expected = weights.removal[order[0]]
    else:  # the other pairs share the attention
        parts = np.array([term.value for term in explanation.terms if term.kind == "pair"])
        rest = order[found.curves.counts[1] :]
        expected = parts.sum() - parts[rest].sum() / np.array(weights.weights)[rest].sum()
    assert found.curves.deleted[1] == pytest.approx(abs(expected), abs=1e-3)
    assert found.curves.deleted[0] == found.curves.inserted[-1] == 0
    nothing = found.curves.deleted[-1]
    assert nothing == found.curves.inserted[0] == found.curves.deleted_by_lot[-1]
    if weights.axis == "film":
        alone = model.explain(replace(SESSION, history=[]), 1210).logit
        assert nothing == pytest.approx(abs(explanation.logit - alone), abs=1e-4)
    assert found.shuffled is not None
    assert -1 <= found.shuffled <= 1
    assert trust(model, SESSION, 1210).shuffled == found.shuffled


def test_who_weighs_nothing_cannot_be_tested() -> None:
    with pytest.raises(TypeError, match="neither"):
        trust(load("fm"), SESSION, 1210)
