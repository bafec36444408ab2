"""Take the screenshots under docs/screenshots: every page, wide and narrow, light and dark.

    python docs/screenshots.py [--out FOLDER] [--port PORT]

Needs playwright (requirements-dev.txt) and Debian's chromium.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = "/usr/bin/chromium"
VISITOR = "obj=next&g=F&a=25&o=12&h=780w-1721d-260l-1214l-1374l-541l-589l-2571l"
PAGES = {
    "home": "",
    "recommend": f"recommend?m=din&{VISITOR}",
    "attention-din": f"attention?m=din&{VISITOR}",
    "attention-afm": f"attention?m=afm&{VISITOR}",
}
SIZES = {"wide": (1280, 720), "narrow": (390, 844)}


def serve(port: int) -> subprocess.Popen[bytes]:
    """Start the app and wait until it answers."""
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    server = subprocess.Popen([*command, f"--server.port={port}"], cwd=ROOT)
    for _ in range(100):
        try:
            urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=1)
            return server
        except OSError:
            time.sleep(0.2)
    server.kill()
    raise SystemExit(f"the app did not answer on port {port}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots")
    parser.add_argument("--port", type=int, default=8599)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    server = serve(given.port)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
            )
            for theme in ("light", "dark"):
                for size, (width, height) in SIZES.items():
                    context = browser.new_context(
                        viewport={"width": width, "height": height}, color_scheme=theme
                    )
                    for name, path in PAGES.items():
                        page = context.new_page()
                        page.goto(f"http://localhost:{given.port}/{path}")
                        page.wait_for_selector("h1", timeout=60_000)
                        for busy in ("stStatusWidget", "stSkeleton"):
                            selector = f'[data-testid="{busy}"]'
                            page.wait_for_selector(selector, state="detached", timeout=60_000)
                        page.wait_for_timeout(2000)
                        page.screenshot(path=given.out / f"{name}-{size}-{theme}.png")
                        page.close()
                    context.close()
            browser.close()
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
