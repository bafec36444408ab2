"""Training runs: what they are, where they are kept, and what the command line says of them."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_world import Desk, NoProcess

from recdemo.core.durations import duration
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.jobs import control, store
from recdemo.jobs.store import Request, Status
from recdemo.training import snapshot as resume
from recdemo.training.observer import Epoch

PROJECT = Path(__file__).resolve().parents[2]


# What a run is


def test_ids_sort_in_the_order_of_creation_even_where_the_clock_goes_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [desk.ended("done").id]
    late = datetime.datetime(2040, 2, 3, 4, 5, 6, 999_500, tzinfo=datetime.UTC)
    for moment in (late, late, late - datetime.timedelta(days=9)):
        monkeypatch.setattr(control, "now", lambda moment=moment: moment)
        made.append(desk.ended("done").id)
    assert made[1:] == ["20400203-040506-999", "20400203-040507-000", "20400203-040507-001"]
    assert [run.id for run in store.all_runs()] == made == sorted(made)


def test_a_request_comes_back_as_it_was(desk: Desk) -> None:
    asked = desk.ask("rnn", learning_rate=0.01, arguments={"cell": "lstm", "hidden": [8]}, seed=7)
    with desk.patch.context() as patch:
        patch.setattr(control.subprocess, "Popen", lambda *_, **__: pytest.fail("not yet"))
        assert Request.model_validate_json(asked.model_dump_json()) == asked
    words = control.command(asked)
    assert words[:4] == ["-m", "recdemo", "train", "rnn"]
    assert words[words.index("--learning-rate") + 1] == "0.01"
    assert words[words.index("--data") + 1] == str(desk.world)
    assert "cell=lstm" in words
    assert "hidden=[8]" in words


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"model": "nope"}, "nope"),
        ({"objective": "rating"}, "rating"),
        ({"epochs": 0}, "epochs cannot be 0"),
        ({"batch_size": 1}, "batch_size cannot be 1"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"optimizer": "lion"}, "lion"),
        ({"share": 2.0}, "share cannot be 2"),
        ({"speed": 3}, "speed"),
        ({"seed": -1}, "seed cannot be -1"),
        ({"threads": 0}, "threads cannot be 0"),
        ({"source": ""}, ""),
    ],
)
def test_a_wrong_request_is_named(wrong: dict[str, Any], named: str, desk: Desk) -> None:
    if wrong == {"source": ""}:
        assert desk.ask(source="").source == str(Path.cwd())  # a folder, which may hold data
        return
    with pytest.raises(RequestError, match=named):
        desk.ask(**wrong)


FIRST_RELEASE = {
    store.REQUEST: """{"model": "fm", "objective": "like", "source": "simulated", "changes": {"epochs": 2,
        "batch_size": null, "optimizer": null, "learning_rate": null, "weight_decay": null, "negatives": null,
        "share": 0.5}, "arguments": {}, "split": "order", "seed": 0, "threads": 1,
        "created": "2026-11-20T10:00:00.000000Z"}""",
    store.STATUS: """{"state": "done", "pid": null, "doing": "", "epoch": 2, "epochs": 2, "step": 9, "steps": 9,
        "loss": null, "samples_per_second": 100.0, "seconds_left": null, "reason": "", "note": "",
        "updated": "2026-11-20T10:01:00.000000Z"}""",
    store.EPOCHS: """[{"epoch": 1, "loss": 0.5, "metrics": {"auc": 0.7}, "samples_per_second": 100.0,
        "seconds": 2.0}]""",
}


def test_a_run_of_the_first_release_is_listed(desk: Desk) -> None:
    folder = desk.home / "20261120-100000-000"
    folder.mkdir()
    for name, content in FIRST_RELEASE.items():
        (folder / name).write_text(content)
    (run,) = store.all_runs()
    assert (run.state, run.request.changes.epochs, run.request.changes.share) == ("done", 2, 0.5)
    assert [epoch.loss for epoch in run.epochs] == [0.5]


@pytest.fixture
def no_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A project that cannot be written; gives the folder for temporary files."""
    (tmp_path / "file").touch()
    (tmp_path / "temporary").mkdir()
    monkeypatch.delenv(store.ROOT_VARIABLE, raising=False)
    monkeypatch.setattr(store, "PROJECT", tmp_path / "file")
    monkeypatch.setattr(store.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    return tmp_path / "temporary"


def test_where_runs_are_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_project: Path
) -> None:
    assert store.root().parent == no_project
    monkeypatch.setenv(store.ROOT_VARIABLE, str(tmp_path / "here" / "runs"))
    assert store.root() == tmp_path / "here" / "runs"
    monkeypatch.delenv(store.ROOT_VARIABLE)
    monkeypatch.setattr(store.tempfile, "gettempdir", lambda: str(tmp_path / "file"))
    with pytest.raises(RequestError, match=store.ROOT_VARIABLE):
        store.root()


@pytest.mark.parametrize("given", ["file/runs", "~nobody-here/runs"])
def test_a_place_that_is_asked_for_and_cannot_be_written_is_an_error(
    given: str, monkeypatch: pytest.MonkeyPatch, no_project: Path
) -> None:
    monkeypatch.chdir(no_project.parent)
    (no_project.parent / "~nobody-here").touch()
    monkeypatch.setenv(store.ROOT_VARIABLE, given)
    with pytest.raises(RequestError, match=f"written to '{given}'; set RECDEMO_RUNS"):
        store.root()


def test_a_foreign_folder_for_temporary_files_is_not_used(no_project: Path) -> None:
    (no_project / "elsewhere").mkdir()
    (no_project / f"recdemo-runs-{os.getuid()}").symlink_to(no_project / "elsewhere")
    with pytest.raises(RequestError, match="cannot be written"):
        store.root()


def test_a_folder_of_somebody_else_is_not_used(
    monkeypatch: pytest.MonkeyPatch, no_project: Path
) -> None:
    assert store.root().parent == no_project
    monkeypatch.setattr(store.os, "getuid", lambda: 4242)
    with pytest.raises(RequestError, match="cannot be written"):
        store.root()


TORCH_FREE = """
import sys
from recdemo.jobs import control, kept, room, store
found = store.all_runs()
assert found, "nothing to read"
for run in found:
    assert run.title and run.epochs and run.log() and run.progress is not None and run.as_dict()
control.estimate(control.ask("fm"), 1000)
control.cancel(found[0].id)
control.allowed()
kept.keep(found[0].id, "From a page")
assert kept.find_kept("from-a-page").name == "From a page" and kept.all_kept()
kept.rename("from-a-page", "Again")
kept.delete("again")
control.delete(found[0].id)
print(sorted({"torch", "sklearn"} & set(sys.modules)))
"""


def test_a_page_reads_and_manages_runs_without_torch(desk: Desk) -> None:
    desk.done()
    done = subprocess.run(
        [sys.executable, "-c", TORCH_FREE], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr


# The command line


def test_the_command_line_lists_and_ends_runs(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    from recdemo import cli

    def run(*words: str) -> str:
        cli.app([*words], standalone_mode=False)
        return capsys.readouterr().out

    failed, queued = desk.ended("failed"), desk.queue()
    rows = json.loads(run("runs", "--json"))
    assert [(row["id"], row["state"]) for row in rows] == [
        (failed.id, "failed"),
        (queued.id, "queued"),
    ]
    assert rows[0]["model"] == "fm"
    assert "2 runs" in run("runs")
    assert "cancelled" in run("runs", "cancel", queued.id)
    with desk.patch.context() as patch:
        patch.setattr(control.subprocess, "Popen", NoProcess)
        assert "queued" in run("runs", "resume", failed.id)
    assert "cancelled" in run("runs", "cancel", failed.id)
    run("runs", "delete", queued.id)
    assert [row["id"] for row in json.loads(run("runs", "--json"))] == [failed.id]
    with pytest.raises(RequestError, match="no run"):
        run("runs", "cancel", "nothing")


def test_progress_is_words_for_people(desk: Desk) -> None:
    run = desk.queue()
    status = Status(state="running", doing="training", epoch=2, epochs=9, seconds_left=41.6)
    assert replace(run, status=status).progress == "training, epoch 2 of 9, 42 seconds left"
    nearly = status.model_copy(update={"seconds_left": 0.4})
    assert replace(run, status=nearly).progress == "training, epoch 2 of 9, nearly done"
    failed = Status(state="failed", epoch=2, epochs=9, reason="the disk is full")
    assert replace(run, status=failed).progress == "the disk is full"
    assert run.title.startswith("FM, like, world, ")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 seconds"), (89, "89 seconds"), (600, "10 minutes"), (7200, "2.0 hours")],
)
def test_a_duration_is_words_for_people(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_epochs_are_read_as_they_were_written(desk: Desk) -> None:
    run = desk.queue()
    assert run.epochs == []
    epochs = [Epoch(1, 0.5, {"auc": 0.7}, 100.0, 2.0), Epoch(2, 0.4, {"auc": 0.8}, 90.0, 3.0)]
    store.write_epochs(run.folder, epochs)
    assert run.epochs == epochs
    (run.folder / store.EPOCHS).write_text("[{")
    assert run.epochs == []


def test_the_end_of_a_log_is_read(desk: Desk) -> None:
    run = desk.queue()
    (run.folder / store.LOG).write_bytes("ä".encode() * 9000)
    assert len(run.log(last=101)) == 51  # a letter cut in two is shown as such
    (run.folder / store.LOG).unlink()
    assert run.log() == ""


def test_a_damaged_state_is_named(tmp_path: Path) -> None:
    assert resume.StateFile(tmp_path / "none", "it").read() is None
    (tmp_path / "state").write_bytes(b"abc")
    with pytest.raises(CheckpointError, match="state is damaged"):
        resume.StateFile(tmp_path / "state", "it").read()
