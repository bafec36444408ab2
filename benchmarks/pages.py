"""How long the server takes to answer a change on each page, for every model.

    python benchmarks/pages.py [--models din fm …] [--pages what_if …]

A scripted visit on each page with each model: the profile changes, a film is added, the model is chosen anew. Each
figure is one run of the page's script, models loaded, without browser or network. Prints median and 95th percentile.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console
from rich.table import Table
from streamlit.testing.v1 import AppTest

from benchmarks.boxes import choose_film
from benchmarks.browser import ROOT
from recdemo import checkpoints
from recdemo.ui.frame import MENU
from recdemo.ui.personas import PERSONAS
from recdemo.ui.visit import Visit, encode_visit

PAGES = [path for path, _, _ in MENU]
FILMS = (364, 588, 1907)


def changes(page: str, model: str, objective: str) -> list[float]:
    """Seconds of each change on one page with one model."""
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    visit = Visit(PERSONAS[0].session, model, objective)  # type: ignore[arg-type]
    for name, value in encode_visit(visit).items():
        app.query_params[name] = value
    app.run()
    app.switch_page(page).run()
    seconds = []

    def timed(run: Callable[[], AppTest] = app.run) -> None:
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)

    for gender in ("M", "F"):
        app.segmented_control(key="side_gender").set_value(gender)
        timed()
    for movie in FILMS:
        timed(partial(choose_film, app, "side_add", movie))
    app.selectbox(key="side_age").set_value(56)
    timed()
    if app.exception or app.error:
        raise SystemExit(f"{page} with {model} failed: {app.exception or app.error}")
    return seconds


def main() -> None:
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="*")
    parser.add_argument("--pages", nargs="*")
    chosen = parser.parse_args()
    pairs = [
        pair
        for pair in dict(checkpoints.available()[::-1]).items()
        if not chosen.models or pair[0] in chosen.models
    ]
    pages = [page for page in PAGES if not chosen.pages or Path(page).stem in chosen.pages]
    table = Table("page", "p50 ms", "p95 ms", "slowest model", "its p50 ms")
    for page in pages:
        by_model = {model: changes(page, model, objective) for model, objective in pairs}
        every = sorted(second for seconds in by_model.values() for second in seconds)
        slowest = max(by_model, key=lambda model: statistics.median(by_model[model]))
        table.add_row(
            Path(page).stem,
            f"{1000 * statistics.median(every):.0f}",
            f"{1000 * every[int(0.95 * (len(every) - 1))]:.0f}",
            slowest,
            f"{1000 * statistics.median(by_model[slowest]):.0f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
