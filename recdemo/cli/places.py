"""Where a trained model goes, and what is not replaced there."""

from __future__ import annotations

import os
from pathlib import Path

from recdemo.core.errors import RequestError
from recdemo.core.vocabulary import Split
from recdemo.data.choices import Choices


def base_for(data: str, choices: Choices, base: Path) -> Path:
    """A folder of checkpoints, or, where the data have films of their own and no folder is named, one for them here."""
    from recdemo import checkpoints
    from recdemo.data.sources import has_own_films

    if os.environ.get(checkpoints.ROOT_VARIABLE) or not has_own_films(data, choices):
        return base
    return Path(f"checkpoints-{Path(data).stem}")


def check_replaces(folder: Path, data: str, split: Split, seed: int) -> None:
    """Refuse to replace a checkpoint by one trained on other data, for another split or with another seed."""
    from recdemo import checkpoints
    from recdemo.data.sources import NAMES

    if not (folder / checkpoints.CARD).exists():
        return
    card = checkpoints.read_card(folder)
    other_data = data in NAMES and card.data.name != data
    if other_data or (card.split, card.seed) != (split, seed):
        raise RequestError(
            f"{folder} holds a model trained on {card.data.title}, split {card.split}, seed {card.seed}; choose another "
            "folder with --out, or replace it with --force"
        )
