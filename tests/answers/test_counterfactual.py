"""The visitor changed: lists before and after are the library's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from shipped import load

from recdemo import RequestError, Session, Watched
from recdemo.answers.counterfactual import (
    UNKNOWN,
    Change,
    RankChanges,
    enumerated,
    in_words,
    rank_changes,
    unread,
    what_moves,
    why_nothing_moves,
)
from recdemo.answers.drop import what_it_takes
from recdemo.core.session import MAX_SESSION_FILMS

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
    model = load(key, objective)  # type: ignore[arg-type]
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
        load(*pair)
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
    assert unread(load("fm"), FAN) == ()


@pytest.mark.parametrize("k", [0, -1, True, 2.5])
def test_a_bad_k_is_named(k) -> None:
    model = load("popularity")
    with pytest.raises(RequestError, match=repr(k)):
        rank_changes(model, FAN, FAN, k)
    with pytest.raises(RequestError, match=repr(k)):
        what_it_takes(model, FAN, 1, k)


def test_an_unknown_film_is_named() -> None:
    with pytest.raises(RequestError, match="91"):
        what_it_takes(load("popularity"), FAN, 91)


@pytest.mark.parametrize(
    ("ranks", "said"),
    [
        ([(1, 1), (2, 2)], "All 2 films stay, each at its place"),
        ([(1, 2), (2, 1), (9, 3)], "All 2 films stay; Film 2 rises most, from 9 to 3"),
        ([(1, 1), (2, 9), (3, 2)], "1 of 2 films stay; Film 2 rises most, from 3 to 2"),
        ([(1, 1200), (None, 1)], "0 of 1 films stay; Film 0 falls most, from 1 to 1,200"),
    ],
)
def test_what_moves_in_a_sentence(ranks: list[tuple[int | None, int | None]], said: str) -> None:
    films = pd.DataFrame(ranks, columns=["rank_before", "rank_after"], dtype="Int64")
    films["title"] = [f"Film {i}" for i in range(len(ranks))]
    assert what_moves(RankChanges(2, films, same_scores=False)) == said


def test_why_nothing_moves_names_what_a_model_does_not_read() -> None:
    model = load("popularity", "next")
    said = why_nothing_moves(model, FAN, replace(FAN, gender="M", history=()), "Popularity")
    assert said.startswith("Popularity reads no gender, age or occupation and no films watched:")
    said = why_nothing_moves(model, FAN, replace(FAN, gender="M"), "Popularity")
    assert said.startswith("Popularity reads no gender, age or occupation: this change")
    assert "has changed" in why_nothing_moves(model, FAN, FAN, "Popularity")
