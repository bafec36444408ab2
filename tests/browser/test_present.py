"""In front of an audience, in a real browser: no sidebar, a dark page, a story by its keys; and the line of pages on a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from benchmarks.browser import settle
from recdemo.ui.stories import STORIES

pytestmark = pytest.mark.browser

DARK = "getComputedStyle(document.querySelector('.stApp')).backgroundColor"


def test_a_story_is_presented_by_keys_alone(new_page: Callable[..., Page], app_url: str) -> None:
    story = STORIES["person"]
    page = new_page(1280, 720)
    page.goto(
        f"{app_url}/recommend?s=person.1&{'&'.join(f'{n}={v}' for n, v in story.steps[0].link.items())}"
    )
    settle(page)
    light = page.evaluate(DARK)
    page.get_by_role("button", name="Present").click()
    page.wait_for_url("**present=1*")
    page.wait_for_function(f"{DARK} === 'rgb(16, 21, 29)'")
    expect(page.get_by_test_id("stSidebar")).to_be_hidden(timeout=30_000)

    # Arrow keys lead through the story, from page to page; the stage stays.
    for key, step in (("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2)):
        page.keyboard.press(key)
        page.get_by_text(f"step {step} of {len(story.steps)}").wait_for()
        page.wait_for_url(f"**s=person.{step}*present=1*")
    settle(page)
    page.keyboard.press("Escape")
    page.wait_for_function(f"{DARK} === '{light}'")
    page.wait_for_url(lambda url: "present" not in url)
    expect(page.get_by_test_id("stSidebar")).to_be_visible(timeout=30_000)
    page.get_by_text(f"step 2 of {len(story.steps)}").wait_for()  # still in the story


def test_the_pages_fold_on_a_phone_and_a_tap_closes_them(
    new_page: Callable[..., Page], app_url: str
) -> None:
    page = new_page(390, 844, has_touch=True)
    page.goto(f"{app_url}/?m=fm&obj=next&h=1l")
    settle(page)
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 500)")
    page.get_by_role("button", name="Pages").tap()
    page.get_by_role("menuitem", name="Data").tap()
    page.wait_for_url("**/data?*h=1l*")
    page.get_by_role("heading", name="Data", level=1).wait_for()
    expect(page.get_by_role("menuitem")).to_have_count(0)
    page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollTop === 0")
