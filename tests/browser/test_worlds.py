"""Both worlds in a real browser: a link into each on a cold server, and the switch between them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from benchmarks.browser import running_app, settle

LIST = "(document.querySelector('[data-testid=\"stDataFrame\"] canvas')?.textContent ?? '')"
LINKS = {
    "Films to 2000": "m=linear_next&obj=next&h=2571l-79132l&v=Table",
    "Films to 2018": "m=linear_next@2018&obj=next&h=2571l-79132l&v=Table",
}

pytestmark = pytest.mark.browser


def test_a_link_into_a_world_on_a_cold_server(new_page: Callable[..., Page]) -> None:
    """The first link meets a server that has read nothing, the second one that has not read that world."""
    with running_app() as app:
        for world in ("Films to 2018", "Films to 2000"):
            page = new_page(1280, 720)
            page.goto(f"{app.url}/recommend?{LINKS[world]}")
            page.get_by_role("radio", name=world, checked=True).wait_for()
            page.get_by_text("History · ").wait_for()
            page.wait_for_function(f"{LIST}.length > 200")
            assert page.get_by_test_id("stException").count() == 0


def test_the_switch_changes_the_list_and_keeps_the_history(
    new_page: Callable[..., Page], app_url: str
) -> None:
    page = new_page(1280, 720)
    page.goto(f"{app_url}/recommend?{LINKS['Films to 2000']}")
    page.get_by_text("History · 1 film").wait_for()  # Inception is not known yet
    page.get_by_text("1 film set aside").wait_for()
    page.wait_for_function(f"{LIST}.length > 200")
    before = page.evaluate(LIST)
    settle(page)
    page.get_by_role("radio", name="Films to 2018").click()
    page.get_by_text("History · 2 films").wait_for()
    page.wait_for_function(f"before => {LIST}.length > 200 && {LIST} !== before", arg=before)
    assert "m=linear_next%402018" in page.url or "m=linear_next@2018" in page.url
    settle(page)
    page.get_by_role("radio", name="Films to 2000").click()
    page.get_by_text("1 film set aside").wait_for()
    assert "79132l" in page.url
