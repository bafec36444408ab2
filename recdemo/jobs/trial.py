"""What an answer of a model from outside takes: tried from small to large, so that one too large is found while it is small.

First more and more films are scored for one visitor, until all are; then more and more visitors are asked about one film, as
pages do where they leave out each film in turn. All have the longest history that the model reads.
"""

from __future__ import annotations

import os
import time
from itertools import accumulate
from threading import Lock
from typing import TYPE_CHECKING

from recdemo.core.errors import CheckpointError
from recdemo.core.session import MAX_SESSION_FILMS, Session, Watched

if TYPE_CHECKING:
    from torch import nn

    from recdemo.checkpoints import Checkpoint
    from recdemo.core.batch import Batch

MAX_BYTES = 300_000_000
MAX_SECONDS = 5.0  # of the processor
_ONE = Lock()  # torch's profiler ends the process when two threads use it at once


def check_costs(loaded: Checkpoint) -> bool:
    """Ask a model all that a page may ask at once.

    Returns:
        Whether all that it answers are numbers.

    Raises:
        CheckpointError: it takes more memory or time than an answer may; says how much.
    """
    import torch

    from recdemo.encoding.encode import encode

    schema, model = loaded.schema, loaded.model
    longest = min(schema.history_length, schema.size, MAX_SESSION_FILMS)
    history = [Watched(movie, liked=True) for movie in schema.movie_ids[:longest].tolist()]
    with torch.inference_mode():  # what is done once only is done here, and not measured
        sound = bool(model(encode(schema, [Session()], torch.arange(1, 2))).isfinite().all())
    for most, of_films in ((schema.size, True), (longest, False)):
        count = 1
        while True:
            users, films = (1, count) if of_films else (count, 1)
            asked = [Session("F", 25, 4, history)] * users
            answered, size, seconds = _measured(
                model, encode(schema, asked, torch.arange(1, films + 1))
            )
            sound = sound and answered
            if size > MAX_BYTES or seconds > MAX_SECONDS:
                raise CheckpointError(
                    f"the {loaded.card.model} in it takes {size / 1e6:,.0f} MB and {seconds:.1f} s to score {films:,} of its "
                    f"{schema.size:,} films for {users:,} histories of {longest:,}; {MAX_BYTES / 1e6:,.0f} MB and "
                    f"{MAX_SECONDS:.0f} s are allowed: train it smaller, or with a shorter history"
                )
            if count == most:
                break
            # As far as what this one took allows for.
            spare = min(MAX_BYTES / max(size, 1), MAX_SECONDS / max(seconds, 0.01))
            count = min(most, count * min(max(int(spare), 2), 64))
    return sound


def _measured(model: nn.Module, batch: Batch) -> tuple[bool, int, float]:
    """Whether an answer is of numbers, its bytes at most at once, and its seconds of the processor."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # it tells each start and end of itself
    import torch
    from torch.profiler import ProfilerActivity, profile

    with (
        _ONE,
        torch.inference_mode(),
        profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen,
    ):
        began = time.thread_time()
        answer = model(batch)
        seconds = time.thread_time() - began
    events = sorted(seen.profiler.kineto_results.events(), key=lambda event: event.start_ns())
    changes = (event.nbytes() for event in events if event.name() == "[memory]")
    return bool(answer.isfinite().all()), max(accumulate(changes, initial=0)), seconds
