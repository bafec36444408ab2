"""Checkpoints come back as they were, are found where they lie, and are saved whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from recdemo import checkpoints
from recdemo.checkpoints import (
    CARD,
    WEIGHTS,
    CheckpointError,
    available,
    folder_of,
    load,
    read_card,
    root,
)
from recdemo.core.session import Session
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS


@pytest.mark.parametrize("key", list(CARDS))
def test_checkpoint_comes_back_as_it_was(
    key: str,
    base: Path,
    schema: Schema,
    sessions: list[Session],
    make_model: Callable,
    write_checkpoint: Callable,
) -> None:
    model = make_model(key, schema).requires_grad_(False)  # as a loaded one is
    folder = folder_of(key, "next", base)
    written = write_checkpoint(folder, key, model, schema, objective="next", best_epoch=3)
    found = load(key, "next", base)
    assert found.card == written == read_card(folder)
    assert (found.card.model, found.card.objective, found.card.best_epoch) == (key, "next", 3)
    assert found.card.weights_sha256 == hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    assert found.folder == folder
    assert found.schema.hash == schema.hash
    assert not found.model.training
    state = found.model.state_dict()
    assert set(state) == set(model.state_dict())
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    batch = encode(schema, sessions, torch.arange(1, 9))
    assert torch.equal(found.model(batch), model(batch))
    assert sorted(path.name for path in folder.iterdir()) == sorted([CARD, WEIGHTS])


def test_weights_hold_nothing_that_the_schema_gives(folder: Path) -> None:
    from safetensors import safe_open

    with safe_open(folder / WEIGHTS, "pt") as file:
        names = list(file.keys())
    assert names
    assert not [name for name in names if "flags" in name or "year_ids" in name]


def test_root_is_the_variable_or_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(checkpoints.ROOT_VARIABLE, "/somewhere")
    assert root() == Path("/somewhere")
    monkeypatch.delenv(checkpoints.ROOT_VARIABLE)
    assert root() == Path(checkpoints.__file__).resolve().parents[1] / "checkpoints"


def test_load_looks_under_the_root(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(checkpoints.ROOT_VARIABLE, str(base))
    assert load("fm", "like").folder == base / "fm" / "like"
    assert available() == [("fm", "like")]


def test_available_lists_what_is_there_in_menu_order(
    base: Path, schema: Schema, make_model: Callable, write_checkpoint: Callable
) -> None:
    assert available(base) == [("fm", "like")]
    for key, objective in (("din", "next"), ("popularity", "like"), ("din", "like")):
        write_checkpoint(folder_of(key, objective, base), key, make_model(key, schema), schema)
    (base / "afm" / "like").mkdir(parents=True)  # no card in it
    (base / "somebody-elses" / "like").mkdir(parents=True)
    (base / "somebody-elses" / "like" / CARD).write_text("{}")
    there = [("popularity", "like"), ("fm", "like"), ("din", "like"), ("din", "next")]
    assert available(base) == there
    assert available(base / "nowhere") == []


# Saving over


def _contents(base: Path) -> dict[str, bytes]:
    return {str(p.relative_to(base)): p.read_bytes() for p in base.rglob("*") if p.is_file()}


def test_saving_again_replaces_both_files(
    base: Path, folder: Path, schema: Schema, make_model: Callable, write_checkpoint: Callable
) -> None:
    before = _contents(base)
    other = make_model("fm", schema, seed=1)
    write_checkpoint(folder, "fm", other, schema, seed=1)
    after = _contents(base)
    assert set(after) == set(before)  # and nothing is left lying about
    assert {name for name in after if after[name] != before[name]} == {
        f"fm/like/{WEIGHTS}",
        f"fm/like/{CARD}",
    }
    found = load("fm", "like", base)
    assert found.card.seed == 1
    assert all(torch.equal(v, other.state_dict()[n]) for n, v in found.model.state_dict().items())


def _break_weights(patch: pytest.MonkeyPatch) -> None:
    def half(tensors: object, path: Path) -> None:
        Path(path).write_bytes(b"half")
        raise OSError("no space left on device")

    patch.setattr("safetensors.torch.save_file", half)


def _break_card(patch: pytest.MonkeyPatch) -> None:
    def half(path: Path, *_: object) -> None:
        path.write_bytes(b"{")
        raise OSError("no space left on device")

    patch.setattr(checkpoints, "write_whole", half)


@pytest.mark.parametrize("fault", [_break_weights, _break_card])
def test_a_failed_save_leaves_the_old_one(
    fault: Callable,
    base: Path,
    folder: Path,
    schema: Schema,
    make_model: Callable,
    write_checkpoint: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = _contents(base)
    fault(monkeypatch)
    for place in (folder, folder_of("fm", "next", base)):
        with pytest.raises(OSError, match="no space"):
            write_checkpoint(place, "fm", make_model("fm", schema, seed=1), schema)
    assert _contents(base) == before
    assert not folder_of("fm", "next", base).exists()
    monkeypatch.undo()
    assert load("fm", "like", base).card.seed == 0


def test_a_metric_that_is_no_number_is_not_saved(
    tmp_path: Path, schema: Schema, make_model: Callable, write_checkpoint: Callable
) -> None:
    bad = {"validation": {"auc": 0.5}, "test": {"auc": float("nan")}}
    with pytest.raises(CheckpointError, match="test auc is nan"):
        write_checkpoint(tmp_path / "like", "fm", make_model("fm", schema), schema, metrics=bad)
    assert not (tmp_path / "like").exists()
