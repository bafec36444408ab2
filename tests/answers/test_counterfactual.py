"""The visitor changed: lists are the library's, and the smallest set of films is what brute force finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import recdemo
from recdemo import RequestError, Session, Watched, checkpoints
from recdemo.answers import counterfactual
from recdemo.answers.counterfactual import (
    STEPS,
    UNKNOWN,
    Change,
    enumerated,
    in_words,
    rank_changes,
    unread,
    what_it_takes,
)
from recdemo.answers.recommend import Recommender
from recdemo.charts.counterfactual import margins, slopes
from recdemo.core.batch import Batch
from recdemo.core.session import MAX_SESSION_FILMS
from recdemo.encoding.schema import Schema

FAN = Session("F", 25, 12, [Watched(m, m != 1721) for m in (1721, 260, 1214, 541, 589, 2571)])


# --- Change: a value that makes another session of one


def test_no_change_changes_nothing() -> None:
    assert Change().of(FAN) == FAN
    assert in_words(Change(), FAN, {}) == []


def test_values_are_replaced_or_taken_away() -> None:
    assert Change(gender="M", age=56).of(FAN) == replace(FAN, gender="M", age=56)
    unknown = Change(UNKNOWN, UNKNOWN, UNKNOWN).of(FAN)
    assert (unknown.gender, unknown.age, unknown.occupation) == (None, None, None)
    assert unknown.history == FAN.history
    assert Change(occupation=0).of(FAN).occupation == 0


def test_films_are_dropped_and_added() -> None:
    change = Change(dropped=(260, 2571), added=Watched(1, None))
    assert change.of(FAN).history == (
        Watched(1721, False),
        *(Watched(m, True) for m in (1214, 541, 589)),
        Watched(1, None),
    )


def test_a_dropped_film_no_longer_there_is_passed_over() -> None:
    assert Change(dropped=(3, 260)).of(FAN).movie_ids == [1721, 1214, 541, 589, 2571]


def test_an_added_film_that_is_there_moves_to_the_end() -> None:
    assert Change(added=Watched(260, False)).of(FAN).history[-1] == Watched(260, False)
    assert Change(added=Watched(260, False)).of(FAN).movie_ids.count(260) == 1
    assert Change(dropped=(260,), added=Watched(260)).of(FAN).history[-1] == Watched(260)


def test_a_full_history_loses_its_oldest_film_to_one_added() -> None:
    full = Session(history=[Watched(m) for m in range(1, MAX_SESSION_FILMS + 1)])
    after = Change(added=Watched(9999)).of(full)
    assert after.movie_ids == [*range(2, MAX_SESSION_FILMS + 1), 9999]
    assert Change(dropped=(7,), added=Watched(9999)).of(full).movie_ids[0] == 1


def test_a_change_out_of_range_is_named() -> None:
    with pytest.raises(RequestError, match="26"):
        Change(age=26).of(FAN)


def test_a_change_in_words_names_only_what_changes() -> None:
    titles = {m: f"Film {m}" for m in (*FAN.movie_ids, 1)}
    words = in_words(Change("M", 25, UNKNOWN, (260, 99), Watched(1, None)), FAN, titles)
    assert words == [
        "gender Female → Male",
        "occupation Programmer → unknown",
        "without Film 260",
        "Film 1 seen, watched last",
    ]
    assert in_words(Change("F", added=Watched(2571, True)), FAN, titles) == [], "it is last already"
    assert in_words(Change(added=Watched(2571, False)), FAN, titles) == [
        "Film 2571 disliked, watched last"
    ]
    assert in_words(Change(dropped=(1721, 260, 1214)), FAN, titles) == [
        "without Film 1721, Film 260 and Film 1214"
    ]


def test_names_in_a_sentence() -> None:
    assert enumerated(["a"]) == "a"
    assert enumerated(["a", "b"]) == "a and b"
    assert enumerated(list("abcd")) == "a, b, c and d"
    assert enumerated(list("abcde")) == "a, b, c and 2 more"


# --- rank_changes: the numbers of the library


@pytest.mark.parametrize(
    ("key", "objective"),
    [("din", "next"), ("afm", "like"), ("mf", "next"), ("textcnn_rating", "rating")],
)
@pytest.mark.parametrize("k", [5, 20])
def test_ranks_and_scores_are_the_library_s(key: str, objective: str, k: int) -> None:
    model = recdemo.load(key, objective)  # type: ignore[arg-type]
    after = Change(gender="M", dropped=(260, 589), added=Watched(1210, True)).of(FAN)
    changes = rank_changes(model, FAN, after, k)
    lists = {"before": model.recommend(FAN, 5000), "after": model.recommend(after, 5000)}
    tops = {name: table.head(k)["movie_id"].tolist() for name, table in lists.items()}
    assert set(changes.films["movie_id"]) == {*tops["before"], *tops["after"]}
    assert changes.stay == len({*tops["before"]} & {*tops["after"]})
    for name, table in lists.items():
        by_id = table.set_index("movie_id")
        for film in changes.films.itertuples():
            rank, score = getattr(film, f"rank_{name}"), getattr(film, f"score_{name}")
            if film.movie_id in by_id.index:
                assert rank == by_id["rank"][film.movie_id]
                assert score == by_id["score"][film.movie_id]
            else:
                assert pd.isna(rank)
                assert np.isnan(score)
    ranks = changes.films["rank_before"].dropna().tolist()
    assert ranks == sorted(ranks)
    assert changes.films["rank_before"][len(ranks) :].isna().all(), "films watched before come last"


def test_models_that_read_nothing_of_a_change_say_so() -> None:
    older = replace(FAN, age=56)
    fewer = Change(dropped=(260,)).of(FAN)
    popular, pooling, text = (
        recdemo.load(*pair)
        for pair in (("popularity", "next"), ("pooling", "next"), ("textcnn_rating", "rating"))
    )
    assert rank_changes(popular, FAN, older).same_scores
    assert rank_changes(popular, FAN, fewer).same_scores
    assert rank_changes(pooling, FAN, older).same_scores
    assert not rank_changes(pooling, FAN, fewer).same_scores
    assert not rank_changes(text, FAN, older).same_scores
    assert unread(popular, FAN) == ("profile", "history")
    assert unread(pooling, Session()) == ("profile",)
    assert unread(text, FAN) == ("history",)
    assert unread(recdemo.load("fm"), FAN) == ()


@pytest.mark.parametrize("k", [0, -1, True, 2.5])
def test_a_bad_k_is_named(k) -> None:
    model = recdemo.load("popularity")
    with pytest.raises(RequestError, match=repr(k)):
        rank_changes(model, FAN, FAN, k)
    with pytest.raises(RequestError, match=repr(k)):
        what_it_takes(model, FAN, 1, k)


def test_an_unknown_film_is_named() -> None:
    with pytest.raises(RequestError, match="91"):
        what_it_takes(recdemo.load("popularity"), FAN, 91)


# --- what_it_takes: against brute force over models small enough for it


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


def checked(lists: Lists, movie: int, k: int) -> counterfactual.Drop:
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
    monkeypatch.setattr(counterfactual, "SETS", 40)  # pairs of nine films, and no larger sets
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
    monkeypatch.setattr(counterfactual, "SETS", 0)
    found = []
    for seed in range(3):
        lists = Lists(small("din", seed), sessions[9])  # seven films
        found += [checked(lists, lists.without(())[place], 3) for place in range(3)]
    assert {drop.tried for drop in found} <= {0, 1}
    assert any(drop.parts_tried and len(drop.films) > 2 and not drop.smallest for drop in found)


def test_what_the_first_look_at_few_rivals_misses_is_found(
    small: Callable, sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counterfactual, "STRONGEST", 1)
    monkeypatch.setattr(counterfactual, "STEP_ROWS", 0)
    monkeypatch.setattr(counterfactual, "STEP_RIVALS", 0)
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
    monkeypatch.setattr(counterfactual, "SETS", 0)
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


# --- The shipped models


@pytest.mark.parametrize("pair", checkpoints.available())
def test_padding_left_out_changes_no_logit(pair) -> None:
    model = recdemo.load(*pair)
    rows = np.arange(0, len(model.catalogue), 97)
    sessions = [FAN, Session(), replace(FAN, history=FAN.history[:1])]
    found = counterfactual._logits(model, sessions, rows)
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
    assert counterfactual._logits(model, [session], rows)[0] == pytest.approx(
        model.logits(session), abs=1e-5
    )


def test_many_sessions_are_scored_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    model = recdemo.load("din")
    sessions = [replace(FAN, history=FAN.history[:n]) for n in range(7)]
    rows = np.arange(0, 3883, 13)
    whole = counterfactual._logits(model, sessions, rows)
    sizes = []
    forward = type(model.checkpoint.model).forward
    monkeypatch.setattr(
        type(model.checkpoint.model),
        "forward",
        lambda self, batch: sizes.append(len(batch.target_movie)) or forward(self, batch),
    )
    monkeypatch.setattr(counterfactual, "CHUNK_ROWS", 2 * len(rows))
    assert counterfactual._logits(model, sessions, rows) == pytest.approx(whole, abs=1e-5)
    assert max(sizes) == 2 * len(rows)


@pytest.mark.parametrize(("key", "objective"), [("din", "next"), ("afm", "next"), ("mf", "like")])
def test_shipped_answers_hold_by_the_library(key: str, objective: str) -> None:
    model = recdemo.load(key, objective)  # type: ignore[arg-type]
    for movie in model.recommend(FAN, 10)["movie_id"].tolist()[4::5]:
        drop = what_it_takes(model, FAN, movie)
        assert drop.rivals == counterfactual.ROWS // len(FAN.history)
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
    model = recdemo.load("fm")
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


# --- Charts


def changes_of(ranks: list[tuple[int | None, int | None]]) -> pd.DataFrame:
    before, after = (pd.array(column, dtype="Int64") for column in zip(*ranks, strict=True))
    return pd.DataFrame(
        {
            "movie_id": range(len(ranks)),
            "title": [f"Film {i} (1999)" for i in range(len(ranks))],
            "rank_before": before,
            "rank_after": after,
            "score_before": 0.5,
            "score_after": 0.4,
        }
    )


RANKS = [(1, 2), (2, 1), (3, 3), (4, 37), (5, None), (9, 4), (1200, 5), (None, 6)]


def test_slopes_join_each_film_s_ranks() -> None:
    figure = slopes(changes_of(RANKS), k=5)
    drawn = {}
    lines, points = figure.data[:4], figure.data[4:]
    for line, ends in zip(lines, points, strict=True):
        for i in range(0, len(ends.x), 2):
            j = i // 2 * 3
            assert list(line.x[j : j + 3]) == [*ends.x[i : i + 2], None] == [0, 1, None]
            assert list(line.y[j : j + 2]) == list(ends.y[i : i + 2])
            drawn[ends.customdata[i].split("<br>")[0]] = (*ends.text[i : i + 2], ends.name)
    assert drawn == {
        "Film 0 (1999)": ("1", "2", "falls"),
        "Film 1 (1999)": ("2", "1", "rises"),
        "Film 2 (1999)": ("3", "3", "same place"),
        "Film 3 (1999)": ("4", "37", "falls"),
        "Film 4 (1999)": ("5", "–", "watched"),
        "Film 5 (1999)": ("9", "4", "rises"),
        "Film 6 (1999)": ("1200", "5", "rises"),
        "Film 7 (1999)": ("–", "6", "watched"),
    }


def test_slopes_keep_labels_apart_and_films_below_the_list_in_order() -> None:
    figure = slopes(changes_of(RANKS), k=5)
    for side in (0, 1):
        places = [
            note.y for note in figure.layout.annotations if note.xref != "paper" and note.x == side
        ]
        assert np.diff(sorted(places)).min() > 0.7
    places = {
        (rank, side): place
        for ends in figure.data[4:]
        for rank, side, place in zip(ends.text, ends.x, ends.y, strict=True)
    }
    assert places["1", 0] == 1
    assert 5 < places["9", 0] < places["1200", 0] < places["–", 0]
    assert places["37", 1] < places["–", 1]


def test_a_long_title_takes_two_lines_with_its_year(small_films: pd.DataFrame) -> None:
    films = changes_of([(1, 1)]).assign(
        title="The Long and Winding Title of a Film Nobody Remembers (1968)"
    )
    label = next(note.text for note in slopes(films, k=5).layout.annotations if "Long" in note.text)
    assert label.endswith("(1968)")
    assert label.count("<br>") == 1


def test_margins_start_from_all_films() -> None:
    drop = counterfactual.Drop(7, 10, 1, tried=1, margin=1.5, alone=((3, -0.2), (4, 1.9)))
    figure = margins(drop, {3: "Three (1990)", 4: "Four (1991)"}, "stars")
    assert [(*line.x, line.y[0]) for line in figure.data] == [
        (1.5, -0.2, "Three (1990)"),
        (1.5, 1.9, "Four (1991)"),
    ]
    assert figure.layout.xaxis.title.text == "lead over rank 11 (stars)"
