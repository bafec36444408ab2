"""Every model of the zoo, and a toy beside them for files that ask for it, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import genre_overlap
import pytest
from genre_overlap import KEYS
from torch import nn

from recdemo.encoding.schema import Schema
from recdemo.models import CARDS
from recdemo.models.cards.card import Card


@pytest.fixture(scope="module")
def toy() -> Iterator[None]:
    """From then on it is a model of the zoo."""
    with pytest.MonkeyPatch.context() as patch:
        genre_overlap.add(patch)
        yield


@pytest.fixture(params=KEYS)
def key(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def card(key: str) -> Card:
    return CARDS[key]


@pytest.fixture
def model(key: str, schema: Schema, make_model: Callable) -> nn.Module:
    return make_model(key, schema)
