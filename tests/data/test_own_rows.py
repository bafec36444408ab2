"""Rows of a person's own table: problems named by row, ways out, and what is left out with a word."""

from __future__ import annotations

from dataclasses import replace

import pytest
from own_files import BY_ID, BY_TITLE, FILMS, data_of, table_of, tuples

from recdemo.data import DataError, Mapping, cells, check, guess_mapping, table, to_dataset
from recdemo.data.choices import LEAVE_OUT


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        (Mapping(), "no column says who rated; choose one of 'user', 'title', 'rating'"),
        (replace(BY_TITLE, title=None), "no column says which film was rated, by title or by id"),
        (replace(BY_TITLE, rating=None), "no column holds the rating"),
        (replace(BY_TITLE, age="old"), "there is no column 'old' for age; the columns are 'user'"),
        (
            replace(BY_TITLE, scale="0-7"),
            "scale '0-7' is unknown; use 1-5, 0.5-5, 0-10, 1-10, 0-100, 1-100, like",
        ),
    ],
)
def test_what_a_mapping_lacks_is_said(mapping: Mapping, problem: str) -> None:
    found = table_of("user,title,rating\na,Heat (1995),4")
    findings = check(found, mapping)
    assert findings.problems[0].row is None
    assert findings.problems[0].text.startswith(problem)
    assert (findings.good_rows, findings.bad_rows) == (0, 1)
    with pytest.raises(DataError, match=r"^mine.csv: "):
        to_dataset(found, mapping, FILMS, leave_out=True)


BAD_CELLS = [
    ("rating", "1-5", "6", "rating '6' is outside 1 to 5; correct it, or choose another scale"),
    ("rating", "1-5", "0.5", "rating '0.5' is outside 1 to 5"),
    ("rating", "0.5-5", "0.2", "rating '0.2' is outside 0.5 to 5"),
    ("rating", "0-10", "11", "rating '11' is outside 0 to 10"),
    ("rating", "0-10", "-1", "rating '-1' is outside 0 to 10"),
    (
        "rating",
        "1-5",
        "four",
        "rating 'four' is not a number; correct it, or choose another column",
    ),
    ("rating", "1-5", "9/5", "rating '9/5' is more than all; correct it"),
    ("rating", "1-5", "inf", "rating 'inf' is not a number"),
    ("rating", "1-5", "1e999", "rating '1e999' is not a number"),
    ("rating", "1-5", "1_0", "rating '1_0' is not a number"),
    ("rating", "1-5", "1,2,3", "rating '1,2,3' is not a number"),
    ("title", "1-5", "", "title is empty; fill it in"),
    (
        "title",
        "1-5",
        "x" * 1001,
        "title 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…' has more than 1,000 characters",
    ),
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
    ("time", "1-5", "May", "time 'May' is not a time; write one such as 2024-05-31"),
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
    found = table_of(text)
    findings = check(found, mapping)
    assert [p.row for p in findings.problems] == [4]
    assert findings.problems[0].text.startswith(problem)
    assert (findings.count, findings.good_rows, findings.bad_rows) == (1, 3, 1)
    with pytest.raises(DataError) as error:
        to_dataset(found, mapping, FILMS, fewest=1)
    assert str(error.value).startswith(f"mine.csv: row 4: {problem}")
    assert str(error.value).endswith(f"or {LEAVE_OUT}")
    kept = to_dataset(found, mapping, FILMS, fewest=1, leave_out=True)
    assert "1 row with problems left out." in kept.notes


@pytest.mark.parametrize("value", ["Heat", "0", "-6", "6.5", "99999999", "1e400"])
def test_a_film_id_is_a_whole_number(value: str) -> None:
    findings = check(table_of(f"user,movie_id,rating\na,6,4\na,{value},4"), BY_ID)
    assert [p.row for p in findings.problems] == [3]
    assert "is not a MovieLens id; write a whole number such as 260" in findings.problems[0].text
    assert check(table_of(f"user,movie_id,rating\na,{value},4"), BY_ID, own_films=True).count == 0


def test_problems_are_in_the_order_of_the_rows_and_capped() -> None:
    lines = ["user,title,rating"]
    for number in range(40):
        lines.append(("a,Heat,9", ",Heat,9", "a,Heat", "a,Heat,4")[number % 4])
    findings = check(table_of("\n".join(lines)), BY_TITLE)
    rows = [problem.row for problem in findings.problems]
    assert rows == sorted(rows)
    assert rows[:5] == [2, 3, 3, 4, 6]
    assert len(rows) == table.SHOWN
    assert (findings.count, findings.good_rows, findings.bad_rows) == (40, 10, 30)
    with pytest.raises(
        DataError,
        match=r"row 2: .*; row 3: .*; and 37 more; in the shell --map and .*; or leave such",
    ):
        to_dataset(table_of("\n".join(lines)), BY_TITLE, FILMS)
    with pytest.raises(DataError, match="row 2: rating '9' is outside") as error:
        to_dataset(table_of("user,title,rating\na,Heat,9"), BY_TITLE, FILMS, leave_out=True)
    assert "leave such rows out" not in str(error.value)


def test_rows_that_say_nothing_of_a_rating_are_left_out_with_a_word() -> None:
    found = table_of(
        "user,title,rating\na,Heat,\na,Babe,0\na,Seven Samurai,N/A\nb,Heat,4\nb,Babe,-1"
    )
    findings = check(found, BY_TITLE)
    assert (findings.count, findings.good_rows, findings.unrated) == (0, 1, 4)
    data = to_dataset(found, BY_TITLE, FILMS, fewest=1)
    assert len(data.ratings) == 1
    assert "2 rows without a rating left out." in data.notes
    assert "2 rows left out: rating is 0 or -1, which is read as 'not rated'." in data.notes
    ten = to_dataset(found, replace(BY_TITLE, scale="1-10"), FILMS, fewest=1)
    assert any("choose the scale 0-10 if it is a rating" in note for note in ten.notes)
    with pytest.raises(DataError, match="no row says how a film was liked; choose another column"):
        to_dataset(table_of("user,title,rating\na,Heat,"), BY_TITLE, FILMS, fewest=1)


def test_rows_without_a_time_come_first() -> None:
    text = "user,title,rating,time\na,Heat,4,2024-01-02\na,Babe,4,\na,Seven Samurai,4,2024-01-01"
    data = data_of(text, replace(BY_TITLE, time="time"))
    assert data.ratings["movie_id"].tolist() == [34, 2019, 6]
    assert "1 row without a time taken as each user's first." in data.notes


def test_what_is_listed_is_liked_where_nothing_is_rated() -> None:
    listed = Mapping("user", None, "title", None, None, "listed")
    data = data_of("user,title\na,Heat\na,Heat\nb,Babe", listed)
    assert tuples(data.ratings) == [(1, 6, 5), (2, 34, 5)]
    assert "Everything listed counts as liked, so train for “What next?” (next)." in data.notes
    assert "1 row that names a film again left out." in data.notes
    played = replace(listed, rating="hours")
    data = data_of("user,title,hours\na,Heat,273.0\na,Babe,0\nb,Babe,1", played)
    assert tuples(data.ratings) == [(1, 6, 5), (2, 34, 5)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title,rating\nHeat,4", r"no column says who rated.*--map user=COLUMN.*'Bring your films' on Home, recommend --history"),
        ("title,genres\nHeat,Action", r"no column says who rated.*this one may be a list of films$"),
        ("user,text,grade\na,x y,4", r"no column says which film was rated.*--map title=COLUMN"),
        ("user,title,points I gave\na,Heat,4\na,Babe,4\nb,Babe,3", r"no column holds the rating.*--map rating=COLUMN.*--scale listed"),
        ("user,title,rating\na,Nothing (1901),4", r"none is in the catalogue.*'The file's own' on the page, --own-films in the shell"),
        ("user,title,rating\na,Heat,9\nb,Heat,4", r"--map and --scale.*leave such rows out \(--leave-out in the shell\)"),
        ("user,title,rating\na,Heat,4\na,Babe,3", r"ask for fewer \('Fewest ratings' on the page, --fewest in the shell\)"),
        ("user,title,rating\na,Heat,4\nb,Heat,3", r"user differs in every row; if that is not who rated, choose another column"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_way_out_on_the_page_and_in_the_shell(text: str, said: str) -> None:
    found = table_of(text)
    mapping = replace(guess_mapping(found), scale="1-5") if "9" in text else guess_mapping(found)
    with pytest.raises(DataError, match=said):
        to_dataset(found, mapping, FILMS)
