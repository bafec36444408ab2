"""Lists from the shipped models: what is in them, what is not, and that they follow the visitor."""

from __future__ import annotations

import numpy as np
import pytest
from shipped import load

import recdemo
from recdemo import RequestError, Session, Watched, checkpoints
from recdemo.answers.recommend import Recommender, leaning
from recdemo.core.vocabulary import Objective
from recdemo.models import CARDS

SCIENCE_FICTION = Session(history=[Watched(m, True) for m in (260, 2571, 541, 589)])
FAMILY = Session(history=[Watched(m, True) for m in (1, 588, 364)])
EVERY_MODEL = checkpoints.available()
RANKING = [key for key, objective in EVERY_MODEL if objective == "next"]


@pytest.fixture(scope="module")
def models() -> dict[tuple[str, Objective], Recommender]:
    return {pair: load(*pair) for pair in checkpoints.available()}


@pytest.mark.parametrize("pair", EVERY_MODEL)
@pytest.mark.parametrize("size", [0, 1, 60, 200])
def test_a_list_is_ranked_and_holds_no_watched_film(models, pair, size: int) -> None:
    model = models[pair]
    watched = model.catalogue["movie_id"].tolist()[:size]
    session = Session("F", 25, 12, [Watched(movie, movie % 2 == 0) for movie in watched])
    table = model.recommend(session, 50)
    assert table["rank"].tolist() == list(range(1, 51))
    assert not set(table["movie_id"]) & set(watched)
    assert table["movie_id"].is_unique
    assert (np.diff(table["score"]) <= 0).all()
    assert table["score"].between(*((1, 5) if pair[1] == "rating" else (0, 1))).all()
    if pair[1] != "rating" and "like" in CARDS[pair[0]].objectives:
        assert table["p_like"].between(0, 1).all()
    else:
        assert table["p_like"].isna().all()


@pytest.mark.parametrize("key", RANKING)
def test_chances_of_next_add_up_to_one_over_the_films_not_watched(models, key: str) -> None:
    model = models[key, "next"]
    scores = model.scores(SCIENCE_FICTION)
    assert scores.sum() == pytest.approx(1)
    assert (scores[~model.unseen(SCIENCE_FICTION)] == 0).all()
    full = model.recommend(SCIENCE_FICTION, 5000)
    assert len(full) == len(model.catalogue) - 4
    assert full["score"].sum() == pytest.approx(1)


@pytest.mark.parametrize("key", [key for key in RANKING if "like" in CARDS[key].objectives])
def test_p_like_is_what_the_like_model_says(models, key: str) -> None:
    table = models[key, "next"].recommend(SCIENCE_FICTION, 20)
    liker = models[key, "like"]
    by_id = dict(zip(liker.catalogue["movie_id"], liker.scores(SCIENCE_FICTION), strict=True))
    assert table["p_like"].tolist() == pytest.approx([by_id[m] for m in table["movie_id"]])


@pytest.mark.parametrize("pair", EVERY_MODEL)
def test_the_same_session_gives_the_same_list(models, pair) -> None:
    first = models[pair].recommend(FAMILY, 20)
    models[pair].recommend(SCIENCE_FICTION, 20)
    assert models[pair].recommend(FAMILY, 20).equals(first)


READ_HISTORY = [key for key in RANKING if CARDS[key].reads_history]
# Three or four films move these less: they know users by id, or average what was watched.
LEAST_SCIENCE_FICTION = {"two_tower": 4, "mf": 6}
LEAST_FAMILY = {
    **{"two_tower": 0, "concat_mlp": 0, "mf": 2, "pooling": 4},
    **{"embedding_cnn": 0, "rnn": 1, "dien": 0},  # their rankings are little better than popularity
}


@pytest.mark.parametrize("key", READ_HISTORY)
def test_science_fiction_fans_get_science_fiction_and_action(models, key: str) -> None:
    table = models[key, "next"].recommend(SCIENCE_FICTION, 10)
    fitting = table["genres"].map(lambda names: bool({"Sci-Fi", "Action"} & set(names)))
    assert fitting.sum() >= LEAST_SCIENCE_FICTION.get(key, 7), table["title"].tolist()
    assert (table["ratings"] >= 200).sum() >= 8, "films they know, not curiosities"


@pytest.mark.parametrize("key", READ_HISTORY)
def test_families_get_family_films(models, key: str) -> None:
    table = models[key, "next"].recommend(FAMILY, 10)
    fitting = table["genres"].map(lambda names: bool({"Children's", "Animation"} & set(names)))
    assert fitting.sum() >= LEAST_FAMILY.get(key, 6), table["title"].tolist()


@pytest.mark.parametrize("pair", [pair for pair in EVERY_MODEL if CARDS[pair[0]].reads_profile])
def test_the_profile_alone_changes_the_scores(models, pair) -> None:
    young = models[pair].scores(Session("F", 18, 4, FAMILY.history))
    old = models[pair].scores(Session("M", 56, 13, FAMILY.history))
    # The chances of "next" are shares of one, over all films.
    assert np.abs(young - old).max() > (1e-4 if pair[1] == "next" else 1e-3)


def test_filters_keep_scores_and_order(models) -> None:
    model = models["fm", "next"]
    everything = model.recommend(SCIENCE_FICTION, 5000)
    some = model.recommend(SCIENCE_FICTION, 20, genres=["Western", "Musical"], years=(1950, 1970))
    fits = everything["genres"].map(lambda g: bool({"Western", "Musical"} & set(g)))
    fits &= everything["year"].between(1950, 1970)
    expected = everything[fits].head(20)
    assert some["movie_id"].tolist() == expected["movie_id"].tolist()
    assert some["score"].tolist() == expected["score"].tolist()


def test_a_filter_nothing_passes_gives_an_empty_list(models) -> None:
    assert models["fm", "next"].recommend(FAMILY, 10, years=(1800, 1801)).empty


@pytest.mark.parametrize("k", [0, -1, 5001, 1.5, True, "10"])
def test_a_bad_k_is_named(models, k) -> None:
    with pytest.raises(RequestError, match=repr(k)):
        models["fm", "next"].recommend(FAMILY, k)


def test_unknown_things_are_named(models) -> None:
    with pytest.raises(RequestError, match="Sport"):
        models["fm", "next"].recommend(FAMILY, 10, genres=["Sport"])
    with pytest.raises(RequestError, match="91"):
        models["fm", "next"].recommend(Session(history=[Watched(91, True)]), 10)
    with pytest.raises(RequestError, match="nope"):
        recdemo.load("nope")
    with pytest.raises(RequestError, match="buy"):
        recdemo.load("fm", "buy")  # type: ignore[arg-type]


def test_a_model_is_asked_what_it_knows() -> None:
    assert recdemo.load("fm").objective == "next"
    assert recdemo.load("textcnn_rating").objective == "rating"
    with pytest.raises(RequestError, match=r"textcnn_rating has no objective 'next'; use rating"):
        recdemo.load("textcnn_rating", "next")


def test_a_list_leans_to_genres_of_a_third_of_its_films() -> None:
    films = [["Drama", "War"], ["Drama"], ["War"], ["Comedy"], ["Drama", "Horror"], []]
    assert leaning(films) == [("Drama", 3), ("War", 2)]
    assert leaning([*films, [], []]) == [("Drama", 3)]
    assert leaning([[], ["War"], [], []]) == []
