"""Kept models in the zips they travel in: there and back, damaged, too large, too slow, out of bounds."""

from __future__ import annotations

import inspect
import io
import json
import os
import random
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from kept_zips import content_of, forged, nothing_new, sealed, zipped
from small_world import cut, flipped, no_space

from recdemo import checkpoints
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.data.catalogue import read_catalogue, write_catalogue
from recdemo.encoding.schema import Schema
from recdemo.jobs import control, kept, kept_zip
from recdemo.jobs.kept import CARD_FILE
from recdemo.models import CARDS
from recdemo.models.cards.card import BOUNDS, check_arguments


def test_a_zip_there_and_back_is_the_same_model(home: Path, packed: bytes) -> None:
    assert kept_zip.export("mine") == packed
    with pytest.raises(RequestError, match="already"):
        kept_zip.bring_in(packed)
    found = kept_zip.bring_in(packed, "From a friend")
    mine = kept.find_kept("mine")
    assert found.card
    assert mine.card
    assert (found.card.name, found.card.run, found.card.files) == (
        "From a friend",
        "",
        mine.card.files,
    )
    assert kept.find_kept("from-a-friend").card == found.card
    ours, theirs = (checkpoints.load("fm", "like", base).model for base in (mine.base, found.base))
    state = theirs.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in ours.state_dict().items())
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        notice = archive.read(kept_zip.NOTICE).decode()
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
    assert "no ratings" in notice
    assert "GroupLens" in notice


@pytest.mark.parametrize("key", list(CARDS))
def test_every_model_can_be_passed_on(
    key: str, home: Path, world: Path, make_model: Callable, write_checkpoint: Callable
) -> None:
    """What is built within bounds, and asked, before it is believed: each of them passes."""
    base = next(iter(kept.all_kept())).base
    schema = Schema(read_catalogue(base / checkpoints.CATALOGUE), history_length=6)
    objective = CARDS[key].objectives[0]
    folder = checkpoints.folder_of(key, objective, home / "made")
    write_checkpoint(folder, key, make_model(key, schema), schema)
    content = {
        checkpoints.CATALOGUE: (base / checkpoints.CATALOGUE).read_bytes(),
        checkpoints.CARD: (folder / checkpoints.CARD).read_bytes(),
        checkpoints.WEIGHTS: (folder / checkpoints.WEIGHTS).read_bytes(),
    }
    assert kept_zip.bring_in(sealed(content, model=key, objective=objective), "New").name == "New"


def test_a_damaged_zip_never_loads_as_something_else(
    home: Path, packed: bytes, tmp_path: Path
) -> None:
    draw, loaded = random.Random(3), 0
    content = content_of(packed)
    # Anywhere; and in the table at the end, which is small and matters most.
    tail = packed.find(b"PK\x01\x02")
    damaged = [*flipped(packed, draw, 150), *cut(packed, draw, 40)]
    damaged += [packed[:tail] + end for end in flipped(packed[tail:], draw, 100)]
    for raw in damaged:
        try:
            found = kept_zip.bring_in(raw, "New")
        except (RequestError, CheckpointError):
            nothing_new(home, tmp_path)
            continue
        loaded += 1  # the bit says nothing, as one of a time
        for name, path in kept.files_of(found.base, kept.find_kept("new").card).items():
            assert path.read_bytes() == content[name]
        kept.delete("new")
    assert loaded < len(damaged) / 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"layers": 900_000}, "layers is 900000; it may be 0 to 16"),
        ({"layers": 16, "embed_dim": 512, "feed_forward": 2048}, "much larger than its weights"),
    ],
)
def test_a_model_larger_than_its_weights_is_refused_in_time(
    arguments: dict[str, int], words: str, home: Path, packed: bytes, tmp_path: Path
) -> None:
    raw = forged(packed, model="transformer4rec", arguments=arguments)
    content = {
        n: part for n, part in content_of(raw).items() if n not in (CARD_FILE, kept_zip.NOTICE)
    }
    with pytest.raises(CheckpointError, match=words):
        kept_zip.bring_in(sealed(content, model="transformer4rec", objective="like"))
    nothing_new(home, tmp_path)


def test_a_small_model_that_takes_much_to_answer_is_refused(
    home: Path, tmp_path: Path, small_films: pd.DataFrame, write_checkpoint: Callable
) -> None:
    many = pd.concat([small_films] * 6, ignore_index=True)
    many = many.assign(movie_id=range(1, len(many) + 1), ratings=0, likes=0)
    schema, arguments = Schema(many, history_length=200), {"embed_dim": 16, "heads": 16}
    base, key = tmp_path / "greedy", "transformer4rec"
    folder = checkpoints.folder_of(key, "next", base)
    model = CARDS[key].model(schema, **arguments)
    write_checkpoint(folder, key, model, schema, objective="next", arguments=arguments)
    write_catalogue(many, base / checkpoints.CATALOGUE)
    files = (base / checkpoints.CATALOGUE, folder / checkpoints.CARD, folder / checkpoints.WEIGHTS)
    raw = sealed({f.name: f.read_bytes() for f in files}, model=key, objective="next")
    assert len(raw) < 400_000
    with pytest.raises(CheckpointError, match=r"takes \d.* MB .* histories of 200; 300 MB and 5 s"):
        kept_zip.bring_in(raw)
    nothing_new(home, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"embed_dim": 10**20}, "embed_dim is 1000.*; it may be 1 to 512"),
        ({"embed_dim": -3}, "embed_dim is -3; it may be 1 to 512"),
        ({"heads": 32}, "heads is 32; it may be 1 to 16"),
        ({"hidden": [8] * 9}, "hidden has 9 entries, more than the limit of 8"),
        ({"hidden": [[8]]}, "hidden holds neither numbers nor texts"),
        ({"whatever": 1}, "whatever is 1"),
    ],
)
def test_arguments_out_of_bounds_are_named(
    arguments: dict[str, Any], words: str, home: Path, packed: bytes
) -> None:
    with pytest.raises(CheckpointError, match=words):
        kept_zip.bring_in(forged(packed, arguments=arguments))


def test_every_number_among_arguments_has_bounds() -> None:
    for card in CARDS.values():
        for name, about in inspect.signature(card.model.func).parameters.items():  # type: ignore[attr-defined]
            if "int" in str(about.annotation) or "float" in str(about.annotation):
                assert name in BOUNDS, (card.key, name)
    for path in checkpoints.root().rglob(checkpoints.CARD):
        check_arguments(json.loads(path.read_text())["arguments"])


def test_too_large_an_upload_is_not_opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_zip, "MAX_BYTES", 1000)
    with pytest.raises(RequestError, match="limit of 1,000"):
        kept_zip.bring_in(bytes(1001))


def test_nothing_is_brought_in_where_training_is_switched_off(
    home: Path, packed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(control.ALLOWED_VARIABLE, "off")
    with pytest.raises(RequestError, match="switched off"):
        kept_zip.bring_in(packed, "New")


def test_a_zip_packed_anew_by_other_programs_is_taken(home: Path, packed: bytes) -> None:
    assert kept_zip.bring_in(zipped(content_of(packed), zipfile.ZIP_DEFLATED), "New").name == "New"


def test_models_brought_in_at_once_are_tried_one_after_the_other(
    packed: bytes, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two at once under torch's profiler end the server."""
    within, most, profile = [0], [0], torch.profiler.profile

    class Counted(profile):
        def __enter__(self) -> Any:
            within[0] += 1
            most[0] = max(most[0], within[0])
            time.sleep(0.01)  # for another one to come
            return super().__enter__()

        def __exit__(self, *error: Any) -> None:
            super().__exit__(*error)
            within[0] -= 1

    monkeypatch.setattr(torch.profiler, "profile", Counted)
    threads = [
        threading.Thread(target=kept_zip.bring_in, args=(packed, name)) for name in ("One", "Two")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert [found.name for found in kept.all_kept()] == ["Mine", "One", "Two"]


def test_a_full_disk_refuses_a_model_in_words(
    home: Path, packed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "write_bytes", no_space)
    with pytest.raises(RequestError, match="'New' cannot be tried out: No space"):
        kept_zip.bring_in(packed, "New")
    nothing_new(home, tmp_path)


def test_what_a_kill_left_of_a_model_on_trial_goes_after_a_while(home: Path, packed: bytes) -> None:
    aside = Path(tempfile.gettempdir())
    for name, age in ((f"{kept_zip.TRIAL}old", 700), (f"{kept_zip.TRIAL}new", 10), ("other", 700)):
        (aside / name).mkdir()
        (aside / name / "weights").write_bytes(b"x")
        os.utime(aside / name, (time.time() - age,) * 2)
    kept_zip.bring_in(packed, "Other")
    assert sorted(path.name for path in aside.iterdir()) == ["other", f"{kept_zip.TRIAL}new"]
