"""The fewest films whose removal drops one: against brute force, and worlds where the answer is planted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from shipped import load
from torch import nn

from recdemo import Session, Watched, checkpoints
from recdemo.answers import drop as search
from recdemo.answers.drop import STEPS, Drop, in_sentences, strongest_support, what_it_takes
from recdemo.answers.recommend import Recommender
from recdemo.core.batch import Batch
from recdemo.encoding.schema import Schema

FAN = Session("F", 25, 12, [Watched(m, m != 1721) for m in (1721, 260, 1214, 541, 589, 2571)])


@pytest.fixture(scope="module")
def small(
    tmp_path_factory: pytest.TempPathFactory,
    schema: Schema,
    make_model: Callable,
    write_checkpoint: Callable,
) -> Callable[[str], Recommender]:
    """A small model of any card as a recommender over the small films; histories of six are read."""

    def make(key: str, seed: int = 0) -> Recommender:
        folder = tmp_path_factory.mktemp(key)
        counted = Schema(schema.movies.assign(ratings=1), schema.history_length)
        model = make_model(key, counted, seed=seed)
        card = write_checkpoint(folder, key, model, counted)
        return Recommender(checkpoints.Checkpoint(model, card, counted, folder))

    return make


class Lists:
    """Lists of the library for a visitor without some films, each asked for once."""

    def __init__(self, model: Recommender, session: Session) -> None:
        self.model, self.session = model, session
        self.known: dict[tuple[int, ...], list[int]] = {}

    def without(self, gone: tuple[int, ...]) -> list[int]:
        """All films, best first."""
        if gone not in self.known:
            rest = [film for film in self.session.history if film.movie_id not in gone]
            table = self.model.recommend(replace(self.session, history=rest), 5000)
            self.known[gone] = table["movie_id"].tolist()
        return self.known[gone]

    def rank(self, movie: int, gone: tuple[int, ...] = ()) -> int:
        """A film's place among those never watched."""
        never = [film for film in self.without(gone) if film not in self.session.movie_ids]
        return never.index(movie) + 1

    def sets(self, movie: int, k: int, size: int) -> list[tuple[int, ...]]:
        """All sets of so many watched films without which a film is off the list."""
        found = combinations(self.session.movie_ids, size)
        return [gone for gone in found if self.rank(movie, gone) > k]


def checked(lists: Lists, movie: int, k: int) -> Drop:
    """The answer, after everything it claims has been checked by brute force."""
    watched = lists.session.movie_ids
    drop = what_it_takes(lists.model, lists.session, movie, k)
    assert drop.rank == lists.rank(movie)
    assert drop.rank_bare == lists.rank(movie, tuple(watched))
    if drop.rank > k or not watched or drop.unread:
        assert drop.films == ()
        return drop
    for size in range(1, drop.tried + 1):
        assert not lists.sets(movie, k, size) or 0 < len(drop.films) <= size
    if drop.films:
        assert lists.rank(movie, drop.films) > k
        assert lists.without(drop.films).index(movie) + 1 == drop.rank_after
        assert list(drop.films) == [film for film in watched if film in drop.films]
        for size in range(1, len(drop.films)):
            for part in combinations(drop.films, size):
                assert lists.rank(movie, part) <= k, "a part of it suffices"
    return drop


@pytest.mark.parametrize("key", ["fm", "afm", "din", "bst", "mf"])
def test_what_it_takes_is_what_brute_force_finds(
    small: Callable, sessions: list[Session], key: str
) -> None:
    model = small(key)
    sets = 0
    for session in (sessions[2], sessions[4], sessions[5], sessions[7]):  # one to six films
        lists = Lists(model, session)
        for k, place in ((1, 0), (3, 0), (3, 2), (6, 4)):
            movie = lists.without(())[place]
            drop = checked(lists, movie, k)
            every = range(1, len(session.history) + 1)
            sizes = [size for size in every if lists.sets(movie, k, size)]
            sets += len(sizes)
            assert len(drop.films) == min(sizes, default=0), "up to six films, every set is tried"
            assert drop.smallest == bool(drop.films)
            if not sizes and not drop.unread:
                assert drop.tried == len(session.history)
    assert sets, "nothing of this was a test"


@pytest.mark.parametrize("key", ["din", "fm", "mf"])
def test_histories_longer_than_what_is_read_are_searched(
    small: Callable, sessions: list[Session], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SETS", 40)  # pairs of nine films, and no larger sets
    model = small(key)
    found = []
    for session in sessions[-2:]:  # nine and twelve films, of which six are read
        lists = Lists(model, session)
        for k, place in ((2, 0), (4, 3)):
            found.append(checked(lists, lists.without(())[place], k))
    assert any(drop.films for drop in found)
    assert {drop.tried for drop in found} <= {1, 2}


def test_a_set_found_step_by_step_has_no_part_that_suffices(
    small: Callable, sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SETS", 0)
    found = []
    for seed in range(3):
        lists = Lists(small("din", seed), sessions[9])  # seven films
        found += [checked(lists, lists.without(())[place], 3) for place in range(3)]
    assert {drop.tried for drop in found} <= {0, 1}
    assert any(drop.parts_tried and len(drop.films) > 2 and not drop.smallest for drop in found)


def test_what_the_first_look_at_few_rivals_misses_is_found(
    small: Callable, sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "STRONGEST", 1)
    monkeypatch.setattr(search, "STEP_ROWS", 0)
    monkeypatch.setattr(search, "STEP_RIVALS", 0)
    for seed in range(3):
        lists = Lists(small("din", seed), sessions[9])
        for place in range(3):
            checked(lists, lists.without(())[place], 3)


class Planted(nn.Module):
    """Film 1's logit is what a function says of the films watched; any other film f scores −f / 100."""

    def __init__(self, score: Callable[[set[int]], float]) -> None:
        super().__init__()
        self.score = score

    def forward(self, batch: Batch) -> torch.Tensor:
        films = batch.target_movie.view(batch.users, -1)
        logits = -films.float() / 100
        for row in range(batch.users):
            logits[row, films[row] == 1] = self.score(set(batch.history[row].tolist()))
        return logits.flatten()


@pytest.fixture
def planted(small: Callable) -> Callable[..., Recommender]:
    """``planted(score)``: a recommender with a known answer that reads twenty films."""

    def make(score: Callable[[set[int]], float]) -> Recommender:
        checkpoint = small("fm").checkpoint
        schema = Schema(checkpoint.schema.movies, history_length=20)
        return Recommender(replace(checkpoint, model=Planted(score), schema=schema))

    return make


def visitor(model: Recommender, rows: range) -> Session:
    ids = model.catalogue["movie_id"].tolist()
    return Session(history=[Watched(ids[row - 1], True) for row in rows])


def test_one_film_that_holds_a_film_up_is_found(planted: Callable) -> None:
    adds = {31: 0.1, 32: 0.1, 33: 5.0, 35: -5.0}
    model = planted(lambda watched: sum(adds.get(film, 0.0) for film in watched))
    session = visitor(model, range(30, 36))
    movie = int(model.catalogue["movie_id"][0])
    drop = checked(Lists(model, session), movie, 1)
    ids = model.catalogue["movie_id"].tolist()
    assert drop.films == (ids[32],)
    assert drop.smallest
    by_film = dict(drop.alone)
    # The best rival is film 2, with −0.02.
    assert drop.margin == pytest.approx(0.2 + 0.02, abs=1e-6)
    assert by_film[ids[32]] == pytest.approx(0.2 - 5 + 0.02, abs=1e-6)
    assert by_film[ids[34]] == pytest.approx(5.2 + 0.02, abs=1e-6)
    assert by_film[ids[29]] == pytest.approx(0.22, abs=1e-6)
    assert [value for _, value in drop.alone] == sorted(by_film.values())
    assert drop.alone[0][0] == ids[32]


@pytest.mark.parametrize("needed", [1, 2, 3, 4])
def test_as_many_films_as_hold_it_up_together_must_go(planted: Callable, needed: int) -> None:
    model = planted(lambda watched: 1.0 if len(watched & {31, 32, 33, 34}) >= needed else -1.0)
    session = visitor(model, range(30, 36))
    drop = checked(Lists(model, session), int(model.catalogue["movie_id"][0]), 1)
    assert len(drop.films) == 4 - needed + 1
    assert drop.smallest


def test_of_a_set_found_step_by_step_the_smallest_part_is_kept(
    planted: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first step takes film 33, the only one that counts alone, but without films 31 and 32 it is not needed."""
    monkeypatch.setattr(search, "SETS", 0)
    model = planted(lambda watched: (1.0 if watched & {31, 32} else -1.0) + 0.3 * (33 in watched))
    session = visitor(model, range(30, 36))
    drop = checked(Lists(model, session), int(model.catalogue["movie_id"][0]), 1)
    ids = model.catalogue["movie_id"].tolist()
    assert drop.films == (ids[30], ids[31])


def test_a_film_that_stays_in_any_case_has_no_such_set(planted: Callable) -> None:
    model = planted(lambda watched: 0.0)
    session = visitor(model, range(30, 36))
    drop = what_it_takes(model, session, int(model.catalogue["movie_id"][0]), 1)
    assert drop.unread
    assert (drop.films, drop.rank, drop.rank_bare) == ((), 1, 1)
    model = planted(lambda watched: 0.5 * (31 in watched))
    drop = checked(Lists(model, session), int(model.catalogue["movie_id"][0]), 1)
    assert not drop.unread
    assert (drop.films, drop.rank_bare, drop.tried) == ((), 1, 6)


def test_a_film_taken_away_is_no_rival(planted: Callable) -> None:
    """Film 3 is watched; not watched it would stand above film 4, which nothing else moves."""
    model = planted(lambda watched: -9.0 * (35 in watched))
    session = visitor(model, range(2, 4))
    ids = model.catalogue["movie_id"].tolist()
    session = replace(session, history=[*session.history, Watched(ids[34], True)])
    drop = checked(Lists(model, session), ids[3], 1)
    assert model.recommend(session, 1)["movie_id"].tolist() == [ids[3]]
    # Only film 35, which keeps film 1 down, makes room for another film that was never watched.
    assert drop.films == (ids[34],)


def test_equal_scores_are_in_the_order_of_the_catalogue(planted: Callable) -> None:
    model = planted(lambda watched: -1.0 if 35 in watched else -0.02)
    lists = Lists(model, visitor(model, range(30, 36)))
    ids = model.catalogue["movie_id"].tolist()
    assert checked(lists, ids[1], 1).films == (ids[34],), "film 1 comes before film 2"
    model = planted(lambda watched: 1.0 if 35 in watched else -0.02)
    lists = Lists(model, visitor(model, range(30, 36)))
    assert checked(lists, ids[0], 1).films == ()


def test_more_films_than_are_taken_away_are_not_found(planted: Callable) -> None:
    model = planted(lambda watched: 1.0 if watched & {*range(30, 38)} else -1.0)
    session = visitor(model, range(30, 38))
    drop = what_it_takes(model, session, int(model.catalogue["movie_id"][0]), 1)
    assert drop.films == ()
    assert (drop.rank, drop.rank_bare) == (1, 30)
    assert drop.tried == 2, "all pairs, but not all sets of three"


def test_a_film_off_the_list_or_watched_needs_nothing(
    small: Callable, sessions: list[Session]
) -> None:
    model, session = small("fm"), sessions[7]
    last = int(model.recommend(session, 5000)["movie_id"].iloc[-1])
    drop = what_it_takes(model, session, last, 3)
    assert (drop.films, drop.tried) == ((), 0)
    assert drop.rank == len(model.catalogue) - len(session.history)
    assert what_it_takes(model, session, session.movie_ids[0], 3).rank is None
    empty = what_it_takes(model, Session(), last, 38)
    assert (empty.films, empty.rank_bare) == ((), empty.rank)


def test_fewer_films_than_the_list_is_long_hold_any_film(
    small: Callable, sessions: list[Session]
) -> None:
    model, session = small("fm"), sessions[7]
    movie = int(model.recommend(session, 1)["movie_id"].iloc[0])
    assert what_it_takes(model, session, movie, 38).films == ()


@pytest.mark.parametrize("pair", checkpoints.available())
def test_padding_left_out_changes_no_logit(pair) -> None:
    model = load(*pair)
    rows = np.arange(0, len(model.catalogue), 97)
    sessions = [FAN, Session(), replace(FAN, history=FAN.history[:1])]
    found = search._logits(model, sessions, rows)
    for session, logits in zip(sessions, found, strict=True):
        assert logits == pytest.approx(model.logits(session)[rows], abs=1e-4)


def test_models_with_weights_for_padding_keep_it(
    schema: Schema, small: Callable, make_model
) -> None:
    base = small("bst")
    network = make_model("bst", schema, read="flatten")
    model = Recommender(replace(base.checkpoint, model=network))
    session = Session(history=[Watched(2, True)])
    rows = np.arange(schema.size)
    assert search._logits(model, [session], rows)[0] == pytest.approx(
        model.logits(session), abs=1e-5
    )


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
