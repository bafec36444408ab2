"""The blocks that read a history, against plain loops and against reference implementations."""

from __future__ import annotations

import importlib
import importlib.util
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from recdemo.blocks import attention as attention_block
from recdemo.blocks import recurrent as recurrent_block
from recdemo.blocks.attention import ActivationUnit, BasicAttention, normalised
from recdemo.blocks.head import InterestHead
from recdemo.blocks.history import FilmEmbedding, next_film_loss, pooled
from recdemo.blocks.mlp import MLP, SharedDropout
from recdemo.blocks.recurrent import AUGRU, Recurrence, last_of
from recdemo.blocks.transformer import (
    DecoderLayer,
    EncoderLayer,
    MultiHeadAttention,
    Positions,
    causal,
    distance_from_end,
    sinusoidal_positions,
)
from recdemo.contracts import Session
from recdemo.features import Schema, encode

CELLS = ("rnn", "gru", "lstm")
U, L, IN, H = 4, 5, 3, 4
LENGTHS = (5, 2, 0, 1)


def _draw(module: nn.Module, seed: int = 0, std: float = 0.5) -> Any:
    """Weights far from zero, so that a wrong term shows."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for value in module.parameters():
            value.normal_(std=std)
    return module.eval()


def _numbers(tensor: Tensor) -> np.ndarray:
    return tensor.detach().double().numpy()


def _close(found: Tensor, wanted: object, tolerance: float = 1e-5) -> None:
    if not isinstance(wanted, Tensor):
        wanted = torch.as_tensor(np.asarray(wanted), dtype=torch.float32)
    assert found.shape == wanted.shape
    torch.testing.assert_close(found.detach(), wanted.detach(), atol=tolerance, rtol=tolerance)


def _normal(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _mask(lengths: tuple[int, ...] = LENGTHS, length: int = L) -> Tensor:
    return torch.arange(length) < torch.tensor(lengths).unsqueeze(1)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _softmax(scores: list[float]) -> list[float]:
    powers = [math.exp(s) for s in scores]
    return [p / sum(powers) for p in powers]


# Recurrence


def _read_by_hand(kind: str, layer: nn.RNNBase, x: np.ndarray) -> tuple[np.ndarray, list]:
    """A cell over one sequence [n, in] from a state of zeros: states [n, h], and (h,) or (h, c) at the end."""
    w_x, w_h = _numbers(layer.weight_ih_l0), _numbers(layer.weight_hh_l0)
    b_x, b_h = _numbers(layer.bias_ih_l0), _numbers(layer.bias_hh_l0)
    size = w_h.shape[1]
    h, c, states = np.zeros(size), np.zeros(size), []
    for step in x:
        given, kept = w_x @ step + b_x, w_h @ h + b_h
        if kind == "rnn":
            h = np.tanh(given + kept)
        elif kind == "gru":
            given, kept = given.reshape(3, size), kept.reshape(3, size)
            r, z = _sigmoid(given[0] + kept[0]), _sigmoid(given[1] + kept[1])
            h = (1 - z) * np.tanh(given[2] + r * kept[2]) + z * h
        else:
            i, f, g, o = (given + kept).reshape(4, size)
            c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
            h = _sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.array(states).reshape(-1, size), [h, c] if kind == "lstm" else [h]


@pytest.mark.parametrize("kind", CELLS)
def test_recurrence_is_its_cell_step_by_step(kind: str) -> None:
    block = _draw(Recurrence(kind, IN, H))
    x, after = _normal(U, L, IN), _normal(U, IN, seed=2)
    states = block.states(x, _mask())
    final = block.final(x, _mask())
    stepped = block.step(after, final)
    assert len(final) == (2 if kind == "lstm" else 1)
    for u, length in enumerate(LENGTHS):
        read = _numbers(x[u, :length])
        wanted, end = _read_by_hand(kind, block.layer, read)
        _close(states[u, :length], wanted)
        assert (states[u, length:] == 0).all()
        for part, by_hand in zip(final, end, strict=True):
            _close(part[u], by_hand)
        one_more, _ = _read_by_hand(kind, block.layer, np.vstack([read, _numbers(after[u])]))
        _close(stepped[u], one_more[-1])
    assert states[0].std() > 0.05


@pytest.mark.parametrize("kind", CELLS)
def test_recurrence_is_the_cell_of_torch(kind: str) -> None:
    block = _draw(Recurrence(kind, IN, H))
    cell = {"rnn": nn.RNNCell, "gru": nn.GRUCell, "lstm": nn.LSTMCell}[kind](IN, H)
    cell.load_state_dict(
        {n.removesuffix("_l0"): value for n, value in block.layer.state_dict().items()}
    )
    x = _normal(U, L, IN)
    state, wanted = None, []
    for t in range(L):
        state = cell(x[:, t], state)
        wanted.append(state[0] if kind == "lstm" else state)
    _close(block.states(x, torch.ones(U, L, dtype=torch.bool)), torch.stack(wanted, 1))


@pytest.mark.parametrize("kind", CELLS)
def test_recurrence_never_reads_padding(kind: str) -> None:
    block = _draw(Recurrence(kind, IN, H))
    mask = _mask()
    x = _normal(U, L, IN).requires_grad_()
    other = torch.where(mask.unsqueeze(-1), x, 50.0)
    longer = torch.cat([x, torch.full((U, 3, IN), 50.0)], dim=1)
    mask_longer = torch.cat([mask, torch.zeros(U, 3, dtype=torch.bool)], dim=1)
    _close(block.states(other, mask), block.states(x, mask))
    _close(block.states(longer, mask_longer)[:, :L], block.states(x, mask))
    final = block.final(x, mask)
    for part, changed, extended in zip(
        final, block.final(other, mask), block.final(longer, mask_longer), strict=True
    ):
        _close(changed, part)
        _close(extended, part)
    (block.states(x, mask).sum() + sum(part.sum() for part in final)).backward()
    assert (x.grad[~mask] == 0).all()
    assert (x.grad[mask] != 0).any()
    assert all(p.grad.isfinite().all() for p in block.parameters())


@pytest.mark.parametrize("kind", CELLS)
def test_recurrence_of_nothing_is_zero(kind: str) -> None:
    block = _draw(Recurrence(kind, IN, H))
    nothing = torch.zeros(2, L, dtype=torch.bool)
    assert (block.states(_normal(2, L, IN), nothing) == 0).all()
    for part in block.final(_normal(2, L, IN), nothing):
        assert part.shape == (2, H)
        assert (part == 0).all()


def test_lstm_step_reads_its_memory() -> None:
    block = _draw(Recurrence("lstm", IN, H))
    x, state, memory = _normal(U, IN), _normal(U, H, seed=2), _normal(U, H, seed=3)
    cell = nn.LSTMCell(IN, H)
    cell.load_state_dict(
        {n.removesuffix("_l0"): value for n, value in block.layer.state_dict().items()}
    )
    _close(block.step(x, (state, memory)), cell(x, (state, memory))[0])


def test_recurrence_refuses_an_unknown_cell() -> None:
    with pytest.raises(ValueError, match=r"'gruu'.*rnn gru lstm"):
        Recurrence("gruu", IN, H)


def test_last_of_picks_the_last_film() -> None:
    states = _normal(U, L, H)
    wanted = [states[0, 4], states[1, 1], torch.zeros(H), states[3, 0]]
    assert torch.equal(last_of(states, _mask()), torch.stack(wanted))


# A GRU that listens to attention


def _augru_by_hand(
    block: AUGRU, x: np.ndarray, attention: np.ndarray
) -> tuple[np.ndarray, list[float]]:
    """The last state, and how far each film moved it."""
    parts = [
        _numbers(value).reshape(3, H, -1)
        for layer in (block.from_input, block.from_state)
        for value in (layer.weight, layer.bias)
    ]
    w_x, b_x, w_h, b_h = parts
    state, moved = np.zeros(H), []
    for step, weight in zip(x, attention, strict=True):
        given = [w_x[g] @ step + b_x[g, :, 0] for g in range(3)]
        r = _sigmoid(given[0] + w_h[0] @ state + b_h[0, :, 0])
        u = _sigmoid(given[1] + w_h[1] @ state + b_h[1, :, 0])
        new = np.tanh(given[2] + r * (w_h[2] @ state + b_h[2, :, 0]))
        u = weight * u
        state = (1 - u) * state + u * new
        moved.append(float(np.mean(u)))
    return state, moved


def _attention(candidates: int, mask: Tensor | None = None) -> Tensor:
    """[U, C, L], zero at padding."""
    weights = torch.rand(U, candidates, L, generator=torch.Generator().manual_seed(8))
    return weights * (_mask() if mask is None else mask).unsqueeze(1)


@pytest.mark.parametrize("chunk", [2, 512])
@pytest.mark.parametrize("candidates", [1, 5])
def test_augru_is_its_formula(candidates: int, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrent_block, "CHUNK", chunk)
    block = _draw(AUGRU(IN, H), std=1.0)
    x, attention = _normal(U, L, IN), _attention(candidates)
    found, gates = block(x, attention), block.update_gates(x, attention)
    assert found.shape == (U, candidates, H)
    assert gates.shape == (U, candidates, L)
    for u in range(U):
        for c in range(candidates):
            state, moved = _augru_by_hand(block, _numbers(x[u]), _numbers(attention[u, c]))
            _close(found[u, c], state)
            _close(gates[u, c], moved)
    assert (gates[2] == 0).all()  # nothing watched, nothing moved
    assert found[0].std() > 0.1


def test_augru_without_attention_stays_as_it_is() -> None:
    block = _draw(AUGRU(IN, H), std=1.0)
    x, attention = _normal(U, L, IN), _attention(3)
    assert (block(x, torch.zeros_like(attention)) == 0).all()
    attention[:, :, 1] = 0.0  # the second film goes unseen, as if it were not there
    kept = [0, 2, 3, 4]
    _close(block(x, attention), block(x[:, kept], attention[..., kept]))


def test_augru_under_full_attention_is_a_gru() -> None:
    """Torch's update gate says how much is kept, the paper's how much is new: σ(−x) = 1 − σ(x)."""
    block = _draw(AUGRU(IN, H), std=1.0)
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
    x = _normal(U, L, IN)
    _close(block(x, torch.ones(U, 1, L)).squeeze(1), cell(x)[1][0])


@pytest.fixture(scope="module")
def deepctr() -> Iterator[ModuleType]:
    """The layers of DeepCTR-Torch, without the package itself: it asks PyPI for news when imported."""
    name = "deepctr_torch"
    spec = importlib.util.find_spec(name)
    if spec is None:
        pytest.skip("deepctr-torch is not installed; pip install -r requirements-dev.txt")
    before = {n: module for n, module in sys.modules.items() if n.split(".")[0] == name}
    package = ModuleType(name)
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules[name] = package
    yield importlib.import_module(f"{name}.layers")
    for loaded in [n for n in sys.modules if n.split(".")[0] == name]:
        del sys.modules[loaded]
    sys.modules.update(before)


def test_augru_is_that_of_deepctr(deepctr: ModuleType) -> None:
    block = _draw(AUGRU(IN, H), std=1.0)
    cell = deepctr.sequence.AUGRUCell(IN, H)
    # Set one by one: as it is made, one tensor of theirs stands under the names of both biases.
    cell.weight_ih, cell.bias_ih = block.from_input.weight, block.from_input.bias
    cell.weight_hh, cell.bias_hh = block.from_state.weight, block.from_state.bias
    x, attention = _normal(U, L, IN), _attention(3)
    found = block(x, attention)
    for c in range(3):
        state = torch.zeros(U, H)
        for t in range(L):
            state = cell(x[:, t], state, attention[:, c, t])
        _close(found[:, c], state)


@pytest.mark.parametrize("candidates", [3, 40])
def test_activation_unit_is_that_of_deepctr(candidates: int, deepctr: ModuleType) -> None:
    """Theirs reads [q, x, q − x, q ⊙ x], ours [x, q, x − q, x ⊙ q]."""
    unit = _draw(ActivationUnit(IN, hidden=6))
    unit.dice.norm.running_mean.normal_()
    unit.dice.norm.running_var.uniform_(0.5, 2.0)
    theirs = deepctr.core.LocalActivationUnit((6,), IN, activation="dice").eval()
    w_x, w_q, w_minus, w_times = unit.inner.weight.detach().chunk(4, dim=1)
    dice = theirs.dnn.activation_layers[0]
    with torch.no_grad():
        theirs.dnn.linears[0].weight.copy_(torch.cat([w_q, w_x, -w_minus, w_times], dim=1))
        theirs.dnn.linears[0].bias.copy_(unit.inner.bias)
        dice.alpha.copy_(unit.dice.alpha.unsqueeze(1))
        dice.bn.running_mean.copy_(unit.dice.norm.running_mean)
        dice.bn.running_var.copy_(unit.dice.norm.running_var)
    theirs.dense.load_state_dict(unit.outer.state_dict())
    history, query = _normal(U, L, IN), _normal(U, candidates, IN, seed=2)
    found = unit(history, torch.ones(U, L, dtype=torch.bool), query)
    for c in range(candidates):
        _close(found[:, c], theirs(query[:, c : c + 1], history).squeeze(-1), 3e-5)


# Multi-head attention

N, Q, T, DIM = 3, 4, 5, 8


def _theirs(block: MultiHeadAttention) -> dict[str, Tensor]:
    """The weights under the names of `nn.MultiheadAttention`."""
    layers = (block.query, block.key, block.value)
    return {
        "in_proj_weight": torch.cat([layer.weight for layer in layers]),
        "in_proj_bias": torch.cat([layer.bias for layer in layers]),
        "out_proj.weight": block.out.weight,
        "out_proj.bias": block.out.bias,
    }


def _allowed(seed: int = 3) -> Tensor:
    """[N, Q, T], at least one place for every query."""
    allowed = torch.rand(N, Q, T, generator=torch.Generator().manual_seed(seed)) < 0.5
    allowed[..., 0] |= ~allowed.any(-1)
    return allowed


@pytest.mark.parametrize("heads", [1, 2, 4])
@pytest.mark.parametrize("masked", ["nowhere", "anywhere", "padding"])
def test_attention_is_that_of_torch(masked: str, heads: int) -> None:
    block = _draw(MultiHeadAttention(DIM, heads))
    reference = nn.MultiheadAttention(DIM, heads, batch_first=True)
    reference.load_state_dict(_theirs(block))
    query, context = _normal(N, Q, DIM), _normal(N, T, DIM, seed=2)
    allowed = {
        "nowhere": torch.ones(N, Q, T, dtype=torch.bool),
        "anywhere": _allowed(),
        "padding": _mask((5, 1, 3), T).unsqueeze(1),
    }[masked]
    found, weights = block(query, context, allowed)
    hidden = ~allowed.expand(N, Q, T).repeat_interleave(heads, dim=0)  # [N * H, Q, T]
    wanted, wanted_weights = reference(
        query, context, context, attn_mask=hidden, average_attn_weights=False
    )
    _close(found, wanted)
    _close(weights, wanted_weights)


def test_attention_is_its_formula() -> None:
    heads = 2
    block = _draw(MultiHeadAttention(DIM, heads))
    query, context, allowed = _normal(N, Q, DIM), _normal(N, T, DIM, seed=2), _allowed()
    found, weights = block(query, context, allowed)
    size = DIM // heads
    for n in range(N):
        keys, values = block.key(context[n]).detach(), block.value(context[n]).detach()
        for row in range(Q):
            q = block.query(query[n, row]).detach()
            joined = torch.zeros(DIM)
            seen = [t for t in range(T) if allowed[n, row, t]]
            for h in range(heads):
                part = slice(h * size, (h + 1) * size)
                scores = [float(q[part] @ keys[t, part]) / math.sqrt(size) for t in seen]
                for t, weight in zip(seen, _softmax(scores), strict=True):
                    assert weights[n, h, row, t].item() == pytest.approx(weight, abs=1e-5)
                    joined[part] += weight * values[t, part]
            _close(found[n, row], block.out(joined))


@pytest.mark.parametrize("heads", [1, 4])
def test_beside_is_the_last_row_of_the_whole_sequence(heads: int) -> None:
    block = _draw(MultiHeadAttention(DIM, heads))
    query, context, mask = _normal(U, 3, DIM), _normal(U, L, DIM, seed=2), _mask()
    found, weights = block.beside(query, context, mask)
    assert weights.shape == (U, heads, 3, L + 1)
    own = torch.ones(U, 1, dtype=torch.bool)
    for c in range(3):
        sequence = torch.cat([context, query[:, c : c + 1]], dim=1)
        wanted, wanted_weights = block(
            sequence, sequence, torch.cat([mask, own], dim=1).unsqueeze(1)
        )
        _close(found[:, c], wanted[:, -1])
        _close(weights[:, :, c], wanted_weights[:, :, -1])
    _close(weights.sum(-1), torch.ones(U, heads, 3))
    assert (weights[2, ..., :-1] == 0).all()  # nothing watched: it looks at itself alone


def test_beside_never_reads_padding() -> None:
    block = _draw(MultiHeadAttention(DIM, 2))
    query, context, mask = _normal(U, 3, DIM), _normal(U, L, DIM, seed=2), _mask()
    other = torch.where(mask.unsqueeze(-1), context, 30.0)
    for first, second in zip(
        block.beside(query, context, mask), block.beside(query, other, mask), strict=True
    ):
        _close(first, second)


def test_a_query_that_may_look_nowhere_is_harmless() -> None:
    block = _draw(MultiHeadAttention(DIM, 2))
    query, context = _normal(N, Q, DIM).requires_grad_(), _normal(N, T, DIM).requires_grad_()
    allowed = _allowed()
    allowed[1], allowed[0, 2] = False, False
    found, weights = block(query, context, allowed)
    assert (weights[1] == 0).all()
    assert (weights[0, :, 2] == 0).all()
    _close(weights[2].sum(-1), torch.ones(2, Q))
    _close(found[1], block.out.bias.expand(Q, DIM))  # a value of zero, through the last layer
    (found * _normal(N, Q, DIM, seed=4)).sum().backward()
    gradients = [query.grad, context.grad, *(p.grad for p in block.parameters())]
    assert all(g.isfinite().all() for g in gradients)
    assert (context.grad[1] == 0).all()
    assert (query.grad[0, 2] == 0).all()
    assert (query.grad[0, 0] != 0).any()


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match=r"dim 8 .*heads 3"):
        MultiHeadAttention(8, 3)


# Transformer layers


def _named(prefix: str, values: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": value for name, value in values.items()}


def _encoder_of_torch(layer: EncoderLayer) -> nn.TransformerEncoderLayer:
    """The same layer, made of torch's."""
    wide = layer.feed[0].out_features
    reference = nn.TransformerEncoderLayer(
        DIM, layer.attention.heads, wide, dropout=0.0, batch_first=True
    )
    reference.load_state_dict(
        {
            **_named("self_attn", _theirs(layer.attention)),
            **_named("norm1", layer.after_attention.state_dict()),
            **_named("linear1", layer.feed[0].state_dict()),
            **_named("linear2", layer.feed[2].state_dict()),
            **_named("norm2", layer.after_feed.state_dict()),
        }
    )
    return reference


def _layer(kind: type, dropout: float = 0.0) -> Any:
    return _draw(kind(DIM, heads=2, feed_forward=6, dropout=dropout))


@pytest.mark.parametrize("masked", ["causal", "padding"])
def test_encoder_layer_is_that_of_torch(masked: str) -> None:
    layer = _layer(EncoderLayer)
    reference = _encoder_of_torch(layer)
    x = _normal(N, T, DIM)
    if masked == "causal":
        allowed = causal(T).expand(N, -1, -1)
        wanted = reference(x, src_mask=~causal(T))
        real = torch.ones(N, T, dtype=torch.bool)
    else:
        real = _mask((5, 1, 3), T)
        allowed = real.unsqueeze(1)
        wanted = reference(x, src_key_padding_mask=~real)
    found, weights = layer(x, allowed)
    _close(found[real], wanted[real])
    _close(weights, layer.attention(x, x, allowed)[1])
    assert weights.shape == (N, 2, T, T)


def test_encoder_layer_is_its_formula() -> None:
    """LayerNorm(x + attention), then LayerNorm(· + W₂ ReLU(W₁ ·))."""
    layer = _layer(EncoderLayer)
    x = _normal(N, T, DIM)
    allowed = _mask((5, 1, 3), T).unsqueeze(1)
    found, _ = layer(x, allowed)

    def norm(x: np.ndarray, by: nn.LayerNorm) -> np.ndarray:
        scaled = (x - x.mean()) / math.sqrt(x.var() + by.eps)
        return scaled * _numbers(by.weight) + _numbers(by.bias)

    attended = _numbers(layer.attention(x, x, allowed)[0])
    first, last = layer.feed[0], layer.feed[2]
    for n in range(N):
        for t in range(T):
            y = norm(_numbers(x[n, t]) + attended[n, t], layer.after_attention)
            hidden = np.maximum(_numbers(first.weight) @ y + _numbers(first.bias), 0)
            y = norm(y + _numbers(last.weight) @ hidden + _numbers(last.bias), layer.after_feed)
            _close(found[n, t], y)


def test_decoder_layer_is_that_of_torch() -> None:
    layer = _layer(DecoderLayer)
    reference = nn.TransformerDecoderLayer(DIM, 2, 6, dropout=0.0, batch_first=True)
    reference.load_state_dict(
        {
            **_named("self_attn", _theirs(layer.own)),
            **_named("norm1", layer.after_own.state_dict()),
            **_named("multihead_attn", _theirs(layer.cross.attention)),
            **_named("norm2", layer.cross.after_attention.state_dict()),
            **_named("linear1", layer.cross.feed[0].state_dict()),
            **_named("linear2", layer.cross.feed[2].state_dict()),
            **_named("norm3", layer.cross.after_feed.state_dict()),
        }
    )
    x, encoded = _normal(N, Q, DIM), _normal(N, T, DIM, seed=2)
    encoded_mask = _mask((5, 1, 3), T)
    wanted = reference(x, encoded, tgt_mask=~causal(Q), memory_key_padding_mask=~encoded_mask)
    _close(layer(x, causal(Q).expand(N, -1, -1), encoded, encoded_mask), wanted)


def test_decoder_layer_looks_neither_ahead_nor_at_padding() -> None:
    layer = _layer(DecoderLayer)
    x, encoded, mask = _normal(N, Q, DIM), _normal(N, T, DIM, seed=2), _mask((5, 1, 3), T)
    allowed = causal(Q).expand(N, -1, -1)
    before = layer(x, allowed, encoded, mask)
    for t in range(Q):
        changed = x.clone()
        changed[:, t] = 9.0
        after = layer(changed, allowed, encoded, mask)
        assert torch.equal(after[:, :t], before[:, :t])
        assert ((after - before)[:, t:].abs().amax(-1) > 1e-4).all()
    _close(layer(x, allowed, torch.where(mask.unsqueeze(-1), encoded, 9.0), mask), before)
    assert (layer(x, allowed, encoded + _normal(DIM), mask) != before).any()


def test_dropout_falls_on_the_branches_and_not_on_what_they_add_to() -> None:
    x, encoded = _normal(N, T, DIM), _normal(N, 2, DIM, seed=2)
    everywhere = torch.ones(N, T, T, dtype=torch.bool)
    encoder = _layer(EncoderLayer, dropout=1 - 1e-7).train()  # nothing is kept
    found, _ = encoder(x, everywhere)
    _close(found, encoder.after_feed(encoder.after_attention(x)))
    decoder = _layer(DecoderLayer, dropout=1 - 1e-7).train()
    found = decoder(x, everywhere, encoded, torch.ones(N, 2, dtype=torch.bool))
    alone = decoder.cross.after_attention(decoder.after_own(x))
    _close(found, decoder.cross.after_feed(alone))


def test_causal_shows_each_row_itself_and_what_came_before() -> None:
    wanted = [[t <= row for t in range(4)] for row in range(4)]
    assert causal(4).tolist() == wanted
    assert causal(4).dtype == torch.bool


@pytest.mark.parametrize(("length", "dim"), [(7, 8), (3, 5), (1, 1)])
def test_positions_are_waves_of_ever_longer_period(length: int, dim: int) -> None:
    wanted = [
        [
            (math.cos if column % 2 else math.sin)(row / 10_000 ** (2 * (column // 2) / dim))
            for column in range(dim)
        ]
        for row in range(length)
    ]
    _close(sinusoidal_positions(length, dim), wanted)


def test_positions_are_a_table_of_learned_size() -> None:
    block = Positions(6, DIM)
    assert set(block.state_dict()) == {"size"}  # the table is made anew, not shipped
    assert [name for name, _ in block.named_parameters()] == ["size"]
    assert block.size.item() == pytest.approx(0.1)
    with torch.no_grad():
        block.size.fill_(0.7)
    place = torch.tensor([[0, 5, 2], [1, 1, 3]])
    found = block(place)
    _close(found, [[(0.7 * block.table[p]).tolist() for p in row] for row in place.tolist()])
    found.sum().backward()
    assert block.size.grad.abs() > 0


def test_distance_counts_back_from_the_latest_film() -> None:
    wanted = [[5, 4, 3, 2, 1], [2, 1, 0, 0, 0], [0, 0, 0, 0, 0], [1, 0, 0, 0, 0]]
    assert distance_from_end(_mask()).tolist() == wanted


# The basic ways to attend

KINDS = ("item", "user", "dot", "bilinear", "elementwise")


def _basic(kind: str, softmax: bool = True) -> BasicAttention:
    return _draw(BasicAttention(kind, IN, hidden=6, softmax=softmax), seed=4, std=1.0)


def _basic_score(block: BasicAttention, x: np.ndarray, against: np.ndarray | None) -> float:
    if block.kind == "dot":
        return sum(a * b for a, b in zip(x, against, strict=True))
    if block.kind == "bilinear":  # xᵀ Wᵀ q, W as torch stores it: from x to q
        w = _numbers(block.inner.weight)
        return sum(against[i] * w[i, j] * x[j] for i in range(IN) for j in range(IN))
    inputs = x if block.kind == "item" else [a * b for a, b in zip(x, against, strict=True)]
    w, b = _numbers(block.inner.weight), _numbers(block.inner.bias)
    hidden = [_sigmoid(sum(w[h, j] * inputs[j] for j in range(IN)) + b[h]) for h in range(len(w))]
    return sum(v * h for v, h in zip(_numbers(block.outer.weight)[0], hidden, strict=True))


def _against(kind: str, candidates: int = 5) -> Tensor | None:
    if kind == "item":
        return None
    return _normal(U, 1 if kind == "user" else candidates, IN, seed=2)


@pytest.mark.parametrize("cells", [1, 100_000])
@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_basic_attention_is_its_formula(
    kind: str, softmax: bool, cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention_block, "CELLS", cells)
    block = _basic(kind, softmax)
    history, against = _normal(U, L, IN), _against(kind)
    found = block(history, _mask(), against)
    count = 1 if against is None else against.shape[1]
    assert found.shape == (U, count, L)
    for u, length in enumerate(LENGTHS):
        for c in range(count):
            q = None if against is None else _numbers(against[u, c])
            scores = [_basic_score(block, _numbers(history[u, i]), q) for i in range(length)]
            wanted = _softmax(scores) if softmax else scores
            _close(found[u, c], [*wanted, *[0.0] * (L - length)])
    assert found[0].std() > 0.02


@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_basic_attention_never_reads_padding(kind: str, softmax: bool) -> None:
    block = _basic(kind, softmax)
    history, against = _normal(U, L, IN).requires_grad_(), _against(kind)
    found = block(history, _mask(), against)
    _close(block(torch.where(_mask().unsqueeze(-1), history, 40.0), _mask(), against), found)
    (found * torch.arange(1, L + 1)).sum().backward()
    assert (history.grad[~_mask()] == 0).all()
    assert history.grad[0].abs().sum() > 0
    assert all(p.grad.isfinite().all() for p in block.parameters())


def test_basic_attention_refuses_an_unknown_way() -> None:
    with pytest.raises(ValueError, match=r"'general'.*item user dot bilinear elementwise"):
        BasicAttention("general", IN)


@pytest.mark.parametrize("softmax", [False, True])
def test_normalised_is_zero_at_padding(softmax: bool) -> None:
    scores = _normal(U, 3, L) * 4
    found = normalised(scores, _mask(), softmax)
    for u, length in enumerate(LENGTHS):
        for c in range(3):
            real = scores[u, c, :length].tolist()
            wanted = _softmax(real) if softmax else real
            _close(found[u, c], [*wanted, *[0.0] * (L - length)])


# Films watched


def _film_by_hand(
    block: FilmEmbedding, schema: Schema, vectors_by_hand: Callable, film: int
) -> np.ndarray:
    tables = {name: _numbers(block.fields.weight(name)) for name in block.fields.fields}
    vectors = vectors_by_hand(tables, schema.movies, schema.history_length, Session(), film)
    return sum(vectors.values())


@pytest.mark.parametrize("fields", [("movie", "genres", "year"), ("movie",)])
def test_film_is_the_sum_of_its_fields_and_what_was_thought_of_it(
    fields: tuple[str, ...], schema: Schema, sessions: list[Session], vectors_by_hand: Callable
) -> None:
    block = _draw(FilmEmbedding(schema, embed_dim=IN, fields=fields))
    catalogue = block.catalogue()
    assert catalogue.shape == (schema.size + 1, IN)
    by_hand = [None] + [
        _film_by_hand(block, schema, vectors_by_hand, film) for film in range(1, schema.size + 1)
    ]
    _close(catalogue[1:], by_hand[1:])
    watched = block.watched(catalogue, encode(schema, sessions, torch.tensor([1])))
    thought = {None: 1, False: 2, True: 3}
    feedback = _numbers(block.feedback.weight)
    for u, session in enumerate(sessions):
        for i, film in enumerate(session.history[-schema.history_length :]):
            wanted = by_hand[schema.index[film.movie_id]] + feedback[thought[film.liked]]
            _close(watched[u, i], wanted)


def test_feedback_of_padding_is_never_learned(schema: Schema, sessions: list[Session]) -> None:
    block = FilmEmbedding(schema, embed_dim=IN)
    assert (block.feedback.weight[0] == 0).all()
    assert (block.feedback.weight[1:] != 0).any(1).all()
    block.watched(block.catalogue(), encode(schema, sessions, torch.tensor([1]))).sum().backward()
    assert (block.feedback.weight.grad[0] == 0).all()
    assert (block.feedback.weight.grad[1:] != 0).all()


@pytest.mark.parametrize("how", ["sum", "mean"])
def test_pooled_counts_films_only(how: str) -> None:
    values = _normal(U, L, IN)
    found = pooled(values, _mask(), how)
    for u, length in enumerate(LENGTHS):
        total = sum((_numbers(values[u, i]) for i in range(length)), np.zeros(IN))
        _close(found[u], total / (length if how == "mean" and length else 1))


def _steps() -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """States, films that follow, films and their biases, and the loss of each step by hand, in order."""
    films, bias = _normal(10, IN, seed=5), _normal(10, 1, seed=6)
    states = _normal(U, L, IN)
    following = torch.randint(1, 10, (U, L), generator=torch.Generator().manual_seed(7)) * _mask()
    losses = []
    for u, length in enumerate(LENGTHS):
        for t in range(length):
            scores = torch.stack([states[u, t] @ films[m] + bias[m, 0] for m in range(1, 10)])
            target = following[u, t] - 1
            losses.append(nn.functional.cross_entropy(scores.unsqueeze(0), target.unsqueeze(0)))
    return states, following, films, bias, torch.stack(losses)


@pytest.mark.parametrize("most", [8, 1000])
def test_next_film_loss_is_the_mean_over_all_steps(most: int) -> None:
    states, following, films, bias, losses = _steps()
    assert len(losses) == 8
    _close(next_film_loss(states, following, _mask(), films, bias, most), losses.mean())


def test_next_film_loss_draws_some_steps_where_there_are_many() -> None:
    states, following, films, bias, losses = _steps()
    torch.manual_seed(0)
    found = [next_film_loss(states, following, _mask(), films, bias, 1).item() for _ in range(200)]
    nearest = [(losses - value).abs().min().item() for value in found]
    assert max(nearest) < 1e-5  # always the loss of one step
    drawn = {int((losses - value).abs().argmin()) for value in found}
    assert drawn == set(range(8))  # and any step is drawn
    pairs = [next_film_loss(states, following, _mask(), films, bias, 2).item() for _ in range(100)]
    means = (losses.unsqueeze(0) + losses.unsqueeze(1)) / 2
    assert max((means - value).abs().min().item() for value in pairs) < 1e-5


def test_next_film_loss_of_no_step_is_zero_and_harmless() -> None:
    states, following, films, bias, _ = _steps()
    states.requires_grad_()
    loss = next_film_loss(states, following, torch.zeros_like(_mask()), films, bias, 4)
    assert loss.item() == 0
    loss.backward()
    assert (states.grad == 0).all()


# The head


def _dice_by_hand(x: np.ndarray, dice: nn.Module) -> np.ndarray:
    mean, variance = _numbers(dice.norm.running_mean), _numbers(dice.norm.running_var)
    out = []
    for c, value in enumerate(x):
        p = _sigmoid((value - mean[c]) / math.sqrt(variance[c] + 1e-8))
        out.append(p * value + (1 - p) * _numbers(dice.alpha)[c] * value)
    return np.array(out)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("profile", [False, True])
def test_interest_head_is_its_formula(
    profile: bool,
    shared: bool,
    schema: Schema,
    sessions: list[Session],
    vectors_by_hand: Callable,
) -> None:
    head = _draw(InterestHead(schema, embed_dim=IN, profile=profile, hidden=(6, 4)))
    for layer in (1, 4):
        head.network.layers[layer].norm.running_mean.normal_()
        head.network.layers[layer].norm.running_var.uniform_(0.5, 2.0)
    films = torch.tensor([3, 9, 30])
    batch = encode(schema, sessions, films)
    users = len(sessions)
    interest, query = _normal(users, 1 if shared else 3, IN), _normal(users, 3, IN, seed=2)
    found = head(interest, query, batch)
    assert found.shape == (users * 3,)
    layers = head.network.layers
    assert [type(layer).__name__ for layer in layers[::3]] == ["Linear"] * 3
    wanted = []
    for u, session in enumerate(sessions):
        for c, film in enumerate(films.tolist()):
            z, q = _numbers(interest[u, 0 if shared else c]), _numbers(query[u, c])
            x = [*z, *q, *(a * b for a, b in zip(z, q, strict=True))]
            if profile:
                names = ("gender", "age", "occupation", "favourite_genre")
                tables = {name: _numbers(head.profile.weight(name)) for name in names}
                assert {table.shape[1] for table in tables.values()} == {8}
                vectors = vectors_by_hand(
                    tables, schema.movies, schema.history_length, session, film
                )
                x += [value for name in names for value in vectors[name]]
            x = np.array(x)
            for layer in (0, 3):
                x = _numbers(layers[layer].weight) @ x + _numbers(layers[layer].bias)
                x = _dice_by_hand(x, layers[layer + 1])
            logit = _numbers(layers[6].weight) @ x + _numbers(layers[6].bias)
            wanted.append(logit[0] + _numbers(head.film_bias.weight)[film, 0])
    _close(found, wanted)


def test_interest_head_starts_without_film_biases(schema: Schema) -> None:
    head = InterestHead(schema, embed_dim=IN)
    assert (head.film_bias.weight == 0).all()


def test_interest_head_does_not_read_the_profile_unless_asked(
    schema: Schema, sessions: list[Session]
) -> None:
    batch = encode(schema, sessions, torch.tensor([3, 9]))
    other = replace(batch, gender=2 - batch.gender.clamp(max=1), age=7 - batch.age)
    interest, query = _normal(len(sessions), 2, IN), _normal(len(sessions), 2, IN, seed=2)
    for profile in (False, True):
        head = _draw(InterestHead(schema, embed_dim=IN, profile=profile, hidden=(6,)))
        same = torch.equal(head(interest, query, batch), head(interest, query, other))
        assert same != profile


# Dropout that candidates share


@pytest.mark.parametrize("share", [0.2, 0.7])
def test_shared_dropout_drops_the_same_units_for_all_candidates(share: float) -> None:
    dropout = SharedDropout(share).train()
    torch.manual_seed(0)
    x = _normal(30, 4, 200) + 5
    kept = dropout(x) != 0
    assert (kept == kept[:, :1]).all()
    assert (kept[0, 0] != kept[1, 0]).any()  # another user, other units
    assert (~kept).float().mean().item() == pytest.approx(share, abs=0.03)
    again, dropped = dropout(x), round(256 * share) / 256  # one random byte decides
    # What is kept makes up for the rest.
    _close(again, torch.where(again != 0, x / (1 - dropped), 0.0))
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
    x = _normal(3, 4, 5)
    assert SharedDropout(0.9).eval()(x) is x
    assert SharedDropout(0.0).train()(x) is x


def test_mlp_shares_its_dropout_among_candidates() -> None:
    mlp = MLP(4, [300], activation=lambda _: nn.Identity(), dropout=0.5).train()
    torch.manual_seed(0)
    kept = mlp.layers[:-1](_normal(2, 3, 4)) != 0
    assert (kept == kept[:, :1]).all()
    assert (kept[0, 0] != kept[1, 0]).any()
