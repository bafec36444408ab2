"""A person's own table made a data set: films matched, ratings in order, people read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from own_files import BY_ID, BY_TITLE, FILMS, data_of, table_of, tuples

from recdemo.data import DataError, guess_mapping, own, to_dataset


def test_films_are_matched_by_title_and_year() -> None:
    data = data_of(
        """
user,title,rating
ann,Heat (1995),4
bob,STAR WARS (1977),5
ann,"Misérables, Les (1995)",2
ann,Heat (2011),1
ann,Parasite (2019),5
bob,Babe,3
"""
    )
    assert (data.name, data.title, data.own_films) == ("own", "mine.csv", False)
    assert data.movies.equals(FILMS)
    assert tuples(data.ratings) == [(1, 6, 4), (1, 73, 2), (2, 260, 5), (2, 34, 3)]
    assert data.ratings["rating"].dtype == np.int64
    assert data.users["user_id"].tolist() == [1, 2]
    assert data.notes == (
        "Each user's ratings are taken in the order of the rows.",
        "1 film without a year matched by title alone.",
        "2 of 6 films without a match in the catalogue, among them Heat (2011), Parasite (2019); "
        "left out with 2 ratings.",
    )


def test_a_column_of_years_goes_before_the_title() -> None:
    mapping = replace(BY_TITLE, year="year")
    data = data_of("user,title,year,rating\na,Heat (2011),1995,4\nb,Babe (1995),,3.5", mapping)
    assert tuples(data.ratings) == [(1, 6, 4), (2, 34, 3.5)]


def test_a_title_without_a_year_must_be_one_film_s() -> None:
    twice = FILMS.assign(title=["Heat", "heat!", "Babe", "Babe (Heat)", "Seven"])
    data = to_dataset(table_of("user,title,rating\na,Heat,4\na,Seven,3"), BY_TITLE, twice, fewest=1)
    assert tuples(data.ratings) == [(1, 2019, 3)]
    assert "among them Heat; left out with 1 rating." in data.notes[2]


def test_films_are_matched_by_id_where_there_is_no_title() -> None:
    text = "user,movie_id,rating\na,6.0,4\na,7,4\nb,260,1"
    data = data_of(text, BY_ID)
    assert tuples(data.ratings) == [(1, 6, 4), (2, 260, 1)]
    assert "1 of 3 films without a match in the catalogue, among them film 7;" in data.notes[1]
    # With titles, the ids may be anything.
    data = data_of(
        "user,movie_id,title,rating\na,x1,Heat,4", replace(BY_TITLE, movie_id="movie_id")
    )
    assert tuples(data.ratings) == [(1, 6, 4)]


def test_nothing_matched_is_refused_with_the_way_out() -> None:
    with pytest.raises(
        DataError,
        match=r"of 1 film none is in the catalogue, such as A .2020.; choose other columns",
    ):
        data_of("user,title,rating\na,A (2020),4")
    with pytest.raises(DataError, match=r"mine.csv needs the catalogue"):
        to_dataset(table_of("user,title,rating\na,Heat,4"), BY_TITLE)


def test_ratings_are_in_the_order_of_time_and_the_last_one_counts() -> None:
    text = """
user,title,rating,time
b,Heat,1,30
a,Heat,2,30
a,Babe,3,10
b,Heat,4,20
a,Les Misérables,5,10
"""
    data = data_of(text, replace(BY_TITLE, time="time"))
    assert tuples(data.ratings) == [(1, 6, 1), (2, 34, 3), (2, 73, 5), (2, 6, 2)]
    assert "1 rating that the same user changed later left out." in data.notes
    data = data_of(text)
    assert tuples(data.ratings)[0] == (1, 6, 4)  # the last row


def test_slashes_in_dates_are_said() -> None:
    text = "user,title,rating,time\na,Heat,1,01/02/2024\na,Babe,2,02/01/2024"
    data = data_of(text, replace(BY_TITLE, time="time"))
    assert data.notes[0] == "Dates are read as month/day/year."
    assert data.ratings["movie_id"].tolist() == [6, 34]
    data = data_of(f"{text}\na,Les Misérables,2,31/01/2024", replace(BY_TITLE, time="time"))
    assert data.notes[0] == "Dates are read as day/month/year."
    assert data.ratings["movie_id"].tolist() == [34, 73, 6]


def test_users_with_few_ratings_are_left_out_and_the_others_numbered_again() -> None:
    rows = [f"{user},{title},4" for user in "abc" for title in FILMS["title"]]
    del rows[5:9]
    data = data_of("\n".join(["user,title,rating", *rows]), fewest=5)
    assert data.users["user_id"].tolist() == [1, 2]
    assert data.ratings.groupby("user_id").size().to_dict() == {1: 5, 2: 5}
    assert "1 user with fewer than 5 ratings left out." in data.notes
    with pytest.raises(
        DataError, match="no user has rated 10 films or more of those known, the most is 5"
    ):
        data_of("\n".join(["user,title,rating", *rows]), fewest=own.FEWEST)


@pytest.mark.parametrize(("stars", "word"), [("5", "Every"), ("1", "No")])
def test_ratings_all_of_one_side_are_said(stars: str, word: str) -> None:
    data = data_of(f"user,title,rating\na,Heat,{stars}\na,Babe,{stars}")
    assert data.notes[-1] == f"{word} film is liked, so no model can tell which are."


def test_what_is_said_of_people_is_read_where_it_can_be() -> None:
    text = """
user,title,rating,gender,age,job
a,Heat,4,f,30,pilot
a,Babe,4,,31,writer
b,Heat,4,x,,
c,Heat,4,,soon,12
c,Babe,4,M,60,
"""
    mapping = replace(BY_TITLE, gender="gender", age="age", occupation="job")
    data = data_of(text, mapping)
    people = data.users.astype(object).where(data.users.notna(), None)
    assert tuples(people) == [(1, "F", 25, 20), (2, None, None, None), (3, "M", 56, 12)]
    assert "1 value of gender taken as unknown: MovieLens has no code for 'x'." in data.notes
    assert "1 value of age taken as unknown: MovieLens has no code for 'soon'." in data.notes
    assert "1 value of job taken as unknown: MovieLens has no code for 'pilot'." in data.notes
    data = data_of("user,title,rating,age\na,Heat,4,20\na,Babe,4,60", replace(BY_TITLE, age="age"))
    assert data.users["age"].tolist() == [56]
    assert "1 user with more than one age: the last row counts." in data.notes


def test_what_is_read_by_its_values_is_said() -> None:
    found = table_of("user,title,what I think\na,Heat,4/5\na,Babe,★★")
    data = to_dataset(found, guess_mapping(found), FILMS, fewest=1)
    assert tuples(data.ratings) == [(1, 6, 4), (1, 34, 2)]
    assert "Read: what I think as rating." in data.notes
