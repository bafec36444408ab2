"""Recurrence over films watched, step by step, and the GRU that listens to attention."""

from __future__ import annotations

from functools import partial

import by_hand
import numpy as np
import pytest
import torch
from by_hand import close, draw, mask_of, normal, numbers, sigmoid, weights_of
from torch import Tensor, nn

from recdemo.blocks import recurrent as recurrent_block
from recdemo.blocks.recurrent import AUGRU, Recurrence, last_of

CELLS = ("rnn", "gru", "lstm")
U, L, IN, H = 4, 5, 3, 4
LENGTHS = (5, 2, 0, 1)
_mask = partial(mask_of, LENGTHS, L)


# Recurrence


def _read_by_hand(kind: str, layer: nn.RNNBase, x: np.ndarray) -> tuple[np.ndarray, list]:
    """A cell over one sequence [n, in] from a state of zeros: states [n, h], and (h,) or (h, c) at the end."""
    w_x, w_h = numbers(layer.weight_ih_l0), numbers(layer.weight_hh_l0)
    b_x, b_h = numbers(layer.bias_ih_l0), numbers(layer.bias_hh_l0)
    size = w_h.shape[1]
    h, c, states = np.zeros(size), np.zeros(size), []
    for step in x:
        given, kept = w_x @ step + b_x, w_h @ h + b_h
        if kind == "rnn":
            h = np.tanh(given + kept)
        elif kind == "gru":
            given, kept = given.reshape(3, size), kept.reshape(3, size)
            r, z = sigmoid(given[0] + kept[0]), sigmoid(given[1] + kept[1])
            h = (1 - z) * np.tanh(given[2] + r * kept[2]) + z * h
        else:
            i, f, g, o = (given + kept).reshape(4, size)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.array(states).reshape(-1, size), [h, c] if kind == "lstm" else [h]


@pytest.mark.parametrize("kind", CELLS)
def test_recurrence_is_its_cell_step_by_step(kind: str) -> None:
    block = draw(Recurrence(kind, IN, H))
    x, after = normal(U, L, IN), normal(U, IN, seed=2)
    states = block.states(x, _mask())
    final = block.final(x, _mask())
    stepped = block.step(after, final)
    assert len(final) == (2 if kind == "lstm" else 1)
    for u, length in enumerate(LENGTHS):
        read = numbers(x[u, :length])
        wanted, end = _read_by_hand(kind, block.layer, read)
        close(states[u, :length], wanted)
        assert (states[u, length:] == 0).all()
        for part, at_the_end in zip(final, end, strict=True):
            close(part[u], at_the_end)
        one_more, _ = _read_by_hand(kind, block.layer, np.vstack([read, numbers(after[u])]))
        close(stepped[u], one_more[-1])
    assert states[0].std() > 0.05


@pytest.mark.parametrize("kind", CELLS)
def test_recurrence_is_the_cell_of_torch(kind: str) -> None:
    block = draw(Recurrence(kind, IN, H))
    cell = {"rnn": nn.RNNCell, "gru": nn.GRUCell, "lstm": nn.LSTMCell}[kind](IN, H)
    cell.load_state_dict(
        {n.removesuffix("_l0"): value for n, value in block.layer.state_dict().items()}
    )
    x = normal(U, L, IN)
    state, wanted = None, []
    for t in range(L):
        state = cell(x[:, t], state)
        wanted.append(state[0] if kind == "lstm" else state)
    close(block.states(x, torch.ones(U, L, dtype=torch.bool)), torch.stack(wanted, 1))


@pytest.mark.parametrize("kind", CELLS)
def test_recurrence_never_reads_padding(kind: str) -> None:
    block = draw(Recurrence(kind, IN, H))
    mask = _mask()
    x = normal(U, L, IN).requires_grad_()
    other = torch.where(mask.unsqueeze(-1), x, 50.0)
    longer = torch.cat([x, torch.full((U, 3, IN), 50.0)], dim=1)
    mask_longer = torch.cat([mask, torch.zeros(U, 3, dtype=torch.bool)], dim=1)
    close(block.states(other, mask), block.states(x, mask))
    close(block.states(longer, mask_longer)[:, :L], block.states(x, mask))
    final = block.final(x, mask)
    for part, changed, extended in zip(
        final, block.final(other, mask), block.final(longer, mask_longer), strict=True
    ):
        close(changed, part)
        close(extended, part)
    (block.states(x, mask).sum() + sum(part.sum() for part in final)).backward()
    assert (x.grad[~mask] == 0).all()
    assert (x.grad[mask] != 0).any()
    assert all(p.grad.isfinite().all() for p in block.parameters())


@pytest.mark.parametrize("kind", CELLS)
def test_recurrence_of_nothing_is_zero(kind: str) -> None:
    block = draw(Recurrence(kind, IN, H))
    nothing = torch.zeros(2, L, dtype=torch.bool)
    assert (block.states(normal(2, L, IN), nothing) == 0).all()
    for part in block.final(normal(2, L, IN), nothing):
        assert part.shape == (2, H)
        assert (part == 0).all()


def test_lstm_step_reads_its_memory() -> None:
    block = draw(Recurrence("lstm", IN, H))
    x, state, memory = normal(U, IN), normal(U, H, seed=2), normal(U, H, seed=3)
    cell = nn.LSTMCell(IN, H)
    cell.load_state_dict(
        {n.removesuffix("_l0"): value for n, value in block.layer.state_dict().items()}
    )
    close(block.step(x, (state, memory)), cell(x, (state, memory))[0])


def test_recurrence_refuses_an_unknown_cell() -> None:
    with pytest.raises(ValueError, match=r"'gruu'.*rnn gru lstm"):
        Recurrence("gruu", IN, H)


def test_last_of_picks_the_last_film() -> None:
    states = normal(U, L, H)
    wanted = [states[0, 4], states[1, 1], torch.zeros(H), states[3, 0]]
    assert torch.equal(last_of(states, _mask()), torch.stack(wanted))


# A GRU that listens to attention


def _attention(candidates: int) -> Tensor:
    """[U, C, L], zero at padding."""
    weights = torch.rand(U, candidates, L, generator=torch.Generator().manual_seed(8))
    return weights * _mask().unsqueeze(1)


@pytest.mark.parametrize("chunk", [2, 512])
@pytest.mark.parametrize("candidates", [1, 5])
def test_augru_is_its_formula(candidates: int, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrent_block, "CHUNK", chunk)
    block = draw(AUGRU(IN, H), std=1.0)
    x, attention = normal(U, L, IN), _attention(candidates)
    found, gates = block(x, attention), block.update_gates(x, attention)
    assert found.shape == (U, candidates, H)
    assert gates.shape == (U, candidates, L)
    w = weights_of(block)
    for u in range(U):
        for c in range(candidates):
            state, moved = by_hand.augru(numbers(x[u]), numbers(attention[u, c]), w)
            close(found[u, c], state)
            close(gates[u, c], moved)
    assert (gates[2] == 0).all()  # nothing watched, nothing moved
    assert found[0].std() > 0.1


def test_augru_without_attention_stays_as_it_is() -> None:
    block = draw(AUGRU(IN, H), std=1.0)
    x, attention = normal(U, L, IN), _attention(3)
    assert (block(x, torch.zeros_like(attention)) == 0).all()
    attention[:, :, 1] = 0.0  # the second film goes unseen, as if it were not there
    kept = [0, 2, 3, 4]
    close(block(x, attention), block(x[:, kept], attention[..., kept]))


def test_augru_under_full_attention_is_a_gru() -> None:
    """Torch's update gate says how much is kept, the paper's how much is new: σ(−x) = 1 − σ(x)."""
    block = draw(AUGRU(IN, H), std=1.0)
    turn = torch.tensor([1.0, -1.0, 1.0]).repeat_interleave(H)
    cell = nn.GRU(IN, H, batch_first=True)
    cell.load_state_dict(
        {
            "weight_ih_l0": block.from_input.weight * turn.unsqueeze(1),
            "weight_hh_l0": block.from_state.weight * turn.unsqueeze(1),
            "bias_ih_l0": block.from_input.bias * turn,
            "bias_hh_l0": block.from_state.bias * turn,
        }
    )
    x = normal(U, L, IN)
    close(block(x, torch.ones(U, 1, L)).squeeze(1), cell(x)[1][0])
