"""Recommend's cards in a real browser: reached by Tab, asked by Enter, marked with their reason, moved when a film is left out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from benchmarks.browser import settle
from benchmarks.one_screen import below

SLOW = 30_000  # milliseconds on a busy machine

pytestmark = pytest.mark.browser


def test_cards_are_asked_marked_and_moved(new_page: Callable[..., Page], app_url: str) -> None:
    page = new_page(1280, 720)
    page.goto(f"{app_url}/recommend?m=ease&obj=next&h=780w-260l-1214l-541l-589l-2571l")
    cards, switches = page.locator(".card"), page.locator(".out [aria-pressed]")
    cards.first.wait_for()
    settle(page)
    expect(cards).to_have_count(10)
    assert below(page) == {}

    # Tab leads from the last switch to the first card, Enter asks; focus stays.
    switches.last.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(cards.nth(1)).to_be_focused(timeout=SLOW)
    film = cards.nth(1).get_attribute("data-film")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**r={film}*")
    expect(page.locator(".card[aria-pressed=true]")).to_have_attribute(
        "data-film", str(film), timeout=SLOW
    )
    settle(page)
    expect(cards.nth(1)).to_be_focused(timeout=SLOW)
    title = cards.nth(1).locator(".title").inner_text()
    page.get_by_role("heading", name=f"Why {title}?").wait_for()

    # A card pointed at marks its reason among the switches and in the sidebar.
    reasoned = page.locator(".card", has=page.locator(".because:not(:empty)")).first
    reasoned.hover()
    marked = page.locator(".out .marked")
    expect(marked).to_have_count(1, timeout=SLOW)
    row = page.locator(f".st-key-side_row_{marked.get_attribute('data-film')}")
    expect(row).to_have_css("background-color", "rgba(91, 143, 208, 0.3)", timeout=SLOW)

    # One press leaves a film out: places gained and lost; one press puts it back.
    listed = "[...document.querySelectorAll('[data-testid=stMain] *')].flatMap(e => [...(e.shadowRoot?.querySelectorAll('.card') ?? [])]).map(c => c.dataset.film).join()"
    before = page.evaluate(listed)
    switches.first.click()
    page.wait_for_url("**wd=*")
    expect(page.locator(".moved:not(:empty)").first).to_be_visible(timeout=SLOW)
    assert page.evaluate(listed) != before
    page.get_by_role("button", name="Put all back").click()
    page.wait_for_url(lambda url: "wd=" not in url)
    page.wait_for_function(f"before => {listed} === before", arg=before)

    # On a phone the switches are a strip to swipe, as wide as their titles.
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(300)
    widths = [box["width"] for one in switches.all() if (box := one.bounding_box())]
    assert min(widths) > 40
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
