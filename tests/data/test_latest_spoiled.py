"""The layout of MovieLens Latest, spoiled: the bad line is named, and what is no such file."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from latest_zips import CATALOGUE, FILES, MOVIES, RATINGS, zip_of

from recdemo.data import DataError, latest, read_latest


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latest, "_PIECE", 64)


BAD_LINES = [
    ("movies.csv", 1, "movieId;title;genres", "expected the columns movieId,title,genres, found"),
    ("movies.csv", 3, "6,Postino", "expected 3 fields, found 2"),
    ("movies.csv", 3, "six,Postino (1994),Drama", "film id 'six' is not a whole number"),
    ("movies.csv", 3, "66000000,Postino (1994),Drama", "film id 66000000 is above 10,000,000"),
    ("movies.csv", 3, "1,Postino (1994),Drama", "film 1 is listed twice"),
    ("movies.csv", 3, "6,Postino (1994),Dram", "genre 'Dram' is unknown"),
    ("movies.csv", 3, '6,"Postino" (1994),Drama', "quotation marks do not match up"),
    ("ratings.csv", 1, "user,movie,rating,time", "expected the columns userId,movieId,rating"),
    (
        "ratings.csv",
        3,
        "1,1,4.0",
        "expected user, film, rating and time as numbers, found '1,1,4.0'",
    ),
    ("ratings.csv", 3, "1,1,4.0,100,7", "expected user, film, rating and time as numbers"),
    ("ratings.csv", 3, "", "found ''"),
    ("ratings.csv", 3, "1,1,nan,100", "found '1,1,nan,100'"),
    ("ratings.csv", 3, "1,1,-4.0,100", "found '1,1,-4.0,100'"),
    ("ratings.csv", 3, "1,1,1e3,100", "found '1,1,1e3,100'"),
    ("ratings.csv", 3, "1,12345678901234567890,4,100", "as numbers"),
    ("ratings.csv", 3, "1,1,5.5,100", "rating 5.5 is outside 0.5 to 5"),
    ("ratings.csv", 3, "1,1,0.0,100", "rating 0 is outside 0.5 to 5"),
    ("ratings.csv", 3, "1,1,3.7,100", "rating 3.7 is not a whole or half star"),
    ("ratings.csv", 3, "1,2,4.0,100", "film 2 is not in movies.csv"),
    ("ratings.csv", 3, "1,999999999,4.0,100", "film 999999999 is not in movies.csv"),
    ("ratings.csv", 4, "1,1,4.0,200", "user 1 has rated the same film on an earlier line"),
]


@pytest.mark.parametrize(("name", "line", "text", "problem"), BAD_LINES)
@pytest.mark.usefixtures("small_pieces")
def test_a_bad_line_is_named(tmp_path: Path, name: str, line: int, text: str, problem: str) -> None:
    lines = FILES[name].split("\n")
    lines[line - 1] = text
    path = zip_of(tmp_path / "x.zip", FILES | {name: "\n".join(lines)}, "d/")
    with pytest.raises(DataError, match=problem) as error:
        read_latest(path, CATALOGUE)
    assert str(error.value).startswith(f"x.zip: d/{name}, line {line}: ")


def test_text_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("movies.csv", MOVIES.encode("latin-1", errors="replace"))
        made.writestr("ratings.csv", RATINGS)
    with pytest.raises(DataError, match=r"movies.csv, line 4: the text is not UTF-8"):
        read_latest(path, CATALOGUE)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"movies.csv": "movieId,title,genres\n"}, "movies.csv, line 1: the file lists no film"),
        ({"movies.csv": ""}, "movies.csv, line 1: expected the columns"),
        ({"ratings.csv": ""}, "ratings.csv, line 1: the file holds no rating"),
        ({"ratings.csv": RATINGS.split("\n")[0]}, "ratings.csv, line 1: the file holds no rating"),
        ({"ratings.csv": "x" * 20_000}, "ratings.csv, line 1: the line has no end"),
    ],
)
@pytest.mark.usefixtures("small_pieces")
def test_an_empty_or_endless_file_is_named(
    tmp_path: Path, files: dict[str, str], problem: str
) -> None:
    with pytest.raises(DataError, match=problem):
        read_latest(zip_of(tmp_path / "a.zip", FILES | files), CATALOGUE)


def test_another_layout_is_named(tmp_path: Path) -> None:
    files = {name: "" for name in ("movies.dat", "users.dat", "ratings.dat")}
    with pytest.raises(DataError, match=r"holds no movies.csv and ratings.csv but ml-1m"):
        read_latest(zip_of(tmp_path / "a.zip", files))
