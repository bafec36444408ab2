"""Weights are stored in half precision, large tables in 8 bits, where nothing is lost by it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from recdemo.blocks import precision
from recdemo.blocks.precision import round_weights
from recdemo.checkpoints import open_folder
from recdemo.encoding.schema import Schema


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
