"""What speaks for the films of a list, asked together, beside each film asked on its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from shipped import load

from recdemo import Session, Watched
from recdemo.answers.reasons import because, reasons, what_mattered
from recdemo.ui.personas import PERSONAS

DISLIKES = Session(history=[Watched(2571, False), Watched(260, None)])


@pytest.mark.parametrize("model", ["ease", "pooling"])
def test_films_asked_together_get_the_terms_and_the_reason_that_each_gets_alone(model: str) -> None:
    asked, session = load(model, "next"), PERSONAS[0].session
    liked = {film.movie_id for film in session.history if film.liked}
    logits = asked.logits(session)
    listed = asked.recommend(session, 4, logits=logits)["movie_id"].tolist()
    shared = reasons(asked, session, listed, logits)
    said = because(shared, session)
    assert said  # or this visitor tests nothing
    for movie, other in zip(listed, [None, None, listed[0], listed[1]], strict=True):
        alone = asked.explain(session, movie, against=other)
        together = asked.explain(session, movie, against=other, logits=logits, shared=shared)
        for one, two in ((alone.terms, together.terms), (alone.contrast.terms, together.contrast.terms)):  # fmt: skip
            assert [term.label for term in one] == [term.label for term in two]
            assert [t.value for t in one] == pytest.approx([t.value for t in two], abs=1e-4)
        assert alone.contrast.logit == pytest.approx(together.contrast.logit, abs=1e-4)
        assert alone.contrast.films == together.contrast.films
        terms = asked.explain(session, movie).contrast.terms
        top = sorted(terms, key=lambda term: abs(term.value))[-3:]
        likely = [t for t in top if t.movie_id in liked and t.value > 0.005]
        best = max(likely, key=lambda term: term.value).movie_id if likely else None
        assert said.get(movie) == best


def test_a_film_that_was_not_liked_is_no_reason() -> None:
    asked = load("ease", "next")
    logits = asked.logits(DISLIKES)
    listed = asked.recommend(DISLIKES, 5)["movie_id"].tolist()
    assert because(reasons(asked, DISLIKES, listed, logits), DISLIKES) == {}


@pytest.mark.parametrize("model", ["fm", "ease"])
def test_what_mattered_is_what_moves_the_list_when_it_is_left_out(model: str) -> None:
    asked, session = load(model, "next"), PERSONAS[0].session
    listed = asked.recommend(session, 6)["movie_id"].tolist()
    rows = [asked.checkpoint.schema.index_of(movie) - 1 for movie in listed]
    moved = {}
    for film in session.history:
        without = replace(session, history=[f for f in session.history if f != film])
        change = asked.logits(session)[rows] - asked.logits(without)[rows]
        moved[film.movie_id] = float(np.abs(change).mean())
    found = what_mattered(asked, session, listed)
    assert sorted(found) == sorted(moved)
    values = [moved[movie] for movie in found]
    assert values == pytest.approx(sorted(values, reverse=True), abs=1e-4)
    assert what_mattered(asked, Session(), listed) == []
