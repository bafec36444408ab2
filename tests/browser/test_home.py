"""A newcomer in a real browser: shown around, a taste in a few clicks, a picture to take along."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from benchmarks.browser import settle
from benchmarks.one_screen import HEIGHT, WIDTH, below

pytestmark = pytest.mark.browser

CARD, RING = "#recdemo-tour .card", "#recdemo-tour .ring"


def shown_around(page: Page) -> None:
    """Through the three pointers: none is over what it points at, all are on the screen."""
    page.locator(CARD).wait_for()
    for number in (1, 2, 3):
        page.get_by_text(f"{number} of 3").wait_for()
        page.wait_for_timeout(400)  # it follows the page a few times a second
        card, ring = (page.locator(part).bounding_box() for part in (CARD, RING))
        assert card is not None
        assert ring is not None
        apart = (
            card["x"] >= ring["x"] + ring["width"]
            or card["x"] + card["width"] <= ring["x"]
            or card["y"] >= ring["y"] + ring["height"]
            or card["y"] + card["height"] <= ring["y"]
        )
        assert apart, (number, card, ring)
        size = page.viewport_size
        assert size is not None
        assert 0 <= card["x"] <= size["width"] - card["width"]
        assert 0 <= card["y"] <= size["height"] - card["height"]
        page.locator("#recdemo-tour .next").click()
    expect(page.locator(CARD)).to_have_count(0)


def test_a_newcomer_is_shown_around_and_has_a_list_in_seven_clicks(
    new_page: Callable[..., Page], app_url: str
) -> None:
    page = new_page(390, 844)
    page.emulate_media(reduced_motion="reduce")
    page.goto(app_url)
    settle(page)
    shown_around(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    page.evaluate("localStorage.clear()")  # who comes next has never been here
    page.emulate_media(reduced_motion="no-preference")
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    page.goto(app_url)
    settle(page)
    shown_around(page)
    assert below(page) == {}
    clicks = 0
    for films in range(1, 6):
        page.get_by_role("button", name="Liked: ").nth(films).click()
        clicks += 1
        page.get_by_text(f"History · {films} film").wait_for()
        settle(page)
    page.get_by_role("button", name="See the list").click()
    clicks += 1
    page.get_by_role("heading", name="Why ").wait_for()
    assert clicks <= 7
    settle(page)
    expect(page.locator(CARD)).to_have_count(0)  # once

    help = page.locator(".st-key-menu_help button:visible")
    help.click()
    page.get_by_label("A word").press_sequentially("hit rate")
    terms = page.locator(".st-key-help_terms p")
    expect(terms).to_have_count(1, timeout=30_000)
    expect(terms).to_contain_text("HR@10")
    page.get_by_role("button", name="Show me around").click()
    shown_around(page)

    page.locator(".st-key-side_share button:visible").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Picture to share").click()
    picture = Image.open(io.BytesIO(download.value.path().read_bytes()))
    assert picture.size == (1200, 630)

    help.click()
    expect(terms.first).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Lab").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Lab", timeout=30_000)
