"""Training runs and kept models when things go wrong: kills, a full disk, damaged files, zips made to do harm."""

from __future__ import annotations

import errno
import io
import json
import os
import pickle
import random
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load, save
from small_world import Desk, make_desk, wait_until, write_world

from recdemo import checkpoints
from recdemo.contracts import CheckpointError, RequestError
from recdemo.data import simulate
from recdemo.models import CARDS
from recdemo.training import exchange, kept, launch, loop, resume, runs, trainer
from recdemo.training import run as one_run
from recdemo.training.kept import KEPT, Kept, KeptCard
from recdemo.training.runs import Run, Status
from recdemo.training.trainer import reason_of

PROJECT = Path(__file__).resolve().parents[1]
KILLS = 7  # of each model's runs


@pytest.fixture(scope="module")
def world(films: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 people over 60 films."""
    folder = tmp_path_factory.mktemp("worlds") / "world"
    return write_world(simulate(films.iloc[:60], users=40, seed=1), folder)


@pytest.fixture
def desk(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = make_desk(world, tmp_path, monkeypatch)
    yield made
    for run in runs.all_runs():
        launch.cancel(run.id)


def _digest(run: Run) -> str:
    folder = checkpoints.folder_of(run.request.model, run.request.objective, run.base)
    return checkpoints.read_card(folder).weights_sha256


# Killed


def test_runs_killed_at_any_moment_reach_what_they_would_have_reached(
    world: Path, tmp_path: Path
) -> None:
    seed = random.randrange(1000)
    print("seed", seed)  # stands in the report of a failure
    done = subprocess.run(
        [sys.executable, "tests/kill_runs.py", str(world), str(KILLS), str(seed)],
        cwd=PROJECT,
        env=os.environ
        | {
            "PYTHONPATH": str(PROJECT),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            runs.ROOT_VARIABLE: str(tmp_path / "runs"),
            "RECDEMO_CHECKPOINTS": str(tmp_path / "nothing"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert sum(each["killed"] for each in found.values()) >= 20
    assert all(all(each["equal"]) and each["equal"] for each in found.values()), found


# A full disk


def _full(patch: pytest.MonkeyPatch, name: str, after: int) -> None:
    """Files of this name are no longer written after so many times."""
    write, written = runs.write_whole, [0]

    def limited(path: Path, content: bytes, **rest: Any) -> None:
        written[0] += path.name == name
        if path.name == name and written[0] > after:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, content, **rest)

    patch.setattr(runs, "write_whole", limited)
    patch.setattr(resume, "write_whole", limited)


@pytest.mark.parametrize(
    ("name", "after"),
    [
        (runs.RESUME, 0),
        (runs.RESUME, 1),
        (runs.EPOCHS, 0),
        (runs.EPOCHS, 2),
        (runs.STATUS, 1),
        (runs.STATUS, 4),
        (checkpoints.CARD, 0),
    ],
)
def test_a_full_disk_ends_a_run_with_its_reason_and_it_can_be_resumed(
    name: str, after: int, desk: Desk
) -> None:
    wanted = _digest(desk.done())
    run = desk.queue()
    with desk.patch.context() as patch:
        _full(patch, name, after)
        if name == checkpoints.CARD:
            patch.setattr(checkpoints, "write_card", _no_space)
        failed = desk.work(run)
    assert failed.state == "failed"
    assert failed.status.reason.startswith("the disk is full")
    assert not list(failed.folder.glob("**/weights.safetensors"))
    with desk.patch.context() as patch:
        patch.setattr(launch, "_set_going", lambda folder, request: runs.read(folder))
        launch.resume(run.id)
    assert desk.work(run).state == "done"
    assert _digest(run) == wanted


def _no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_process_that_may_not_write_much_says_so(desk: Desk) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))  # what is started has it, too
    try:
        run = launch.start(desk.ask())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    wait_until(lambda: runs.find(run.id).ended)
    found = runs.find(run.id)
    assert (found.state, found.status.reason[:16]) == ("failed", "the disk is full")
    assert "Traceback" in found.log()


def test_a_run_is_not_started_on_a_full_disk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "write_whole", _no_space)
    with pytest.raises(RequestError, match="not started: No space"):
        desk.queue()
    assert runs.all_runs() == []
    assert list(desk.home.glob(f"{runs.DRAFT}*")) == []


def test_a_process_that_cannot_be_started_is_told_of(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(launch.subprocess, "Popen", none)
    run = launch.start(desk.ask())
    assert (run.state, run.status.reason) == (
        "failed",
        "its process could not be started: Cannot allocate memory",
    )


def test_a_process_that_ends_before_it_begins_is_told_of(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    popen = subprocess.Popen
    monkeypatch.setattr(launch.subprocess, "Popen", lambda words, **rest: popen(["false"], **rest))
    run = launch.start(desk.ask())
    wait_until(lambda: runs.find(run.id).ended)
    assert "before it began (exit status 1)" in runs.find(run.id).status.reason


# Why a run has failed


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "not enough memory"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:1] can't allocate memory"), "not enough mem"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk is full"),
        (OSError(errno.EACCES, "Permission denied", "/x"), "/x: Permission denied"),
        (RequestError("training diverged"), "training diverged"),
        (CheckpointError("a card is damaged"), "a card is damaged"),
        (KeyError("x"), "KeyError: 'x'; the log has the details"),
        (ValueError("one\ntwo"), "ValueError: one; the log"),
        (ValueError(), "ValueError: no details"),
    ],
)
def test_reasons_are_words(error: Exception, words: str) -> None:
    assert words in reason_of(error)


def test_what_torch_and_safetensors_really_say_is_understood(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as too_large:
        torch.empty(10**15)
    assert "memory" in reason_of(too_large.value)
    from safetensors.torch import save_file

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(Exception, match="os error") as full:
            save_file({"a": torch.zeros(100_000)}, tmp_path / "a")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert reason_of(full.value).startswith("the disk is full")


def test_unreadable_ratings_are_named_by_their_line(desk: Desk, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(desk.world, broken)
    lines = (broken / "ratings.dat").read_text().splitlines()
    (broken / "ratings.dat").write_text("\n".join([*lines[:6], "1::x::3::1"]))
    failed = desk.work(desk.queue(source=str(broken)))
    assert failed.state == "failed"
    assert "ratings.dat, line 7" in failed.status.reason
    missing = desk.work(desk.queue(source=str(tmp_path / "nowhere.zip")))
    assert "nowhere.zip does not exist" in missing.status.reason


def test_a_run_that_diverges_or_cannot_be_built_says_so(
    desk: Desk, capfd: pytest.CaptureFixture[str]
) -> None:
    failed = desk.work(desk.queue(optimizer="sgd", learning_rate=1e30))
    assert "diverged" in failed.status.reason
    assert failed.state == "failed"
    assert "Traceback" in capfd.readouterr().err  # in the log, and not in the reason
    failed = desk.work(desk.queue(arguments={"depth": 3}))
    assert "depth" in failed.status.reason
    assert "Traceback" not in failed.status.reason
    assert failed.epochs == []


def test_an_error_nobody_thought_of_is_told_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_run, "report_of", lambda *_, **__: {}["surprise"])
    assert desk.work(desk.queue()).status.reason.startswith("KeyError: 'surprise'")


# Damaged files of a run


@pytest.fixture(scope="module")
def state(world: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, str]:
    """What a run of an FM leaves after its first epoch, and the digest of the weights it reaches."""
    with pytest.MonkeyPatch.context() as patch:
        desk = make_desk(world, tmp_path_factory.mktemp("state"), patch)
        digest = _digest(desk.done())
        run = desk.queue()
        write, written = resume.write, []

        def once(path: Path, *rest: Any) -> None:
            if written:
                _no_space()
            write(path, *rest)
            written.append(path.read_bytes())

        patch.setattr(resume, "write", once)
        assert desk.work(run).state == "failed"
    return written[0], digest


def test_a_damaged_state_is_never_gone_on_with(state: tuple[bytes, str], tmp_path: Path) -> None:
    raw, draw = state[0], random.Random(0)
    path = tmp_path / "state"
    for damaged in [*_flipped(raw, draw, 60), *_cut(raw, draw, 20)]:
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="state is damaged"):
            resume.read(path, "it")


def test_a_run_whose_state_is_damaged_starts_again_and_says_so(
    state: tuple[bytes, str], desk: Desk
) -> None:
    raw, digest = state
    for content, note in ((raw, ""), (raw[:-1], "resume.state is damaged")):
        run = desk.queue()
        (run.folder / runs.RESUME).write_bytes(content)
        runs.write_epochs(run.folder, [loop.Epoch(9, 0.0, {}, 0.0, 0.0)])  # of an earlier life
        found = desk.work(run)
        assert (found.state, found.status.note[:23]) == ("done", note)
        assert [epoch.epoch for epoch in found.epochs] == [1, 2]
        assert _digest(found) == digest


def test_a_half_written_checkpoint_of_an_earlier_life_is_not_believed(desk: Desk) -> None:
    run = desk.queue()
    folder = checkpoints.folder_of("fm", "like", run.base)
    folder.mkdir(parents=True)
    (folder / ".like-draft").mkdir()
    (run.base / checkpoints.CATALOGUE).write_text("movie_id,title,year,genres,ratings,likes\n")
    assert desk.work(run).state == "done"
    assert len(pd.read_csv(run.base / checkpoints.CATALOGUE)) == 60
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", "weights.safetensors"]


@pytest.mark.parametrize("name", [runs.REQUEST, runs.STATUS, runs.EPOCHS])
def test_a_page_reads_whatever_is_in_the_files_of_a_run(name: str, desk: Desk) -> None:
    run = desk.done()
    path, draw = run.folder / name, random.Random(1)
    raw = path.read_bytes()
    for damaged in [*_flipped(raw, draw, 40), *_cut(raw, draw, 10), b"", b"[" * 10_000]:
        path.write_bytes(damaged)
        for found in runs.all_runs():
            assert found.title
            assert isinstance(found.progress, str)
            assert isinstance(found.epochs, list)
            json.dumps(found.as_dict())
    path.unlink()
    runs.all_runs()
    launch.delete(run.id)
    assert runs.all_runs() == []


def test_a_run_whose_request_is_lost_is_named_and_can_be_deleted(desk: Desk) -> None:
    run = desk.done()
    (run.folder / runs.REQUEST).write_text("{}")
    assert runs.all_runs() == []
    with pytest.raises(RequestError, match=f"runs delete {run.id}"):
        runs.find(run.id)
    launch.delete(run.id)


def test_a_waiting_process_writes_again_what_was_damaged(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.queue()
    run = desk.queue()
    naps = 0

    def nap(_: float) -> None:
        nonlocal naps
        naps += 1
        assert runs.find(run.id).status.doing == "waiting"
        (run.folder / runs.STATUS).write_text("x")
        if naps == 3:
            launch.cancel(runs.all_runs()[0].id)

    monkeypatch.setattr(trainer.time, "sleep", nap)
    assert desk.work(run).state == "done"
    assert naps == 3


def test_somebody_who_stands_in_the_door_for_ever_is_told_of(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "DOOR_SECONDS", 0.05)
    lock = runs.hold(desk.home / ".door")
    assert lock
    try:
        with pytest.raises(RequestError, match="in use by another"):
            runs.all_runs()
    finally:
        lock.release()


def _flipped(raw: bytes, draw: random.Random, times: int) -> Iterator[bytes]:
    """With one bit turned, anywhere."""
    for _ in range(times):
        place = draw.randrange(len(raw))
        yield raw[:place] + bytes([raw[place] ^ 1 << draw.randrange(8)]) + raw[place + 1 :]


def _cut(raw: bytes, draw: random.Random, times: int) -> Iterator[bytes]:
    """With its end missing."""
    return (raw[: draw.randrange(len(raw))] for _ in range(times))


# Kept models


@pytest.fixture(scope="module")
def shelf(world: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, bytes]:
    """A folder of runs with one done and kept as "Mine", the run's id, and the zip."""
    with pytest.MonkeyPatch.context() as patch:
        desk = make_desk(world, tmp_path_factory.mktemp("shelf"), patch)
        run = desk.done()
        kept.keep(run.id, "Mine")
        return desk.home, run.id, exchange.export("mine")


@pytest.fixture
def home(shelf: tuple[Path, str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to do with as one likes."""
    shutil.copytree(shelf[0], tmp_path / "runs")
    monkeypatch.setenv(runs.ROOT_VARIABLE, str(tmp_path / "runs"))
    monkeypatch.delenv(launch.ALLOWED_VARIABLE, raising=False)
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
    (run,) = runs.all_runs()
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
    assert list((home / runs.KEPT).iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["", " ", "-", "..", "a/b", "a\\b", "x" * 41, "a\nb", "a.b", "ä\0", "<b>", "C:", "a\u202eb"],
)
def test_a_name_that_cannot_be_used_is_refused(name: str, home: Path) -> None:
    (run,) = runs.all_runs()
    for act in (
        lambda: kept.keep(run.id, name),
        lambda: kept.rename("mine", name),
        lambda: exchange.bring_in(exchange.export("mine"), name),
    ):
        with pytest.raises(RequestError, match="cannot be named"):
            act()
    assert [found.name for found in kept.all_kept()] == ["Mine"]


def test_names_are_told_apart_as_folders_are(home: Path) -> None:
    (run,) = runs.all_runs()
    assert kept.keep(run.id, "Zweiter Versuch über FM").slug == "zweiter-versuch-über-fm"
    for name in ("mine", " MINE ", "Mine"):
        with pytest.raises(RequestError, match="'mine' already"):
            kept.keep(run.id, name)
    with pytest.raises(RequestError, match="already"):
        kept.rename("mine", "zweiter versuch ÜBER fm")


def test_only_so_many_are_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run,) = runs.all_runs()
    monkeypatch.setenv(kept.MOST_VARIABLE, "2")
    kept.keep(run.id, "Two")
    with pytest.raises(RequestError, match="2 models are kept"):
        kept.keep(run.id, "Three")
    kept.rename("two", "Three")


@pytest.mark.parametrize("slug", ["", ".", "..", "../kept/mine", "mine/fm", "nothing", ".draft-x"])
def test_no_other_folder_is_taken_for_a_kept_model(slug: str, home: Path) -> None:
    for act in (kept.find_kept, kept.delete, exchange.export, lambda s: kept.rename(s, "New")):
        with pytest.raises(RequestError, match="no kept model"):
            act(slug)
    assert len(kept.all_kept()) == 1


def test_only_a_run_that_is_done_and_sound_is_kept(home: Path, desk: Desk) -> None:
    desk.patch.setenv(runs.ROOT_VARIABLE, str(home))
    with pytest.raises(RequestError, match="is queued; only one that is done"):
        kept.keep(desk.queue().id, "New")
    run = runs.all_runs()[0]
    weights = checkpoints.folder_of("fm", "like", run.base) / checkpoints.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="damaged"):
        kept.keep(run.id, "New")
    weights.unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        kept.keep(run.id, "New")
    assert len(kept.all_kept()) == 1


def test_a_full_disk_leaves_nothing_half_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run,) = runs.all_runs()
    write = Path.write_bytes

    def limited(path: Path, content: bytes) -> int:
        if path.name == checkpoints.WEIGHTS:
            _no_space()
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", limited)
    with pytest.raises(RequestError, match="cannot be kept: No space"):
        kept.keep(run.id, "New")
    assert [path.name for path in (home / runs.KEPT).iterdir()] == ["mine"]


def test_a_damaged_kept_model_is_never_used(home: Path) -> None:
    base, draw = home / runs.KEPT / "mine", random.Random(2)
    files = [path for path in base.rglob("*") if path.is_file()]
    assert len(files) == 4
    for path in files:
        raw = path.read_bytes()
        for damaged in [*_flipped(raw, draw, 60), *_cut(raw, draw, 10)]:
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
    assert [path.name for path in (home / runs.KEPT).iterdir()] == ["mine"]
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not list(tmp_path.glob("**/evil*"))


def test_a_zip_there_and_back_is_the_same_model(home: Path, packed: bytes) -> None:
    assert exchange.export("mine") == packed
    with pytest.raises(RequestError, match="already"):
        exchange.bring_in(packed)
    found = exchange.bring_in(packed, "From a friend")
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
        notice = archive.read(exchange.NOTICE).decode()
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
    assert "no ratings" in notice
    assert "GroupLens" in notice


@pytest.mark.parametrize("key", list(CARDS))
def test_every_model_can_be_passed_on(
    key: str, home: Path, world: Path, make_model: Callable, write_checkpoint: Callable
) -> None:
    """What is built within bounds, and asked, before it is believed: each of them passes."""
    from recdemo.catalogue import read_catalogue
    from recdemo.features import Schema

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
    assert exchange.bring_in(_sealed(content, model=key, objective=objective), "New").name == "New"


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
    return _zipped(content | {KEPT: card.model_dump_json().encode(), exchange.NOTICE: b"x"})


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
    content = {n: raw for n, raw in _content(packed).items() if n not in (KEPT, exchange.NOTICE)}
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
    damaged = [*_flipped(packed, draw, 150), *_cut(packed, draw, 40)]
    damaged += [packed[:tail] + end for end in _flipped(packed[tail:], draw, 100)]
    for raw in damaged:
        try:
            found = exchange.bring_in(raw, "New")
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
    "no notice": _without(exchange.NOTICE),
    "a bomb": _instead(checkpoints.WEIGHTS, bytes(49_000_000), method=zipfile.ZIP_DEFLATED),
    "too large a notice": _instead(exchange.NOTICE, bytes(200_000)),
    "a bomb that hides": _lying,
    "packed otherwise": _instead(exchange.NOTICE, b"x", method=zipfile.ZIP_LZMA),
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
        exchange.bring_in(raw)
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
        ("a model of a million", "much larger than its weights"),
        ("a model of a billion", "an argument of 1000000000"),
        ("weights that are no numbers", "no number; train it anew"),
    ],
)
def test_a_harmful_zip_is_refused_for_what_it_is(
    name: str, words: str, home: Path, packed: bytes
) -> None:
    with pytest.raises((RequestError, CheckpointError), match=words):
        exchange.bring_in(HARMFUL[name](packed))


def test_a_layered_model_of_a_million_layers_is_refused_in_time(
    home: Path, packed: bytes, tmp_path: Path
) -> None:
    raw = _forged(packed, model="transformer4rec", arguments={"layers": 900_000})
    content = {n: part for n, part in _content(raw).items() if n not in (KEPT, exchange.NOTICE)}
    with pytest.raises(CheckpointError, match="much larger than its weights"):
        exchange.bring_in(_sealed(content, model="transformer4rec", objective="like"))
    _nothing_new(home, tmp_path)


def test_too_large_an_upload_is_not_opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MAX_BYTES", 1000)
    with pytest.raises(RequestError, match="1,000 is the limit"):
        exchange.bring_in(bytes(1001))


def test_nothing_is_brought_in_where_training_is_switched_off(
    home: Path, packed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(launch.ALLOWED_VARIABLE, "off")
    with pytest.raises(RequestError, match="switched off"):
        exchange.bring_in(packed, "New")


def test_a_zip_packed_anew_by_other_programs_is_taken(home: Path, packed: bytes) -> None:
    assert exchange.bring_in(_zipped(_content(packed), zipfile.ZIP_DEFLATED), "New").name == "New"


def test_the_problem_of_a_kept_model_stands_in_its_place(home: Path) -> None:
    (home / runs.KEPT / "mine" / KEPT).write_text("{}")
    (found,) = kept.all_kept()
    assert isinstance(found, Kept)
    assert (found.name, found.card) == ("mine", None)
    assert "'mine' cannot be used" in found.problem
    assert Status(state="done").reason == ""
