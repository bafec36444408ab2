"""The zoo: every model's card, in the order of the menus. A new model is one file and one line here."""

from __future__ import annotations

from recdemo.contracts import RequestError
from recdemo.models import afm, deepfm, din, fm, popularity
from recdemo.models.card import Card

CARDS: dict[str, Card] = {
    card.key: card
    for card in (
        popularity.CARD,
        fm.CARD,
        deepfm.CARD,
        afm.CARD,
        din.CARD,
    )
}


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
