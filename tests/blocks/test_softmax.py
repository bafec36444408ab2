"""The loss over all films against torch's own and against a plain loop, whatever the pieces."""

from __future__ import annotations

import math

import pytest
import torch
from by_hand import close, normal

from recdemo.blocks import softmax
from recdemo.blocks.softmax import catalogue_loss

FILMS, WIDTH, ROWS = 11, 4, 7


def _picked(rows: int = ROWS) -> torch.Tensor:
    return torch.randint(1, FILMS + 1, (rows,), generator=torch.Generator().manual_seed(3))


def test_it_is_the_chance_of_the_film_among_all() -> None:
    visitors, films, picked = normal(ROWS, WIDTH), normal(FILMS + 1, WIDTH, seed=1), _picked()
    total = 0.0
    for visitor, film in zip(visitors, picked.tolist(), strict=True):
        scores = [float(visitor @ films[other]) for other in range(1, FILMS + 1)]
        total -= scores[film - 1] - math.log(sum(map(math.exp, scores)))
    assert float(catalogue_loss(visitors, films, picked)) == pytest.approx(total / ROWS, rel=1e-5)


@pytest.mark.parametrize("cells", [1, 3 * FILMS, 10**6])
def test_gradients_are_those_of_torch_in_pieces_of_any_size(
    cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(softmax, "CELLS", cells)
    visitors = (50 * normal(ROWS, WIDTH)).requires_grad_()  # large enough to overflow an exponent
    films, picked = normal(FILMS + 1, WIDTH, seed=1).requires_grad_(), _picked()
    ours = catalogue_loss(visitors, films, picked)
    theirs = torch.nn.functional.cross_entropy(visitors @ films[1:].T, picked - 1)
    close(ours.detach(), theirs.detach())
    for found, wanted in zip(
        torch.autograd.grad(3 * ours, (visitors, films)),
        torch.autograd.grad(3 * theirs, (visitors, films)),
        strict=True,
    ):
        close(found, wanted)
        assert found.abs().sum() > 0


def test_row_zero_is_no_film() -> None:
    films = normal(FILMS + 1, WIDTH, seed=1)
    other = films.clone()
    other[0] = 100.0
    visitors, picked = normal(ROWS, WIDTH), _picked()
    assert catalogue_loss(visitors, films, picked) == catalogue_loss(visitors, other, picked)


def test_no_rows_cost_nothing() -> None:
    visitors, films = torch.empty(0, WIDTH, requires_grad=True), normal(FILMS + 1, WIDTH)
    films.requires_grad_()
    loss = catalogue_loss(visitors, films, _picked(0))
    loss.backward()
    assert loss == 0
    assert films.grad is not None
    assert (films.grad == 0).all()
