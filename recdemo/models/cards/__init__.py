"""What every model of the zoo says of itself, in the order of the menus.

A new model is one file in `recdemo.models` and one card in the file of its family. Nothing here imports torch, so that a
menu is there before the libraries behind the models are.
"""

from __future__ import annotations

from recdemo.models.cards import attention, by_id, fields, sequence, solved, text
from recdemo.models.cards.card import Card

FAMILIES = (solved, by_id, fields, sequence, attention, text)
CARDS: dict[str, Card] = {card.key: card for family in FAMILIES for card in family.CARDS}


def as_markdown() -> str:
    """The README's table: the families, and the models of each."""
    keys: dict[str, list[str]] = {}
    for card in CARDS.values():
        keys.setdefault(card.family, []).append(f"`{card.key}`")
    rows = [f"| {family.lower()} | {' '.join(models)} |" for family, models in keys.items()]
    return "\n".join(["| family | models |", "|---|---|", *rows])
