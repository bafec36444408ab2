"""One answer played, pointed at and walked through by keys, in a real browser, down to the figure on Recommend."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

import recdemo
from benchmarks.browser import settle
from recdemo.ui.personas import PERSONAS
from recdemo.ui.visit import Visit, encode_visit

pytestmark = pytest.mark.browser


def step_in_link(page: Page) -> str:
    return parse_qs(urlsplit(page.url).query).get("i", [""])[0]


def test_an_answer_is_played_pointed_at_and_walked_through(
    new_page: Callable[..., Page], app_url: str
) -> None:
    session = PERSONAS[0].session
    page = new_page(1280, 720)
    page.emulate_media(reduced_motion="reduce")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    link = encode_visit(Visit(session, "din", "next", targets=(1210,))) | {"i": "interest"}
    query = "&".join(f"{name}={value}" for name, value in link.items())
    page.goto(f"{app_url}/inside?{query}")
    settle(page)
    view = page.get_by_role("region", name="The answer, computed step by step")
    expect(view.locator("h3")).to_have_text("The interest")

    # All of the step is on the stage of a projector.
    # It stays there when what stands above grows, as when its letters come late.
    for more in ("0", "15px"):
        view.locator(".line").evaluate("(line, more) => {line.style.paddingBottom = more}", more)
        page.wait_for_timeout(500)
        below = view.locator(".tell").bounding_box()
        assert below
        assert below["y"] + below["height"] <= 720

    # Pointing at a number shows its sum, which the trace gives.
    trace = recdemo.trace(recdemo.load("din"), session, 1210)
    drawn = view.locator(".out canvas").bounding_box()
    assert drawn
    size = trace["interest"].values.size
    page.mouse.move(drawn["x"] + drawn["width"] * 4.5 / size, drawn["y"] + drawn["height"] / 2)
    expect(view.locator("h4")).to_have_text("dimension 5 adds up from")
    terms = view.locator(".term")
    expect(terms.first).to_contain_text(trace["interest"].sums[4][0][0])
    expect(terms.last).to_contain_text(f"{trace['interest'].values[4]:.3f}".replace("-", "−"))
    assert view.locator(".wires .thread").count() == 3, "two inputs, one output"

    # Pointing at a film marks it throughout.
    film = trace["watched"].axes[0].labels[-1]
    view.get_by_role("button", name=film, exact=True).first.hover()
    assert view.locator(".rows .marked").all_inner_texts() == [film, film]

    # Keys: steps, cells, play.
    view.locator(".stage").focus()
    page.keyboard.press("ArrowLeft")
    expect(view.locator("h3")).to_have_text("Attention weights")
    view.locator(".out canvas").focus()
    page.keyboard.press("ArrowDown")
    expect(view.get_by_role("status")).to_contain_text(trace["weights"].axes[0].labels[1])
    page.keyboard.press("Escape")
    deadline = time.monotonic() + 10
    while step_in_link(page) != "weights" and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    assert step_in_link(page) == "weights"
    page.keyboard.press("Home")
    page.get_by_label("Speed").select_option("2")
    view.locator(".stage").focus()
    page.keyboard.press("Space")
    expect(view.locator(".count")).to_have_text(re.compile(r"Step 3 of"))
    page.keyboard.press("Space")

    # What is folded opens; the last number is the one on the list.
    view.get_by_role("button", name=re.compile("^The network")).click()
    view.get_by_role("button", name=re.compile("^Open: ")).click()
    expect(view.locator("h3")).to_have_text(trace["head.layer"].name)
    view.locator(".stage").focus()
    page.keyboard.press("End")
    listed = recdemo.load("din").recommend(session, 100)
    score = float(listed.loc[listed["movie_id"] == 1210, "score"].iloc[0])
    expect(view.locator(".out .number")).to_contain_text(f"{100 * score:.1f}%")

    # A number that flowed together is whole at the end.
    page.keyboard.press("ArrowLeft")
    expect(view.locator("h3")).to_have_text(trace["logit"].name)
    logit = f"{float(trace['logit'].values):.3f}".replace("-", "−")
    expect(view.locator(".out .number")).to_have_text(logit)

    # The lesson: a guess, then what it was.
    view.get_by_role("button", name="Lesson").click()
    view.locator(".choices button").first.click()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(view.locator(".says")).to_contain_text("You guessed")
    assert errors == []
