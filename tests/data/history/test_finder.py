"""Finding films: by whatever they are called, and never a wrong one silently."""

from __future__ import annotations

import pandas as pd
import pytest

from recdemo.data.history import Entry, Finder
from recdemo.data.history.bring import shipped_finder

CATALOGUE = pd.DataFrame(
    [
        (1, "The Godfather", 1972),
        (2, "The Godfather: Part II", 1974),
        (3, "Les Misérables", 1995),
        (4, "Les Misérables", 1998),
        (5, "The Professional (a.k.a. Leon: The Professional)", 1994),
        (6, "Star Wars: Episode IV - A New Hope", 1977),
        (7, "Il Postino (The Postman)", 1994),
        (8, "The Postman", 1997),
        (9, "Seven (Se7en)", 1995),
        (10, "Ocean's Eleven", 1960),
        (11, "Rocky IV", 1985),
        (12, "Hamlet", 1996),
    ],
    columns=["movie_id", "title", "year"],
)
FINDER = Finder(CATALOGUE, imdb={68646: 1, 999: 12}, later=[("Ocean's Eleven", 2001)])


@pytest.mark.parametrize(
    ("title", "year", "film"),
    [
        ("Godfather, The", 1972, 1),
        ("THE GODFATHER", 1972, 1),
        ("Godfather", 1973, 1),
        ("The Godfather Part II", 1974, 2),
        ("The Godfather 2", 1974, 2),
        ("The Godfather: Part Two", 1974, 2),
        ("les miserables", 1998, 4),
        ("Misérables, Les", 1995, 3),
        ("Leon: The Professional", 1994, 5),
        ("Star Wars", 1977, 6),
        ("Star Wars: Episode 4 – A New Hope", 1977, 6),
        ("The Postman", 1994, 7),
        ("The Postman", 1997, 8),
        ("Se7en", 1995, 9),
        ("Rocky 4", 1985, 11),
        ("Rocky IV (1985)", None, 11),
    ],
)
def test_found(title: str, year: int | None, film: int) -> None:
    match = FINDER.find(Entry(title, year))
    assert (match.films, match.how) == ((film,), "title and year")


@pytest.mark.parametrize(
    ("title", "year"),
    [("Inception", 2010), ("Hamlet", 1948), ("Ocean's Eleven", 2001), ("", None), ("???", 1999)],
)
def test_not_there(title: str, year: int | None) -> None:
    assert FINDER.find(Entry(title, year)).how == "unknown"


@pytest.mark.parametrize(
    ("title", "year", "films"),
    [
        ("Les Misérables", None, (3, 4)),
        ("Les Misérables", 1997, (4,)),  # a year off, and another film has the name
        ("Ocean's Eleven", None, (10,)),  # perhaps the one of 2001
        ("The Postman", None, (7, 8)),  # one by its other name
        ("Leon", None, (5,)),  # a part of a name only
    ],
)
def test_somebody_must_choose(title: str, year: int | None, films: tuple[int, ...]) -> None:
    match = FINDER.find(Entry(title, year))
    assert (match.films, match.how) == (films, "ambiguous")


def test_a_title_alone_counts_where_only_one_film_has_it() -> None:
    assert FINDER.find(Entry("Hamlet")).how == "title"


def test_an_id_says_more_than_a_title_in_another_language() -> None:
    assert FINDER.find(Entry("Der Pate", 1972, imdb_id=68646)).how == "id"
    assert FINDER.find(Entry("", imdb_id=68646)).films == (1,)
    assert FINDER.find(Entry("", movie_id=12)).films == (12,)
    assert FINDER.find(Entry("The Godfather", 1972, imdb_id=1)).films == (
        1,
    )  # an id that nobody knows


def test_an_id_and_a_title_that_disagree_are_for_the_person() -> None:
    match = FINDER.find(Entry("The Godfather", 1972, imdb_id=999))
    assert (set(match.films), match.how) == ({1, 12}, "ambiguous")
    assert FINDER.find(Entry("Der Pate", 1950, imdb_id=68646)).how == "ambiguous"


def test_an_id_of_a_film_that_is_not_here_is_not_overruled_by_a_title() -> None:
    """Emma of 1996 is a film, and another one for television."""
    finder = Finder(CATALOGUE, imdb={555: 99_999})
    assert finder.find(Entry("Hamlet", 1996, imdb_id=555)).how == "ambiguous"
    assert finder.find(Entry("Inception", 2010, imdb_id=555)).how == "unknown"


def test_a_part_of_a_title_is_not_a_film_that_is_called_just_so() -> None:
    films = pd.DataFrame([(1, "Robin Hood: Prince of Thieves", 1991)], columns=CATALOGUE.columns)
    assert Finder(films).find(Entry("Robin Hood", 1991)).films == (1,)
    finder = Finder(films, later=[("Robin Hood", 1991)])
    assert finder.find(Entry("Robin Hood", 1991)).how == "unknown"


def test_a_bare_year_behind_a_title_is_read_where_no_film_is_called_so() -> None:
    assert FINDER.find(Entry("Rocky IV, 1985")).films == (11,)
    assert FINDER.find(Entry("Hamlet 1996")).films == (12,)
    named = Finder(pd.DataFrame([(1, "Blade Runner 2049", 2017)], columns=CATALOGUE.columns))
    assert named.find(Entry("Blade Runner 2049")).films == (1,)


def test_the_shipped_films_are_found_by_imdb_s_ids() -> None:
    finder = shipped_finder()
    assert finder.find(Entry("Matrix", 1999, imdb_id=133093)).films == (2571,)
    assert finder.find(Entry("Inception", 2010, imdb_id=1375666)).how == "unknown"
    assert finder.find(Entry("Cinderella")).how in ("ambiguous", "title")
