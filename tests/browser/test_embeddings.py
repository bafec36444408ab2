"""The map in a real browser: a click on a point chooses its film, in the list, in the search box and in the link."""

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
    page.wait_for_timeout(300)  # plotly tells what is under the pointer a moment after it has moved
    page.mouse.click(x, y)


def test_a_click_on_the_map_chooses_a_film(new_page: Callable[..., Page], app_url: str) -> None:
    page = new_page(height=1100)
    page.goto(f"{app_url}/embeddings?m=mf&obj=next&h=2571l")
    page.get_by_text("Nearest to The Matrix (1999)").wait_for(timeout=180_000)
    settle(page)

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
    click(page, movie)
    page.get_by_text(f"Nearest to {title}").wait_for()

    # On a phone the page is as wide as the screen, the chart with its legend too.
    phone = new_page(390)
    phone.goto(page.url)
    phone.get_by_text(f"Nearest to {title}").wait_for()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    assert phone.get_by_text("Traceback").count() == 0
