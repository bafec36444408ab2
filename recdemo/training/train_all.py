"""Train whatever of the zoo has no card yet, several models at a time, unattended."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context, parent_process
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from recdemo import checkpoints
from recdemo.checkpoints import CheckpointCard
from recdemo.core.errors import CheckpointError, DataError, RequestError
from recdemo.core.vocabulary import Objective, Split
from recdemo.models import card_of
from recdemo.training.command import train_words, typed
from recdemo.training.opening import open_data
from recdemo.training.pipeline import train
from recdemo.training.settings import settings_for

EVIDENCE = "evidence"
MOST_JOBS = 4  # unless asked for more: each takes a gigabyte


@dataclass(frozen=True, slots=True)
class Entry:
    """One run of the zoo. The weights of seed 0 and split ``order`` are kept; of others the card, as evidence."""

    model: str
    objective: Objective
    seed: int
    split: Split

    def __str__(self) -> str:
        return f"{self.model}, {self.objective}, split {self.split}, seed {self.seed}"

    @property
    def shipped(self) -> bool:
        return self.seed == 0 and self.split == "order"

    def place(self, base: Path) -> Path:
        """Its folder under a folder of checkpoints."""
        over = base if self.shipped else base / EVIDENCE / f"{self.split}-{self.seed}"
        return checkpoints.folder_of(self.model, self.objective, over)

    @property
    def expected(self) -> float:
        """Seconds that the shipped checkpoint took; 0 where there is none."""
        try:
            return checkpoints.read_card(
                checkpoints.folder_of(self.model, self.objective, checkpoints.root())
            ).seconds
        except CheckpointError:
            return 0.0


def missing(
    base: Path, *, models: Iterable[str], seeds: Iterable[int], split: Split
) -> list[Entry]:
    """The runs that have no card in `base`, those expected to take longest first, so that none is left over at the end."""
    asked = [(model, goal) for model in models for goal in card_of(model).objectives]
    entries = [Entry(*each, seed, split) for each, seed in product(asked, seeds)]
    lacking = [e for e in entries if not (e.place(base) / checkpoints.CARD).exists()]
    return sorted(lacking, key=lambda entry: -entry.expected)


def train_all(
    entries: Iterable[Entry],
    base: Path,
    source: str,
    *,
    jobs: int | None = None,
    on_done: Callable[[str], None] = lambda what: None,
) -> None:
    """Train in `jobs` processes, which share torch's threads.

    One that fails does not keep the others from being trained; what is done is kept, so that the same call goes on
    after any interruption.

    Args:
        entries: as of `missing`.
        base: folder of checkpoints.
        source: as in `recdemo.data.load_dataset`.
        jobs: None for one per thread, at most `MOST_JOBS`.
        on_done: called with what each has reached, or why it failed.

    Raises:
        DataError: the source cannot be read; nothing is trained then.
        RequestError: names the runs that failed, when the others are done; or a process was ended from outside.
    """
    entries = list(entries)
    if not entries:
        return
    open_data(source, base)  # a new folder gets its catalogue before several processes ask for one
    for entry in entries:
        checkpoints.sweep(entry.place(base))
    threads = torch.get_num_threads()
    jobs = jobs or min(threads, MOST_JOBS)
    pool = ProcessPoolExecutor(
        jobs,
        mp_context=get_context("spawn"),
        initializer=_begin,
        initargs=(max(1, threads // jobs),),
    )
    failed = []
    try:
        running: dict[Future[CheckpointCard], Entry] = {
            pool.submit(_train, entry, base, source): entry for entry in entries
        }
        for number, done in enumerate(as_completed(running), start=1):
            entry = running[done]
            try:
                said = _reached(done.result())
            except (CheckpointError, DataError, RequestError) as error:
                failed.append(str(entry))
                said = f"failed: {error}"
            on_done(f"{number} of {len(entries)}: {entry}: {said}")
    except BrokenProcessPool:
        raise RequestError(
            "the system ended one of the processes that train, perhaps for want of memory; ask for fewer --jobs: "
            "the same command goes on with what has no card yet"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)
    if failed:
        raise RequestError(f"{len(failed)} of {len(entries)} runs failed: {'; '.join(failed)}")


def _begin(threads: int) -> None:
    """In a new process that trains. It ends with the one that started it, even if that is killed: whoever asks again
    would train the same model beside it."""
    torch.set_num_threads(threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _train(entry: Entry, base: Path, source: str) -> CheckpointCard:
    """Done by one of the processes."""
    with TemporaryDirectory() as aside:
        card = train(
            entry.model,
            entry.objective,
            source,
            settings_for(entry.model, entry.objective, data=source, seed=entry.seed),
            base=base if entry.shipped else Path(aside),
            split=entry.split,
            command=typed(
                train_words(
                    entry.model, entry.objective, source, seed=entry.seed, split=entry.split
                )
            ),
        )
    if not entry.shipped:
        place = entry.place(base)
        place.mkdir(parents=True, exist_ok=True)
        checkpoints.write_card(card, place)
    return card


def _reached(card: CheckpointCard) -> str:
    figures = ", ".join(f"{name} {value:.4f}" for name, value in card.metrics.test.items())
    return f"{figures} in {card.seconds:.0f} s"
