"""Pages for a model that is a sum over the films watched, and that is trained for one question only."""

from __future__ import annotations

import pytest
from app import PAGES, TABLE, VISITS, link_of, open_page, sound

from recdemo import Session, Watched, checkpoints
from recdemo.models import CARDS

KEYS = [key for key in dict(checkpoints.available()) if "films" in CARDS[key].shows]
SESSION = Session(history=[Watched(1721, False), Watched(1196), Watched(260, True)])


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
    app = sound(open_page("recommend", link_of(SESSION, KEYS[0]) | TABLE))
    assert app.dataframe[0].value["p_like"].isna().all()
