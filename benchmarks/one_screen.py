"""Is all that counts on one screen? Every page and every step of a story at 1280 by 720, the size of a projector.

    python benchmarks/one_screen.py

What counts is the heading, and in the places that a page marks as its answer and its reason (`recdemo.ui.chart`) all up to
the end of the first picture: a chart, a table, a drawing; the whole place where it holds none. What explains a picture may
be below. In a story the bar with the finding and the buttons counts, too.
"""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Page, sync_playwright

from benchmarks.browser import running_app, settle, start_chromium
from recdemo.ui.frame import MENU
from recdemo.ui.stories import STORIES

WIDTH, HEIGHT = 1280, 720
VISITOR = "m=din&obj=next&g=F&a=25&o=12&h=780w-1721d-260l-1214l-1374l-541l-589l-2571l"
BOTTOMS = """() => {
    const picture = '.js-plotly-plot, [data-testid="stDataFrame"], [data-testid="stTable"], [data-testid="stGraphVizChart"]';
    const found = {};
    for (const [name, place] of [['title', 'h1'], ['story', '.st-key-guide'], ['answer', '.st-key-answer'], ['reason', '.st-key-reason']]) {
        const box = document.querySelector(place);
        if (box) found[name] = (box.querySelector(picture) ?? box).getBoundingClientRect().bottom;
    }
    return found;
}"""


def below(page: Page) -> dict[str, int]:
    """What ends below the screen, and where. A page without a heading or an answer has it nowhere: at minus one."""
    found: dict[str, float] = page.evaluate(BOTTOMS)
    height = page.viewport_size["height"] if page.viewport_size else HEIGHT
    ends = {name: round(bottom) for name, bottom in found.items() if bottom > height + 0.5}
    return {name: -1 for name in ("title", "answer") if name not in found} | ends


def places() -> dict[str, str]:
    """Links of all pages and steps by name."""
    found = {
        label: f"{'' if path == 'streamlit_app.py' else Path(path).stem}?{VISITOR}"
        for path, label, _ in MENU
    }
    for story in STORIES.values():
        for number, step in enumerate(story.steps, start=1):
            link = urlencode(step.link | {"s": f"{story.key}.{number}"})
            found[f"{story.title}, step {number}"] = f"{Path(step.page).stem}?{link}"
    return found


def main() -> None:
    wrong = 0
    with running_app() as app, sync_playwright() as playwright:
        browser = start_chromium(playwright)
        context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
        for name, link in places().items():
            page = context.new_page()
            page.goto(f"{app.url}/{link}")
            settle(page)
            ends = below(page)
            wrong += bool(ends)
            found = {part: round(bottom) for part, bottom in page.evaluate(BOTTOMS).items()}
            print(f"{'below' if ends else 'ok':5}  {name:45}  {found}")
            page.close()
        browser.close()
    print(f"{len(places()) - wrong} of {len(places())} are on one screen of {WIDTH} by {HEIGHT}.")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
