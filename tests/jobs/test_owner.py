"""Whose it is: on a shared host nobody but its owner touches a run or a kept model, or sees it unless it is shared."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
from small_world import Desk, NoProcess

from recdemo.core.durations import now
from recdemo.core.errors import RequestError
from recdemo.jobs import control, kept, kept_zip, owner, room, store
from recdemo.jobs.owner import HOST, NOBODY, Visitor, visitor_of
from recdemo.jobs.store import Run, Status

ANNA, BERT = visitor_of(["anna" * 8]), visitor_of(["bert" * 8])


def _start(desk: Desk, by: Visitor) -> Run:
    with desk.patch.context() as patch:
        patch.setattr(control.subprocess, "Popen", NoProcess)
        return control.start(desk.ask(), by)


def _ended(desk: Desk, by: Visitor, hours: float = 0) -> Run:
    run, moment = _start(desk, by), now() - datetime.timedelta(hours=hours)
    store.write_status(run.folder, Status(state="done", updated=moment))
    return run


ON_RUNS: list[Callable[[str, Visitor], object]] = [
    control.cancel,
    control.resume,
    control.delete,
    lambda id, by: kept.keep(id, "Mine", by),
]
ON_KEPT: list[Callable[[str, Visitor], object]] = [
    kept.delete,
    lambda slug, by: kept.rename(slug, "Other", by),
]


@pytest.mark.parametrize("act", ON_RUNS)
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("by", [BERT, NOBODY])
def test_a_run_is_its_owners(
    act: Callable[[str, Visitor], object], shared: bool, by: Visitor, desk: Desk
) -> None:
    run = _start(desk, ANNA)
    owner.share(run.folder, shared, ANNA, "it")
    with pytest.raises(RequestError, match="is not yours" if shared else "no run"):
        act(run.id, by)
    assert [found.id for found in store.all_runs(by)] == [run.id] * shared
    assert store.find(run.id).state == "queued"
    with pytest.raises(RequestError, match="is not yours"):
        owner.share(run.folder, True, by, "it")


def test_a_kept_model_is_its_owners(desk: Desk) -> None:
    run = desk.done()
    anna = visitor_of(["anna" * 8, "another" * 5])
    ANNA.mark(run.folder)
    model = kept.keep(run.id, "Mine", anna)
    content = kept_zip.export("mine", ANNA)
    for act in (*ON_KEPT, kept.find_kept, kept_zip.export):
        with pytest.raises(RequestError, match=r"no kept model 'mine'; there are: none"):
            act("mine", BERT)
    owner.share(model.base, True, ANNA, "it")
    for act in ON_KEPT:
        with pytest.raises(RequestError, match="is not yours"):
            act("mine", BERT)
    assert kept_zip.export("mine", BERT) == content
    assert [found.slug for found in kept.all_kept(BERT)] == ["mine"]
    theirs = kept_zip.bring_in(content, "Theirs", BERT)
    assert not ANNA.may_look(theirs.base)
    kept.rename("mine", "Still mine", ANNA)
    kept.delete("still-mine", anna)
    kept.delete("theirs", HOST)


def test_what_has_no_owner_is_the_hosts(desk: Desk) -> None:
    run = _start(desk, HOST)
    assert not (run.folder / owner.OWNER).exists()
    assert not ANNA.may_look(run.folder)
    (run.folder / owner.OWNER).write_text('{"owner": 3}')
    for visitor in (ANNA, NOBODY):
        assert not visitor.may_change(run.folder)
    control.cancel(run.id)


def test_no_key_is_written_down(desk: Desk) -> None:
    run = _start(desk, ANNA)
    written = b"".join(path.read_bytes() for path in run.folder.iterdir())
    assert b"anna" not in written
    assert ANNA.digests[0].encode() in written


def test_nobody_starts_a_run(desk: Desk) -> None:
    with pytest.raises(RequestError, match="open the page again"):
        _start(desk, NOBODY)
    assert store.all_runs() == []


@pytest.mark.parametrize(
    ("secret", "given", "expected"),
    [
        ("a secret of the host", "a secret of the host", True),
        ("a secret of the host", "a secret of the hoſt", False),
        ("a secret of the host", "", False),
        ("", "", None),
        ("short", "short", None),
    ],
)
def test_the_hosts_own_secret_unlocks(
    secret: str, given: str, expected: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(owner.ADMIN_VARIABLE, secret)
    if expected is None:
        with pytest.raises(RequestError, match="unlocks nothing; give it 12 or more"):
            owner.unlocks(given)
    else:
        assert owner.unlocks(given) is expected


def test_each_visitor_has_a_part_of_the_room(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(room.ALIVE_EACH_VARIABLE, "1")
    monkeypatch.setenv(room.RUNS_EACH_VARIABLE, "2")
    monkeypatch.setenv(room.KEPT_EACH_VARIABLE, "0")
    first = _start(desk, ANNA)
    with pytest.raises(RequestError, match="you have 1 unfinished run, and the limit is 1"):
        _start(desk, ANNA)
    _start(desk, BERT)
    control.cancel(first.id, ANNA)
    second = _ended(desk, ANNA)
    third = _start(desk, ANNA)
    assert [run.id for run in store.all_runs(ANNA)] == [second.id, third.id]
    with pytest.raises(RequestError, match="you have 0 kept models, and the limit is 0"):
        room.check_kept(kept.shelf_of(desk.home), ANNA)


def test_another_visitors_run_makes_room_only_a_while_after_its_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(room.MOST_RUNS_VARIABLE, "2")
    old, new = _ended(desk, ANNA, hours=2), _ended(desk, ANNA)
    mine = _start(desk, BERT)
    assert [run.id for run in store.all_runs()] == [new.id, mine.id]
    store.write_status(mine.folder, Status(state="done"))
    control.delete(mine.id, BERT)
    _ended(desk, HOST)
    with pytest.raises(
        RequestError, match="0 of 2 runs are yours, and the limit is 2; come back in an hour"
    ):
        _start(desk, BERT)
    assert not Path(old.folder).exists()
