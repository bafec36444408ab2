"""Maps beside the weights: as they were made, and stale as soon as the weights are others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from recdemo import checkpoints
from recdemo.answers import maps
from recdemo.data import simulate
from recdemo.data.catalogue import catalogue_of, read_catalogue, write_catalogue
from recdemo.encoding.schema import Schema

FILMS = 38


def fake(directions: np.ndarray) -> maps.Maps:
    """Maps made in no time, which depend on what they are made from."""
    places = np.repeat(directions[:, :1], 3, axis=1) + np.arange(3)
    return {(method, size): 7 * places[:, :size] for method, size in maps.MADE}


@pytest.fixture
def base(
    tmp_path: Path,
    small_films: pd.DataFrame,
    schema: Schema,
    make_model: Callable,
    write_checkpoint: Callable,
) -> Path:
    """Two models and a baseline, for what they are asked by default and, one, for something else."""
    write_catalogue(
        catalogue_of(simulate(small_films, users=20, seed=1)), tmp_path / "catalogue.csv"
    )
    for key in ("popularity", "mf", "din"):
        folder = checkpoints.folder_of(key, "next", tmp_path)
        arguments = {"objective": "next"} if key == "mf" else {}
        model = make_model(key, schema, **arguments)
        card = write_checkpoint(folder, key, model, schema, objective="next")
        if key == "mf":
            card = card.model_copy(update={"arguments": card.arguments | arguments})
            checkpoints.write_card(card, folder)
    model = make_model("mf", schema)
    write_checkpoint(checkpoints.folder_of("mf", "like", tmp_path), "mf", model, schema)
    return tmp_path


def read(folder: Path) -> maps.Maps:
    return maps.read(folder, checkpoints.read_card(folder).weights_sha256, FILMS)


def test_what_is_missing_is_made_once(base: Path) -> None:
    told = []
    made = maps.make_missing(base, build=fake, on_done=lambda key, seconds: told.append(key))
    assert made == told == ["mf", "din"]
    assert not (base / "popularity" / "next" / maps.FILE).exists()
    assert not (base / "mf" / "like" / maps.FILE).exists(), "one objective per model"
    assert maps.make_missing(base, build=fake) == []


def test_maps_come_back_centred_and_of_size_one(base: Path) -> None:
    maps.make_missing(base, ["din"], build=fake)
    folder = base / "din" / "next"
    loaded = checkpoints.load("din", "next", base)  # the file beside the weights is no obstacle
    wanted = fake(maps.spaces(loaded.model)["film"].directions())
    found = read(folder)
    assert set(found) == {("tsne", 2), ("umap", 2)}
    for key, places in found.items():
        centred = wanted[key] - wanted[key].mean(0)
        assert np.abs(places).max() == pytest.approx(1, abs=1e-3)
        assert places == pytest.approx(centred / np.abs(centred).max(), abs=1e-3)


def test_maps_of_other_weights_are_stale_and_made_anew(
    base: Path, schema: Schema, make_model: Callable, write_checkpoint: Callable
) -> None:
    maps.make_missing(base, ["din"], build=fake)
    folder = base / "din" / "next"
    kept = (folder / maps.FILE).read_bytes()
    write_checkpoint(folder, "din", make_model("din", schema, seed=1), schema, objective="next")
    assert not (folder / maps.FILE).exists(), "a checkpoint replaced takes its maps along"
    (folder / maps.FILE).write_bytes(kept)
    assert read(folder) == {}
    assert maps.make_missing(base, build=fake) == ["mf", "din"]
    assert read(folder)


@pytest.mark.parametrize("damage", ["cut", "empty", "no name", "one map", "films"])
def test_a_damaged_file_counts_as_missing(base: Path, damage: str) -> None:
    maps.make_missing(base, ["din"], build=fake)
    folder = base / "din" / "next"
    path = folder / maps.FILE
    sha = {maps.MADE_FROM: checkpoints.read_card(folder).weights_sha256}
    whole = {f"{m}_{d}d": np.zeros((FILMS, d), dtype=np.float16) for m, d in maps.MADE}
    if damage in ("cut", "empty"):
        path.write_bytes(path.read_bytes()[:100] if damage == "cut" else b"")
    elif damage == "no name":
        save_file(whole, path)
    elif damage == "one map":
        del whole["umap_2d"]
        save_file(whole, path, sha)
    else:
        save_file({name: places[1:] for name, places in whole.items()}, path, sha)
    assert read(folder) == {}
    if damage == "films":
        save_file(whole, path, sha)
        assert read(folder), "a whole one is read"


def test_what_is_shipped_is_small_and_up_to_date() -> None:
    files = list(checkpoints.root().rglob(maps.FILE))
    assert files
    assert sum(path.stat().st_size for path in files) < 4_000_000
    for path in files:
        card = checkpoints.read_card(path.parent)
        films = len(read_catalogue(path.parents[2] / checkpoints.CATALOGUE))
        assert maps.read(path.parent, card.weights_sha256, films), f"{path} is stale"
