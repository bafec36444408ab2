"""A running app, and a browser that visits it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.browser import CHROMIUM, running_app, start_chromium

SECONDS = 90  # that anything may take on a busy machine


@pytest.fixture(scope="session")
def app_url() -> Iterator[str]:
    """A running app."""
    with running_app() as app:
        yield app.url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless chromium."""
    if not CHROMIUM.exists():
        pytest.skip("needs Debian's chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = start_chromium(playwright)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def tab(browser: Browser) -> Iterator[Page]:
    """A tab that stays open from test to test: chromium compiles the app's scripts once for it, and not at each visit."""
    with browser.new_context() as context:
        context.set_default_timeout(1000 * SECONDS)
        yield context.new_page()


@pytest.fixture
def new_page(browser: Browser, tab: Page) -> Iterator[Callable[..., Page]]:
    """Opens an empty page for a visitor of its own, as wide as asked; all are forgotten at the end.

    The first one that asks for nothing special is the tab that stays.
    """
    pages: list[Page] = []

    def open_one(width: int = 1280, height: int = 900, **options: Any) -> Page:
        if pages or options:
            page = browser.new_page(viewport={"width": width, "height": height}, **options)
            page.set_default_timeout(1000 * SECONDS)
        else:
            page = tab
            page.set_viewport_size({"width": width, "height": height})
        pages.append(page)
        return page

    yield open_one
    for page in pages:
        if page == tab:
            page.evaluate("try { localStorage.clear(); sessionStorage.clear() } catch {}")
            page.emulate_media(color_scheme="light", reduced_motion="no-preference")
            page.goto("about:blank")
            page.context.clear_cookies()
        else:
            page.close()
