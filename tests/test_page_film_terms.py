"""Pages for a model that is a sum over the films watched, and that is trained for one question only."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from app import PAGES, ROOT, VISITS, link_of, open_page, sound

from recdemo import Session, Watched, checkpoints
from recdemo.catalogue import read_catalogue
from recdemo.features import Schema
from recdemo.models import CARDS

KEYS = [key for key, card in CARDS.items() if "films" in card.shows]
SESSION = Session(history=[Watched(1721, False), Watched(1196), Watched(260, True)])


@pytest.fixture(scope="module")
def base(
    tmp_path_factory: pytest.TempPathFactory, make_model: Callable, write_checkpoint: Callable
) -> Path:
    """The shipped checkpoints, and small made-up ones of these models."""
    folder = tmp_path_factory.mktemp("with") / "checkpoints"
    shutil.copytree(ROOT / "checkpoints", folder)
    schema = Schema(read_catalogue(folder / checkpoints.CATALOGUE))
    for key in KEYS:
        figures = {"hr@10": 0.2, "ndcg@10": 0.1, "mrr": 0.1}
        metrics = {"validation": figures, "test": figures}
        small = {"embed_dim": 8} if key == "ials" else {"keep": 20}
        model = make_model(key, schema, **small)
        place = checkpoints.folder_of(key, "next", folder)
        write_checkpoint(place, key, model, schema, metrics=metrics, arguments=small)
    return folder


@pytest.fixture(autouse=True)
def _shown(base: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(checkpoints.ROOT_VARIABLE, str(base))
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


@pytest.mark.parametrize("page", PAGES)
def test_every_page_copes_with_it(page: str) -> None:
    app = sound(open_page(page, link_of(SESSION, KEYS[0])))
    assert [error.value for error in app.error] == []


@pytest.mark.parametrize("visit", VISITS)
@pytest.mark.parametrize("key", KEYS)
def test_what_each_film_adds_is_shown(key: str, visit: str) -> None:
    app = sound(open_page("attention", link_of(VISITS[visit], key)))
    assert [error.value for error in app.error] == []
    assert bool(app.info) == (visit == "empty")
    if visit != "empty":
        assert any("adds most" in text.value for text in app.markdown)
    assert any("is a sum over the films watched" in text.value for text in app.caption)


def test_the_only_film_watched_adds_nothing_to_itself() -> None:
    alone = Session(history=[Watched(260, True)])
    app = sound(open_page("attention", link_of(alone, KEYS[0]) | {"t": "260"}))
    assert "no film adds to its own score" in app.info[0].value


def test_a_list_has_no_chance_of_liking_where_there_is_no_such_model() -> None:
    app = sound(open_page("recommend", link_of(SESSION, KEYS[0])))
    assert app.dataframe[0].value["p_like"].isna().all()
