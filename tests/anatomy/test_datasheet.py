"""What a model says of itself on paper is what its code and its card hold."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from shipped import load

from recdemo import Session, checkpoints
from recdemo.anatomy import datasheet
from recdemo.encoding.encode import encode
from recdemo.models import CARDS
from recdemo.training.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
FIRST = {key: goal for key, goal in reversed(checkpoints.available())}


def test_arguments_of_a_model_by_hand() -> None:
    table = datasheet.arguments(load("din", "like").checkpoint).set_index("argument")
    assert list(table.columns) == ["default", "used", "meaning"]
    assert table.loc["hidden", "default"] == "128, 64"
    assert table.loc["attention", "used"] == "unit"
    assert table.loc["embed_dim", "meaning"] == "k"
    assert table.loc["softmax", "meaning"].startswith("normalise the weights over the history")
    assert "schema" not in table.index


def test_arguments_that_differ_from_the_default_show() -> None:
    poly = datasheet.arguments(load("wide_deep_poly2", "like").checkpoint).set_index("argument")
    assert (poly.loc["crosses", "default"], poly.loc["crosses", "used"]) == ("taste", "poly2")
    mf = datasheet.arguments(load("mf", "like").checkpoint).set_index("argument")
    assert (mf.loc["users", "default"], mf.loc["users", "used"]) == ("0", "6040")


@pytest.mark.parametrize("key", FIRST)
def test_every_model_has_a_sheet(key: str) -> None:
    checkpoint = load(key, FIRST[key]).checkpoint
    table = datasheet.arguments(checkpoint)
    assert (table["meaning"] != "").all(), "an argument without a word in the docstring"
    settings = datasheet.training(checkpoint).set_index("setting")
    for name, value in checkpoint.card.settings.items():
        used = settings.loc[name, "used"]
        assert used == value if isinstance(value, str) else float(used) == value
        assert settings.loc[name, "default"] == (
            f"{getattr(Settings(), name):g}"
            if not isinstance(value, str)
            else getattr(Settings(), name)
        )
        assert settings.loc[name, "meaning"]
    sources = datasheet.code(checkpoint)
    first = next(iter(sources))
    assert first == f"recdemo/models/{CARDS[key].network.split('.')[0]}.py"
    for path, text in sources.items():
        assert (ROOT / path).read_text(encoding="utf-8") == text


def test_letters_are_the_shapes_of_the_batch() -> None:
    checkpoint = load("bst", "like").checkpoint
    letters = datasheet.letters(
        checkpoint, encode(checkpoint.schema, [Session()], torch.tensor([1, 2, 3]))
    )
    assert letters["U"].startswith("1 ")
    assert letters["C"].startswith("3 films")
    assert letters["L"].startswith("50 ")
    assert letters["k"].startswith("32 ")
    assert letters["H"].startswith("4 ")
    assert "F" not in letters
    fm = load("fm", "like").checkpoint
    assert (
        datasheet.letters(fm, encode(fm.schema, [Session()], torch.tensor([1])))["F"] == "11 fields"
    )
