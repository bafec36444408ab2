"""The app as a process of its own, and Debian's chromium: for benchmarks, screenshots and browser tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO

from playwright.sync_api import Browser, Locator, Page, Playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = Path("/usr/bin/chromium")
START_SECONDS = 60
TRIES, OPTION_SECONDS = 5, 8


@dataclass(frozen=True, slots=True)
class App:
    """A running server."""

    url: str
    process: int


@contextmanager
def running_app(
    environment: Mapping[str, str] | None = None, *, log: Path | None = None
) -> Iterator[App]:
    """Start the app on a free port, wait until it answers, stop it at the end.

    Args:
        environment: variables set for it, besides those of this process.
        log: takes what it prints, errors in full among it.

    Raises:
        RuntimeError: it ended, or did not answer in time.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "streamlit_app.py",
        f"--server.port={port}",
    ]
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | (environment or {}),
    )
    reader = Thread(target=_copy, args=(server.stdout, log or Path(os.devnull)))
    reader.start()
    url = f"http://localhost:{port}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(f"{url}/_stcore/health"):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the app did not answer: {' '.join(command)}")
            time.sleep(0.05)
        yield App(url, server.pid)
    finally:
        server.terminate()
        server.wait()
        reader.join()


def _copy(printed: IO[bytes], log: Path) -> None:
    """Not by the server itself, which may be forbidden to write."""
    with log.open("wb") as file:
        shutil.copyfileobj(printed, file)


def start_chromium(playwright: Playwright) -> Browser:
    """Headless chromium."""
    return playwright.chromium.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
    )


def settle(page: Page) -> None:
    """Wait until the page is drawn and nothing runs."""
    drawn = ".st-key-menu button"  # after the imports of a cold server
    page.wait_for_selector(drawn, state="attached", timeout=60_000)
    page.wait_for_timeout(500)
    for busy in ("stStatusWidget", "stSkeleton"):
        page.wait_for_selector(f'[data-testid="{busy}"]', state="detached", timeout=60_000)
    page.wait_for_timeout(1000)


def choose(box: Locator, typed: str, option: str) -> None:
    """Search a select box and take an option.

    A page still being drawn may close the list under the typing and keep the text. Typing on opens it again, as a
    person does at once.

    Args:
        box: the select box's combobox.
        typed: what is searched for.
        option: the name of the option taken.

    Raises:
        playwright.sync_api.TimeoutError: it is not offered.
    """
    found = box.page.get_by_role("option", name=option)
    for left in reversed(range(TRIES)):
        box.fill("")
        box.press_sequentially(typed)
        try:
            found.click(timeout=OPTION_SECONDS * 1000)
        except PlaywrightTimeout:
            if not left:
                raise
        else:
            return


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=1)
    except OSError:
        return False
    return True
