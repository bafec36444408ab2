"""Searching a film with the keyboard alone, in a real browser: what Enter adds, what it never adds, and what is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from benchmarks.browser import settle

pytestmark = pytest.mark.browser


def opened(page: Page, app_url: str, path: str = "recommend?m=fm&obj=next&h=1l") -> Locator:
    page.goto(f"{app_url}/{path}")
    settle(page)
    return page.get_by_role("combobox", name="Add a film")


def type_anew(box: Locator, words: str, delay: int = 20) -> None:
    box.fill("")
    box.press_sequentially(words, delay=delay)


def test_films_are_added_with_the_keyboard_alone(
    new_page: Callable[..., Page], app_url: str
) -> None:
    page = new_page(1280, 720)
    box = opened(page, app_url)
    box.focus()
    # The list comes while somebody types; the film that the words name is marked.
    page.keyboard.type("star wars", delay=20)
    marked = page.get_by_role("option", name="Star Wars: Episode IV", selected=True)
    marked.wait_for()
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Enter")
    page.wait_for_url("**h=1l-260l*")
    page.get_by_text("History · 2 films").wait_for()
    # The box is empty and has the focus: the next film, by an arrow key.
    expect(box).to_have_value("")
    expect(box).to_be_focused()
    page.keyboard.type("star wars", delay=20)
    marked.wait_for()
    page.keyboard.press("ArrowDown")
    page.get_by_role("option", name="Empire Strikes Back", selected=True).wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url("**h=1l-260l-1196l*")
    # Enter before the answer is there waits for it.
    page.get_by_text("History · 3 films").wait_for()
    page.keyboard.type("miserables")
    page.keyboard.press("Enter")
    page.wait_for_url("**h=1l-260l-1196l-1873l*")
    assert page.get_by_text("Traceback").count() == 0


def test_enter_adds_no_film_that_the_words_do_not_name(
    new_page: Callable[..., Page], app_url: str
) -> None:
    page = new_page(1280, 720)
    box = opened(page, app_url)
    link = page.url
    type_anew(box, "inception")
    page.get_by_text("No film of these 3,883 is called “inception”: they end in 2000.").wait_for()
    box.press("Enter")
    for words in ("her", "matrx", "wall-e", "up", "cars", "interstellar"):
        type_anew(box, words)
        box.press("Enter")
        page.get_by_text(f"“{words}”: they end in 2000.", exact=False).wait_for()
        assert page.get_by_role("option", selected=True).count() == 0
    page.get_by_text("History · 1 film").wait_for()
    assert page.url == link
    # What is near can be taken by an arrow key; Escape takes nothing.
    type_anew(box, "matrx")
    page.get_by_role("option", name="The Matrix (1999)").wait_for()
    box.press("Escape")
    expect(box).to_have_value("")
    expect(box).to_have_attribute("aria-expanded", "false")
    type_anew(box, "matrx")
    page.get_by_role("option", name="The Matrix (1999)").wait_for()
    box.press("ArrowDown")
    box.press("Enter")
    page.wait_for_url("**h=1l-2571l*")


def test_a_phone_shows_the_list_within_the_screen_and_a_tap_takes_a_film(
    new_page: Callable[..., Page], app_url: str
) -> None:
    page = new_page(390, 844, has_touch=True)
    page.goto(f"{app_url}/what_if?m=fm&obj=next&h=1l")
    page.get_by_role("button", name="Other changes").tap()
    box = page.get_by_role("combobox", name="Add a film").filter(visible=True)
    box.tap()
    type_anew(box, "godfather")
    option = page.get_by_role("option", name="The Godfather: Part II (1974)")
    option.wait_for()
    place = option.bounding_box()
    assert place is not None
    assert place["x"] >= 0
    assert place["x"] + place["width"] <= 390
    assert 0 <= place["y"] <= 844 - place["height"]
    option.tap()
    page.wait_for_url("**wh=1221l*")
    expect(box).to_have_value("The Godfather: Part II (1974)")
    page.get_by_role("button", name="Clear Add a film").tap()
    page.wait_for_function("!location.search.includes('wh=')")
    expect(box).to_have_value("")


def test_films_to_explain_are_chips(new_page: Callable[..., Page], app_url: str) -> None:
    page = new_page(1280, 720)
    page.goto(f"{app_url}/attention?m=din&obj=next&h=260l-2571l&t=1-50")
    settle(page)
    box = page.get_by_role("combobox", name="Films to explain")
    page.get_by_role("button", name="Remove Toy Story (1995)").click()
    page.wait_for_url("**&t=50*")
    type_anew(box, "alien")
    page.get_by_role("option", name="Alien (1979)", selected=True).wait_for()
    box.press("Enter")
    page.wait_for_url("**&t=50-1214*")
    page.get_by_role("button", name="Remove Alien (1979)").wait_for()
    box.press("Backspace")
    page.wait_for_url("**&t=50")
