"""The models that know users by id, and visitors folded in."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from recdemo.core.batch import Batch
from recdemo.models import CARDS

KNOW_USERS = [
    (key, objective)
    for key, card in CARDS.items()
    if card.knows_users
    for objective in card.objectives
]
FILMS = torch.tensor([8, 32, 11, 9, 38, 2])
every_model = pytest.mark.parametrize(("key", "objective"), KNOW_USERS)


def vectors_of(model: nn.Module, batch: Batch) -> np.ndarray:
    """[U, d] as each visitor is folded in."""
    with torch.inference_mode():
        return model.users(batch, model._scorer).double().numpy()


def answers_of(model: nn.Module, batch: Batch) -> Tensor:
    """[U, C] scores. In `next` a user's own level is free: only differences between films count."""
    with torch.inference_mode():
        scores = model(batch).view(batch.users, -1)
    return scores - scores.mean(1, keepdim=True) if model.users.objective == "next" else scores
