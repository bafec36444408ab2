"""Multi-head attention and the layers of Transformers, by hand and against torch's own."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import by_hand
import numpy as np
import pytest
import torch
from by_hand import close, draw, mask_of, normal, numbers
from torch import Tensor, nn
from torch_layers import decoder_of_torch, encoder_of_torch, weights_for_torch

from recdemo.blocks.transformer import (
    DecoderLayer,
    EncoderLayer,
    MultiHeadAttention,
    Positions,
    causal,
    distance_from_end,
    sinusoidal_positions,
)

U, L = 4, 5
N, Q, T, DIM = 3, 4, 5, 8
HEADS, WIDE = 2, 6
_mask = partial(mask_of, (5, 2, 0, 1), L)
_real = partial(mask_of, (5, 1, 3), T)


# Multi-head attention


def _allowed(seed: int = 3) -> Tensor:
    """[N, Q, T], at least one place for every query."""
    allowed = torch.rand(N, Q, T, generator=torch.Generator().manual_seed(seed)) < 0.5
    allowed[..., 0] |= ~allowed.any(-1)
    return allowed


@pytest.mark.parametrize("heads", [1, 2, 4])
@pytest.mark.parametrize("masked", ["nowhere", "anywhere", "padding"])
def test_attention_is_that_of_torch(masked: str, heads: int) -> None:
    block = draw(MultiHeadAttention(DIM, heads))
    reference = nn.MultiheadAttention(DIM, heads, batch_first=True)
    reference.load_state_dict(weights_for_torch(block))
    query, context = normal(N, Q, DIM), normal(N, T, DIM, seed=2)
    allowed = {
        "nowhere": torch.ones(N, Q, T, dtype=torch.bool),
        "anywhere": _allowed(),
        "padding": _real().unsqueeze(1),
    }[masked]
    found, weights = block(query, context, allowed)
    hidden = ~allowed.expand(N, Q, T).repeat_interleave(heads, dim=0)  # [N * H, Q, T]
    wanted, wanted_weights = reference(
        query, context, context, attn_mask=hidden, average_attn_weights=False
    )
    close(found, wanted)
    close(weights, wanted_weights)


def test_attention_is_its_formula() -> None:
    heads = 2
    block = draw(MultiHeadAttention(DIM, heads))
    query, context, allowed = normal(N, Q, DIM), normal(N, T, DIM, seed=2), _allowed()
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
                for t, weight in zip(seen, by_hand.softmax(scores), strict=True):
                    assert weights[n, h, row, t].item() == pytest.approx(weight, abs=1e-5)
                    joined[part] += weight * values[t, part]
            close(found[n, row], block.out(joined))


@pytest.mark.parametrize("heads", [1, 4])
def test_beside_is_the_last_row_of_the_whole_sequence(heads: int) -> None:
    block = draw(MultiHeadAttention(DIM, heads))
    query, context, mask = normal(U, 3, DIM), normal(U, L, DIM, seed=2), _mask()
    found, weights = block.beside(query, context, mask)
    assert weights.shape == (U, heads, 3, L + 1)
    own = torch.ones(U, 1, dtype=torch.bool)
    for c in range(3):
        sequence = torch.cat([context, query[:, c : c + 1]], dim=1)
        wanted, wanted_weights = block(
            sequence, sequence, torch.cat([mask, own], dim=1).unsqueeze(1)
        )
        close(found[:, c], wanted[:, -1])
        close(weights[:, :, c], wanted_weights[:, :, -1])
    close(weights.sum(-1), torch.ones(U, heads, 3))
    assert (weights[2, ..., :-1] == 0).all()  # nothing watched: it looks at itself alone


def test_beside_never_reads_padding() -> None:
    block = draw(MultiHeadAttention(DIM, 2))
    query, context, mask = normal(U, 3, DIM), normal(U, L, DIM, seed=2), _mask()
    other = torch.where(mask.unsqueeze(-1), context, 30.0)
    for first, second in zip(
        block.beside(query, context, mask), block.beside(query, other, mask), strict=True
    ):
        close(first, second)


def test_a_query_that_may_look_nowhere_is_harmless() -> None:
    block = draw(MultiHeadAttention(DIM, 2))
    query, context = normal(N, Q, DIM).requires_grad_(), normal(N, T, DIM).requires_grad_()
    allowed = _allowed()
    allowed[1], allowed[0, 2] = False, False
    found, weights = block(query, context, allowed)
    assert (weights[1] == 0).all()
    assert (weights[0, :, 2] == 0).all()
    close(weights[2].sum(-1), torch.ones(2, Q))
    close(found[1], block.out.bias.expand(Q, DIM))  # a value of zero, through the last layer
    (found * normal(N, Q, DIM, seed=4)).sum().backward()
    gradients = [query.grad, context.grad, *(p.grad for p in block.parameters())]
    assert all(g.isfinite().all() for g in gradients)
    assert (context.grad[1] == 0).all()
    assert (query.grad[0, 2] == 0).all()
    assert (query.grad[0, 0] != 0).any()


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match=r"dim 8 .*heads 3"):
        MultiHeadAttention(8, 3)


# Transformer layers


def _layer(kind: type, dropout: float = 0.0) -> Any:
    return draw(kind(DIM, heads=HEADS, feed_forward=WIDE, dropout=dropout))


@pytest.mark.parametrize("masked", ["causal", "padding"])
def test_encoder_layer_is_that_of_torch(masked: str) -> None:
    layer = _layer(EncoderLayer)
    reference = encoder_of_torch(layer, DIM, HEADS, WIDE)
    x = normal(N, T, DIM)
    if masked == "causal":
        allowed = causal(T).expand(N, -1, -1)
        wanted = reference(x, src_mask=~causal(T))
        real = torch.ones(N, T, dtype=torch.bool)
    else:
        real = _real()
        allowed = real.unsqueeze(1)
        wanted = reference(x, src_key_padding_mask=~real)
    found, weights = layer(x, allowed)
    close(found[real], wanted[real])
    close(weights, layer.attention(x, x, allowed)[1])
    assert weights.shape == (N, HEADS, T, T)


def test_encoder_layer_is_its_formula() -> None:
    """LayerNorm(x + attention), then LayerNorm(· + W₂ ReLU(W₁ ·))."""
    layer = _layer(EncoderLayer)
    x = normal(N, T, DIM)
    allowed = _real().unsqueeze(1)
    found, _ = layer(x, allowed)

    def norm(x: np.ndarray, by: nn.LayerNorm) -> np.ndarray:
        scaled = (x - x.mean()) / math.sqrt(x.var() + by.eps)
        return scaled * numbers(by.weight) + numbers(by.bias)

    attended = numbers(layer.attention(x, x, allowed)[0])
    first, last = layer.feed[0], layer.feed[2]
    for n in range(N):
        for t in range(T):
            y = norm(numbers(x[n, t]) + attended[n, t], layer.after_attention)
            hidden = np.maximum(numbers(first.weight) @ y + numbers(first.bias), 0)
            y = norm(y + numbers(last.weight) @ hidden + numbers(last.bias), layer.after_feed)
            close(found[n, t], y)


def test_decoder_layer_is_that_of_torch() -> None:
    layer = _layer(DecoderLayer)
    reference = decoder_of_torch(layer, DIM, HEADS, WIDE)
    x, encoded = normal(N, Q, DIM), normal(N, T, DIM, seed=2)
    encoded_mask = _real()
    wanted = reference(x, encoded, tgt_mask=~causal(Q), memory_key_padding_mask=~encoded_mask)
    close(layer(x, causal(Q).expand(N, -1, -1), encoded, encoded_mask), wanted)


def test_decoder_layer_looks_neither_ahead_nor_at_padding() -> None:
    layer = _layer(DecoderLayer)
    x, encoded, mask = normal(N, Q, DIM), normal(N, T, DIM, seed=2), _real()
    allowed = causal(Q).expand(N, -1, -1)
    before = layer(x, allowed, encoded, mask)
    for t in range(Q):
        changed = x.clone()
        changed[:, t] = 9.0
        after = layer(changed, allowed, encoded, mask)
        assert torch.equal(after[:, :t], before[:, :t])
        assert ((after - before)[:, t:].abs().amax(-1) > 1e-4).all()
    close(layer(x, allowed, torch.where(mask.unsqueeze(-1), encoded, 9.0), mask), before)
    assert (layer(x, allowed, encoded + normal(DIM), mask) != before).any()


def test_dropout_falls_on_the_branches_and_not_on_what_they_add_to() -> None:
    x, encoded = normal(N, T, DIM), normal(N, 2, DIM, seed=2)
    everywhere = torch.ones(N, T, T, dtype=torch.bool)
    encoder = _layer(EncoderLayer, dropout=1 - 1e-7).train()  # nothing is kept
    found, _ = encoder(x, everywhere)
    close(found, encoder.after_feed(encoder.after_attention(x)))
    decoder = _layer(DecoderLayer, dropout=1 - 1e-7).train()
    found = decoder(x, everywhere, encoded, torch.ones(N, 2, dtype=torch.bool))
    alone = decoder.cross.after_attention(decoder.after_own(x))
    close(found, decoder.cross.after_feed(alone))


def test_causal_shows_each_row_itself_and_what_came_before() -> None:
    wanted = [[t <= row for t in range(4)] for row in range(4)]
    assert causal(4).tolist() == wanted
    assert causal(4).dtype == torch.bool


@pytest.mark.parametrize(("length", "dim"), [(7, 8), (3, 5), (1, 1)])
def test_positions_are_waves_of_ever_longer_period(length: int, dim: int) -> None:
    wanted = [by_hand.wave(row, dim) for row in range(length)]
    close(sinusoidal_positions(length, dim), wanted)


def test_positions_are_a_table_of_learned_size() -> None:
    block = Positions(6, DIM)
    assert set(block.state_dict()) == {"size"}  # the table is made anew, not shipped
    assert [name for name, _ in block.named_parameters()] == ["size"]
    assert block.size.item() == pytest.approx(0.1)
    with torch.no_grad():
        block.size.fill_(0.7)
    place = torch.tensor([[0, 5, 2], [1, 1, 3]])
    found = block(place)
    close(found, [[(0.7 * block.table[p]).tolist() for p in row] for row in place.tolist()])
    found.sum().backward()
    assert block.size.grad.abs() > 0


def test_distance_counts_back_from_the_latest_film() -> None:
    wanted = [[5, 4, 3, 2, 1], [2, 1, 0, 0, 0], [0, 0, 0, 0, 0], [1, 0, 0, 0, 0]]
    assert distance_from_end(_mask()).tolist() == wanted
