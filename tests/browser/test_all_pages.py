"""One visitor in a real browser: a cold deep link, edits, and the explanation that follows them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from benchmarks.browser import choose, settle

# The table is a canvas; what a screen reader reads of it stands inside.
LIST = "(document.querySelector('[data-testid=\"stDataFrame\"] canvas')?.textContent ?? '')"

pytestmark = pytest.mark.browser


def test_from_a_cold_link_to_an_explanation(new_page: Callable[..., Page], app_url: str) -> None:
    page = new_page()
    # A cold server, a deep link: the page, its sidebar and its visitor are all there.
    page.goto(f"{app_url}/recommend?m=din&obj=next&g=F&a=25&h=260l-2571l&v=Table")
    page.get_by_role("heading", name="Recommend").wait_for()
    page.get_by_text("History · 2 films").wait_for()
    page.get_by_role("heading", name="Why ").wait_for()
    page.wait_for_function(f"{LIST}.includes('Sci-Fi')")
    before = page.evaluate(LIST)

    # Change the profile, once nothing moves under the pointer: the link follows.
    settle(page)
    page.get_by_role("radio", name="M", exact=True).click()
    page.wait_for_url("**/recommend?*g=M*")

    # Add a film by searching: link, history and list follow.
    search = page.get_by_role("combobox", name="Add a film")
    choose(search, "lion king", "The Lion King (1994)")
    page.wait_for_url("**h=260l-2571l-364l*")
    page.get_by_text("History · 3 films").wait_for()
    choose(search, "aladdin (1992", "Aladdin (1992)")
    page.get_by_text("History · 4 films").wait_for()
    page.wait_for_function(f"before => {LIST}.length > 200 && {LIST} !== before", arg=before)

    # Attention reads the same visit and shows the film just added.
    page.get_by_role("link", name="Attention").click()
    page.get_by_role("heading", name="Attention").wait_for()
    page.wait_for_url("**/attention?*h=260l-2571l-364l-588l*")
    chart = page.locator(".js-plotly-plot").first
    chart.get_by_text("Aladdin (1992)").first.wait_for()
    page.get_by_text("Faithfulness").first.wait_for()

    # A reload and another browser give the same visit.
    link = page.url
    page.reload()
    page.get_by_text("History · 4 films").wait_for()
    other = new_page(390)
    other.goto(link)
    other.locator(".js-plotly-plot").first.get_by_text("Aladdin (1992)").first.wait_for()
    width = other.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, "no horizontal scroll on a phone"
    assert page.get_by_text("Traceback").count() == 0
