"""Dense layers: MLPs, Dice, and the dropout that candidates share."""

from __future__ import annotations

import by_hand
import numpy as np
import pytest
import torch
from by_hand import close, draw, moments, normal, numbers, own_candidates, weights_of
from torch import Tensor, nn

from recdemo.blocks import mlp as mlp_block
from recdemo.blocks.mlp import MLP, Dice, PlaceDropout, SharedDropout, TwoSidedMLP, _DiceScores
from recdemo.core.session import Session
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema

# Dice


def _some_dice() -> Dice:
    dice = draw(Dice(4), seed=5)
    dice.norm.running_mean.copy_(torch.tensor([0.5, -1.0, 0.0, 2.0]))
    dice.norm.running_var.copy_(torch.tensor([0.3, 1.0, 4.0, 2.0]))
    return dice


def test_dice_learns_one_alpha_per_channel() -> None:
    dice = Dice(4)
    assert [name for name, _ in dice.named_parameters()] == ["alpha"]  # the norm is not affine
    assert dice.alpha.shape == (4,)
    torch.manual_seed(0)
    dice(torch.randn(6, 4)).sum().backward()
    assert (dice.alpha.grad != 0).all()


@pytest.mark.parametrize("rows", [1, 7])
def test_dice_answers_from_running_statistics(rows: int) -> None:
    dice = _some_dice()
    x = torch.randn(rows, 4, generator=torch.Generator().manual_seed(1)) * 2
    before = [dice.norm.running_mean.clone(), dice.norm.running_var.clone()]
    w = weights_of(dice)
    close(dice(x), [by_hand.dice(row, w, "") for row in numbers(x)])
    assert torch.equal(dice.norm.running_mean, before[0])
    assert torch.equal(dice.norm.running_var, before[1])


def test_dice_trains_on_batch_statistics_and_keeps_a_running_mean() -> None:
    dice = _some_dice().train()
    x = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(1)) * 2 + 1
    w = weights_of(dice)
    mean, variance = moments(numbers(x).reshape(10, 4))
    wanted = [[by_hand.dice(row, w, "", (mean, variance)) for row in rows] for rows in numbers(x)]
    close(dice(x), wanted)
    close(dice.norm.running_mean, 0.9 * w["norm.running_mean"] + 0.1 * mean)
    close(dice.norm.running_var, 0.9 * w["norm.running_var"] + 0.1 * variance * 10 / 9)


def test_dice_trains_on_a_batch_of_one() -> None:
    dice = _some_dice().train()
    x = torch.tensor([[1.0, -2.0, 0.5, 3.0]])
    w = weights_of(dice)
    close(dice(x), [by_hand.dice(row, w, "") for row in numbers(x)])
    close(dice.norm.running_mean, w["norm.running_mean"])


@pytest.mark.parametrize("pieces", [1, 5, 24, 100])  # rows of 24 gone through at once
def test_dice_scores_and_learns_from_the_rows_that_count_as_from_these_alone(
    pieces: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlp_block, "_pieces", lambda x: pieces)
    torch.manual_seed(0)
    x = torch.randn(4, 6, 3) * 2 + 1
    counts = torch.rand(4, 6) < 0.7
    ours, theirs = (draw(Dice(3), seed=5).train() for _ in range(2))
    outer, plain = (draw(nn.Linear(3, 1), seed=6) for _ in range(2))
    some, all_of_them = x.clone().requires_grad_(), x[counts].requires_grad_()
    found, wanted = ours.scores(some, counts, outer)[counts], plain(theirs(all_of_them))
    close(found.detach(), wanted.detach())
    for name in ("running_mean", "running_var"):
        close(getattr(ours.norm, name), getattr(theirs.norm, name))
    weights = torch.randn(wanted.shape)
    (found * weights).sum().backward()
    (wanted * weights).sum().backward()
    close(some.grad[counts], all_of_them.grad)
    assert (some.grad[~counts] == 0).all()
    close(ours.alpha.grad, theirs.alpha.grad)
    close(outer.weight.grad, plain.weight.grad)
    close(outer.bias.grad, plain.bias.grad)
    assert torch.equal(ours.eval().scores(x, counts, outer), outer(ours(x)))


def test_dice_s_gradient_is_that_of_small_differences() -> None:
    torch.manual_seed(0)
    x = torch.randn(6, 3, dtype=torch.double, requires_grad=True)
    counts = torch.tensor([1, 1, 0, 1, 1, 1], dtype=torch.double)
    alpha, weight = (torch.randn(3, dtype=torch.double, requires_grad=True) for _ in range(2))

    def scores(x: Tensor, alpha: Tensor, weight: Tensor) -> Tensor:
        return _DiceScores.apply(x, counts, alpha, weight, 1e-8)[0] * counts

    assert torch.autograd.gradcheck(scores, (x, alpha, weight))


@pytest.mark.parametrize("mean", [0.0, 100.0])
def test_dice_s_statistics_are_exact_over_as_many_rows_as_a_step_has(mean: float) -> None:
    """Half a million pairs of a film and a candidate, whose mean may be far from zero."""
    x = normal(500_000, 2) * 0.5 + mean
    counts = torch.arange(len(x)) % 3 > 0
    dice = draw(Dice(2)).train()
    with torch.no_grad():
        dice.scores(x, counts, nn.Linear(2, 1))
    real = x[counts].double()
    close(dice.norm.running_mean, 0.1 * real.mean(0).float(), 1e-5)
    close(dice.norm.running_var, 0.9 + 0.1 * real.var(0).float(), 1e-5)


def test_dice_does_not_learn_from_a_single_row() -> None:
    dice, x, outer = Dice(2).train(), torch.randn(3, 2), nn.Linear(2, 1)
    found = dice.scores(x, torch.tensor([True, False, False]), outer)
    assert torch.equal(dice.norm.running_mean, torch.zeros(2))
    close(found.detach(), outer(dice.eval()(x)).detach())


# MLPs


@pytest.mark.parametrize("hidden", [(), (6,), (6, 3, 4)])
def test_mlp_is_linear_and_relu_in_turn(hidden: tuple[int, ...]) -> None:
    mlp = draw(MLP(4, hidden, 2))
    x = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(1))
    assert [m.out_features for m in mlp.layers if isinstance(m, nn.Linear)] == [*hidden, 2]
    w = weights_of(mlp)
    close(mlp(x), [[by_hand.mlp(row, w, "") for row in rows] for rows in numbers(x)])


@pytest.mark.parametrize("dropout", [0.0, 0.2, 0.7])
def test_mlp_drops_its_share_of_units_in_training_only(dropout: float) -> None:
    mlp = MLP(4, [2000], activation=lambda _: nn.Identity(), dropout=dropout)
    hidden = mlp.layers[:-1]
    torch.manual_seed(0)
    x = torch.randn(1, 4)
    share = (hidden.train()(x) == 0).float().mean().item()
    assert share == pytest.approx(dropout, abs=0.05)
    assert (hidden.eval()(x) != 0).all()


@pytest.mark.parametrize("hidden", [(6,), (6, 3)])
def test_two_sides_equal_one_mlp_over_both(
    hidden: tuple[int, ...], schema: Schema, sessions: list[Session]
) -> None:
    mlp = draw(TwoSidedMLP(4, 3, hidden))
    candidates = own_candidates(schema, len(sessions), 5)
    user, catalogue = torch.randn(len(sessions), 4), torch.randn(schema.size + 1, 3)
    found = mlp(user, catalogue, encode(schema, sessions, candidates))
    w = weights_of(mlp)
    wanted = np.zeros((len(sessions), 5))
    for u, films in enumerate(candidates.tolist()):
        for c, film in enumerate(films):
            x = [*numbers(user[u]), *numbers(catalogue[film])]
            (wanted[u, c],) = by_hand.two_sided(x, w, "")
    close(found, wanted)


# Dropout that candidates share


@pytest.mark.parametrize("share", [0.2, 0.7])
def test_shared_dropout_drops_the_same_units_for_all_candidates(share: float) -> None:
    dropout = SharedDropout(share).train()
    torch.manual_seed(0)
    x = normal(30, 4, 200) + 5
    kept = dropout(x) != 0
    assert (kept == kept[:, :1]).all()
    assert (kept[0, 0] != kept[1, 0]).any()  # another user, other units
    assert (~kept).float().mean().item() == pytest.approx(share, abs=0.03)
    again, dropped = dropout(x), round(256 * share) / 256  # one random byte decides
    # What is kept makes up for the rest.
    close(again, torch.where(again != 0, x / (1 - dropped), 0.0))
    assert again.mean().item() == pytest.approx(x.mean().item(), rel=0.05)
    assert ((again != 0) != kept).any()  # another step, other units


def test_shared_dropout_of_plain_rows_and_of_more_dimensions() -> None:
    dropout = SharedDropout(0.5).train()
    torch.manual_seed(0)
    rows = dropout(torch.ones(50, 40)) != 0
    assert (rows[0] != rows[1]).any()
    assert 0 < rows.float().mean() < 1
    deeper = dropout(torch.ones(3, 4, 5, 40)) != 0
    assert (deeper == deeper[:, :1, :1]).all()


def test_shared_dropout_is_off_in_evaluation_and_at_zero() -> None:
    x = normal(3, 4, 5)
    assert SharedDropout(0.9).eval()(x) is x
    assert SharedDropout(0.0).train()(x) is x


def test_mlp_shares_its_dropout_among_candidates() -> None:
    mlp = MLP(4, [300], activation=lambda _: nn.Identity(), dropout=0.5).train()
    torch.manual_seed(0)
    kept = mlp.layers[:-1](normal(2, 3, 4)) != 0
    assert (kept == kept[:, :1]).all()
    assert (kept[0, 0] != kept[1, 0]).any()


def test_dropout_draws_for_every_place() -> None:
    torch.manual_seed(0)
    x = torch.ones(20, 30, 40)
    kept = PlaceDropout(0.25).train()(x)
    close(kept[kept != 0], torch.full_like(kept[kept != 0], 4 / 3))
    dropped = (kept == 0).float()
    for over in (0, 1, 2):  # neither a row, nor a place, nor a unit is dropped as a whole
        assert dropped.mean(over).max() < 0.8
    assert dropped.mean().item() == pytest.approx(0.25, abs=0.01)
    close(PlaceDropout(0.25).eval()(x), x)
