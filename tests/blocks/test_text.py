"""The convolution over a title's words, against torch's own."""

from __future__ import annotations

import torch
from torch import Tensor

from recdemo.blocks.text import LearnedText, TextCNN, _Largest
from recdemo.core.batch import Pieces

WORDS, DIM = 10, 6


def _titles() -> Tensor:
    """[N, words, d]: of every length, no word, an unknown word in between, and a pair of words that comes twice."""
    words = torch.randn(WORDS + 3, WORDS, DIM, generator=torch.Generator().manual_seed(0))
    for length in range(WORDS + 1):
        words[length, length:] = 0
    words[WORDS + 1, 1] = 0
    words[WORDS + 2, 2:4] = words[WORDS + 2, :2]
    return words


def test_it_is_the_convolution_of_torch_and_so_are_its_gradients() -> None:
    torch.manual_seed(1)
    block, words = TextCNN(DIM, filters=7), _titles()
    wanted = torch.cat([c(words.transpose(1, 2)).amax(2) for c in block.convolutions], dim=1)
    found = block(words)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    ask = torch.randn(found.shape, generator=torch.Generator().manual_seed(2))
    parameters = list(block.parameters())
    for ours, theirs in zip(
        torch.autograd.grad(found, parameters, ask),
        torch.autograd.grad(wanted, parameters, ask),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_titles_are_read_alone() -> None:
    torch.manual_seed(1)
    block, words = TextCNN(DIM, filters=7), _titles()
    alone = torch.cat([block(title.unsqueeze(0)) for title in words])
    torch.testing.assert_close(block(words), alone, atol=1e-5, rtol=1e-5)


def test_the_largest_of_each_group_is_that_of_torch() -> None:
    """Also where several are equally large, or the floor is larger, or a group is empty."""
    values = torch.tensor([[1.0, 2.0], [3.0, 2.0], [3.0, -1.0], [-5.0, 4.0]], requires_grad=True)
    group, floor = torch.tensor([0, 0, 0, 2]), torch.tensor([[-9.0], [-9.0], [-1.0]]).expand(3, 2)
    ask = torch.tensor([[6.0, 10.0], [100.0, 100.0], [7.0, 8.0]])
    found = _Largest.apply(values, group, floor)
    assert found.tolist() == [[3, 2], [-9, -9], [-1, 4]]
    (gradient,) = torch.autograd.grad(found, values, ask)
    assert gradient.tolist() == [[0, 5], [3, 5], [3, 0], [0, 8]]
    places = group.unsqueeze(1).expand_as(values)
    theirs = floor.scatter_reduce(0, places, values, "amax")
    assert torch.equal(found, theirs)
    assert torch.equal(gradient, torch.autograd.grad(theirs, values, ask)[0])


def test_learned_text_is_a_weighted_sum_of_pieces_and_learns_by_it() -> None:
    torch.manual_seed(0)
    known = torch.randn(4, DIM)
    pieces = Pieces(
        count=3,
        ids=torch.tensor([2, 0, 1, 2]),
        weights=torch.tensor([0.5, 2.0, 1.0, -1.0]),
        starts=torch.tensor([0, 0, 2, 2]),
    )
    block = LearnedText(known, pieces, size=1.0)
    rows = [[], [(2, 0.5), (0, 2.0)], [], [(1, 1.0), (2, -1.0)]]
    with torch.no_grad():
        for found, start, row in zip(block(), known, rows, strict=True):
            wanted = start + sum(weight * block.table[piece] for piece, weight in row)
            torch.testing.assert_close(found, wanted)
    block()[1].sum().backward()
    assert block.table.grad[:, 0].tolist() == [2.0, 0.0, 0.5]
    assert list(block.state_dict()) == ["table"]


def test_before_training_a_sum_has_the_size_asked_for() -> None:
    torch.manual_seed(0)
    many = Pieces(
        count=2000,
        ids=torch.arange(2000),
        weights=torch.full((2000,), 0.5),
        starts=torch.arange(0, 2000, 4),
    )
    lengths = LearnedText(torch.zeros(500, 128), many, size=3.0)().norm(dim=1)
    assert 2.9 < lengths.mean() < 3.1
