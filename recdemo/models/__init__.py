"""The zoo: one file per model or family, and their cards."""

from __future__ import annotations

from recdemo.core.errors import RequestError
from recdemo.core.vocabulary import Objective
from recdemo.models.cards import CARDS
from recdemo.models.cards.card import Card


def card_of(key: str) -> Card:
    """The card of a model.

    Raises:
        RequestError: there is no such model.
    """
    try:
        return CARDS[key]
    except KeyError:
        raise RequestError(f"model {key!r} is unknown; use one of {' '.join(CARDS)}") from None


def objective_of(key: str, objective: Objective | None) -> Objective:
    """The objective asked for, or a model's own where none is.

    Raises:
        RequestError: there is no such model, or it is not trained for that.
    """
    card = card_of(key)
    if objective is None:
        return card.default_objective
    if objective not in card.objectives:
        raise RequestError(
            f"{key} has no objective {objective!r}; use {' or '.join(card.objectives)}"
        )
    return objective


__all__ = ["CARDS", "Card", "card_of", "objective_of"]
