"""Take the screenshots under docs/screenshots: every page, wide and narrow, light and dark; and one step inside of each family.

    python docs/screenshots.py [--out FOLDER] [NAME ...]

Needs playwright (the extra dev) and Debian's chromium.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import sync_playwright

from benchmarks.browser import ROOT, running_app, settle, start_chromium
from recdemo.ui.stories import STORIES

STEP = STORIES["person"].steps[0]
VISITOR = "g=F&a=25&o=12&h=780w-1721d-260l-1214l-1374l-541l-589l-2571l"
PAGES = {
    "home": "",
    "walkthrough": f"walkthrough?{VISITOR}",
    "story": f"{Path(STEP.page).stem}?{urlencode(STEP.link | {'s': 'person.1'})}",
    "recommend": f"recommend?m=din&obj=next&{VISITOR}",
    "compare": f"compare?m=din&obj=next&{VISITOR}",
    "what-if": f"what_if?m=din&obj=next&{VISITOR}&wg=M&wa=56",
    "attention-din": f"attention?m=din&obj=next&{VISITOR}",
    "attention-afm": f"attention?m=afm&obj=like&{VISITOR}",
    "inside-din": f"inside?m=din&obj=next&t=1240&i=interest&{VISITOR}",
    "embeddings": f"embeddings?m=din&obj=next&{VISITOR}",
    "models": f"models?m=din&obj=next&{VISITOR}",
    "lab": f"lab?m=din&obj=next&{VISITOR}",
    "leaderboard": f"leaderboard?m=din&obj=next&{VISITOR}",
    "data": f"data?m=din&obj=next&{VISITOR}",
    "retrain": f"retrain?m=din&obj=next&{VISITOR}",
}
# The picture of the page Inside alone, at the step that tells most.
STEPS = {
    "fm": "logit.field_pairs",
    "afm": "pair_terms",
    "din": "interest",
    "dien": "evolution",
    "bst": "read.place_look",
    "sasrec": "encoder_layer.look",
    "dcn": "cross_layer",
    "textcnn_rating": "windows_3",
    "linear_next": "logit",
}
SIZES = {"wide": (1280, 720), "narrow": (390, 844)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots")
    parser.add_argument("names", nargs="*", help="of pages and models; all, if left out")
    out, names = (given := parser.parse_args()).out, given.names
    out.mkdir(parents=True, exist_ok=True)
    with running_app() as app, sync_playwright() as playwright:
        browser = start_chromium(playwright)
        for theme in ("light", "dark"):
            for size, (width, height) in SIZES.items():
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=theme
                )
                for name, path in PAGES.items():
                    if names and name not in names:
                        continue
                    page = context.new_page()
                    page.goto(f"{app.url}/{path}")
                    settle(page)
                    page.screenshot(path=out / f"{name}-{size}-{theme}.png")
                    page.close()
                context.close()
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        for model, step in STEPS.items():
            if not names or model in names:
                page.goto(f"{app.url}/inside?m={model}&t=1210&i={step}&{VISITOR}")
                settle(page)
                view = page.get_by_role("region", name="The answer, computed step by step")
                view.screenshot(path=out / f"step-{model}.jpg", type="jpeg", quality=72)
        browser.close()


if __name__ == "__main__":
    main()
