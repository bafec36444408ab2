"""Retraining in a real browser: a button, a curve that moves, a reload in the middle, a model kept and chosen."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from benchmarks.browser import choose, running_app
from recdemo.jobs import control as training
from recdemo.jobs import store

# The table is a canvas; what a screen reader reads of it stands inside.
POINTS = (
    "(document.querySelector('.js-plotly-plot')?.data?.[0]?.x?.length ?? 0)"  # of the loss curve
)

pytestmark = pytest.mark.browser


@pytest.fixture
def public_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An app that trains on simulated viewers only, and keeps its runs in a folder of its own."""
    home = {store.ROOT_VARIABLE: str(tmp_path / "runs"), training.ALLOWED_VARIABLE: "simulated"}
    monkeypatch.setenv(store.ROOT_VARIABLE, home[store.ROOT_VARIABLE])
    with running_app(home) as app:
        yield app.url


def held_after_an_epoch() -> int:
    """The process of the only run, stopped once it has told of an epoch: the middle lasts as long as a test needs."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        for run in store.all_runs():
            if run.epochs and run.status.pid:
                os.kill(run.status.pid, signal.SIGSTOP)
                return run.status.pid
        time.sleep(0.02)
    raise TimeoutError("no run has told of an epoch")


def test_from_the_button_to_the_model_on_another_page(
    new_page: Callable[..., Page], public_url: str
) -> None:
    page = new_page()
    page.goto(f"{public_url}/retrain?m=din&obj=next&g=F&a=25&h=260l-2571l")
    page.get_by_role("button", name="Train now").click()

    # The curve has its first point; a reload in the middle finds the run again, and the curve moves on.
    process = held_after_an_epoch()
    page.wait_for_function(f"{POINTS} >= 1")
    assert page.evaluate(POINTS) == 1
    page.reload()
    page.get_by_text("Running").first.wait_for()
    page.wait_for_function(f"{POINTS} == 1")
    os.kill(process, signal.SIGCONT)
    page.wait_for_function(f"{POINTS} >= 2")
    page.get_by_role("heading", name="Old against new").wait_for()
    page.get_by_text("simulated viewers").first.wait_for()

    # Kept under a name, it is chosen in the sidebar and answers on another page.
    page.get_by_role("textbox", name="Name").fill("My first")
    page.get_by_role("textbox", name="Name").press("Tab")
    page.get_by_role("button", name="Keep", exact=True).click()
    page.get_by_text("Kept as “My first”").wait_for()
    model = page.get_by_role("combobox", name="Model").first
    choose(model, "My first", "FM · My first (simulated)")
    page.wait_for_url("**/retrain?*m=fm~my-first*")
    page.get_by_role("link", name="Recommend").click()
    page.get_by_role("heading", name="FM · My first (simulated)'s list").wait_for()
    page.locator(".card").nth(9).wait_for()
    page.get_by_text("Trained on simulated viewers").wait_for()
    assert page.get_by_text("Traceback").count() == 0

    # The run is deleted, and the page goes on without it.
    page.get_by_role("link", name="Retrain").click()
    page.get_by_role("heading", name="Old against new").wait_for()
    page.locator('[class*="st-key-retrain_delete_"] button').filter(visible=True).click()
    page.get_by_role("button", name="Delete it").click()
    page.get_by_text("No run yet").wait_for()
    assert page.get_by_test_id("stException").count() == 0
    page.get_by_role("button", name="Train now").wait_for()


def test_a_file_of_some_megabytes_is_taken_and_one_too_large_is_refused_in_words(
    new_page: Callable[..., Page], app_url: str, tmp_path: Path
) -> None:
    rows = "\n".join(
        f"person-{user:06d},{film},4" for user in range(28_000) for film in range(1, 11)
    )
    mine = tmp_path / "mine.csv"
    mine.write_text(f"user,movieId,rating\n{rows}\n")
    assert mine.stat().st_size > 5_000_000
    page = new_page()
    page.goto(f"{app_url}/retrain?m=fm&obj=like")
    page.get_by_text("Choose data, model and settings").click()
    choose(page.get_by_role("combobox", name="Data"), "My own", "My own file")
    upload = page.locator(".st-key-retrain_file input[type=file]")
    upload.set_input_files(mine)
    page.get_by_text("280,000 ratings of 10 films by 28,000 people").wait_for()

    page.get_by_role("button", name="Remove mine.csv").click()
    large = tmp_path / "large.csv"
    large.write_bytes(b"x" * 49_900_000)
    upload.set_input_files(large)
    page.get_by_text("File must be 47").wait_for()
    assert page.get_by_text("413").count() == 0
