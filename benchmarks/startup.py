"""How long the app takes to its first page in a browser, and how much memory it holds with all models loaded.

    python benchmarks/startup.py [--repeats N]

Needs playwright (the extra dev), Debian's chromium, and Linux (memory is read from /proc). The first
page is timed from asking a server that has just started: until its heading is there, and until its last
section is. Memory is what the server holds when every model has answered on two pages and it has tidied up.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import sync_playwright

from benchmarks.browser import running_app, settle, start_chromium
from recdemo import checkpoints
from recdemo.ui.warm_up import TIDY_EVERY

SETTLE = 10.0  # seconds that tidying up may take
VISITOR = "g=F&a=25&o=12&h=260l-1214l-1374l-541l-589l-2571l"


def resident_mb(process: int) -> float:
    """Resident memory of a process, in MB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {process} is gone")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    heading, whole, memory = [], [], 0.0
    with sync_playwright() as playwright:
        browser = start_chromium(playwright)
        page = browser.new_page()
        for turn in range(repeats):
            with running_app() as app:
                started = time.perf_counter()
                page.goto(app.url)
                page.get_by_role("heading", name="recdemo").wait_for(timeout=60_000)
                heading.append(time.perf_counter() - started)
                page.get_by_text("What is loaded").wait_for(timeout=60_000)
                whole.append(time.perf_counter() - started)
                if turn == repeats - 1:  # once: every model on two pages takes minutes
                    for model, objective in checkpoints.available():
                        for name in ("recommend", "attention"):
                            page.goto(f"{app.url}/{name}?m={model}&obj={objective}&{VISITOR}")
                            settle(page)
                    time.sleep(TIDY_EVERY + SETTLE)
                    memory = resident_mb(app.process)
        browser.close()
    for name, seconds in {"heading": heading, "whole page": whole}.items():
        rounded = [round(second, 2) for second in seconds]
        print(f"cold server, {name}: median {statistics.median(seconds):.2f} s of {rounded}")
    print(f"memory, all models loaded: {memory:.0f} MB")


if __name__ == "__main__":
    main()
