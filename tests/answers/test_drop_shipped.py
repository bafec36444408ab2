"""The fewest films whose removal drops one, by the shipped models: scored in parts, true by the library, said in sentences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drop_by_hand import Lists
from shipped import load

from recdemo import Session, Watched, checkpoints
from recdemo.answers import drop as search
from recdemo.answers.drop import STEPS, Drop, in_sentences, strongest_support, what_it_takes

FAN = Session("F", 25, 12, [Watched(m, m != 1721) for m in (1721, 260, 1214, 541, 589, 2571)])


@pytest.mark.parametrize("pair", checkpoints.available())
def test_padding_left_out_changes_no_logit(pair) -> None:
    model = load(*pair)
    rows = np.arange(0, len(model.catalogue), 97)
    sessions = [FAN, Session(), replace(FAN, history=FAN.history[:1])]
    found = search._logits(model, sessions, rows)
    for session, logits in zip(sessions, found, strict=True):
        assert logits == pytest.approx(model.logits(session)[rows], abs=1e-4)


def test_many_sessions_are_scored_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load("din")
    sessions = [replace(FAN, history=FAN.history[:n]) for n in range(7)]
    rows = np.arange(0, 3883, 13)
    whole = search._logits(model, sessions, rows)
    sizes = []
    forward = type(model.checkpoint.model).forward
    monkeypatch.setattr(
        type(model.checkpoint.model),
        "forward",
        lambda self, batch: sizes.append(len(batch.target_movie)) or forward(self, batch),
    )
    monkeypatch.setattr(search, "CHUNK_ROWS", 2 * len(rows))
    assert search._logits(model, sessions, rows) == pytest.approx(whole, abs=1e-5)
    assert max(sizes) == 2 * len(rows)


@pytest.mark.parametrize(("key", "objective"), [("din", "next"), ("afm", "next"), ("mf", "like")])
def test_shipped_answers_hold_by_the_library(key: str, objective: str) -> None:
    model = load(key, objective)  # type: ignore[arg-type]
    for movie in model.recommend(FAN, 10)["movie_id"].tolist()[4::5]:
        drop = what_it_takes(model, FAN, movie)
        assert drop.rivals == search.ROWS // len(FAN.history)
        if len(drop.films) != 1:  # compared with the nearest films only, but true of all
            assert all(Lists(model, FAN).rank(movie, (film,)) <= 10 for film in FAN.movie_ids)
        if drop.films:
            rest = replace(FAN, history=[f for f in FAN.history if f.movie_id not in drop.films])
            listed = model.recommend(rest, 5000)
            assert listed["rank"][listed["movie_id"] == movie].tolist() == [drop.rank_after]
            assert Lists(model, FAN).rank(movie, drop.films) > 10
            assert len(drop.films) <= STEPS
        for film, value in drop.alone:
            rest = replace(FAN, history=[f for f in FAN.history if f.movie_id != film])
            logits = model.logits(rest)
            position = model.checkpoint.schema.index[movie] - 1
            others = np.delete(
                logits, [position, *(model.checkpoint.schema.index[m] - 1 for m in FAN.movie_ids)]
            )
            assert value == pytest.approx(logits[position] - np.sort(others)[-10], abs=2e-4)


def test_of_a_long_history_the_nearest_films_are_rivals() -> None:
    model = load("fm")
    films = model.catalogue.sort_values("ratings")["movie_id"].tolist()[-60:]
    session = Session("M", 35, history=[Watched(movie, movie % 3 > 0) for movie in films])
    lists = Lists(model, session)
    for movie in (lists.without(())[1], lists.without(())[8]):
        drop = what_it_takes(model, session, movie)
        assert drop.rivals == 1000
        assert len(drop.alone) == 10
        assert set(dict(drop.alone)) <= set(films[-50:]), "only films that are read matter"
        if drop.films:
            assert lists.rank(movie, drop.films) > 10
            assert lists.without(drop.films).index(movie) + 1 == drop.rank_after


@pytest.mark.parametrize(
    ("found", "answer", "certainty"),
    [
        (Drop(1, 10, 1200), "**A** is not among the first 10: it has rank 1,200.", ""),
        (Drop(1, 10, 1, unread=True), "FM gives every film exactly the same score.", ""),
        (Drop(1, 10, 1, (2,), 31, tried=1, rivals=97), "Without **B**, **A** falls from rank 1 to 31.",
         "One film is enough"),
        (Drop(1, 10, 1, (2, 3), 31, tried=1, rivals=97), "Without **B** and **C**, **A** falls",
         "This is the smallest set: no film alone does it"),
        (Drop(1, 10, 1, (2, 3, 4), 31, tried=1, parts_tried=True, rivals=97), "**B**, **C** and **D**",
         "Found step by step: no film alone does it"),
        (Drop(1, 10, 1, tried=2, rank_bare=40, rivals=97), "Without any history it has rank 40, but no few films",
         "No set of up to 2 films does it"),
        (Drop(1, 10, 1, tried=3, rank_bare=2, rivals=97), "Without any history it is still there.",
         "Every set of watched films was tried."),
        (Drop(1, 10, 1, tried=1, rank_bare=2, rivals=50), "Nothing found that drops **A**",
         "compared with the 50 films nearest by score"),
    ],
)  # fmt: skip
def test_what_was_found_in_sentences(found: Drop, answer: str, certainty: str) -> None:
    labels = {1: "A", 2: "B", 3: "C", 4: "D"} | {film: "" for film in range(5, 102)}
    visitor = Session(history=[Watched(2), Watched(3), Watched(4)])
    said, proof = in_sentences(found, visitor, labels, "FM")
    assert answer in said
    assert certainty in proof
    assert bool(proof) == bool(certainty)
    assert ("nearest by score" in proof) == (found.rivals == 50)
    if found.rank == 1:
        assert "no film holds it up" in in_sentences(found, Session(), labels, "FM")[0]


def test_the_film_that_holds_another_up_most_is_named() -> None:
    labels = {2: "B", 3: "C"}
    said = strongest_support(Drop(1, 10, 1, margin=1.5, alone=((3, -0.2), (2, 1.9))), labels)
    assert said == "**C** holds it up most: without it the lead falls from +1.50 to -0.20."
    assert strongest_support(Drop(1, 10, 1, margin=1.5, alone=((2, 1.9),)), labels).startswith("No")
