"""Torch's own Transformer layers, with the weights of ours."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recdemo.blocks.transformer import DecoderLayer, EncoderLayer, MultiHeadAttention

Weights = dict[str, Tensor]


def weights_for_torch(block: MultiHeadAttention) -> Weights:
    """The weights under the names of `nn.MultiheadAttention`."""
    layers = (block.query, block.key, block.value)
    return {
        "in_proj_weight": torch.cat([layer.weight for layer in layers]),
        "in_proj_bias": torch.cat([layer.bias for layer in layers]),
        "out_proj.weight": block.out.weight,
        "out_proj.bias": block.out.bias,
    }


def _named(prefix: str, values: Weights) -> Weights:
    return {f"{prefix}.{name}": value for name, value in values.items()}


def encoder_of_torch(
    layer: EncoderLayer, dim: int, heads: int, wide: int
) -> nn.TransformerEncoderLayer:
    made = nn.TransformerEncoderLayer(dim, heads, wide, dropout=0.0, batch_first=True)
    made.load_state_dict(
        {
            **_named("self_attn", weights_for_torch(layer.attention)),
            **_named("norm1", layer.after_attention.state_dict()),
            **_named("linear1", layer.feed[0].state_dict()),
            **_named("linear2", layer.feed[2].state_dict()),
            **_named("norm2", layer.after_feed.state_dict()),
        }
    )
    return made


def decoder_of_torch(
    layer: DecoderLayer, dim: int, heads: int, wide: int
) -> nn.TransformerDecoderLayer:
    made = nn.TransformerDecoderLayer(dim, heads, wide, dropout=0.0, batch_first=True)
    made.load_state_dict(
        {
            **_named("self_attn", weights_for_torch(layer.own)),
            **_named("norm1", layer.after_own.state_dict()),
            **_named("multihead_attn", weights_for_torch(layer.cross.attention)),
            **_named("norm2", layer.cross.after_attention.state_dict()),
            **_named("linear1", layer.cross.feed[0].state_dict()),
            **_named("linear2", layer.cross.feed[2].state_dict()),
            **_named("norm3", layer.cross.after_feed.state_dict()),
        }
    )
    return made
