"""Two networks over the same fields, each with gates on what it reads, and what makes one logit of both.

Mao et al., "FinalMLP: An Enhanced Two-Stream MLP Model for CTR Prediction", AAAI 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from recdemo.blocks.mlp import MLP, SharedDropout, through
from recdemo.core.recording import folded, note


class GatedStream(nn.Module):
    """MLP(g ⊙ [own, other]), g = 2σ(MLP(own)).

    The gates read one of two sides, the user's or the film's. So that side's half of the first layer, and the gates on
    the other side, are made once, however many it is paired with.

    Args:
        own: width of the side that the gates read.
        other: width of the other side.
        hidden: widths of the hidden layers, at least one.
        out_dim: width of what it gives, after a last plain linear layer.
        gate_hidden: units of the gates' hidden layer; 0 for no gates.
        dropout: share of hidden units dropped in training.
        reads: what the own side and the other are called in a recording.
    """

    def __init__(
        self,
        own: int,
        other: int,
        hidden: Sequence[int],
        out_dim: int,
        *,
        gate_hidden: int,
        dropout: float = 0.0,
        reads: tuple[str, str] = ("own", "other"),
    ) -> None:
        super().__init__()
        first, *rest = hidden
        self.reads = reads
        self.gate = MLP(own, [gate_hidden], own + other) if gate_hidden else None
        if self.gate:
            last = cast(nn.Linear, self.gate.layers[-1])
            nn.init.zeros_(last.weight)  # all gates begin at one
            nn.init.zeros_(last.bias)
        self.own = nn.Linear(own, first)
        self.other = nn.Linear(other, first, bias=False)
        self.rest = nn.Sequential(
            nn.ReLU(), SharedDropout(dropout), MLP(first, rest, out_dim, dropout=dropout)
        )

    def gates(self, own: Tensor) -> Tensor:
        """g, from 0 to 2, of the own side's numbers and then the other's, [..., own] → [..., own + other]."""
        id = f"{self.reads[0]}_gates"
        if self.gate is None:
            width = self.own.in_features + self.other.in_features
            return note(id, own.new_ones(*own.shape[:-1], width), "input")
        with folded(id):
            made = self.gate(own)
            gates = note("gate", 2 * torch.sigmoid(made), "sigmoid", made, factor=2)
        return note(id, gates, "network", own)

    def once(self, own: Tensor) -> Tensor:
        """What is the same for all of the other side: gates on it, beside half of the first layer.

        [..., own] → [..., other + first]
        """
        gates = self.gates(own)
        mine, others = gates.split([own.shape[-1], self.other.in_features], dim=-1)
        return torch.cat([others, self.own(own * mine)], dim=-1)

    def forward(self, made: Tensor, other: Tensor) -> Tensor:
        """From what `once` made, [..., other + first], and the other side, [..., other]: [..., out_dim]."""
        gates, half = made.split([other.shape[-1], self.own.out_features], dim=-1)
        read = [f"{side}_fields" for side in self.reads] + [f"{self.reads[0]}_gates"]
        with folded(f"{self.reads[0]}_stream"):
            hidden = half + self.other(gates * other if self.gate else other)
            whole = partial(torch.cat, (self.own.weight, self.other.weight), dim=1)
            note("layer", hidden, "gated_layer", *read, weight=whole, bias=self.own.bias)
            stream = through(self.rest, hidden)
        return note(f"{self.reads[0]}_stream", stream, "network", *read)


class BilinearFusion(nn.Module):
    """b + w_1ᵀ o_1 + w_2ᵀ o_2 + Σ_h o_1,hᵀ W_h o_2,h, where o_1,h and o_2,h are the h-th of equal pieces.

    Args:
        dim: width of o_1 and of o_2.
        heads: pieces.

    Raises:
        ValueError: `dim` does not fall into as many pieces.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        if heads < 1 or dim % heads:
            raise ValueError(
                f"a stream's width {dim} does not divide into {heads!r} heads of one size"
            )
        self.first = nn.Linear(dim, 1)
        self.second = nn.Linear(dim, 1, bias=False)
        self.heads = nn.Parameter(torch.empty(heads, dim // heads, dim // heads))
        nn.init.xavier_normal_(self.heads)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Logits [...] from two streams [..., dim]."""
        return self.terms(first, second).sum(-1) + self.first.bias

    def terms(self, first: Tensor, second: Tensor) -> Tensor:
        """What, with b, adds up to the logit: of the first stream, the second, and each head, [..., 2 + heads]."""
        turned = first @ torch.block_diag(*self.heads)
        both = (turned * second).unflatten(-1, (len(self.heads), -1)).sum(-1)
        alone = [first @ self.first.weight.T, second @ self.second.weight.T]
        labels = ["First stream", "Second stream"]
        labels += [f"Head {head}" for head in range(1, len(self.heads) + 1)]
        given = {"first": self.first.weight, "second": self.second.weight, "heads": self.heads}
        terms = torch.cat([*alone, both], dim=-1)
        return note("fusion", terms, "fusion", first, second, labels=labels, **given)
