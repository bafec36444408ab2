"""How long the app takes to its first page in a browser, and how much memory it holds with all models loaded.

    python benchmarks/startup.py [--repeats N] [--port PORT]

Needs playwright (requirements-dev.txt), Debian's chromium, and Linux (memory is read from /proc).
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
CHROMIUM = "/usr/bin/chromium"
VISITOR = "g=F&a=25&o=12&h=260l-1214l-1374l-541l-589l-2571l"


def resident_mb(process: int) -> float:
    """Resident memory of a process, in MB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"process {process} is gone")


def show(browser: Browser, url: str) -> float:
    """Seconds from asking for a page to its heading."""
    page = browser.new_page()
    started = time.perf_counter()
    page.goto(url)
    page.wait_for_selector("h1", timeout=60_000)
    seconds = time.perf_counter() - started
    page.wait_for_selector('[data-testid="stStatusWidget"]', state="detached", timeout=60_000)
    page.wait_for_timeout(1000)
    page.close()
    return seconds


def main() -> None:
    from recdemo import checkpoints

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--port", type=int, default=8597)
    given = parser.parse_args()
    base = f"http://localhost:{given.port}"
    first, memory = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for _ in range(given.repeats):
            command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
            server = subprocess.Popen(
                [*command, f"--server.port={given.port}"], cwd=ROOT, stdout=subprocess.DEVNULL
            )
            try:
                while True:
                    try:
                        urllib.request.urlopen(f"{base}/_stcore/health", timeout=1)
                        break
                    except OSError:
                        time.sleep(0.1)
                first.append(show(browser, base))
                for model, objective in checkpoints.available():
                    show(browser, f"{base}/recommend?m={model}&obj={objective}&{VISITOR}")
                    show(browser, f"{base}/attention?m={model}&obj={objective}&{VISITOR}")
                memory.append(resident_mb(server.pid))
            finally:
                server.terminate()
                server.wait()
        browser.close()
    print(f"first page: median {statistics.median(first):.2f} s of {[round(s, 2) for s in first]}")
    print(f"memory, all models loaded: median {statistics.median(memory):.0f} MB")


if __name__ == "__main__":
    main()
