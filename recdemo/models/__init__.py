"""The zoo: one file per model or family, and their cards."""

from __future__ import annotations

from recdemo.contracts import RequestError
from recdemo.models.card import Card
from recdemo.models.cards import CARDS


def card_of(key: str) -> Card:
    """The card of a model.

    Raises:
        RequestError: there is no such model.
    """
    try:
        return CARDS[key]
    except KeyError:
        raise RequestError(f"model {key!r} is unknown; use one of {' '.join(CARDS)}") from None


__all__ = ["CARDS", "Card", "card_of"]
