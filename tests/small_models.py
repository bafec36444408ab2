"""Models small enough to be followed by hand, whatever their constructors take."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from torch import nn

from recdemo.models import CARDS

USERS = 12  # whom a model knows by id
# Small arguments for whatever model takes them; a new model needs no line here.
SMALL: dict[str, Any] = {
    "embed_dim": 8,
    "attention_dim": 5,
    "attention_hidden": 6,
    "hidden": [7, 5],  # a list, as JSON gives it back
    "dropout": 0.0,
    "buckets": 512,
    "feed_forward": 6,
    "heads": 2,
    "maps": 4,
    "state": 6,
    "strength": 0.1,  # somebody new moves far from the mean of their group
    "text_dim": 10,
    "users": USERS,
}


def small_arguments(make: Callable[..., nn.Module]) -> dict[str, Any]:
    """Those of `SMALL` that a constructor takes."""
    wanted = inspect.signature(make).parameters
    found = {name: value for name, value in SMALL.items() if name in wanted}
    if "hidden" in wanted and wanted["hidden"].annotation == "int":
        found["hidden"] = SMALL["hidden"][0]
    return found


def drawn(model: nn.Module, std: float) -> Any:
    """The model in evaluation mode, its weights drawn again.

    Fresh weights are next to zero, and next to zero everything equals everything.
    """
    for name, value in model.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 2.0)
        elif value.is_floating_point():
            value.normal_(std=std)
    for module in model.modules():
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            nn.init.zeros_(module.weight[module.padding_idx].detach())
    return model.eval()


def keys_of(protocol: type) -> list[str]:
    """The models of the zoo that keep to a protocol of methods."""
    return [key for key, card in CARDS.items() if issubclass(card.model.func, protocol)]
