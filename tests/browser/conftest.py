"""A running app, and a browser that visits it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

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
def anybody(browser: Browser) -> Iterator[BrowserContext]:
    """Somebody who opens one link after the other, in a browser that knows the app's scripts by then."""
    with browser.new_context() as context:
        context.set_default_timeout(1000 * SECONDS)
        yield context


@pytest.fixture
def new_page(browser: Browser, anybody: BrowserContext) -> Iterator[Callable[..., Page]]:
    """Opens an empty page for a visitor of its own, as wide as asked; all are closed and forgotten at the end.

    The first one that asks for nothing special spares itself to read the app's scripts again.
    """
    pages: list[Page] = []

    def open_one(width: int = 1280, height: int = 900, **options: Any) -> Page:
        if pages or options:
            page = browser.new_page(viewport={"width": width, "height": height}, **options)
            page.set_default_timeout(1000 * SECONDS)
        else:
            page = anybody.new_page()
            page.set_viewport_size({"width": width, "height": height})
        pages.append(page)
        return page

    yield open_one
    for page in pages:
        if page.context == anybody:
            page.evaluate("try { localStorage.clear() } catch {}")
        page.close()
    anybody.clear_cookies()
