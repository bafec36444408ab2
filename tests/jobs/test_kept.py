"""Kept models: names, renaming, deleting, damage, and a full disk."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from small_world import Desk, cut, flipped, no_space

from recdemo import checkpoints
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.jobs import kept, kept_zip, room, store
from recdemo.jobs.kept import CARD_FILE, Kept
from recdemo.jobs.owner import visitor_of
from recdemo.jobs.store import Status


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
    assert list((home / store.KEPT_FOLDER).iterdir()) == []


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
    assert [path.name for path in (home / store.KEPT_FOLDER).iterdir()] == ["mine"]


def test_what_a_kill_left_of_a_kept_model_is_nobodys(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,), shelf = store.all_runs(), home / store.KEPT_FOLDER
    anna = visitor_of(["anna" * 8])
    anna.mark(run.folder)
    kept.keep(run.id, "Theirs", anna)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)  # killed before it came to that
        kept.delete("theirs", anna)
    assert [found.slug for found in kept.all_kept()] == ["mine"]
    assert len(list(shelf.glob(".draft-*"))) == 1
    # It takes no room, and whoever has the name next has nothing of it.
    monkeypatch.setenv(room.MOST_BYTES_VARIABLE, str(room.size_of(home)))
    again = kept.keep(run.id, "Theirs")
    assert not anna.may_look(again.base)
    assert list(shelf.glob(".draft-*")) == []
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)
        kept.delete("theirs")
    kept.rename("mine", "Theirs")
    kept.delete("theirs")
    assert list(shelf.iterdir()) == []


def test_a_kept_model_that_cannot_be_removed_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "rename", no_space)
    with pytest.raises(RequestError, match="mine cannot be removed: No space"):
        kept.delete("mine")


def test_a_damaged_kept_model_is_never_used(home: Path) -> None:
    base, draw = home / store.KEPT_FOLDER / "mine", random.Random(2)
    files = [path for path in base.rglob("*") if path.is_file()]
    assert len(files) == 4
    for path in files:
        raw = path.read_bytes()
        for damaged in [*flipped(raw, draw, 60), *cut(raw, draw, 10)]:
            path.write_bytes(damaged)
            with pytest.raises(CheckpointError, match=r"damaged|cannot be used"):
                kept.find_kept("mine")
            (listed,) = kept.all_kept()
            assert (listed.problem != "") == (path.name == CARD_FILE)
        path.write_bytes(raw)
    assert kept.find_kept("mine").name == "Mine"
    (base / CARD_FILE).unlink()
    assert kept.all_kept()[0].problem
    kept.delete("mine")
    assert kept.all_kept() == []


def test_the_problem_of_a_kept_model_stands_in_its_place(home: Path) -> None:
    (home / store.KEPT_FOLDER / "mine" / CARD_FILE).write_text("{}")
    (found,) = kept.all_kept()
    assert isinstance(found, Kept)
    assert (found.name, found.card) == ("mine", None)
    assert "'mine' cannot be used" in found.problem
    assert Status(state="done").reason == ""
