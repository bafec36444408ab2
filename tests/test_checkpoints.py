"""Checkpoints: back as they were, and refused by name as soon as anything about them is off."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from recdemo import checkpoints
from recdemo.blocks import precision
from recdemo.blocks.precision import round_weights
from recdemo.checkpoints import (
    CARD,
    CATALOGUE,
    MAX_CARD_BYTES,
    WEIGHTS,
    CheckpointError,
    available,
    folder_of,
    load,
    open_folder,
    read_card,
    root,
)
from recdemo.core.session import Session
from recdemo.data import Dataset, simulate
from recdemo.data.catalogue import catalogue_of, read_catalogue, write_catalogue
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS


@pytest.fixture(scope="module")
def world(small_films: pd.DataFrame) -> Dataset:
    return simulate(small_films, users=20, seed=1)


@pytest.fixture(scope="module")
def _shelf(
    tmp_path_factory: pytest.TempPathFactory,
    world: Dataset,
    schema: Schema,
    make_model: Callable,
    write_checkpoint: Callable,
) -> Path:
    base = tmp_path_factory.mktemp("shelf")
    write_catalogue(catalogue_of(world), base / CATALOGUE)
    write_checkpoint(folder_of("fm", "like", base), "fm", make_model("fm", schema), schema)
    return base


@pytest.fixture
def base(_shelf: Path, tmp_path: Path) -> Path:
    """A folder with a catalogue and one checkpoint, FM for `like`, to do with as one likes."""
    shutil.copytree(_shelf, tmp_path / "checkpoints")
    return tmp_path / "checkpoints"


@pytest.fixture
def folder(base: Path) -> Path:
    return folder_of("fm", "like", base)


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


# There and back


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


# Refused


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


# The catalogue


def test_catalogue_comes_back_as_it_was(tmp_path: Path, world: Dataset) -> None:
    catalogue = catalogue_of(world)
    catalogue.loc[0, "title"] = 'NA, "or" Näh|e'
    write_catalogue(catalogue, tmp_path / CATALOGUE)
    pd.testing.assert_frame_equal(read_catalogue(tmp_path / CATALOGUE), catalogue)


def test_catalogue_counts_ratings_and_likes(world: Dataset) -> None:
    rated = list(zip(world.ratings["movie_id"], world.ratings["rating"], strict=True))
    for row in catalogue_of(world).itertuples():
        stars = [star for movie, star in rated if movie == row.movie_id]
        assert (row.ratings, row.likes) == (len(stars), sum(star >= 4 for star in stars))


def test_missing_catalogue_is_named(base: Path) -> None:
    (base / CATALOGUE).unlink()
    with pytest.raises(CheckpointError, match="missing") as error:
        load("fm", "like", base)
    assert str(base / CATALOGUE) in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"movie_id,title\n1,One\n",
        b"\xff\xfe\x00\x00,\n",
        b'"never closed\n',
        b"a,b\n1,2,3,4\n1\n",
    ],
    ids=["empty", "columns", "not utf-8", "quote", "ragged"],
)
def test_what_is_no_catalogue_is_named(content: bytes, base: Path) -> None:
    (base / CATALOGUE).write_bytes(content)
    with pytest.raises(CheckpointError) as error:
        load("fm", "like", base)
    assert str(base / CATALOGUE) in str(error.value)


def test_a_genre_unknown_here_is_named(base: Path) -> None:
    text = (base / CATALOGUE).read_text().replace("Western", "Eastern")
    (base / CATALOGUE).write_text(text)
    with pytest.raises(CheckpointError, match="Eastern") as error:
        load("fm", "like", base)
    assert str(base / CATALOGUE) in str(error.value)


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


def test_a_checkpoint_in_the_wrong_folder_is_refused(base: Path, folder: Path) -> None:
    shutil.copytree(folder, folder_of("din", "next", base))
    with pytest.raises(CheckpointError, match="holds fm for 'like', not din for 'next'"):
        load("din", "next", base)


def test_a_folder_in_place_of_the_weights_is_named(base: Path, folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / WEIGHTS).mkdir()
    _refused(base, WEIGHTS)


def test_a_metric_that_is_no_number_is_not_saved(
    tmp_path: Path, schema: Schema, make_model: Callable, write_checkpoint: Callable
) -> None:
    bad = {"validation": {"auc": 0.5}, "test": {"auc": float("nan")}}
    with pytest.raises(CheckpointError, match="test auc is nan"):
        write_checkpoint(tmp_path / "like", "fm", make_model("fm", schema), schema, metrics=bad)
    assert not (tmp_path / "like").exists()


@pytest.mark.parametrize("column", ["movie_id", "year", "ratings"])
def test_a_catalogue_with_a_word_for_a_number_is_refused(
    tmp_path: Path, world: Dataset, column: str
) -> None:
    films = catalogue_of(world)
    films[column] = films[column].astype(object)
    films.loc[1, column] = "many"
    write_catalogue(films, tmp_path / CATALOGUE)
    with pytest.raises(CheckpointError, match=column):
        read_catalogue(tmp_path / CATALOGUE)


@pytest.mark.parametrize("theirs", ["1.13.1", "3.0.0", ""])
def test_another_major_version_of_torch_is_refused(theirs: str, base: Path, folder: Path) -> None:
    card = json.loads((folder / CARD).read_text())
    card["versions"]["torch"] = theirs
    (folder / CARD).write_text(json.dumps(card))
    assert "torch" in _refused(base, CARD)


def test_weights_are_stored_in_half_precision_where_nothing_is_lost(
    tmp_path: Path, schema: Schema, make_model: Callable, write_checkpoint: Callable
) -> None:
    sizes = []
    for name in ("whole", "rounded"):
        model = make_model("fm", schema)
        if name == "rounded":
            before = {key: value.clone() for key, value in model.state_dict().items()}
            round_weights(model)
            for key, value in model.state_dict().items():
                assert torch.equal(value, before[key].half().float())
        write_checkpoint(tmp_path / name / "fm" / "like", "fm", model, schema)
        loaded = open_folder(tmp_path / name / "fm" / "like", schema).model
        for key, value in loaded.state_dict().items():
            assert value.dtype == torch.float32
            assert torch.equal(value, model.state_dict()[key])
        sizes.append((tmp_path / name / "fm" / "like" / "weights.safetensors").stat().st_size)
    assert sizes[1] < 0.6 * sizes[0]


def test_a_table_of_many_films_is_stored_in_8_bits(
    tmp_path: Path,
    schema: Schema,
    make_model: Callable,
    write_checkpoint: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(precision, "MANY", schema.size)
    model = make_model("fm", schema)
    table = model.state_dict()["machine.embedding.tables.movie.weight"]
    table[3] = 0.0
    before = table.clone()
    round_weights(model)
    largest = before.abs().amax(1, keepdim=True)
    assert (table - before).abs().max() > 0
    assert ((table - before).abs() <= largest / 253).all()
    again = table.clone()
    round_weights(model)
    torch.testing.assert_close(table, again, rtol=1e-6, atol=0)  # rounded once, it stays
    write_checkpoint(tmp_path / "fm" / "like", "fm", model, schema)
    stored = load_file(tmp_path / "fm" / "like" / "weights.safetensors")
    assert stored["machine.embedding.tables.movie.weight"].dtype == torch.int8
    assert stored["machine.linear.tables.movie.weight"].dtype == torch.float16
    loaded = open_folder(tmp_path / "fm" / "like", schema).model
    assert loaded.state_dict().keys() == model.state_dict().keys()
    for key, value in loaded.state_dict().items():
        torch.testing.assert_close(value, model.state_dict()[key], rtol=1e-5, atol=0)


def test_a_scale_that_would_blow_a_table_up_is_refused() -> None:
    stored = {"a": torch.ones(5, 1, dtype=torch.int8), "a.scale": torch.ones(1, 5)}
    with pytest.raises(ValueError, match=r"scale of a is \(1, 5\), not \(5, 1\)"):
        precision.unpacked(stored)


def test_a_table_that_was_not_rounded_keeps_its_precision(
    schema: Schema, make_model: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "MANY", schema.size)
    model = make_model("ials", schema)
    round_weights(model)
    stored = precision.packed(model)
    assert {value.dtype for value in stored.values()} <= {torch.float32, torch.float16, torch.int64}
    assert not any(name.endswith(precision.SCALE) for name in stored)


def test_a_weight_too_large_for_half_precision_is_kept(
    schema: Schema, make_model: Callable
) -> None:
    model = make_model("fm", schema)
    with torch.no_grad():
        model.machine.bias.fill_(1e6)
    round_weights(model)
    assert model.machine.bias.item() == 1e6


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
