"""What a new server does while its first page is being read."""

from __future__ import annotations

import functools
import gc
import importlib
import threading
import time
from contextlib import suppress

from recdemo.core.allocator import give_back
from recdemo.ui import engine

WARM_UP_AFTER = 1.5  # seconds, in which the browser draws and still asks the server for its parts
TIDY_EVERY = 60.0  # seconds


@functools.cache
def warm_up() -> None:
    """Import what models need, once in a process, while the first page of a new server is being read; then tidy up now and again.

    A page that needs it sooner waits for the same import; what fails here fails again, and is seen, there.

    Streamlit collects garbage after every run of a page, and so looks at each of the 260,000 objects that the libraries
    are made of: 160 ms, in which nobody is answered. They stay for good, and are set aside from that here; until then nobody
    looks for garbage among them (`opening.show`).
    """

    def load() -> None:
        with suppress(Exception):
            for name in ("recdemo.answers.recommend", "recdemo.charts.terms"):
                importlib.import_module(name)
            _ = engine.films().search  # an index, made once
        gc.collect()
        gc.freeze()
        gc.enable()
        while True:  # what visitors who have left held
            time.sleep(TIDY_EVERY)
            engine.release()
            gc.collect()
            give_back()

    timer = threading.Timer(WARM_UP_AFTER, load)
    timer.daemon = True
    with suppress(RuntimeError):  # no thread to be had: the next page imports for itself
        timer.start()
