"""Random visits in a real browser: is there an error, a stale place, a state that got lost?

    python benchmarks/monkey.py [--visits V] [--clicks C] [--seed S] [--trails]

Each visit begins on a page drawn by lot, with films, and clicks on whatever can be clicked. After each click nothing may be
said to have failed, in the page or in its console, and nothing may be left over from before. At the end the page is opened again
by its own link: what it says must stand there as it stood before. The same seed
draws in the same order; what it draws from may change with the time that a page takes.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Error, Locator, Page, sync_playwright

from benchmarks.browser import running_app, settle, start_chromium
from recdemo.ui.frame import MENU

VISITOR = "g=F&a=25&o=12&h=780w-1721d-260l-1214l-1374l-541l-589l-2571l"
MODELS = ("m=din&obj=next", "m=afm&obj=like", "m=sasrec&obj=next", "m=fm&obj=next", "m=rating_mlp")
CLICKABLE = ", ".join(
    f"{kind}:visible:not([disabled])"
    for kind in (
        "button",
        "a[href]:not([target=_blank]):not([href^=http])",
        "summary",
        "[role=tab]",
        "[role=combobox]",
        "[role=option]",
        "[role=slider]",
        "[data-testid=stRadio] label",
        "[data-testid=stCheckbox] label",
    )
)
WRONG = '[data-testid="stException"], [data-testid="stAlertContentError"]'
MAIN = '[data-testid="stMain"]'
TEXT = """() => {
    const aside = document.querySelectorAll('details, .st-key-taste_grid');
    aside.forEach(place => place.style.display = 'none');
    const said = document.querySelector('[data-testid="stMain"]').innerText;
    aside.forEach(place => place.style.display = '');
    return said;
}"""
LEFT_OVER = '[data-stale="true"]'
# What begins work for minutes, or leads out of the page.
NOT = re.compile(
    r"^(train|start|download|save|deploy|stop|upload|browse|copy|fullscreen|close fullscreen|\W*$)",
    re.IGNORECASE,
)
QUIET_MS, PATIENCE_MS = 250, 20_000
WIDTH, HEIGHT = 1280, 720


@dataclass
class Visit:
    """One visit: what was clicked, and what was wrong."""

    seed: int
    trail: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def found(self, problem: str) -> None:
        """Note a problem, after which click it came."""
        self.wrong.append(f"after click {len(self.trail)}: {problem}")


def drawn(page: Page) -> None:
    """Wait until nothing runs any more."""
    page.wait_for_timeout(QUIET_MS)
    page.wait_for_selector('[data-testid="stStatusWidget"]', state="detached", timeout=60_000)
    page.wait_for_selector('[data-testid="stSkeleton"]', state="detached", timeout=60_000)
    page.wait_for_timeout(QUIET_MS)


def name_of(place: Locator) -> str:
    """What a person would call it."""
    said = place.get_attribute("aria-label") or place.inner_text() or place.get_attribute("title")
    return " ".join((said or "").split())[:60]


def click(page: Page, chance: random.Random, visit: Visit) -> None:
    """Click on one thing that can be clicked; on a slider, move it."""
    places = page.locator(CLICKABLE).all()
    chance.shuffle(places)
    for place in places:
        try:
            name = name_of(place)
            if NOT.match(name):
                continue
            place.click(timeout=1500)
            if place.get_attribute("role", timeout=200) == "slider":
                page.keyboard.press(chance.choice(("ArrowLeft", "ArrowRight")))
        except Error:  # covered by another, or gone by now
            continue
        visit.trail.append(name)
        return
    page.keyboard.press("Escape")
    visit.trail.append("(Escape)")


def text_of(page: Page) -> list[str]:
    """What the page says, a line each, without numbers alone, what is timed, what can be unfolded, and what Home still asks about."""
    said: str = page.evaluate(TEXT)
    lines = [line.strip() for line in said.splitlines()]
    return [
        line for line in lines if re.search("[A-Za-z]", line) and not re.search(r"\d m?s\b", line)
    ]


def look(page: Page, visit: Visit) -> None:
    """Note what is wrong now."""
    if not page.locator(MAIN).count():
        visit.found(f"there is no page at {page.url}")
    for place in page.locator(WRONG).all():
        visit.found(" ".join(place.inner_text().split())[:200])
    try:
        page.wait_for_selector(LEFT_OVER, state="detached", timeout=PATIENCE_MS)
    except Error:
        visit.found(f"{page.locator(LEFT_OVER).count()} places are left over from before")


def reopened(page: Page, visit: Visit) -> None:
    """Open the page again by its link and note what stands there no more."""
    page.keyboard.press("Escape")
    drawn(page)
    before, link = text_of(page), page.url
    fresh = page.context.new_page()
    fresh.goto(link)
    settle(fresh)
    after = text_of(fresh)
    fresh.close()
    lost = [line for line in before if line not in after]
    if lost:
        visit.found(f"opened again, {link} lacks {lost[:6]} and has {[x for x in after if x not in before][:6]}")  # fmt: skip


def visit_of(page: Page, url: str, seed: int, clicks: int) -> Visit:
    """One visit."""
    chance, visit = random.Random(seed), Visit(seed)
    page.on("pageerror", lambda error: visit.found(f"console: {error}"[:200]))
    path = Path(chance.choice(MENU)[0])
    where = "" if path.stem == "streamlit_app" else path.stem
    page.goto(f"{url}/{where}?{chance.choice(MODELS)}&{VISITOR}")
    settle(page)
    visit.trail.append(f"[{where or 'home'}]")
    for _ in range(clicks):
        click(page, chance, visit)
        drawn(page)
        look(page, visit)
        if visit.wrong:
            return visit
    reopened(page, visit)
    return visit


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--visits", type=int, default=20)
    parser.add_argument("--clicks", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trails", action="store_true", help="print the clicks of all visits")
    chosen = parser.parse_args()
    problems = 0
    with (
        tempfile.TemporaryDirectory() as runs,
        running_app({"RECDEMO_RUNS": runs}) as app,
        sync_playwright() as playwright,
    ):
        browser = start_chromium(playwright)
        for seed in range(chosen.seed, chosen.seed + chosen.visits):
            context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
            visit = visit_of(context.new_page(), app.url, seed, chosen.clicks)
            context.close()
            problems += bool(visit.wrong)
            print(f"visit {seed}: {'; '.join(visit.wrong) or 'nothing wrong'}")
            if visit.wrong or chosen.trails:
                print(f"    {' > '.join(visit.trail)}", flush=True)
        browser.close()
    print(f"{chosen.visits - problems} of {chosen.visits} visits of {chosen.clicks} clicks went well.")  # fmt: skip
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
