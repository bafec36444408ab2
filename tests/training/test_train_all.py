"""Training whatever has no card yet: what is asked, in which order, and what a failure leaves behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recdemo import checkpoints
from recdemo.core.errors import DataError, RequestError
from recdemo.training import train_all
from recdemo.training.train_all import Entry


def test_what_has_a_card_is_not_trained_again(tmp_path: Path) -> None:
    models = ("popularity", "textcnn_rating")
    asked = train_all.missing(tmp_path, models=models, seeds=[0, 1], split="order")
    assert {(e.model, e.objective, e.seed) for e in asked} == {
        *(("popularity", goal, seed) for goal in ("like", "next", "rating") for seed in (0, 1)),
        *(("textcnn_rating", "rating", seed) for seed in (0, 1)),
    }
    shipped = checkpoints.folder_of("popularity", "like", checkpoints.root())
    done = [Entry("popularity", "like", 0, "order"), Entry("popularity", "next", 1, "order")]
    for entry in done:
        folder = entry.place(tmp_path)
        folder.mkdir(parents=True)
        shutil.copy(shipped / checkpoints.CARD, folder)
    left = train_all.missing(tmp_path, models=models, seeds=[0, 1], split="order")
    assert set(asked) - set(left) == set(done)


def test_the_longest_are_trained_first(tmp_path: Path) -> None:
    entries = train_all.missing(
        tmp_path, models=("popularity", "fm", "din"), seeds=[0], split="order"
    )
    seconds = [entry.expected for entry in entries]
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[0] > 100
    assert entries[-1].model == "popularity"


def test_only_the_first_seed_of_the_usual_split_is_shipped(tmp_path: Path) -> None:
    places = {
        Entry("fm", "next", 0, "order"): "fm/next",
        Entry("fm", "next", 1, "order"): "evidence/order-1/fm/next",
        Entry("fm", "next", 0, "last"): "evidence/last-0/fm/next",
    }
    for entry, place in places.items():
        assert entry.place(tmp_path) == tmp_path / place


def test_one_that_fails_is_named_and_the_others_are_trained(
    few_ratings: Path, tmp_path: Path
) -> None:
    impossible = Entry("fm", "rating", 0, "order")
    good = [Entry("popularity", "like", seed, "order") for seed in (0, 1)]
    said: list[str] = []
    with pytest.raises(RequestError, match="1 of 3 runs failed: fm, rating"):
        train_all.train_all(
            [impossible, *good], tmp_path, str(few_ratings), jobs=2, on_done=said.append
        )
    assert len(said) == 3
    assert sum("failed: " in line for line in said) == 1
    for entry in good:
        card = checkpoints.read_card(entry.place(tmp_path))
        assert card.seed == entry.seed
        assert card.command.endswith(f"--seed {entry.seed}")
        assert (entry.place(tmp_path) / checkpoints.WEIGHTS).exists() == entry.shipped
    train_all.train_all([], tmp_path, "no such data")  # nothing to do reads nothing


def _die(*_: object) -> None:
    os._exit(9)


def test_a_process_ended_from_outside_is_said_and_leaves_no_card(
    few_ratings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_all, "_train", _die)
    entry = Entry("popularity", "like", 0, "order")
    with pytest.raises(RequestError, match="fewer --jobs"):
        train_all.train_all([entry], tmp_path, str(few_ratings), jobs=1)
    assert not entry.place(tmp_path).exists()


def test_data_that_cannot_be_read_stop_everything(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        train_all.train_all([Entry("fm", "like", 0, "order")], tmp_path, str(tmp_path / "nowhere"))
    assert not any(tmp_path.iterdir())


def test_what_a_save_that_was_killed_left_behind_is_no_model_and_is_removed(
    few_ratings: Path, tmp_path: Path
) -> None:
    entry = Entry("popularity", "like", 0, "order")
    shipped = checkpoints.folder_of("popularity", "like", checkpoints.root())
    place = entry.place(tmp_path)
    for left in (".like-abc", ".like-abc-old", ".next-abc"):
        shutil.copytree(shipped, place.with_name(left))
    assert entry in train_all.missing(tmp_path, models=["popularity"], seeds=[0], split="order")
    assert checkpoints.available(tmp_path) == []
    train_all.train_all([entry], tmp_path, str(few_ratings), jobs=1)
    assert sorted(path.name for path in place.parent.iterdir()) == [".next-abc", "like"]


SLEEPER = """
import os, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from recdemo.training import train_all

pool = ProcessPoolExecutor(1, get_context("spawn"), train_all._begin, (1,))
print(pool.submit(os.getpid).result(), flush=True)
pool.submit(time.sleep, 600).result()
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are read from /proc")
def test_processes_that_train_end_with_the_one_that_started_them() -> None:
    starter = subprocess.Popen([sys.executable, "-c", SLEEPER], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    trains = Path("/proc") / starter.stdout.readline().strip() / "stat"
    assert trains.exists()
    starter.kill()
    starter.wait()
    starter.stdout.close()
    ends = time.monotonic() + 60
    while trains.exists() and ") Z " not in trains.read_text():
        assert time.monotonic() < ends, "it goes on training alone"
        time.sleep(0.1)
