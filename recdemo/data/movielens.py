"""MovieLens-1M and MovieLens-100K, read from the official files and checked line by line; newer sets by `latest`.

Formats: the README of each set, https://grouplens.org/datasets/movielens/. MovieLens-100K is
brought to MovieLens-1M's age groups, occupations and film ids, so that one vocabulary serves both.
Ratings are ordered by time per user (file order where times are equal); then the times are dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from recdemo.core.vocabulary import AGES, GENDERS, GENRES, OCCUPATIONS
from recdemo.data.archive import LAYOUTS, Archive, Member, open_archive
from recdemo.data.dataset import Dataset
from recdemo.data.grouplens import SOURCES
from recdemo.data.latest import read_latest
from recdemo.data.matching import COLUMNS, check_catalogue, match_films, to_catalogue
from recdemo.data.titles import split_title

# MovieLens-100K's words, each with the MovieLens-1M code that comes nearest.
OCCUPATION_WORDS: dict[str, int] = {
    "administrator": 3,  # clerical or admin
    "artist": 2,
    "doctor": 6,  # doctor or health care
    "educator": 1,  # academic or educator
    "engineer": 17,  # technician or engineer
    "entertainment": 2,  # artist: the nearest of the creative trades
    "executive": 7,  # executive or managerial
    "healthcare": 6,  # doctor or health care
    "homemaker": 9,
    "lawyer": 11,
    "librarian": 1,  # academic or educator: most work for schools and universities
    "marketing": 14,  # sales or marketing
    "none": 19,  # unemployed: the person said "no occupation", which is not "no answer"
    "other": 0,  # other or not specified
    "programmer": 12,
    "retired": 13,
    "salesman": 14,  # sales or marketing
    "scientist": 15,
    "student": 4,  # college or grad student; those under 18 become PUPIL
    "technician": 17,  # technician or engineer
    "writer": 20,
}
STUDENT, PUPIL = 4, 10
OLDEST = 120  # years: an age above this is a typing error

# Of a line of u.item: id, title, two dates, address; then flags, "unknown" and one for each genre.
_ITEM_FIELDS = 5 + 1 + len(GENRES)
_RATINGS = ["user_id", "movie_id", "rating"]


def read_movielens(path: str | Path, catalogue: pd.DataFrame | None = None) -> Dataset:
    """Read MovieLens-1M, MovieLens-100K or one of the newer sets, whichever the files are.

    Args:
        path: the official zip, the unzipped folder, or the folder that holds it.
        catalogue: films by MovieLens-1M id, columns as in ``Dataset.movies``. MovieLens-100K needs it: its films
            take their ids from there; those of the newer sets do where it is given (`read_latest`).
            MovieLens-1M brings its own films.

    Raises:
        DataError: something is missing, damaged or out of range; names the file and the line.
    """
    archive = open_archive(path)
    if archive.layout == "ml-1m":
        return _read_1m(archive)
    if archive.layout == "ml-100k":
        return _read_100k(archive, check_catalogue(catalogue, SOURCES["ml-100k"].title))
    return read_latest(archive, catalogue)


def _read_1m(archive: Archive) -> Dataset:
    movies_file, users_file, ratings_file = (archive.member(name) for name in LAYOUTS["ml-1m"])
    movies = _movies_1m(movies_file)
    users = _users_1m(users_file)
    ratings = _ratings(ratings_file, "::", users_file, users, movies_file, movies["movie_id"])
    return Dataset("ml-1m", SOURCES["ml-1m"].title, movies, users, ratings)


def _movies_1m(member: Member) -> pd.DataFrame:
    rows = []
    for line, (number, text, names) in member.rows("::", 3):
        title, year = split_title(text)
        if year is None:
            raise member.error(line, f"title {text!r} does not end in a year such as (1999)")
        genres = tuple(names.split("|"))
        for genre in genres:
            if genre not in GENRES:
                raise member.error(line, f"genre {genre!r} is unknown")
        rows.append((member.whole_number(line, number, "film id"), title, year, genres))
    return _by_id(member, rows, ["movie_id", "title", "year", "genres"])


def _users_1m(member: Member) -> pd.DataFrame:
    rows = []
    for line, (number, gender, age_text, code_text, _) in member.rows("::", 5):
        user_id = member.whole_number(line, number, "user id")
        age = member.whole_number(line, age_text, "age")
        occupation = member.whole_number(line, code_text, "occupation")
        if age not in AGES:
            groups = " ".join(map(str, AGES))
            raise member.error(line, f"age {age} is not an age group ({groups})")
        if occupation not in OCCUPATIONS:
            raise member.error(line, f"occupation {occupation} is unknown (0 to 20)")
        rows.append((user_id, _gender(member, line, gender), age, occupation))
    return _by_id(member, rows, ["user_id", "gender", "age", "occupation"])


def _read_100k(archive: Archive, catalogue: pd.DataFrame) -> Dataset:
    items_file, users_file, ratings_file = (archive.member(name) for name in LAYOUTS["ml-100k"])
    items = _items_100k(items_file)
    users = _users_100k(users_file)
    rated = _ratings(ratings_file, "\t", users_file, users, items_file, list(items))
    found, title = match_films(items.values(), catalogue), SOURCES["ml-100k"].title
    ratings, notes = to_catalogue(rated, dict(zip(items, found, strict=True)), title)
    return Dataset("ml-100k", title, catalogue[COLUMNS], users, ratings, notes=notes)


def _items_100k(member: Member) -> dict[int, tuple[str, int | None]]:
    """Title and year of each item. The flags are only checked: genres come from the catalogue."""
    items: dict[int, tuple[str, int | None]] = {}
    for line, values in member.rows("|", _ITEM_FIELDS):
        for flag in values[-len(GENRES) - 1 :]:
            if flag not in ("0", "1"):
                raise member.error(line, f"genre flag {flag!r} is neither 0 nor 1")
        item = member.whole_number(line, values[0], "film id")
        if item in items:
            raise member.error(line, f"film {item} is listed twice")
        items[item] = split_title(values[1])
    return items


def _users_100k(member: Member) -> pd.DataFrame:
    rows = []
    for line, (number, age_text, gender, word, _) in member.rows("|", 5):
        user_id = member.whole_number(line, number, "user id")
        age = member.whole_number(line, age_text, "age")
        if not 1 <= age <= OLDEST:
            raise member.error(line, f"age {age} is outside 1 to {OLDEST}")
        if word not in OCCUPATION_WORDS:
            raise member.error(line, f"occupation {word!r} is unknown")
        occupation = OCCUPATION_WORDS[word]
        if occupation == STUDENT and age < 18:
            occupation = PUPIL
        rows.append((user_id, _gender(member, line, gender), age_group(age), occupation))
    return _by_id(member, rows, ["user_id", "gender", "age", "occupation"])


def _ratings(
    member: Member,
    separator: str,
    users_file: Member,
    users: pd.DataFrame,
    films_file: Member,
    film_ids: Sequence[int] | pd.Series,
) -> pd.DataFrame:
    """Columns user_id, movie_id (the source's own film id), rating; per user in order of time."""
    user, film, stars, time = member.numbers(separator, 4).T
    member.refuse((stars < 1) | (stars > 5), stars, "rating {} is outside 1 to 5")
    for ids, known, file, what in (
        (user, users["user_id"], users_file, "user"),
        (film, film_ids, films_file, "film"),
    ):
        member.refuse(~np.isin(ids, known), ids, f"{what} {{}} is not in {file.where}")
    frame = pd.DataFrame(dict(zip(_RATINGS, (user, film, stars), strict=True)))
    again = frame.duplicated(["user_id", "movie_id"]).to_numpy()
    member.refuse(again, user, "user {} has rated the same film on an earlier line")
    return frame.iloc[np.lexsort((time, user))].reset_index(drop=True)


def age_group(years: float) -> int:
    """MovieLens-1M's code for an age."""
    return max(start for start in AGES if start <= years)


def _gender(member: Member, line: int, gender: str) -> str:
    if gender not in GENDERS:
        raise member.error(line, f"gender {gender!r} is unknown (F or M)")
    return gender


def _by_id(member: Member, rows: Sequence[tuple], columns: list[str]) -> pd.DataFrame:
    """A frame sorted by its first column, whose values must differ."""
    frame = pd.DataFrame(rows, columns=columns)
    again = frame.duplicated(columns[0]).to_numpy()
    member.refuse(again, frame[columns[0]].to_numpy(), f"{columns[0]} {{}} is listed twice")
    return frame.sort_values(columns[0]).reset_index(drop=True)
