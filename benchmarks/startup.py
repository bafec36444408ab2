"""How long the app takes to its first page in a browser, and how much memory it holds with all models loaded.

    python benchmarks/startup.py [--repeats N]

Needs playwright (the extra dev), Debian's chromium, and Linux (memory is read from /proc). The first
page is timed from asking a server that has just started: until its heading is there, and until its last
section is. So is what the server alone takes for Home, and for a link to a list and its reason, whose model it has to load, with no
browser at work beside it. Memory is what the server holds when every model has answered on two pages, the visitors have left, and it has tidied up.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import sync_playwright

from benchmarks.browser import App, running_app, start_chromium
from benchmarks.client import connected
from recdemo import checkpoints
from recdemo.ui.warm_up import TIDY_EVERY

KEPT = 120.0  # seconds for which Streamlit keeps what a visitor saw who has left
SETTLE = 10.0  # seconds that tidying up may take
VISITOR = {
    "m": "din",
    "obj": "next",
    "g": "F",
    "a": "25",
    "o": "12",
    "h": "260l-1214l-1374l-541l-589l-2571l",
}


def memory_of(process: int) -> tuple[float, float]:
    """What a process holds, and what of it is no page of a file, in MB."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
    kb = {name: int(value.split()[0]) for name, value in (line.split(":") for line in lines)}
    return kb["Rss"] / 1024, kb["Anonymous"] / 1024


async def answered(app: App, page: str, link: dict[str, str]) -> float:
    """Seconds until the server has run a page for a visitor of its own."""
    async with connected(app.url, page) as client:
        started = time.perf_counter()
        await client.open(link)
        return time.perf_counter() - started


def answer_all(app: App) -> None:
    """Every model on two pages."""
    for model, objective in checkpoints.available():
        for page in ("recommend", "attention"):
            asyncio.run(answered(app, page, VISITOR | {"m": model, "obj": objective}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    with sync_playwright() as playwright:
        browser = start_chromium(playwright)
        page = browser.new_page()
        for _ in range(repeats):
            with running_app() as app:
                started = time.perf_counter()
                page.goto(app.url)
                page.get_by_role("heading", name="recdemo").wait_for(timeout=60_000)
                seconds["heading"].append(time.perf_counter() - started)
                page.get_by_text("What is loaded").wait_for(timeout=60_000)
                seconds["whole page"].append(time.perf_counter() - started)
        browser.close()
    for _ in range(repeats):
        with running_app() as app:
            seconds["Home, the server alone"].append(asyncio.run(answered(app, "", {})))
        with running_app() as app:
            taken = asyncio.run(answered(app, "recommend", VISITOR))
            seconds["a list, the server alone"].append(taken)
    with running_app() as app:
        answer_all(app)
        time.sleep(KEPT)
        asyncio.run(answered(app, "", {}))  # when somebody comes, those who left are forgotten
        time.sleep(TIDY_EVERY + SETTLE)
        resident, own = memory_of(app.process)
    for what, each in seconds.items():
        rounded = [round(second, 2) for second in each]
        print(f"cold server, {what}: median {statistics.median(each):.2f} s of {rounded}")
    print(
        f"memory, all models loaded: {resident:.0f} MB, {own:.0f} of them its own, the rest pages of files"
    )


if __name__ == "__main__":
    main()
