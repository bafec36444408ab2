"""What a block is, in a few words and its widths: for diagrams and tables of layers."""

from __future__ import annotations

import re
from itertools import chain

from torch import nn

from recdemo.blocks.attention import BasicAttention
from recdemo.blocks.causal import CausalAttention
from recdemo.blocks.cross_layers import CrossNetwork, CrossNetworkV2
from recdemo.blocks.crosses import HashedCrosses
from recdemo.blocks.embedding import FieldEmbedding
from recdemo.blocks.fold_in import UserTable
from recdemo.blocks.history import FilmEmbedding
from recdemo.blocks.mlp import TwoSidedMLP
from recdemo.blocks.recurrent import AUGRU, Recurrence
from recdemo.blocks.solved import FilmToFilm
from recdemo.blocks.streams import BilinearFusion, GatedStream
from recdemo.blocks.text import TextCNN
from recdemo.blocks.transduction import TransductionUnit
from recdemo.blocks.transformer import MultiHeadAttention, Positions
from recdemo.core.wording import counted

NAMES = {"TwoSidedMLP": "MLP", "Sequential": "MLP", "LayerNorm": "layer norm"}


def describe(module: nn.Module) -> str:
    """A few words, as ``MLP 128 → 64 → 1`` or ``4 heads of attention``."""
    match module:
        case nn.Embedding():
            return f"table {module.num_embeddings:,} × {module.embedding_dim}"
        case FieldEmbedding():
            width = module.weight(module.fields[0]).shape[1]
            return f"{counted(len(module.tables), 'table')}, width {width}"
        case FilmEmbedding():
            return f"film vectors, {describe(module.fields)}"
        case UserTable():
            rows, width = module.vectors.weight.shape
            return f"{rows - 1:,} user vectors, width {width}"
        case Recurrence():
            layer = module.layer
            return f"{type(layer).__name__} {layer.input_size} → {layer.hidden_size}"
        case AUGRU():
            return f"AUGRU {module.from_input.in_features} → {module.from_state.in_features}"
        case BasicAttention():
            return f"{module.kind} attention"
        case TransductionUnit():
            return f"{module.heads} heads of attention without a softmax"
        case MultiHeadAttention() | CausalAttention():
            return f"{module.heads} heads of attention"
        case CrossNetwork():
            layers, width = module.weights.shape
            return f"{layers} cross layers, width {width}"
        case CrossNetworkV2():
            width = module.head.in_features
            return f"{len(module.layers)} cross layers with matrices, width {width}"
        case GatedStream():
            gates = "gates, " if module.gate else ""
            return f"{gates}MLP {' → '.join(map(str, _widths(module)))}"
        case BilinearFusion():
            heads, size, _ = module.heads.shape
            return f"two streams multiplied, {heads} heads of width {size}"
        case HashedCrosses():
            return f"{len(module.pairs)} crossed pairs, {len(module.weight):,} weights"
        case FilmToFilm():
            return f"{module.keep} films to each of {module.films:,}"
        case nn.Conv1d():
            return f"{module.out_channels} filters of width {module.kernel_size[0]}"
        case TextCNN():
            filters = [layer for layer in module.convolutions if isinstance(layer, nn.Conv1d)]
            sizes = ", ".join(str(layer.kernel_size[0]) for layer in filters)
            return f"{filters[0].out_channels} filters each of {sizes} words"
        case Positions():
            return "sinusoids, one learned size"
    name = type(module).__name__
    return f"{NAMES.get(name) or words_of(name)} {' → '.join(map(str, _widths(module)))}".strip()


def words_of(name: str) -> str:
    """``ActivationUnit`` → ``activation unit``; what is in capitals stays."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]+|[a-z0-9]+", name)
    return " ".join(part if part.isupper() else part.lower() for part in parts)


def _widths(module: nn.Module) -> list[int]:
    """Of the linear layers one after the other, from the input on."""
    layers = [layer for layer in module.modules() if isinstance(layer, nn.Linear)]
    if not layers:
        return []
    start = layers[0].in_features
    if isinstance(module, TwoSidedMLP):  # two halves of one first layer
        start, layers = start + module.film.in_features, layers[1:]
    if isinstance(module, GatedStream):
        first = module.own.in_features + module.other.in_features
        rest = [layer for layer in module.rest.modules() if isinstance(layer, nn.Linear)]
        start, layers = first, [module.own, *rest]
    return list(chain([start], (layer.out_features for layer in layers)))
