"""Checkpoints are refused by name as soon as anything about them is off; nothing is ever unpickled."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from recdemo import checkpoints
from recdemo.checkpoints import (
    CARD,
    CATALOGUE,
    MAX_CARD_BYTES,
    WEIGHTS,
    CheckpointError,
    folder_of,
    load,
    read_card,
)
from recdemo.data import Dataset
from recdemo.data.catalogue import catalogue_of, write_catalogue
from recdemo.encoding.schema import Schema


def _refused(base: Path, *names: str) -> str:
    """Loading is refused, and the message names the file."""
    with pytest.raises(CheckpointError) as error:
        load("fm", "like", base)
    for name in names:
        assert name in str(error.value)
    return str(error.value)


def _alter_card(folder: Path, **changes: Any) -> None:
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps(card | changes))


def _put_weights(folder: Path, content: bytes) -> None:
    """Other weights under a card that vouches for them."""
    (folder / WEIGHTS).write_bytes(content)
    _alter_card(folder, weights_sha256=hashlib.sha256(content).hexdigest())


def test_missing_checkpoint_says_how_to_train_it(base: Path) -> None:
    with pytest.raises(CheckpointError, match=r"train din --objective next") as error:
        load("din", "next", base)
    assert str(base / "din" / "next") in str(error.value)


def test_missing_card_is_a_missing_checkpoint(base: Path, folder: Path) -> None:
    (folder / CARD).unlink()
    _refused(base, str(folder))


def test_missing_weights_are_named(base: Path, folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    _refused(base, str(folder / WEIGHTS))


@pytest.mark.parametrize("kept", [0, 1, 0.5, 0.999])
def test_truncated_weights_are_refused(kept: float, base: Path, folder: Path) -> None:
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[: kept if kept in (0, 1) else int(kept * len(content))])
    _refused(base, str(folder / WEIGHTS), "damaged")


@pytest.mark.parametrize("place", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_a_flipped_bit_in_the_weights_is_refused(place: float, base: Path, folder: Path) -> None:
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[int(place * (len(content) - 1))] ^= 1
    (folder / WEIGHTS).write_bytes(content)
    _refused(base, str(folder / WEIGHTS), "damaged")


class Payload:
    """Unpickling it leaves a file behind."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.mark),)


def test_a_pickle_in_place_of_weights_is_never_opened(
    base: Path, folder: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "unpickled"
    _put_weights(folder, pickle.dumps(Payload(mark)))
    _refused(base, str(folder))
    torch.save({"x": torch.zeros(1), "y": Payload(mark)}, tmp_path / "zip")
    _put_weights(folder, (tmp_path / "zip").read_bytes())
    _refused(base, str(folder))
    assert not mark.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"not json", b'{"format": 1', b"[]", b"null", b"\xff\xfe\x00", b"[" * 100_000],
    ids=["empty", "words", "half", "list", "null", "not utf-8", "deep"],
)
def test_what_is_not_a_card_is_refused(content: bytes, base: Path, folder: Path) -> None:
    (folder / CARD).write_bytes(content)
    _refused(base, str(folder / CARD))


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"format": "1.0"},
        {"surprise": 1},
        {"objective": "love"},
        {"arguments": [1]},
        {"metrics": {"training": {"auc": 1.0}}},
        {"history_length": "long"},
        {"seed": None},
    ],
    ids=lambda changes: next(iter(changes)) + "=" + str(next(iter(changes.values()))),
)
def test_a_card_of_another_form_is_refused(
    changes: dict[str, Any], base: Path, folder: Path
) -> None:
    _alter_card(folder, **changes)
    _refused(base, str(folder / CARD), "format")


@pytest.mark.parametrize("name", ["model", "schema_hash", "weights_sha256", "arguments", "metrics"])
def test_a_card_that_lacks_something_is_refused(name: str, base: Path, folder: Path) -> None:
    card = json.loads((folder / CARD).read_text())
    del card[name]
    (folder / CARD).write_text(json.dumps(card))
    _refused(base, str(folder / CARD))


def test_an_oversized_card_is_refused_unread(
    base: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (folder / CARD).open("ab") as file:
        file.write(b" " * MAX_CARD_BYTES)
    json.loads((folder / CARD).read_text())  # but for its size it is a card
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: pytest.fail("it was read"))
    _refused(base, str(folder / CARD), "larger")


def test_oversized_weights_are_refused_unread(
    base: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "MAX_WEIGHT_BYTES", 100)
    monkeypatch.setattr(checkpoints, "_digest", lambda _: pytest.fail("it was read"))
    _refused(base, str(folder / WEIGHTS))


def test_a_model_unknown_here_is_refused(base: Path, folder: Path) -> None:
    _alter_card(folder, model="oracle")
    _refused(base, str(folder / CARD), "'oracle'")


def test_another_catalogue_is_refused(base: Path, folder: Path, world: Dataset) -> None:
    write_catalogue(catalogue_of(world).iloc[:-1], base / CATALOGUE)
    _refused(base, str(folder), "another catalogue")


@pytest.mark.parametrize("changes", [{"schema_hash": "0" * 16}, {"history_length": 7}])
def test_another_schema_is_refused(changes: dict[str, Any], base: Path, folder: Path) -> None:
    _alter_card(folder, **changes)
    _refused(base, str(folder), "schema")


@pytest.mark.parametrize(
    "arguments",
    [
        {},  # the default width is another
        {"embed_dim": 9},
        {"embed_dim": 8, "layers": 3},
        {"embed_dim": "wide"},
        {"embed_dim": -1},
        {"embed_dim": None},
    ],
    ids=str,
)
def test_arguments_that_do_not_fit_are_refused(
    arguments: dict[str, Any], base: Path, folder: Path
) -> None:
    _alter_card(folder, arguments=arguments)
    _refused(base, str(folder), "fm")


def test_weights_of_another_model_are_refused(
    base: Path, folder: Path, schema: Schema, make_model: Callable, write_checkpoint: Callable
) -> None:
    other = folder_of("din", "like", base)
    write_checkpoint(other, "din", make_model("din", schema), schema)
    _put_weights(folder, (other / WEIGHTS).read_bytes())
    _refused(base, str(folder), "fm")


def test_a_checkpoint_in_the_wrong_folder_is_refused(base: Path, folder: Path) -> None:
    shutil.copytree(folder, folder_of("din", "next", base))
    with pytest.raises(CheckpointError, match="holds fm for 'like', not din for 'next'"):
        load("din", "next", base)


def test_a_folder_in_place_of_the_weights_is_named(base: Path, folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / WEIGHTS).mkdir()
    _refused(base, WEIGHTS)


@pytest.mark.parametrize("theirs", ["1.13.1", "3.0.0", ""])
def test_another_major_version_of_torch_is_refused(theirs: str, base: Path, folder: Path) -> None:
    card = json.loads((folder / CARD).read_text())
    card["versions"]["torch"] = theirs
    (folder / CARD).write_text(json.dumps(card))
    assert "torch" in _refused(base, CARD)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("date", "[today](http://example.org)"),
        ("date", "2026-11-28\n![x](http://example.org)"),
        ("metrics", {"validation": {"auc": 0.5}, "test": {"luck": 0.5}}),
        ("seed", 10**20),
        ("seed", -1),
        ("parameters", -5),
        ("best_epoch", 10**20),
        ("command", "x" * 10_000),
        ("versions", {"torch": "2" * 400}),
    ],
)
def test_a_card_whose_values_are_not_of_their_kind_is_no_card(
    field: str, value: object, folder: Path
) -> None:
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps(card | {field: value}))
    with pytest.raises(CheckpointError, match="not a card of format"):
        read_card(folder)
