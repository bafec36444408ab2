"""Posters by a TMDB that is made up: what is asked, what is kept, and what becomes of answers that are wrong or do not come."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from app import link_of, open_page, sound

from benchmarks.boxes import film_box
from recdemo import Session, Watched
from recdemo.ui import posters
from recdemo.ui.cards import KEY

ALIEN = {"title": "Alien", "original_title": "Alien", "release_date": "1979-05-25", "poster_path": "/a-1.jpg"}  # fmt: skip


class Tmdb:
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: Any = {"results": [ALIEN]}

    def fetch(self, address: str) -> bytes:
        self.asked.append(address)
        if isinstance(self.answer, Exception):
            raise self.answer
        return json.dumps(self.answer).encode()


@pytest.fixture
def tmdb(monkeypatch: pytest.MonkeyPatch) -> Tmdb:
    made = Tmdb()
    monkeypatch.setattr(posters, "_fetch", made.fetch)
    monkeypatch.setattr(posters, "_kept", {})
    monkeypatch.setattr(posters, "_resting", {"until": 0.0})
    monkeypatch.setenv(posters.VARIABLE, "secret")
    return made


def test_a_poster_is_asked_for_by_title_and_year_once(tmdb: Tmdb) -> None:
    for _ in range(2):
        found = posters.posters_of([(1, "Alien (Le huitième passager)", 1979), (2, "Nothing", 0)])
        assert found == {1: "https://image.tmdb.org/t/p/w185/a-1.jpg"}
    (address,) = tmdb.asked
    assert urlsplit(address).netloc == "api.themoviedb.org"
    wanted = {"api_key": ["secret"], "query": ["Alien"], "year": ["1979"]}
    assert parse_qs(urlsplit(address).query) == wanted


@pytest.mark.parametrize(
    "wrong",
    [
        {"release_date": "1986-07-18"},
        {"release_date": None},
        {"title": "Aliens", "original_title": "Aliens"},
        {"poster_path": None},
        {"poster_path": "//evil.example/x.jpg"},
        {"poster_path": '/x.jpg" onload="alert(1)'},
    ],
)
def test_another_film_s_poster_or_another_host_s_is_none(tmdb: Tmdb, wrong: dict[str, str]) -> None:
    tmdb.answer = {"results": [ALIEN | wrong]}
    assert posters.posters_of([(1, "Alien", 1979)]) == {}


@pytest.mark.parametrize("answer", [TimeoutError(), ValueError(), {"status_code": 7}, {"results": [3]}])  # fmt: skip
def test_after_a_failure_tmdb_is_left_alone_and_then_asked_again(
    tmdb: Tmdb, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    tmdb.answer = answer
    for _ in range(2):
        assert posters.posters_of([(1, "Alien", 1979)]) == {}
    assert len(tmdb.asked) == 1
    tmdb.answer = {"results": [ALIEN]}
    monkeypatch.setitem(posters._resting, "until", 0.0)
    assert posters.posters_of([(1, "Alien", 1979)])


def test_without_a_key_nothing_is_asked_and_with_one_tmdb_is_named(
    tmdb: Tmdb, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = link_of(Session(history=[Watched(1200, True)]), "ease")

    def told() -> tuple[set[bool], bool]:
        app = sound(open_page("recommend", link))
        films = film_box(app, KEY)["lists"][0]["films"]
        noticed = any(posters.NOTICE in caption.value for caption in app.caption)
        return {bool(film["poster"]) for film in films if film["title"] == "Alien"}, noticed

    assert told() == ({True}, True)
    monkeypatch.delenv(posters.VARIABLE)
    tmdb.asked.clear()
    assert told() == ({False}, False)
    assert tmdb.asked == []
