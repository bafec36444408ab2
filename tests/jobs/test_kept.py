"""Kept models and the zips they travel in: names, damage, and zips made to do harm."""

from __future__ import annotations

import inspect
import io
import json
import os
import pickle
import random
import shutil
import stat
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
from safetensors.torch import load, save
from small_world import Desk, cut, flipped, make_desk, no_space

from recdemo import checkpoints
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.data.catalogue import read_catalogue, write_catalogue
from recdemo.encoding.schema import Schema
from recdemo.jobs import control, kept, kept_zip, room, store
from recdemo.jobs.kept import KEPT, Kept, KeptCard
from recdemo.jobs.store import Status
from recdemo.models import CARDS
from recdemo.models.cards.card import BOUNDS, check_arguments

# Kept models


@pytest.fixture(scope="module")
def shelf(world: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, bytes]:
    """A folder of runs with one done and kept as "Mine", the run's id, and the zip."""
    with pytest.MonkeyPatch.context() as patch:
        desk = make_desk(world, tmp_path_factory.mktemp("shelf"), patch)
        run = desk.done()
        kept.keep(run.id, "Mine")
        return desk.home, run.id, kept_zip.export("mine")


@pytest.fixture
def home(shelf: tuple[Path, str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to do with as one likes."""
    shutil.copytree(shelf[0], tmp_path / "runs")
    monkeypatch.setenv(store.ROOT_VARIABLE, str(tmp_path / "runs"))
    monkeypatch.delenv(control.ALLOWED_VARIABLE, raising=False)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "runs"


@pytest.fixture
def packed(shelf: tuple[Path, str, bytes]) -> bytes:
    return shelf[2]


def test_a_kept_model_is_a_folder_of_checkpoints(home: Path) -> None:
    (found,) = kept.all_kept()
    assert (found.name, found.slug, found.problem) == ("Mine", "mine", "")
    assert found.card
    assert (found.card.data, found.card.simulated) == ("MovieLens-1M", False)
    (run,) = store.all_runs()
    assert found.card.run == run.id
    assert (
        checkpoints.load("fm", "like", found.base).card
        == checkpoints.load("fm", "like", run.base).card
    )
    assert kept.find_kept("mine") == found


def test_a_kept_model_is_renamed_and_deleted(home: Path) -> None:
    renamed = kept.rename("mine", "Second_try - 2")
    assert (renamed.name, renamed.slug) == ("Second_try - 2", "second_try---2")
    assert kept.find_kept(renamed.slug).name == "Second_try - 2"
    assert kept.rename(renamed.slug, "second_TRY - 2").name == "second_TRY - 2"  # of itself
    with pytest.raises(RequestError, match=r"'mine'.*there are: second_try---2"):
        kept.find_kept("mine")
    kept.delete(renamed.slug)
    assert kept.all_kept() == []
    assert list((home / store.KEPT).iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["", " ", "-", "..", "a/b", "a\\b", "x" * 41, "a\nb", "a.b", "ä\0", "<b>", "C:", "a\u202eb"],
)
def test_a_name_that_cannot_be_used_is_refused(name: str, home: Path) -> None:
    (run,) = store.all_runs()
    for act in (
        lambda: kept.keep(run.id, name),
        lambda: kept.rename("mine", name),
        lambda: kept_zip.bring_in(kept_zip.export("mine"), name),
    ):
        with pytest.raises(RequestError, match="cannot be named"):
            act()
    assert [found.name for found in kept.all_kept()] == ["Mine"]


def test_names_are_told_apart_as_folders_are(home: Path) -> None:
    (run,) = store.all_runs()
    assert kept.keep(run.id, "Zweiter Versuch über FM").slug == "zweiter-versuch-über-fm"
    for name in ("mine", " MINE ", "Mine"):
        with pytest.raises(RequestError, match="'mine' already"):
            kept.keep(run.id, name)
    with pytest.raises(RequestError, match="already"):
        kept.rename("mine", "zweiter versuch ÜBER fm")


def test_only_so_many_are_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run,) = store.all_runs()
    monkeypatch.setenv(room.MOST_KEPT_VARIABLE, "2")
    kept.keep(run.id, "Two")
    with pytest.raises(RequestError, match="2 models are kept"):
        kept.keep(run.id, "Three")
    kept.rename("two", "Three")


@pytest.mark.parametrize("slug", ["", ".", "..", "../kept/mine", "mine/fm", "nothing", ".draft-x"])
def test_no_other_folder_is_taken_for_a_kept_model(slug: str, home: Path) -> None:
    for act in (kept.find_kept, kept.delete, kept_zip.export, lambda s: kept.rename(s, "New")):
        with pytest.raises(RequestError, match="no kept model"):
            act(slug)
    assert len(kept.all_kept()) == 1


def test_only_a_run_that_is_done_and_sound_is_kept(home: Path, desk: Desk) -> None:
    desk.patch.setenv(store.ROOT_VARIABLE, str(home))
    with pytest.raises(RequestError, match="is queued; only one that is done"):
        kept.keep(desk.queue().id, "New")
    run = store.all_runs()[0]
    weights = checkpoints.folder_of("fm", "like", run.base) / checkpoints.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="damaged"):
        kept.keep(run.id, "New")
    weights.unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        kept.keep(run.id, "New")
    assert len(kept.all_kept()) == 1


def test_a_full_disk_leaves_nothing_half_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run,) = store.all_runs()
    write = Path.write_bytes

    def limited(path: Path, content: bytes) -> int:
        if path.name == checkpoints.WEIGHTS:
            no_space()
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", limited)
    with pytest.raises(RequestError, match="cannot be kept: No space"):
        kept.keep(run.id, "New")
    assert [path.name for path in (home / store.KEPT).iterdir()] == ["mine"]


def test_a_damaged_kept_model_is_never_used(home: Path) -> None:
    base, draw = home / store.KEPT / "mine", random.Random(2)
    files = [path for path in base.rglob("*") if path.is_file()]
    assert len(files) == 4
    for path in files:
        raw = path.read_bytes()
        for damaged in [*flipped(raw, draw, 60), *cut(raw, draw, 10)]:
            path.write_bytes(damaged)
            with pytest.raises(CheckpointError, match=r"damaged|cannot be used"):
                kept.find_kept("mine")
            (listed,) = kept.all_kept()
            assert (listed.problem != "") == (path.name == KEPT)
        path.write_bytes(raw)
    assert kept.find_kept("mine").name == "Mine"
    (base / KEPT).unlink()
    assert kept.all_kept()[0].problem
    kept.delete("mine")
    assert kept.all_kept() == []


# Zips


def _nothing_new(home: Path, tmp_path: Path) -> None:
    assert [path.name for path in (home / store.KEPT).iterdir()] == ["mine"]
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not list(tmp_path.glob("**/evil*"))


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
    assert kept_zip.bring_in(_sealed(content, model=key, objective=objective), "New").name == "New"


def _sealed(content: dict[str, bytes], **changes: Any) -> bytes:
    """A zip in which every digest is right, whatever else is not."""
    values = {
        "name": "Evil",
        "date": "2026-01-01",
        "model": "fm",
        "objective": "like",
        "data": "Made",
        "simulated": False,
        "files": {name: kept.digest_of(raw) for name, raw in content.items()},
    }
    card = KeptCard(**values | changes).sealed()
    return _zipped(content | {KEPT: card.model_dump_json().encode(), kept_zip.NOTICE: b"x"})


def _zipped(content: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", method) as archive:
        for name, part in content.items():
            archive.writestr(name, part)
    return raw.getvalue()


def _content(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _forged(packed: bytes, *, weights: bytes | None = None, **card: Any) -> bytes:
    """The zip with another card or other weights under the right digests."""
    content = {n: raw for n, raw in _content(packed).items() if n not in (KEPT, kept_zip.NOTICE)}
    if weights is not None:
        content[checkpoints.WEIGHTS] = weights
        card |= {"weights_sha256": kept.digest_of(weights)}
    values = json.loads(content[checkpoints.CARD]) | card
    content[checkpoints.CARD] = json.dumps(values).encode()
    return _sealed(content)


def test_a_damaged_zip_never_loads_as_something_else(
    home: Path, packed: bytes, tmp_path: Path
) -> None:
    draw, loaded = random.Random(3), 0
    content = _content(packed)
    # Anywhere; and in the table at the end, which is small and matters most.
    tail = packed.find(b"PK\x01\x02")
    damaged = [*flipped(packed, draw, 150), *cut(packed, draw, 40)]
    damaged += [packed[:tail] + end for end in flipped(packed[tail:], draw, 100)]
    for raw in damaged:
        try:
            found = kept_zip.bring_in(raw, "New")
        except (RequestError, CheckpointError):
            _nothing_new(home, tmp_path)
            continue
        loaded += 1  # the bit says nothing, as one of a time
        for name, path in kept.files_of(found.base, kept.find_kept("new").card).items():
            assert path.read_bytes() == content[name]
        kept.delete("new")
    assert loaded < len(damaged) / 3


class Evil:
    """Would leave a file behind if it were unpickled."""

    def __reduce__(self) -> Any:
        return (os.system, ("touch evil-was-here",))


PICKLE = pickle.dumps(Evil())


def _entry(name: str, mode: int = 0) -> Callable[[bytes], bytes]:
    """One more file in the zip."""

    def made(packed: bytes) -> bytes:
        raw = io.BytesIO(packed)
        with zipfile.ZipFile(raw, "a") as archive:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, PICKLE)
        return raw.getvalue()

    return made


def _instead(
    name: str, part: bytes, *, method: int = zipfile.ZIP_STORED
) -> Callable[[bytes], bytes]:
    return lambda packed: _zipped(_content(packed) | {name: part}, method)


def _as_link(packed: bytes) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for name, part in _content(packed).items():
            info = zipfile.ZipInfo(name)
            link = name == checkpoints.WEIGHTS
            info.external_attr = (stat.S_IFLNK | 0o777 if link else stat.S_IFREG | 0o644) << 16
            archive.writestr(info, part)
    return raw.getvalue()


def _without(name: str) -> Callable[[bytes], bytes]:
    return lambda packed: _zipped({n: raw for n, raw in _content(packed).items() if n != name})


def _lying(packed: bytes) -> bytes:
    """Its table says that the weights are short."""
    bomb = _zipped(
        _content(packed) | {checkpoints.WEIGHTS: bytes(30_000_000)}, zipfile.ZIP_DEFLATED
    )
    said = (30_000_000).to_bytes(4, "little")
    return bomb.replace(said, (40_000).to_bytes(4, "little"))


def _encrypted(packed: bytes) -> bytes:
    raw = bytearray(packed)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = -1
        while (place := raw.find(mark, place + 1)) >= 0:
            raw[place + offset] |= 1
    return bytes(raw)


def _weights(packed: bytes, **changes: torch.Tensor) -> bytes:
    return save(load(_content(packed)[checkpoints.WEIGHTS]) | changes)


HARMFUL: dict[str, Callable[[bytes], bytes]] = {
    "no zip": lambda packed: b"hello",
    "nothing": lambda packed: b"",
    "an empty zip": lambda packed: _zipped({}),
    "a path upwards": _entry("../evil.txt"),
    "a path from the root": _entry("/tmp/evil.txt"),
    "a path of Windows": _entry("C:\\evil.txt"),
    "a pickle": _entry("evil.pkl"),
    "a folder": _entry("fm/", stat.S_IFDIR | 0o755),
    "a file twice": _entry(checkpoints.WEIGHTS),
    "a link": _as_link,
    "no card": _without(checkpoints.CARD),
    "no notice": _without(kept_zip.NOTICE),
    "a bomb": _instead(checkpoints.WEIGHTS, bytes(49_000_000), method=zipfile.ZIP_DEFLATED),
    "too large a notice": _instead(kept_zip.NOTICE, bytes(200_000)),
    "a bomb that hides": _lying,
    "packed otherwise": _instead(kept_zip.NOTICE, b"x", method=zipfile.ZIP_LZMA),
    "encrypted": _encrypted,
    "other weights": _instead(checkpoints.WEIGHTS, PICKLE),
    "another catalogue": _instead(checkpoints.CATALOGUE, b"movie_id\n1\n"),
    "a catalogue with other counts": lambda packed: _zipped(
        _content(packed)
        | {checkpoints.CATALOGUE: _content(packed)[checkpoints.CATALOGUE].replace(b",0\n", b",1\n")}
    ),
    "no JSON": _instead(KEPT, b"{"),
    "deep JSON": _instead(KEPT, b"[" * 9_000),
    "a card of another kind": _instead(KEPT, b'{"format": 1}'),
    "a pickle for weights": lambda packed: _forged(packed, weights=PICKLE),
    "an empty file for weights": lambda packed: _forged(packed, weights=b""),
    "weights cut short": lambda packed: _forged(packed, weights=_weights(packed)[:-9]),
    "weights too many": lambda packed: _forged(
        packed, weights=save({f"w{i}": torch.zeros(1) for i in range(1001)})
    ),
    "weights of another shape": lambda packed: _forged(
        packed, weights=_weights(packed, **{"machine.bias": torch.zeros(7)})
    ),
    "weights that are no numbers": lambda packed: _forged(
        packed,
        weights=_weights(packed, **{"machine.bias": torch.full((), float("nan"))}),
    ),
    "a model nobody has": lambda packed: _sealed(_content(packed), model="nope"),
    "an objective it has not": lambda packed: _sealed(_content(packed), objective="rating"),
    "the card of another model": lambda packed: _forged(packed, model="din"),
    "a name that is a path": lambda packed: _sealed(_content(packed), name="../evil"),
    "arguments it has not": lambda packed: _forged(packed, arguments={"depth": 1}),
    "a model of a million": lambda packed: _forged(packed, arguments={"embed_dim": 1_000_000}),
    "a model of a billion": lambda packed: _forged(packed, arguments={"embed_dim": 10**9}),
    "arguments that are no numbers": lambda packed: _forged(packed, arguments={"embed_dim": 1e999}),
    "arguments of another kind": lambda packed: _forged(packed, arguments={"embed_dim": "x"}),
    "a report of something else": lambda packed: _forged(packed, report={"slices": 3}),
    "epochs of something else": lambda packed: _forged(packed, epochs=[{"epoch": "x"}]),
    "figures that are no numbers": lambda packed: _forged(
        packed, metrics={"validation": {"auc": 1e999}, "test": {}}
    ),
    "another major version": lambda packed: _forged(packed, versions={"torch": "1.0.0"}),
    "histories of a million": lambda packed: _forged(packed, history_length=1_000_000),
    "another schema": lambda packed: _forged(packed, schema_hash="0"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", list(HARMFUL))
def test_a_harmful_zip_is_refused_and_leaves_nothing(
    name: str, home: Path, packed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    raw = HARMFUL[name](packed)
    began = time.monotonic()
    with pytest.raises((RequestError, CheckpointError)) as refused:
        kept_zip.bring_in(raw)
    assert time.monotonic() - began < 5
    assert len(str(refused.value)) < 700
    _nothing_new(home, tmp_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a bomb", "unpacks to 49,000,000 bytes"),
        ("too large a notice", "unpacks to 200,000 bytes"),
        ("a link", "is no plain file"),
        ("packed otherwise", "unusual way"),
        ("a path upwards", "'../evil.txt' does not belong in it"),
        ("no card", "a file is missing"),
        ("other weights", "not the file that kept.json was written for"),
        ("a model of a million", "embed_dim is 1000000; 1 to 512 may be"),
        ("a model of a billion", "embed_dim is 1000000000; 1 to 512 may be"),
        ("weights that are no numbers", "not numbers; train it again"),
    ],
)
def test_a_harmful_zip_is_refused_for_what_it_is(
    name: str, words: str, home: Path, packed: bytes
) -> None:
    with pytest.raises((RequestError, CheckpointError), match=words):
        kept_zip.bring_in(HARMFUL[name](packed))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"layers": 900_000}, "layers is 900000; 0 to 16 may be"),
        ({"layers": 16, "embed_dim": 512, "feed_forward": 2048}, "much larger than its weights"),
    ],
)
def test_a_model_larger_than_its_weights_is_refused_in_time(
    arguments: dict[str, int], words: str, home: Path, packed: bytes, tmp_path: Path
) -> None:
    raw = _forged(packed, model="transformer4rec", arguments=arguments)
    content = {n: part for n, part in _content(raw).items() if n not in (KEPT, kept_zip.NOTICE)}
    with pytest.raises(CheckpointError, match=words):
        kept_zip.bring_in(_sealed(content, model="transformer4rec", objective="like"))
    _nothing_new(home, tmp_path)


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
    raw = _sealed({f.name: f.read_bytes() for f in files}, model=key, objective="next")
    assert len(raw) < 400_000
    with pytest.raises(CheckpointError, match=r"takes \d.* MB .* histories of 200; 300 MB and 5 s"):
        kept_zip.bring_in(raw)
    _nothing_new(home, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"embed_dim": 10**20}, "embed_dim is 1000.*; 1 to 512 may be"),
        ({"embed_dim": -3}, "embed_dim is -3; 1 to 512 may be"),
        ({"heads": 32}, "heads is 32; 1 to 16 may be"),
        ({"hidden": [8] * 9}, "hidden has 9 entries, 8 are the limit"),
        ({"hidden": [[8]]}, "hidden holds neither numbers nor texts"),
        ({"whatever": 1}, "whatever is 1"),
    ],
)
def test_arguments_out_of_bounds_are_named(
    arguments: dict[str, Any], words: str, home: Path, packed: bytes
) -> None:
    with pytest.raises(CheckpointError, match=words):
        kept_zip.bring_in(_forged(packed, arguments=arguments))


def test_every_number_among_arguments_has_bounds() -> None:
    for card in CARDS.values():
        for name, about in inspect.signature(card.model.func).parameters.items():  # type: ignore[attr-defined]
            if "int" in str(about.annotation) or "float" in str(about.annotation):
                assert name in BOUNDS, (card.key, name)
    for path in checkpoints.root().rglob(checkpoints.CARD):
        check_arguments(json.loads(path.read_text())["arguments"])


def test_too_large_an_upload_is_not_opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_zip, "MAX_BYTES", 1000)
    with pytest.raises(RequestError, match="1,000 is the limit"):
        kept_zip.bring_in(bytes(1001))


def test_nothing_is_brought_in_where_training_is_switched_off(
    home: Path, packed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(control.ALLOWED_VARIABLE, "off")
    with pytest.raises(RequestError, match="switched off"):
        kept_zip.bring_in(packed, "New")


def test_a_zip_packed_anew_by_other_programs_is_taken(home: Path, packed: bytes) -> None:
    assert kept_zip.bring_in(_zipped(_content(packed), zipfile.ZIP_DEFLATED), "New").name == "New"


def test_the_problem_of_a_kept_model_stands_in_its_place(home: Path) -> None:
    (home / store.KEPT / "mine" / KEPT).write_text("{}")
    (found,) = kept.all_kept()
    assert isinstance(found, Kept)
    assert (found.name, found.card) == ("mine", None)
    assert "'mine' cannot be used" in found.problem
    assert Status(state="done").reason == ""


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
