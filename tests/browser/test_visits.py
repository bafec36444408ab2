"""Visits in a real browser: a link to every page, a story to its end, a report, two visitors at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from app import PAGES, ROOT
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

import recdemo
from benchmarks.browser import choose
from benchmarks.one_screen import HEIGHT, WIDTH, below
from recdemo import Session, Watched
from recdemo.ui.stories import STORIES

pytestmark = pytest.mark.browser

LINK = "m=din&obj=next&g=F&a=25&o=12&h=260l-2571l-1196l-364d"
SESSION = Session(
    "F", 25, 12, [Watched(260, True), Watched(2571, True), Watched(1196, True), Watched(364, False)]
)
NOT_DONE = '[data-testid="stStatusWidget"], [data-testid="stSkeleton"], [data-stale="true"]'


def drawn(page: Page) -> None:
    """Wait until the page is whole and nothing runs."""
    page.get_by_text("History · ").first.wait_for(state="attached")
    page.wait_for_timeout(400)
    page.wait_for_function(f"!document.querySelector('{NOT_DONE}')")


def serious(page: Page, **options: Any) -> list[str]:
    """What axe finds that keeps people out."""
    found = Axe().run(page, options={"resultTypes": ["violations"], **options})
    return [
        f"{one['id']}: {node['html'][:200]}"
        for one in found.response["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("name", list(PAGES))
def test_a_link_opens_every_page_on_a_phone_and_on_a_desk(
    name: str, new_page: Callable[..., Page], app_url: str
) -> None:
    page = new_page(390, 844)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{app_url}/{'' if name == 'home' else name}?{LINK}")
    page.get_by_role("heading", level=1).first.wait_for()
    for width, height in ((390, 844), (WIDTH, HEIGHT)):
        page.set_viewport_size({"width": width, "height": height})
        drawn(page)
        assert page.get_by_test_id("stException").count() == 0
        assert page.get_by_text("Page not found").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        charts = page.locator(".js-plotly-plot:visible")
        for place in range(charts.count()):
            box = charts.nth(place).bounding_box()
            assert box is None or box["x"] + box["width"] <= width + 1
    assert "h=260l-2571l-1196l-364d" in page.url  # the visit is that of the link
    assert below(page) == {}  # on one screen of a projector
    assert serious(page) == []
    page.emulate_media(color_scheme="dark")  # another theme has other colours, and nothing else
    page.wait_for_timeout(300)
    assert serious(page, runOnly=["color-contrast"]) == []
    assert problems == []


def test_a_story_is_told_to_its_end(new_page: Callable[..., Page], app_url: str) -> None:
    story = next(iter(STORIES.values()))
    page = new_page(WIDTH, HEIGHT)
    page.goto(f"{app_url}/walkthrough?{LINK}")
    page.get_by_role("button", name=f"{len(story.steps)} steps").first.click()
    for number, step in enumerate(story.steps, start=1):
        page.get_by_text(f"step {number} of {len(story.steps)}").wait_for()
        page.get_by_role("heading", name=step.finding).wait_for()
        drawn(page)
        assert page.get_by_test_id("stException").count() == 0
        assert below(page) == {}, number  # its evidence is on screen beside its sentence
        if number == 2:  # back, and forth again
            page.get_by_role("button", name="Back").click()
            page.get_by_text(f"step 1 of {len(story.steps)}").wait_for()
            page.get_by_role("button", name="Next").click()
            page.get_by_text(f"step 2 of {len(story.steps)}").wait_for()
            drawn(page)
        last = number == len(story.steps)
        page.get_by_role("button", name="End of the story" if last else "Next").click()
    # The visitor is who they were before.
    page.wait_for_url("**/walkthrough?*h=260l-2571l-1196l-364d*")
    page.get_by_text("History · 4 films").wait_for()
    assert page.get_by_text("step 4 of").count() == 0


def test_the_report_holds_what_the_page_shows(
    new_page: Callable[..., Page], app_url: str, tmp_path: Path
) -> None:
    page = new_page()
    page.goto(f"{app_url}/recommend?{LINK}")
    drawn(page)
    page.locator(".st-key-side_share button").first.click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download report").click()
    saved = tmp_path / "report.html"
    download.value.save_as(saved)
    report = new_page(java_script_enabled=False)
    requests: list[str] = []
    report.on("request", lambda request: requests.append(request.url))
    report.goto(saved.as_uri())
    text = report.inner_text("body")
    listed = recdemo.load("din", "next").recommend(SESSION, 10)
    for row in listed.itertuples():
        assert row.title in text
        assert f"{row.score:.2%}" in text
        assert f"{row.p_like:.0%}" in text
    assert "The Matrix" in text
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []


def test_two_visitors_at_once_keep_their_own_visit(
    new_page: Callable[..., Page], app_url: str
) -> None:
    first, second = new_page(), new_page()
    first.goto(f"{app_url}/recommend?m=din&obj=next&g=F&h=260l")
    second.goto(f"{app_url}/recommend?m=fm&obj=like&g=M&h=595l-1d")
    first.get_by_text("History · 1 film").wait_for()
    second.get_by_text("History · 2 films").wait_for()
    for page, film in ((first, "Aladdin (1992)"), (second, "The Lion King (1994)")):
        choose(page.get_by_role("combobox", name="Add a film"), film[:10], film)
    first.get_by_text("History · 2 films").wait_for()
    second.get_by_text("History · 3 films").wait_for()
    first.wait_for_url("**/recommend?*m=din&obj=next*h=260l-588l*")
    second.wait_for_url("**/recommend?*m=fm&obj=like*h=595l-1d-364l*")
    for page in (first, second):
        page.reload()
    first.get_by_text("History · 2 films").wait_for()
    second.get_by_text("History · 3 films").wait_for()


def test_a_letterboxd_zip_changes_the_list(
    new_page: Callable[..., Page], app_url: str, tmp_path: Path
) -> None:
    archive = tmp_path / "letterboxd.zip"
    with ZipFile(archive, "w") as made:
        made.write(ROOT / "tests" / "cases" / "letterboxd-ratings.csv", "ratings.csv")
        made.write(ROOT / "tests" / "cases" / "letterboxd-watched.csv", "watched.csv")
    page = new_page(1280, 720)
    page.goto(f"{app_url}/recommend?m=fm&obj=next&h=1l")
    drawn(page)
    page.locator(".st-key-side_bring button").click()
    page.locator(".st-key-bring_file input[type=file]").set_input_files(archive)
    page.get_by_text("16 found").wait_for()
    page.locator(".st-key-bring_take button").click()
    page.get_by_text("History · 16 films").wait_for()
    drawn(page)
    assert "260l-" in page.url
    assert page.get_by_test_id("stException").count() == 0


def test_what_a_closed_box_held_does_not_come_back(
    new_page: Callable[..., Page], app_url: str
) -> None:
    page = new_page(1280, 900)
    page.goto(f"{app_url}/what_if?m=fm&obj=next&g=F&a=25&h=260l-2571l-541l")
    drawn(page)
    page.locator(".st-key-what_if_other button").first.click()
    choose(page.get_by_role("combobox", name="Leave out"), "matrix", "The Matrix (1999)")
    page.wait_for_url("**wd=2571*")
    page.keyboard.press("Escape")
    drawn(page)
    page.get_by_role("button", name="Age 56+").click()
    page.wait_for_url("**wa=56*")
    drawn(page)
    assert "wd=" not in page.url
    page.get_by_role("button", name="Keep", exact=False).click()
    page.wait_for_url("**a=56*")
    drawn(page)
    assert "h=260l-2571l-541l" in page.url  # nothing was left out
    assert "wa=" not in page.url
