"""DIN's activation unit and the basic ways to attend, in plain loops over films and candidates."""

from __future__ import annotations

from functools import partial

import by_hand
import numpy as np
import pytest
import torch
from by_hand import Weights, close, draw, mask_of, normal, numbers, weights_of
from torch import Tensor

from recdemo.blocks import attention as attention_block
from recdemo.blocks import mlp as mlp_block
from recdemo.blocks.attention import ActivationUnit, BasicAttention, normalised

# The activation unit

U, L, D, H = 4, 3, 5, 6
MANY = 40  # candidates for whom the unit computes the same sum in another order
LENGTHS = (3, 1, 0, 2)
_mask = partial(mask_of, LENGTHS, L)


def _unit(softmax: bool = False) -> ActivationUnit:
    unit = draw(ActivationUnit(D, hidden=H, softmax=softmax), seed=4)
    unit.dice.norm.running_mean.normal_()
    unit.dice.norm.running_var.uniform_(0.5, 2.0)
    return unit


def _draw_history(candidates: int, seed: int = 6) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    history = torch.randn(U, L, D, generator=generator)  # also at padding: it must not matter
    return history, torch.randn(U, candidates, D, generator=generator)


def _inner_by_hand(w: Weights, x: np.ndarray, q: np.ndarray) -> np.ndarray:
    inputs = [*x, *q, *(a - b for a, b in zip(x, q, strict=True))]
    inputs += [a * b for a, b in zip(x, q, strict=True)]
    return by_hand.layer(inputs, w, "inner")


def _weights_by_hand(
    unit: ActivationUnit, history: Tensor, query: Tensor, by: tuple | None = None
) -> np.ndarray:
    w = weights_of(unit)
    found = np.zeros((U, query.shape[1], L))
    for u in range(U):
        for c in range(query.shape[1]):
            scores = []
            for i in range(LENGTHS[u]):
                hidden = _inner_by_hand(w, numbers(history[u, i]), numbers(query[u, c]))
                scores += by_hand.layer(by_hand.dice(hidden, w, "dice.", by), w, "outer").tolist()
            found[u, c, : LENGTHS[u]] = by_hand.softmax(scores) if unit.softmax else scores
    return found


@pytest.mark.parametrize("cells", [1, 100_000])  # one candidate at a time, and all
@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("candidates", [1, 5, MANY])  # fewer than films watched, and more
def test_activation_unit_is_its_formula(
    candidates: int, softmax: bool, cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention_block, "CELLS", cells)
    unit = _unit(softmax)
    history, query = _draw_history(candidates)
    close(unit(history, _mask(), query), _weights_by_hand(unit, history, query), 3e-5)


def _in_loops(
    unit: ActivationUnit, lengths: tuple[int, ...], history: Tensor, query: Tensor
) -> tuple[Tensor, Tensor]:
    """Weights [U, C, L] of a step, one pair at a time, and what Dice reads of all pairs [pairs, h]."""
    users, places = history.shape[:2]
    pairs = {}
    for u in range(users):
        for c in range(query.shape[1]):
            for i in range(lengths[u]):
                x, q = history[u, i], query[u, c]
                pairs[u, c, i] = unit.inner.weight @ torch.cat([x, q, x - q, x * q])
    hidden = torch.stack(list(pairs.values())) + unit.inner.bias
    mean = sum(hidden) / len(pairs)
    variance = sum((row - mean) ** 2 for row in hidden) / len(pairs)
    scores = dict.fromkeys(pairs, hidden.new_zeros(()))
    for pair, row in zip(pairs, hidden, strict=True):
        p = torch.sigmoid((row - mean) / (variance + 1e-8).sqrt())
        scores[pair] = (
            unit.outer.weight[0] @ (p * row + (1 - p) * unit.dice.alpha * row) + unit.outer.bias[0]
        )
    weights = torch.zeros(users, query.shape[1], places, dtype=torch.double)
    for u in range(users):
        for c in range(query.shape[1]):
            own = [scores[u, c, i] for i in range(lengths[u])]
            if unit.softmax and own:
                total = sum(score.exp() for score in own)
                own = [score.exp() / total for score in own]
            for i, weight in enumerate(own):
                weights[u, c, i] = weight
    return weights, hidden


@pytest.mark.parametrize("cells", [1, 100_000])  # what would be weighed at once when answering
@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("lengths", [(5, 5, 5), (4, 1, 0, 3), (1, 1), (0, 2), (0, 5, 0)], ids=str)
@pytest.mark.parametrize(
    "candidates", [1, 4, 5, 6, 23]
)  # below, at and above the places of a history
def test_activation_unit_trains_as_pair_by_pair(
    candidates: int,
    lengths: tuple[int, ...],
    softmax: bool,
    cells: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One batch normalisation over all pairs of a film and a candidate, and over nothing else."""
    monkeypatch.setattr(attention_block, "CELLS", cells)
    monkeypatch.setattr(mlp_block, "_pieces", lambda x: cells)
    ours, plain = (_unit(softmax).double().train() for _ in range(2))
    before = {name: value.clone() for name, value in ours.dice.norm.named_buffers()}
    drawn = [normal(len(lengths), n, D, seed=n).double() for n in (5, candidates)]
    given, known = ([x.clone().requires_grad_() for x in drawn] for _ in range(2))
    found = ours(given[0], mask_of(lengths, 5), given[1])
    wanted, hidden = _in_loops(plain, lengths, *known)
    close(found, wanted, 1e-9)

    gradient = normal(*found.shape, seed=9).double()
    (found * gradient).sum().backward()
    (wanted * gradient).sum().backward()
    weights = [(a, b) for a, b in zip(ours.parameters(), plain.parameters(), strict=True)]
    for a, b in [*zip(given, known, strict=True), *weights]:
        close(a.grad, b.grad, 1e-9)

    mean, variance = (torch.from_numpy(m) for m in by_hand.moments(numbers(hidden)))
    running, count = ours.dice.norm, len(hidden)
    close(running.running_mean, 0.9 * before["running_mean"] + 0.1 * mean, 1e-9)
    unbiased = variance * count / (count - 1)
    close(running.running_var, 0.9 * before["running_var"] + 0.1 * unbiased, 1e-9)


@pytest.mark.parametrize("candidates", [2, MANY])
def test_activation_unit_does_not_learn_statistics_from_a_single_pair(candidates: int) -> None:
    """One film and one candidate have no variance; the same film and many have."""
    unit = _unit().train()
    history, query = _draw_history(candidates)
    before = unit.dice.norm.running_mean.clone()
    unit(history, mask_of((1, 0, 0, 0), L), query[:, :1])
    assert torch.equal(unit.dice.norm.running_mean, before)
    unit(history, mask_of((1, 0, 0, 0), L), query)
    assert not torch.equal(unit.dice.norm.running_mean, before)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("candidates", [2, MANY])
def test_padding_does_not_matter(candidates: int, softmax: bool, training: bool) -> None:
    history, query = _draw_history(candidates)
    other = torch.where(_mask().unsqueeze(-1), history, 100.0)
    first, second = _unit(softmax).train(training), _unit(softmax).train(training)
    torch.testing.assert_close(first(history, _mask(), query), second(other, _mask(), query))
    torch.testing.assert_close(first.dice.norm.running_mean, second.dice.norm.running_mean)
    torch.testing.assert_close(first.dice.norm.running_var, second.dice.norm.running_var)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("softmax", [False, True])
def test_empty_history_weighs_nothing_and_learns_nothing(softmax: bool, training: bool) -> None:
    unit = _unit(softmax).train(training)
    history, query = _draw_history(MANY)
    history.requires_grad_()
    weights = unit(history, mask_of((0, 0, 0, 0), L), query)
    assert (weights == 0).all()
    weights.sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in unit.parameters())
    assert history.grad is None or (history.grad == 0).all()
    assert unit.dice.norm.running_mean.isfinite().all()


@pytest.mark.parametrize("training", [False, True])
def test_softmax_gradient_is_finite_beside_an_empty_history(training: bool) -> None:
    unit = _unit(softmax=True).train(training)
    history, query = _draw_history(3)
    (unit(history, _mask(), query) * torch.arange(L)).sum().backward()
    assert all(p.grad.isfinite().all() for p in unit.parameters())
    assert unit.inner.weight.grad.abs().sum() > 0


def test_softmax_weights_sum_to_one() -> None:
    history, query = _draw_history(4)
    sums = _unit(softmax=True)(history, _mask(), query).sum(-1)
    close(sums, [[1.0 if length else 0.0] * 4 for length in LENGTHS])


def test_weights_depend_on_the_candidate() -> None:
    history, query = _draw_history(2)
    weights = _unit()(history, _mask(), query)
    assert (weights[0, 0] - weights[0, 1]).abs().max() > 0.01


# The basic ways to attend

KINDS = ("item", "user", "dot", "bilinear", "elementwise")
IN, PLACES = 3, 5
FILLED = (5, 2, 0, 1)
_real = partial(mask_of, FILLED, PLACES)


def _basic(kind: str, softmax: bool = True) -> BasicAttention:
    return draw(BasicAttention(kind, IN, hidden=6, softmax=softmax), seed=4, std=1.0)


def _basic_score(block: BasicAttention, x: np.ndarray, against: np.ndarray | None) -> float:
    if block.kind == "dot":
        return by_hand.dot(x, against)
    w = weights_of(block)
    if block.kind == "bilinear":  # xᵀ Wᵀ q, W as torch stores it: from x to q
        inner = w["inner.weight"]
        return sum(against[i] * inner[i, j] * x[j] for i in range(IN) for j in range(IN))
    inputs = x if block.kind == "item" else [a * b for a, b in zip(x, against, strict=True)]
    hidden = by_hand.sigmoid(by_hand.layer(inputs, w, "inner"))
    return by_hand.dot(w["outer.weight"][0], hidden)


def _against(kind: str, candidates: int = 5) -> Tensor | None:
    if kind == "item":
        return None
    return normal(U, 1 if kind == "user" else candidates, IN, seed=2)


@pytest.mark.parametrize("cells", [1, 100_000])
@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_basic_attention_is_its_formula(
    kind: str, softmax: bool, cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention_block, "CELLS", cells)
    block = _basic(kind, softmax)
    history, against = normal(U, PLACES, IN), _against(kind)
    found = block(history, _real(), against)
    count = 1 if against is None else against.shape[1]
    assert found.shape == (U, count, PLACES)
    for u, length in enumerate(FILLED):
        for c in range(count):
            q = None if against is None else numbers(against[u, c])
            scores = [_basic_score(block, numbers(history[u, i]), q) for i in range(length)]
            wanted = by_hand.softmax(scores) if softmax else scores
            close(found[u, c], [*wanted, *[0.0] * (PLACES - length)])
    assert found[0].std() > 0.02


@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_basic_attention_never_reads_padding(kind: str, softmax: bool) -> None:
    block = _basic(kind, softmax)
    history, against = normal(U, PLACES, IN).requires_grad_(), _against(kind)
    found = block(history, _real(), against)
    close(block(torch.where(_real().unsqueeze(-1), history, 40.0), _real(), against), found)
    (found * torch.arange(1, PLACES + 1)).sum().backward()
    assert (history.grad[~_real()] == 0).all()
    assert history.grad[0].abs().sum() > 0
    assert all(p.grad.isfinite().all() for p in block.parameters())


def test_basic_attention_refuses_an_unknown_way() -> None:
    with pytest.raises(ValueError, match=r"'general'.*item user dot bilinear elementwise"):
        BasicAttention("general", IN)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "item"])
def test_basic_attention_asks_for_what_films_are_held_against(kind: str) -> None:
    with pytest.raises(ValueError, match=kind):
        _basic(kind)(normal(U, PLACES, IN), _real())


@pytest.mark.parametrize("softmax", [False, True])
def test_normalised_is_zero_at_padding(softmax: bool) -> None:
    scores = normal(U, 3, PLACES) * 4
    found = normalised(scores, _real(), softmax)
    for u, length in enumerate(FILLED):
        for c in range(3):
            real = scores[u, c, :length].tolist()
            wanted = by_hand.softmax(real) if softmax else real
            close(found[u, c], [*wanted, *[0.0] * (PLACES - length)])
