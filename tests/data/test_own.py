"""What the columns of a person's own file mean: guessed, checked row by row, and made a data set."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from small_world import Recorder

from recdemo import checkpoints
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.core.session import Session, Watched
from recdemo.core.vocabulary import AGES
from recdemo.data import (
    DataError,
    Dataset,
    Mapping,
    Table,
    cells,
    check,
    guess_mapping,
    load_dataset,
    own,
    own_films,
    read_table,
    save_dataset,
    table,
    to_dataset,
)
from recdemo.data import matching as films_of_ours
from recdemo.data.catalogue import catalogue_of, read_catalogue, write_catalogue
from recdemo.data.own_films import FIRST_ID, LAST_ID, own_ids
from recdemo.encoding.encode import encode
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS
from recdemo.training.opening import open_data
from recdemo.training.pipeline import train
from recdemo.training.settings import settings_for

FILMS = pd.DataFrame(
    {
        "movie_id": [6, 34, 73, 260, 2019],
        "title": ["Heat", "Babe", "Les Misérables", "Star Wars: A New Hope", "Seven Samurai"],
        "year": [1995, 1995, 1995, 1977, 1954],
        "genres": [("Action",), ("Comedy",), ("Drama",), ("Sci-Fi",), ("Action", "Drama")],
    }
)
BY_TITLE = Mapping(user="user", title="title", rating="rating")
BY_ID = Mapping(user="user", movie_id="movie_id", rating="rating")


def _table(text: str) -> Table:
    return read_table(text.strip().encode(), name="mine.csv")


def _data(text: str, mapping: Mapping = BY_TITLE, **more: Any) -> Dataset:
    return to_dataset(_table(text), mapping, FILMS, **{"fewest": 1, **more})


def _tuples(frame: pd.DataFrame) -> list[tuple]:
    return list(frame.itertuples(index=False, name=None))


# Guessing


@pytest.mark.parametrize(
    ("header", "row", "mapping"),
    [
        (
            "userId,movieId,rating,timestamp",
            "1,2,3.5,99",
            Mapping("userId", "movieId", rating="rating", time="timestamp"),
        ),
        (
            "User ID,Film,Release year,Stars,Watched date,Sex,Age group,Job,Genre",
            "a,Heat,1995,4,2024-01-01,F,25,writer,Drama",
            Mapping(
                user="User ID",
                title="Film",
                year="Release year",
                rating="Stars",
                time="Watched date",
                gender="Sex",
                age="Age group",
                occupation="Job",
                genres="Genre",
            ),
        ),
        (
            "user,movie,liked",
            "a,Heat (1995),yes",
            Mapping("user", None, "movie", None, "liked", "like"),
        ),
        ("user,movie,like", "a,260,0", Mapping("user", "movie", None, None, "like", "like")),
        ("user,item,score", "a,Heat,10", Mapping("user", None, "item", None, "score", "0-10")),
        ("user,item,score", "a,Heat,0.5", Mapping("user", None, "item", None, "score", "0.5-5")),
        ("user,User,Film", "a,b,Heat", Mapping(user="user", title="Film")),
        ("who,what,how", "a,Heat,4", Mapping(user="who")),
        ("x,y", "1,2", Mapping()),
    ],
)
def test_columns_are_guessed(header: str, row: str, mapping: Mapping) -> None:
    assert guess_mapping(_table(f"{header}\n{row}")) == mapping


# Checking


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        (Mapping(), "no column says who rated; choose one of 'user', 'title', 'rating'"),
        (replace(BY_TITLE, title=None), "no column says which film was rated, by title or by id"),
        (replace(BY_TITLE, rating=None), "no column holds the rating"),
        (replace(BY_TITLE, age="old"), "there is no column 'old' for age; the columns are 'user'"),
        (replace(BY_TITLE, scale="0-100"), "scale '0-100' is unknown; use 1-5, 0.5-5, 0-10, like"),
    ],
)
def test_what_a_mapping_lacks_is_said(mapping: Mapping, problem: str) -> None:
    found = _table("user,title,rating\na,Heat (1995),4")
    findings = check(found, mapping)
    assert findings.problems[0].row is None
    assert findings.problems[0].text.startswith(problem)
    assert (findings.good_rows, findings.bad_rows) == (0, 1)
    with pytest.raises(DataError, match=r"^mine.csv: "):
        to_dataset(found, mapping, FILMS, leave_out=True)


BAD_CELLS = [
    ("rating", "1-5", "6", "rating '6' is outside 1 to 5; correct it, or choose another scale"),
    ("rating", "1-5", "0.5", "rating '0.5' is outside 1 to 5"),
    ("rating", "0.5-5", "0", "rating '0' is outside 0.5 to 5"),
    ("rating", "0-10", "11", "rating '11' is outside 0 to 10"),
    ("rating", "0-10", "-1", "rating '-1' is outside 0 to 10"),
    (
        "rating",
        "1-5",
        "four",
        "rating 'four' is not a number; correct it, or choose another column",
    ),
    ("rating", "1-5", "NaN", "rating 'NaN' is not a number"),
    ("rating", "1-5", "inf", "rating 'inf' is not a number"),
    ("rating", "1-5", "1e999", "rating '1e999' is not a number"),
    ("rating", "1-5", "1_0", "rating '1_0' is not a number"),
    ("rating", "1-5", "1,2,3", "rating '1,2,3' is not a number"),
    ("rating", "1-5", "", "rating is empty; fill it in"),
    ("rating", "like", "maybe", "rating 'maybe' is neither yes nor no; write 1 or 0"),
    ("user", "1-5", "", "user is empty; fill it in"),
    ("user", "1-5", "NaN", "user 'NaN' stands for nobody"),
    ("title", "1-5", "(1995)", "title '(1995)' is not a title; write one such as Heat (1995)"),
    (
        "year",
        "1-5",
        "95",
        "year '95' is not a year from 1870 to 2100; correct it, or leave it empty",
    ),
    ("year", "1-5", "1995.5", "year '1995.5' is not a year"),
    ("time", "1-5", "May", "time 'May' is not written as numbers, as other times are"),
]


@pytest.mark.parametrize(("column", "scale", "value", "problem"), BAD_CELLS)
def test_a_bad_cell_is_named_by_its_row(
    column: str, scale: cells.Scale, value: str, problem: str
) -> None:
    rows = [
        {"user": "a", "title": "Heat", "year": "1995", "rating": "1", "time": "7"} for _ in range(4)
    ]
    rows[2][column] = f'"{value}"'
    text = "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)])
    mapping = Mapping("user", None, "title", "year", "rating", scale, "time")
    found = _table(text)
    findings = check(found, mapping)
    assert [p.row for p in findings.problems] == [4]
    assert findings.problems[0].text.startswith(problem)
    assert (findings.count, findings.good_rows, findings.bad_rows) == (1, 3, 1)
    with pytest.raises(DataError) as error:
        to_dataset(found, mapping, FILMS, fewest=1)
    assert str(error.value).startswith(f"mine.csv: row 4: {problem}")
    assert str(error.value).endswith("or leave such rows out")
    kept = to_dataset(found, mapping, FILMS, fewest=1, leave_out=True)
    assert "1 row with problems left out." in kept.notes


@pytest.mark.parametrize("value", ["Heat", "0", "-6", "6.5", "99999999", "1e400"])
def test_a_film_id_is_a_whole_number(value: str) -> None:
    findings = check(_table(f"user,movie_id,rating\na,6,4\na,{value},4"), BY_ID)
    assert [p.row for p in findings.problems] == [3]
    assert "is not a MovieLens id; write a whole number such as 260" in findings.problems[0].text
    assert check(_table(f"user,movie_id,rating\na,{value},4"), BY_ID, own_films=True).count == 0


def test_problems_are_in_the_order_of_the_rows_and_capped() -> None:
    lines = ["user,title,rating"]
    for number in range(40):
        lines.append(("a,Heat,9", ",Heat,9", "a,Heat", "a,Heat,4")[number % 4])
    findings = check(_table("\n".join(lines)), BY_TITLE)
    rows = [problem.row for problem in findings.problems]
    assert rows == sorted(rows)
    assert rows[:5] == [2, 3, 3, 4, 6]
    assert len(rows) == table.SHOWN
    assert (findings.count, findings.good_rows, findings.bad_rows) == (40, 10, 30)
    with pytest.raises(
        DataError, match=r"row 2: .*; row 3: .*; and 37 more; or leave such rows out"
    ):
        to_dataset(_table("\n".join(lines)), BY_TITLE, FILMS)
    with pytest.raises(DataError, match="row 2: rating '9' is outside") as error:
        to_dataset(_table("user,title,rating\na,Heat,9"), BY_TITLE, FILMS, leave_out=True)
    assert "leave such rows out" not in str(error.value)


# Cells


@pytest.mark.parametrize(
    ("scale", "text", "stars"),
    [
        ("1-5", "4", 4),
        ("1-5", "3,5", 3.5),
        ("1-5", "+5.0", 5),
        ("1-5", ".4e1", 4),
        ("0.5-5", "0.5", 0.5),
        ("0-10", "10", 5),
        ("0-10", "0", 1),
        ("0-10", "7.5", 4),
        ("0-10", "5", 3),
        ("like", "Yes", 5),
        ("like", "0", 1),
        ("like", "TRUE", 5),
        ("like", "disliked", 1),
    ],
)
def test_ratings_become_stars(scale: cells.Scale, text: str, stars: float) -> None:
    assert cells.stars(text, scale) == stars


@pytest.mark.parametrize(
    ("read", "values"),
    [
        (cells.gender, {"f": "F", "Female": "F", "M": "M", "man": "M", "x": None, "": None}),
        (
            cells.age,
            {"1": 1, "17": 1, "18": 18, "24,5": 18, "56": 56, "99": 56, "0": None, "old": None},
        ),
        (
            cells.occupation,
            {"0": 0, "20": 20, "21": None, "Writer": 20, "healthcare": 6, "none": None},
        ),
        (
            cells.genres,
            {"drama|Sci-Fi": ("Drama", "Sci-Fi"), "Children, War": ("Children's", "War")},
        ),
        (cells.title, {"Heat (1995)": ("Heat", 1995), "Matrix, The": ("The Matrix", None)}),
        (cells.title, {"1984": ("1984", None), "Odd (0001)": ("Odd", None)}),
        (cells.year, {"1995": 1995, "1995.0": 1995, "": None, "n/a": None}),
    ],
)
def test_other_cells(read: Callable[[str], Any], values: dict[str, Any]) -> None:
    assert {text: read(text) for text in values} == values


def test_the_age_groups_are_those_of_movielens() -> None:
    assert {code: cells.age(str(code)) for code in AGES} == {code: code for code in AGES}


@pytest.mark.parametrize(
    ("texts", "written"),
    [
        (["5", "4e2", "-1"], "numbers"),
        (["2024-05-31", "2024-05-31T10:00:00Z", "2024-06-01 08:30"], "2024-05-31"),
        (["31.05.2024", "1.6.2024 08:30"], "31.05.2024"),
        (["31/05/2024", "01/06/2024"], "day/month/year"),
        (["05/31/2024", "06/01/2024"], "month/day/year"),
    ],
)
def test_times_in_every_writing(texts: list[str], written: str) -> None:
    found, read = cells.time_reader(texts)
    assert found == written
    if written != "numbers":
        days = [datetime.date.fromordinal(int(719163 + read(text) // 86400)) for text in texts]
        assert days[0] == datetime.date(2024, 5, 31)
        assert days[-1] == datetime.date(2024, 6, 1)
    with pytest.raises(cells.FaultError, match="is not written"):
        read("yesterday")


# Data sets


def test_films_are_matched_by_title_and_year() -> None:
    data = _data(
        """
user,title,rating
ann,Heat (1995),4
bob,STAR WARS (1977),5
ann,"Misérables, Les (1995)",2
ann,Heat (2011),1
ann,Parasite (2019),5
bob,Babe,3
""",
    )
    assert (data.name, data.title, data.own_films) == ("own", "mine.csv", False)
    assert data.movies.equals(FILMS)
    assert _tuples(data.ratings) == [(1, 6, 4), (1, 73, 2), (2, 260, 5), (2, 34, 3)]
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
    data = _data("user,title,year,rating\na,Heat (2011),1995,4\nb,Babe (1995),,3.5", mapping)
    assert _tuples(data.ratings) == [(1, 6, 4), (2, 34, 3.5)]


def test_a_title_without_a_year_must_be_one_film_s() -> None:
    twice = FILMS.assign(title=["Heat", "heat!", "Babe", "Babe (Heat)", "Seven"])
    data = to_dataset(_table("user,title,rating\na,Heat,4\na,Seven,3"), BY_TITLE, twice, fewest=1)
    assert _tuples(data.ratings) == [(1, 2019, 3)]
    assert "among them Heat; left out with 1 rating." in data.notes[2]


def test_films_are_matched_by_id_where_there_is_no_title() -> None:
    text = "user,movie_id,rating\na,6.0,4\na,7,4\nb,260,1"
    data = _data(text, BY_ID)
    assert _tuples(data.ratings) == [(1, 6, 4), (2, 260, 1)]
    assert "1 of 3 films without a match in the catalogue, among them film 7;" in data.notes[1]
    # With titles, the ids may be anything.
    data = _data("user,movie_id,title,rating\na,x1,Heat,4", replace(BY_TITLE, movie_id="movie_id"))
    assert _tuples(data.ratings) == [(1, 6, 4)]


def test_nothing_matched_is_refused_with_the_way_out() -> None:
    with pytest.raises(
        DataError, match=r"of 1 film none is in the catalogue, as A .2020.; choose other columns"
    ):
        _data("user,title,rating\na,A (2020),4")
    with pytest.raises(DataError, match=r"mine.csv needs the catalogue"):
        to_dataset(_table("user,title,rating\na,Heat,4"), BY_TITLE)


def test_ratings_are_in_the_order_of_time_and_the_last_one_counts() -> None:
    text = """
user,title,rating,time
b,Heat,1,30
a,Heat,2,30
a,Babe,3,10
b,Heat,4,20
a,Les Misérables,5,10
"""
    data = _data(text, replace(BY_TITLE, time="time"))
    assert _tuples(data.ratings) == [(1, 6, 1), (2, 34, 3), (2, 73, 5), (2, 6, 2)]
    assert "1 rating that the same user changed later left out." in data.notes
    data = _data(text)
    assert _tuples(data.ratings)[0] == (1, 6, 4)  # the last row


def test_slashes_in_dates_are_said() -> None:
    text = "user,title,rating,time\na,Heat,1,01/02/2024\na,Babe,2,02/01/2024"
    data = _data(text, replace(BY_TITLE, time="time"))
    assert data.notes[0] == "Dates are read as day/month/year."
    assert data.ratings["movie_id"].tolist() == [34, 6]


def test_users_with_few_ratings_are_left_out_and_the_others_numbered_again() -> None:
    rows = [f"{user},{title},4" for user in "abc" for title in FILMS["title"]]
    del rows[5:9]
    data = _data("\n".join(["user,title,rating", *rows]), fewest=5)
    assert data.users["user_id"].tolist() == [1, 2]
    assert data.ratings.groupby("user_id").size().to_dict() == {1: 5, 2: 5}
    assert "1 user with fewer than 5 ratings left out." in data.notes
    with pytest.raises(
        DataError, match="no user has rated 10 films or more of those known, the most is 5"
    ):
        _data("\n".join(["user,title,rating", *rows]), fewest=own.FEWEST)


@pytest.mark.parametrize(("stars", "word"), [("5", "Every"), ("1", "No")])
def test_ratings_all_of_one_side_are_said(stars: str, word: str) -> None:
    data = _data(f"user,title,rating\na,Heat,{stars}\na,Babe,{stars}")
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
    data = _data(text, mapping)
    people = data.users.astype(object).where(data.users.notna(), None)
    assert _tuples(people) == [(1, "F", 25, 20), (2, None, None, None), (3, "M", 56, 12)]
    assert "1 value of gender unknown, having no code: 'x'." in data.notes
    assert "1 value of age unknown, having no code: 'soon'." in data.notes
    assert "1 value of job unknown, having no code: 'pilot'." in data.notes
    data = _data("user,title,rating,age\na,Heat,4,20\na,Babe,4,60", replace(BY_TITLE, age="age"))
    assert data.users["age"].tolist() == [56]
    assert "1 user with more than one age: the last row counts." in data.notes


OWN = """
user,key,title,rating,genres
a,x,千と千尋の神隠し,5,Animation|Anime
a,y,Heat (1995),2,
b,y,heat (1995),4,
b,z,<b>=1+1</b> (2030),1,Drama
"""


def test_films_of_its_own_are_told_apart_by_title_and_year() -> None:
    data = _data(OWN, replace(BY_TITLE, genres="genres"), own_films=True)
    assert data.own_films
    spirited, heat, odd = own_ids(["千と千尋の神隠し", "Heat", "<b>=1+1</b>"], [0, 1995, 2030])
    assert _tuples(data.movies) == sorted(
        [
            (spirited, "千と千尋の神隠し", 0, ("Animation",)),
            (heat, "Heat", 1995, ()),
            (odd, "<b>=1+1</b>", 2030, ("Drama",)),
        ]
    )
    assert _tuples(data.ratings) == [
        (1, spirited, 5),
        (1, heat, 2),
        (2, heat, 4),
        (2, odd, 1),
    ]


def test_a_film_of_its_own_has_one_id_in_every_file_and_no_other_film_has_it() -> None:
    one = _data(OWN, own_films=True).movies.set_index("title")["movie_id"]
    more = OWN.replace("a,x,", "a,w,Before (1990),1,\na,x,") + "b,q,Alien (1979),5,\n"
    other = _data(more, own_films=True).movies
    assert other.set_index("title")["movie_id"][one.index].equals(one)
    assert other["movie_id"].is_monotonic_increasing
    many = own_ids((f"Film {number}" for number in range(20_000)), [0] * 20_000)
    assert len(set(many)) == 20_000
    assert min(many) >= FIRST_ID
    assert max(many) <= LAST_ID
    assert set(own_ids(["Heat"], [1995])).isdisjoint(own_ids(["Heat"], [1996]))


def test_films_whose_ids_meet_get_one_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_films, "LAST_ID", FIRST_ID + 4)
    assert sorted(own_ids("abcde", [0] * 5)) == list(range(FIRST_ID, FIRST_ID + 5))
    assert len(set(own_ids(["a", "a"], [0, 0]))) == 2


def test_films_of_its_own_are_told_apart_by_id_where_there_is_one() -> None:
    data = _data(OWN, Mapping("user", "key", rating="rating"), own_films=True)
    assert sorted(data.movies["title"]) == ["Film x", "Film y", "Film z"]
    data = _data(OWN, replace(BY_TITLE, movie_id="user"), own_films=True)
    assert sorted(data.movies["title"]) == ["heat", "千と千尋の神隠し"]


def test_the_most_rated_films_of_its_own_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(films_of_ours, "MAX_FILMS", 1)
    data = _data(OWN, own_films=True)
    assert data.movies["title"].tolist() == ["Heat"]
    (heat,) = own_ids(["Heat"], [1995])
    assert _tuples(data.ratings) == [(1, heat, 2), (2, heat, 4)]


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    rows = [f"{user};{title};{4 - user % 2}" for user in range(3) for title in FILMS["title"]]
    more = [f"{user};Film {number};3" for user in range(3) for number in range(9)]
    path = tmp_path / "Mine.CSV"
    extra = pd.DataFrame(
        {
            "movie_id": range(1001, 1010),
            "title": [f"Film {number}" for number in range(9)],
            "year": 2000,
            "genres": [()] * 9,
        }
    )
    catalogue = pd.concat([FILMS, extra], ignore_index=True)
    path.write_text("\n".join(["user;film;stars", *rows, *more]), encoding="utf-8")
    data = load_dataset(path, catalogue)
    assert (len(data.users), len(data.ratings), data.title) == (3, 42, "Mine.CSV")
    with pytest.raises(DataError, match=r"nothing.csv does not exist"):
        load_dataset(tmp_path / "nothing.csv", catalogue)


def test_films_of_its_own_are_trained_on_in_a_folder_of_its_own(tmp_path: Path) -> None:
    path = save_dataset(_data(OWN, own_films=True), tmp_path / "one.zip")
    data, schema = open_data(str(path), tmp_path / "checkpoints")
    assert schema.movies["title"].tolist() == data.movies["title"].tolist()
    assert open_data(str(path), tmp_path / "checkpoints")[1].hash == schema.hash
    other = save_dataset(_data(OWN.replace("Heat", "Cold"), own_films=True), tmp_path / "two.zip")
    for folder in (tmp_path / "checkpoints", checkpoints.root()):
        with pytest.raises(
            CheckpointError, match=r"lists other films than mine.csv.*in a new folder"
        ):
            open_data(str(other), folder)


@pytest.mark.parametrize(
    ("stars", "objective", "said"),
    [(5, "like", "every rating"), (2, "like", "no rating"), (2, "next", "no rating")],
)
def test_where_all_or_nothing_is_liked_training_says_so(
    tmp_path: Path, stars: int, objective: str, said: str
) -> None:
    rows = [f"{user},Film {film},{stars}" for user in range(12) for film in range(12)]
    data = _data("\n".join(["user,title,rating", *rows]), own_films=True)
    path = save_dataset(data, tmp_path / "one.zip")
    for model in ("popularity", "fm"):
        settings = settings_for(model, objective, epochs=1)  # type: ignore[arg-type]
        with pytest.raises(
            RequestError, match=f"{said} of the training part of mine.csv is one of 4 stars"
        ):
            train(model, objective, str(path), settings, base=tmp_path / model)  # type: ignore[arg-type]
    card = train(
        "rating_mlp",
        "rating",
        str(path),
        settings_for("rating_mlp", "rating", epochs=1),
        base=tmp_path / "stars",
    )
    assert card.data.ratings == 144


@pytest.mark.parametrize("objective", ["like", "next", "rating"])
def test_a_part_without_a_rating_is_named_before_any_time_is_spent(
    tmp_path: Path, objective: str
) -> None:
    rows = [f"One,Film {film},{1 + film % 5}" for film in range(10)]
    data = _data("\n".join(["user,title,rating", *rows]), own_films=True)
    path = save_dataset(data, tmp_path / "one.zip")
    model = "rating_mlp" if objective == "rating" else "fm"
    told = Recorder()
    with pytest.raises(
        RequestError, match=r"the validation part of mine.csv has no rating: its 10"
    ):
        train(
            *(model, objective, str(path), settings_for(model, objective, epochs=1)),  # type: ignore[arg-type]
            base=tmp_path / "out",
            split="random",
            observer=told,
        )
    assert told.steps == []


# Films without a year, a genre or a word, and people of whom nothing is known


@pytest.fixture(scope="module")
def odd() -> Dataset:
    titles = [
        "千と千尋の神隠し",
        "Heat (1995)",
        "…",
        "Solaris",
        "12",
        "Ω (1990)",
        "é",
        "The Thing (1982)",
    ]
    rows = [
        f"{user},{title},{1 + (user + 2 * film) % 5}"
        for user in range(8)
        for film, title in enumerate(titles)
    ]
    return _data("\n".join(["user,title,rating", *rows]), own_films=True)


def test_the_catalogue_of_odd_films_survives_writing(odd: Dataset, tmp_path: Path) -> None:
    catalogue = catalogue_of(odd)
    write_catalogue(catalogue, tmp_path / "catalogue.csv")
    pd.testing.assert_frame_equal(
        read_catalogue(tmp_path / "catalogue.csv"), catalogue, check_dtype=False
    )
    schema = Schema(catalogue)
    buckets = dict(zip(catalogue["title"], schema.year_ids.tolist()[1:], strict=True))
    assert {title for title, bucket in buckets.items() if bucket} == {"Heat", "Ω", "The Thing"}
    assert buckets["The Thing"] == 8
    assert not schema.genre_flags.any()
    empty = schema.title_words[1 + catalogue["title"].tolist().index("…")]
    assert empty.tolist() == [0] * 10


@pytest.mark.parametrize("key", CARDS)
def test_every_model_takes_odd_films(
    odd: Dataset, make_model: Callable[..., Any], key: str
) -> None:
    schema = Schema(catalogue_of(odd), history_length=6)
    model = make_model(key, schema)
    ratings = Ratings(odd, schema)
    rows = torch.arange(0, len(ratings), 5)
    every_film = torch.arange(1, schema.size + 1).expand(len(rows), -1)
    first, third = (int(schema.movie_ids[row]) for row in (0, 2))
    visitor = Session(history=[Watched(first, True), Watched(third)])
    with torch.no_grad():
        assert model(ratings.batch(rows, every_film)).isfinite().all()
        assert model(encode(schema, [Session(), visitor], every_film[:2])).isfinite().all()
