"""LaTeX of what a step does, from its operation and the symbols of what it reads."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from recdemo.core.recording import Note
from recdemo.core.steps import Step


def formula_of(noted: Note, symbol: str, axes: Sequence[str], read: Sequence[Step]) -> str:
    """LaTeX of an operation on the steps that it reads, by their symbols."""
    symbols = [step.symbol for step in read]
    summed = [_summed(step.symbol, [a.name for a in step.axes], axes) for step in read]
    first, second, *_ = [*symbols, "", ""]
    side = f"[{', '.join(symbols)}]" if len(read) > 1 else first
    constants = ["b"] if noted.parameters else []
    both = {axis.name for step in read[:2] for axis in step.axes}
    scaled = r" / \sqrt d" if noted.parameters.keys() & {"factor", "scaled"} else ""
    turned = r"R_i\, " if noted.parameters.get("turned") else ""
    right = {
        "sum": " + ".join([*summed, *constants]),
        "product": r" \odot ".join(symbols),
        "dot": " + ".join([rf"{first} \cdot {second}", *summed[2:], *constants]),
        "weighted_sum": " + ".join([_summed(rf"{first}\, {second}", both, axes), *summed[2:]]),
        "matmul": rf"{first}\, {second}",
        "scale": rf"\lambda\, {first}",
        "softmax": rf"\mathrm{{softmax}}({first})",
        "layer": f"W {side} + b" if "bias" in noted.parameters else f"W {side}",
        "network": rf"\mathrm{{network}}({', '.join(symbols)})",
        "concat": side,
        "pairs": rf"\sum_{{i<j}} {first} \odot {first.replace('_i', '_j')}",
        "pair_layer": rf"W [{first}, {second}, {first} - {second}, {first} \odot {second}] + b",
        "part": f"\\text{{numbers of }} {first}",
        "last": rf"\text{{the last of }} {first}",
        "solve": r"(\textstyle\sum c_i x_i x_i^\top + A)^{-1} \sum c_i x_i",
        "relu_net": rf"h^\top \mathrm{{ReLU}}(W ({first}) + b)",
        "sigmoid_net": rf"h^\top \sigma(W ({first}) + b)",
        "leaky_relu": rf"\mathrm{{LeakyReLU}}({first})",
        "sigmoid": rf"\sigma({first})",
        "tanh": rf"\tanh({first})",
        "batch_norm": rf"\mathrm{{BatchNorm}}({first})",
        "norm": rf"\mathrm{{LayerNorm}}({first})",
        "mean": rf"\mathrm{{mean}}({first})",
        "word_windows": rf"\textstyle\sum_j W_j {{{first}}}_{{+j}}",
        "strongest": rf"\max_i {first} + b",
        "rnn": rf"\tanh(W {first} + U h_{{i-1}} + b)",
        "gru": rf"\mathrm{{GRU}}({', '.join(symbols)})",
        "lstm": rf"\mathrm{{LSTM}}({', '.join(symbols)})",
        "augru": rf"(1 - {second} u_i)\, h'_{{i-1}} + {second} u_i\, \tilde h_i",
        "update_gates": rf"\mathrm{{mean}}({second} u_i)",
        "project": rf"{turned}(W {side} + b){scaled}",
        "softmax_dot": rf"\mathrm{{softmax}}({first} {second}^\top{scaled})",
        "attend": rf"W [{first}_h {second}_h]_h + b",
        "feed_forward": rf"y + W_2 \mathrm{{ReLU}}(W_1 \mathrm{{LN}}(y)), \; y = {first} + {second}",
        "feed_forward_post": rf"\mathrm{{LN}}(y + W_2 \mathrm{{ReLU}}(W_1 y)), \; y = \mathrm{{LN}}({first} + {second})",
        "silu_project": rf"\mathrm{{SiLU}}(W \mathrm{{LN}}({first}))",
        "silu": rf"\mathrm{{SiLU}}({first} {second}^\top + b) / n",
        "gated": rf"{first} + W (\mathrm{{SiLU}}(W_u \mathrm{{LN}}({first})) \odot \mathrm{{LN}}({second} {symbols[-1] if symbols else ''}))",
        "cross": rf"{first}\, (w^\top {second}) + b + {second}",
        "cross_v2": rf"{first} \odot (W {second} + b) + {second}",
        "convolution": rf"\textstyle\sum_j W_j {{{first}}}_{{+j}} + b",
        "gated_layer": rf"W ({symbols[-1] if symbols else ''} \odot [{', '.join(symbols[:-1])}]) + b",
        "fusion": rf"[w_1^\top {first},\; w_2^\top {second},\; {{{first}}}_h^\top W_h {{{second}}}_h]",
        "dice": rf"\mathrm{{Dice}}({first})",
        "relu": rf"\max(0, {first})",
    }.get(noted.operation, "")
    return f"{symbol} = {right}" if right else symbol


def _summed(symbol: str, own: Collection[str], left: Sequence[str]) -> str:
    """With a sum sign, where an axis goes."""
    return symbol if set(own) <= set(left) else rf"\textstyle\sum {symbol}"
