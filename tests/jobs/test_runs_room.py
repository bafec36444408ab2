"""How many training runs may be kept, started and waited for."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_world import Desk

from recdemo import checkpoints
from recdemo.core.errors import RequestError
from recdemo.jobs import control, kept, room, store

PROJECT = Path(__file__).resolve().parents[2]


# Room


def test_the_oldest_ended_runs_make_room(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(room.MOST_RUNS_VARIABLE, "4")
    kept_run = desk.done()
    kept.keep(kept_run.id, "Mine")
    ended = [desk.ended(state) for state in ("failed", "done", "cancelled")]
    desk.queue()
    left = [run.id for run in store.all_runs()]
    assert len(left) == 4
    assert kept_run.id in left
    assert ended[0].id not in left
    for run in store.all_runs():
        if run.ended and run.id != kept_run.id:
            control.delete(run.id)
    for _ in range(2):
        desk.queue()
    with pytest.raises(
        RequestError, match="4 of 4 runs are yours, and the limit is 4; cancel or delete one"
    ):
        desk.queue()


def test_bytes_are_counted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    runs_ended = [desk.ended("done") for _ in range(3)]
    for run in runs_ended:
        (run.folder / "large").write_bytes(bytes(100_000))
    assert room.size_of(desk.home) > 300_000
    monkeypatch.setenv(room.MOST_BYTES_VARIABLE, "150000")
    desk.queue()
    assert runs_ended[2].id in [run.id for run in store.all_runs()]
    assert runs_ended[1].id not in [run.id for run in store.all_runs()]
    monkeypatch.setenv(room.MOST_BYTES_VARIABLE, "much")
    with pytest.raises(RequestError, match="'much'"):
        desk.queue()


def test_data_of_ones_own_go_with_the_last_run_that_names_them(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(room.MOST_BYTES_VARIABLE, "1000000")
    mine, never = (desk.home / room.DATA / name / "own.zip" for name in ("mine", "never"))
    for path in (mine, never):
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(600_000))
    first, second = (desk.queue(source=str(mine)) for _ in range(2))
    assert not never.exists(), "no run names it, and it took the room of one that does"
    for run in (first, second):
        assert mine.exists()
        control.cancel(run.id)
        control.delete(run.id)
    assert not mine.exists()
    never.parent.mkdir()
    never.write_bytes(bytes(600_000))
    room.check_bytes(desk.home, 900_000)
    with pytest.raises(RequestError, match=r"no room for 1.1 MB: .* take 0.0 of 1.0 MB; delete"):
        room.check_bytes(desk.home, 1_100_000)


def test_what_made_room_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(room.MOST_RUNS_VARIABLE, "1")
    first = desk.ended("failed")
    assert f"these runs were removed: {first.title}" in desk.done().status.note


@pytest.mark.parametrize(
    "name", ["99991231-235959-999", "20261399-000000-000", "20261101-000000-000"]
)
def test_a_folder_that_is_no_run_is_passed_over(name: str, desk: Desk) -> None:
    folder = desk.home / name
    folder.mkdir()
    if not name.startswith("20261101"):
        (folder / store.REQUEST).write_text("{}")
    run = desk.queue()
    assert [found.id for found in store.all_runs()] == [run.id]
    with pytest.raises(RequestError, match="no run"):
        control.delete(name)
    assert folder.is_dir()


def test_only_so_many_wait(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(room.MOST_WAITING_VARIABLE, "1")
    first, _ = desk.queue(), desk.queue()
    with pytest.raises(RequestError, match=r"the queue is full \(one run is training, 1 waiting\)"):
        desk.queue()
    control.cancel(first.id)
    desk.queue()
    with pytest.raises(RequestError, match=r"the queue is full \(one run is training, 1 waiting\)"):
        control.resume(first.id)


def test_delete_takes_all_of_a_run_and_never_one_that_is_alive(desk: Desk) -> None:
    run = desk.queue()
    with pytest.raises(RequestError, match=r"FM, like, world.*has not ended"):
        control.delete(run.id)
    control.cancel(run.id)
    control.delete(run.id)
    assert store.all_runs() == []
    assert [path.name for path in desk.home.iterdir()] == [".door"]


def test_what_a_crash_left_half_made_is_cleared(desk: Desk) -> None:
    (desk.home / f"{store.DRAFT}one").mkdir()
    (desk.home / store.KEPT_FOLDER / f"{store.DRAFT}two").mkdir(parents=True)
    desk.queue()
    assert list(desk.home.glob(f"**/{store.DRAFT}*")) == []
    data = desk.home / room.DATA / "digest" / "own.zip"
    data.parent.mkdir(parents=True)
    for path in (data, data.with_name(".own.zip-0a")):
        path.write_bytes(b"x")
    with store.lock(desk.home):
        room.clear_drafts(desk.home)
    assert list(data.parent.iterdir()) == [data]


# What may be trained here


def test_retraining_can_be_switched_off(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert control.allowed() == "on"
    run = desk.ended("interrupted")
    for value, expected in (("off", "off"), ("OFF ", "off"), ("no", "off"), ("", "on")):
        monkeypatch.setenv(control.ALLOWED_VARIABLE, value)
        assert control.allowed() == expected
    monkeypatch.setenv(control.ALLOWED_VARIABLE, "simulated")
    with pytest.raises(RequestError, match=r"only simulated.*'world'"):
        desk.queue()
    with pytest.raises(RequestError, match="only simulated"):
        control.resume(run.id)
    assert desk.queue(source="simulated").state == "queued"
    monkeypatch.setenv(control.ALLOWED_VARIABLE, "of")
    with pytest.raises(RequestError, match=r"switched off here.*'of'"):
        desk.queue(source="simulated")


# How long


def test_an_estimate_scales_what_the_shipped_run_took(desk: Desk) -> None:
    run = desk.done(epochs=2)
    card = checkpoints.read_card(checkpoints.folder_of("fm", "like", run.base))
    seconds = sum(epoch["seconds"] for epoch in card.epochs) / 2
    same = control.estimate(desk.ask(), card.data.ratings, run.base)
    assert same == pytest.approx(2 * seconds)
    more = control.estimate(desk.ask(epochs=6, share=0.5), 10 * card.data.ratings, run.base)
    assert more == pytest.approx(30 * seconds)
    staged = desk.done("fnn", epochs=1)
    card = checkpoints.read_card(checkpoints.folder_of("fnn", "like", staged.base))
    assert len(card.epochs) == 2  # of the first stage, and of the network
    both = sum(epoch["seconds"] for epoch in card.epochs)
    found = control.estimate(desk.ask("fnn", epochs=1), card.data.ratings, staged.base)
    assert found == pytest.approx(both)
    assert control.estimate(desk.ask("din"), 1000, run.base) is None
    shipped = PROJECT / "checkpoints"
    fm = control.estimate(desk.ask(epochs=None, batch_size=None), 1_000_209, shipped)
    assert 60 < (fm or 0) < 3600
    assert control.estimate(desk.ask("popularity"), 1000, shipped) is None
