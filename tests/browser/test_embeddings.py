"""The map in a real browser: a click on a point chooses its film, in the list, in the search box and in the link; a search
flies to its film; what is drawn around is listed, and a film picked from the list is the one looked at."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from benchmarks.browser import choose, settle
from recdemo import checkpoints
from recdemo.data.catalogue import labels_of, read_catalogue

pytestmark = pytest.mark.browser

# Where on the screen plotly draws a film: its trace, its index, and the axes' scales.
PLACE = """movie => {
    const chart = document.querySelector('.js-plotly-plot');
    const area = chart.querySelector('.nsewdrag').getBoundingClientRect();
    const {xaxis, yaxis} = chart._fullLayout;
    for (const trace of chart._fullData) {
        const row = Array.from(trace.customdata ?? []).findIndex(id => Number(id) === movie);
        if (row >= 0) return [area.left + xaxis.d2p(trace.x[row]), area.top + yaxis.d2p(trace.y[row])];
    }
}"""
# The film drawn farthest from any other, so that no pointer takes one for the other.
LONELY = """() => {
    const chart = document.querySelector('.js-plotly-plot');
    const {xaxis, yaxis} = chart._fullLayout;
    const points = chart._fullData.flatMap(trace => Array.from(trace.customdata ?? [], (id, row) =>
        [Number(id), xaxis.d2p(trace.x[row]), yaxis.d2p(trace.y[row])]));
    const inside = points.filter(([, x, y]) => x > 20 && y > 20 && x < xaxis._length - 20 && y < yaxis._length - 20);
    const room = ([id, x, y]) => Math.min(...points.filter(one => one[0] !== id).map(one => Math.hypot(one[1] - x, one[2] - y)));
    return inside.map(one => [room(one), one[0]]).sort((a, b) => b[0] - a[0])[0][1];
}"""


def click(page: Page, movie: int) -> None:
    x, y = page.evaluate(PLACE, movie)
    page.mouse.move(x, y)
    # Plotly tells what is under the pointer a moment after it has moved, and only then knows what a click means.
    page.locator(".js-plotly-plot .hovertext").first.wait_for()
    page.mouse.click(x, y)


# How much of the map is seen, across, in its own units.
SPAN = """() => {
    const [low, high] = document.querySelector('.js-plotly-plot')._fullLayout.xaxis.range;
    return high - low;
}"""


def test_a_click_on_the_map_chooses_a_film(new_page: Callable[..., Page], app_url: str) -> None:
    page = new_page(height=720)
    page.goto(f"{app_url}/embeddings?m=mf&obj=next&h=2571l")
    page.locator("g.annotation", has_text="The Matrix (1999)").wait_for(timeout=180_000)
    settle(page)
    map_box = page.locator(".st-key-answer .js-plotly-plot").bounding_box()
    column = page.locator(".block-container").bounding_box()
    assert map_box
    assert column
    assert map_box["width"] > column["width"] - 60, "as wide as the page"
    assert map_box["height"] > 500
    assert map_box["y"] + map_box["height"] <= 720
    whole = page.evaluate(SPAN)

    movie = page.evaluate(LONELY)
    films = read_catalogue(checkpoints.root() / checkpoints.CATALOGUE)
    title = dict(zip(films["movie_id"], labels_of(films), strict=True))[movie]
    click(page, movie)
    page.wait_for_url(f"**&t={movie}*")
    page.get_by_text(f"Nearest to {title}").wait_for()
    settle(page)

    # A search takes over from the click, and the next click from the search.
    search = page.get_by_role("combobox", name="Film", exact=True)
    choose(search, "toy story (1995", "Toy Story (1995)")
    page.wait_for_url("**&t=1*")
    page.get_by_text("Nearest to Toy Story (1995)").wait_for()
    settle(page)
    assert page.evaluate(SPAN) < 0.9 * whole, "it flew there"
    page.get_by_role("button", name="close icon").click()
    settle(page)
    assert page.evaluate(SPAN) == pytest.approx(whole)
    click(page, movie)
    page.get_by_text(f"Nearest to {title}").wait_for()

    # Drawn around: its films, the first of which is picked.
    page.goto(f"{app_url}/embeddings?m=mf&obj=next&h=2571l&et=draw")
    page.locator("g.annotation", has_text="The Matrix (1999)").wait_for()
    settle(page)
    left, top = map_box["x"], map_box["y"]
    page.mouse.move(left + 150, top + 120)
    page.mouse.down()
    for x, y in ((400, 120), (400, 400), (150, 400), (150, 130)):
        page.mouse.move(left + x, top + y, steps=6)
    page.mouse.up()
    page.get_by_text("in this area").wait_for()
    page.wait_for_url("**ea=film.tsne_*")
    settle(page)
    listed = page.locator(".st-key-reason [data-testid=stDataFrame]").bounding_box()
    assert listed
    assert listed["y"] + listed["height"] < 720
    page.mouse.click(listed["x"] + 60, listed["y"] + 50)
    page.locator(".st-key-embeddings_actions").wait_for()
    page.wait_for_url("**&t=*")
    page.get_by_role("button", name="close icon").click()
    page.get_by_text("in this area").wait_for(state="detached")

    # On a phone the page is as wide as the screen, the chart with its legend too.
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(f"{app_url}/embeddings?m=mf&obj=next&h=2571l&t={movie}")
    page.get_by_text(f"Nearest to {title}").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.get_by_text("Traceback").count() == 0
    page.goto(f"{app_url}/embeddings?m=mf&obj=next&h=2571l")
    page.get_by_text("Further questions").wait_for()
    settle(page)
    drawn = page.locator(".st-key-answer .js-plotly-plot").bounding_box()
    below = page.get_by_text("Further questions").bounding_box()
    assert drawn
    assert below
    assert drawn["height"] > 300
    assert drawn["y"] + drawn["height"] <= below["y"], "nothing is written over the map"
