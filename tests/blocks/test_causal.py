"""Attention that only looks back: against plain loops, and against torch's own layer where positions are left out."""

from __future__ import annotations

import math

import pytest
import torch
from by_hand import close, draw, normal
from causal_by_hand import attention_by_hand, layer_by_hand
from torch import nn

from recdemo.blocks import causal as file
from recdemo.blocks.causal import CausalAttention, CausalLayer, rotated

N, T, DIM, HEADS, WIDE = 3, 7, 8, 2, 5


def test_positions_are_turns_of_pairs() -> None:
    x = normal(N, T, DIM)
    found = rotated(x)
    for n in range(N):
        for t in range(T):
            for i in range(DIM // 2):
                angle = t / 10_000 ** (2 * i / DIM)
                turned = complex(x[n, t, i], x[n, t, i + DIM // 2]) * complex(
                    math.cos(angle), math.sin(angle)
                )
                pair = found[n, t, i].item(), found[n, t, i + DIM // 2].item()
                assert pair == pytest.approx((turned.real, turned.imag), abs=1e-5)


def test_a_weight_knows_how_far_a_place_is_and_not_where() -> None:
    query, key = (normal(1, DIM, seed=seed).expand(T, DIM) for seed in (1, 2))
    scores = rotated(query) @ rotated(key).T
    for distance in range(T):
        same = scores.diagonal(-distance)
        close(same, same[:1].expand_as(same))
    assert (scores[-1, 1:] - scores[-1, :-1]).abs().min() > 1e-3


def test_attention_is_its_formula_and_shows_the_weights_it_answers_with() -> None:
    block, x = draw(CausalAttention(DIM, HEADS)), normal(N, T, DIM)
    found, shown = block(x), block.weights(x)
    for n in range(N):
        wanted, weights = attention_by_hand(block, x[n])
        close(found[n], wanted)
        close(shown[n], weights)
    close(shown.sum(-1), torch.ones(N, HEADS, T))


def test_a_layer_is_its_formula() -> None:
    layer = draw(CausalLayer(DIM, heads=HEADS, feed_forward=WIDE, dropout=0.5))
    x = normal(N, T, DIM)
    found, shown = layer(x), layer.weights(x)
    for n in range(N):
        wanted, weights = layer_by_hand(layer, x[n])
        close(found[n], wanted, tolerance=3e-5)
        close(shown[n], weights)


def test_without_positions_it_is_torch_s_own_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "rotated", lambda x: x)
    layer = draw(CausalLayer(DIM, heads=HEADS, feed_forward=WIDE, dropout=0.0))
    theirs = nn.TransformerEncoderLayer(
        DIM, HEADS, WIDE, dropout=0.0, batch_first=True, norm_first=True
    )
    ours = layer.state_dict()
    names = {
        "self_attn.in_proj_": "attention.inner.",
        "self_attn.out_proj.": "attention.out.",
        "norm1.": "before_attention.",
        "linear1.": "feed.0.",
        "linear2.": "feed.2.",
        "norm2.": "before_feed.",
    }
    theirs.load_state_dict(
        {
            their + kind: ours[our + kind]
            for their, our in names.items()
            for kind in ("weight", "bias")
        }
    )
    x = normal(N, T, DIM)
    ahead = torch.ones(T, T, dtype=torch.bool).triu(1)
    close(layer(x), theirs(x, src_mask=ahead), tolerance=3e-5)


def test_what_comes_later_changes_nothing_before_it() -> None:
    layer = draw(CausalLayer(DIM, heads=HEADS, feed_forward=WIDE, dropout=0.0))
    x = normal(N, T, DIM)
    before = layer(x)
    for place in range(T):
        other = x.clone()
        other[:, place] = normal(N, DIM, seed=9)
        after = layer(other)
        close(after[:, :place], before[:, :place], tolerance=1e-6)
        assert ((after - before)[:, place:].abs().amax(-1) > 1e-4).all()


@pytest.mark.parametrize("heads", [0, 4, 5])
def test_heads_that_do_not_fit_are_refused(heads: int) -> None:
    with pytest.raises(ValueError, match=rf"dim {DIM + 4} is not.*twice heads {heads}"):
        CausalAttention(DIM + 4, heads)
