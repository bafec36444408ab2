"""What the counts say, again from the ratings themselves; and where a visitor stands in a planted world."""

from __future__ import annotations

import pandas as pd
import pytest

from recdemo import Session, Watched
from recdemo.core.vocabulary import AGES, OCCUPATIONS
from recdemo.data import Dataset, findings, simulate
from recdemo.data.summary import FEWEST, Aggregates, Range, aggregates_of


@pytest.fixture(scope="module")
def world(small_films: pd.DataFrame) -> Dataset:
    return simulate(small_films, users=120, seed=3)


@pytest.fixture(scope="module")
def counts(world: Dataset) -> Aggregates:
    return aggregates_of(world, "2000-01-01")


def test_decades_are_those_of_the_ratings(world: Dataset, counts: Aggregates) -> None:
    rated = world.ratings.merge(world.movies, on="movie_id")
    rated["decade"] = rated["year"] // 10 * 10
    rated = rated[rated["year"].isin(counts.years)]
    size = rated.groupby("decade").size()
    liked = (rated["rating"] >= 4).groupby(rated["decade"]).mean()
    most, best = size.idxmax(), liked.idxmax()
    assert findings.years(counts) == (
        f"Films of the {most}s hold {size[most] / len(world.ratings):.0%} of the ratings, and {liked[most]:.0%} of "
        f"those are likes; of the {best}s’ ratings {liked[best]:.0%} are"
    )


def test_genres_are_those_of_the_ratings(world: Dataset, counts: Aggregates) -> None:
    rated = world.ratings.merge(world.movies, on="movie_id").explode("genres")
    rated = rated[rated["genres"].isin(counts.genres)]
    liked = (rated["rating"] >= 4).groupby(rated["genres"]).mean().sort_values(ascending=False)
    said = findings.genres(counts)
    assert said.startswith(f"{liked.index[0]} is liked most ({liked.iloc[0]:.0%} of its ratings)")
    often = rated["genres"].value_counts()
    assert set(said.split("; ")[1].removesuffix(" are rated most").split(" and ")) <= set(
        often.index[often >= often.iloc[1]]
    )


def test_people_are_those_of_the_users(world: Dataset, counts: Aggregates) -> None:
    share = world.users["gender"].value_counts(normalize=True)
    person = {"F": "women", "M": "men"}[share.idxmax()]
    assert f"{share.max():.0%} of the users are {person}" in findings.crowd(counts)
    sizes = world.users["occupation"].value_counts()
    assert f"“{OCCUPATIONS[sizes.idxmax()]}” is the largest" in findings.occupations(counts)
    assert f"with {sizes.max():,} users" in findings.occupations(counts)


def test_histograms_find_films_with_little_to_learn_from(counts: Aggregates) -> None:
    ranges = [Range(low=0, high=0, count=2), Range(low=4, high=7, count=3), Range(low=8, high=15, count=9)]  # fmt: skip
    planted = counts.model_copy(update={"per_film": ranges, "per_user": ranges, "films": 14, "users": 14})  # fmt: skip
    assert findings.per_film(planted).startswith("5 of 14 films have fewer than 8 ratings")
    assert findings.per_user(planted) == "Most common are 8 to 15 ratings a user: 9 of 14 users"


def test_tastes_are_sorted_by_what_parts_two_groups(counts: Aggregates) -> None:
    planted = {"gender": {"F": {"Drama": 0.3, "War": 0.1, "Crime": 0.2}, "M": {"Drama": 0.1, "War": 0.4}}}  # fmt: skip
    both = counts.model_copy(update={"tastes": planted})
    names = findings.group_names(both)
    assert list(names.values()) == ["Women", "Men"]
    table = findings.compared_tastes(both, *names)
    assert table.to_dict() == {"Women": {"Drama": 0.3, "War": 0.1}, "Men": {"Drama": 0.1, "War": 0.4}}  # fmt: skip
    assert findings.tastes(table) == (
        "Drama takes 30% of the likes of “Women”, 10% of “Men”; War 10% and 40%"
    )


def test_a_visitor_is_counted_among_the_like(counts: Aggregates) -> None:
    gender = max(counts.crowd, key=lambda code: len(counts.crowd[code]))
    age = next(iter(counts.crowd[gender]))
    lines = findings.visitor(counts, Session(gender, age, None))  # type: ignore[arg-type]
    group = counts.profile["age"][str(age)].users
    assert f"{group:,} are in the age group {AGES[age]}" in lines[0]
    assert lines[1].startswith(f"{counts.crowd[gender][age]:,} are ")
    nobody = counts.model_copy(update={"crowd": {}})
    assert findings.visitor(nobody, Session(gender, age, None))[1].startswith(
        f"Fewer than {FEWEST}"
    )  # type: ignore[arg-type]
    assert findings.visitor(counts, Session()) == []


def test_films_watched_are_placed_among_the_most_rated() -> None:
    films = pd.DataFrame({"movie_id": [1, 2, 3, 4], "ratings": [50, 10, 10, 90]})
    session = Session(history=[Watched(1), Watched(2), Watched(4)])
    places = findings.places_of(films, session)
    assert places == {1: 2, 2: 4, 4: 1}
    labels = {1: "A", 2: "B", 3: "C", 4: "D"}
    assert findings.watched(places, labels) == (
        "Half of the 3 films watched are among the 2 most rated of 4; the least rated, B, is among the 4 most rated."
    )
    assert findings.watched({1: 2}, labels) == "The film watched is among the 2 most rated."
    assert findings.watched({}, labels).startswith("Add films")
