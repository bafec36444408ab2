"""How weights are stored: in half precision; a table with a row for each of many films in 8 bits, with a scale for each row.

A model's weights are rounded before it is measured, so that what is measured is what is stored. A row of 8 bits is
w ≈ s · n, n a whole number from −127 to 127 and s a 127th of the row's largest value: no entry is off by more than a 254th of it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recdemo.core.protocols import Solved

MANY = 8_000  # rows from which on a table is stored in 8 bits
STEPS = 127
SCALE = ".scale"  # after the name of a table that is


def round_weights(model: nn.Module) -> None:
    """Round every weight to what it can be stored as, in place.

    What was counted or solved stays as it is: rounding would tie films that have not been liked equally often, and a model
    that is solved measures what it rounds.
    """
    if isinstance(model, Solved):
        return
    for value in model.state_dict().values():
        if not value.is_floating_point():
            continue
        if _is_large(value) and value.isfinite().all():
            steps, scale = _in_steps(value)
            value.copy_(steps * scale)
        elif value.half().isfinite().all():
            value.copy_(value.half())


def packed(model: nn.Module) -> dict[str, Tensor]:
    """The state as it is stored; what is not rounded keeps its precision."""
    state = {}
    for name, value in model.state_dict().items():
        if value.is_floating_point() and _is_large(value):
            steps, scale = _in_steps(value)
            if torch.allclose(steps * scale, value, rtol=1e-5, atol=0):
                state[name], state[name + SCALE] = steps.to(torch.int8), scale
                continue
        half = value.half()
        lossless = value.is_floating_point() and bool((half.float() == value).all())
        state[name] = (half if lossless else value).contiguous()
    return state


def unpacked(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state of what `packed` stored.

    Raises:
        ValueError: a scale is not one number for each row: multiplied, a small file could become a large table.
    """
    state = {}
    for name, value in stored.items():
        scale = stored.get(name + SCALE)
        if name.endswith(SCALE) and name.removesuffix(SCALE) in stored:
            continue
        if scale is not None and scale.shape != (len(value), 1):
            raise ValueError(f"the scale of {name} is {tuple(scale.shape)}, not ({len(value)}, 1)")
        state[name] = value if scale is None else value.float() * scale
    return state


def _is_large(value: Tensor) -> bool:
    return value.dim() == 2 and len(value) >= MANY and value.shape[1] > 1


def _in_steps(value: Tensor) -> tuple[Tensor, Tensor]:
    """Of [N, k] the whole numbers, and the scale of each row [N, 1]."""
    scale = value.abs().amax(1, keepdim=True) / STEPS
    scale = torch.where(scale > 0, scale, 1.0)
    return (value / scale).round().clamp(-STEPS, STEPS), scale
