"""Titles in their natural form, and films of another source matched to the catalogue."""

from __future__ import annotations

import pandas as pd
import pytest

from recdemo.data.matching import match_films
from recdemo.data.titles import split_title


@pytest.mark.parametrize(
    ("text", "title", "year"),
    [
        ("Toy Story (1995)", "Toy Story", 1995),
        ("Matrix, The (1999)", "The Matrix", 1999),
        ("Bug's Life, A (1998)", "A Bug's Life", 1998),
        ("American in Paris, An (1951)", "An American in Paris", 1951),
        ("Enfer, L' (1994)", "L'Enfer", 1994),
        ("Postino, Il (The Postman) (1994)", "Il Postino (The Postman)", 1994),
        ("Hate (Haine, La) (1995)", "Hate (La Haine)", 1995),
        ("Blue Angel, The (Blaue Engel, Der) (1930)", "The Blue Angel (Der Blaue Engel)", 1930),
        (
            "Star Maker, The (Uomo delle stelle, L') (1995)",
            "The Star Maker (L'Uomo delle stelle)",
            1995,
        ),
        ("Slingshot, The (Kådisbellan ) (1993)", "The Slingshot (Kådisbellan)", 1993),
        ("Associate, The (L'Associe)(1982)", "The Associate (L'Associe)", 1982),
        ("Besieged (L' Assedio) (1998)", "Besieged (L'Assedio)", 1998),
        ("Paris, France (1993)", "Paris, France", 1993),
        ("2001: A Space Odyssey (1968)", "2001: A Space Odyssey", 1968),
        ("Land Before Time III (1995) (V)", "Land Before Time III", 1995),
        (
            "Macbeth (a.k.a. Tragedy of Macbeth, The) (1971)",
            "Macbeth (a.k.a. The Tragedy of Macbeth)",
            1971,
        ),
        ("Two Friends (1986) ", "Two Friends", 1986),
        ("Woman (Et Dieu&#8230;Créa) (1956)", "Woman (Et Dieu…Créa)", 1956),
        ("unknown", "unknown", None),
    ],
)
def test_titles_read_naturally(text: str, title: str, year: int | None) -> None:
    assert split_title(text) == (title, year)


@pytest.mark.parametrize(
    ("title", "year", "movie_id"),
    [
        ("Star Wars", 1977, 1),
        ("Seven (Se7en)", 1995, 2),
        ("Seven", 1996, 2),
        ("Seven", 1997, None),
        ("Alien 3", 1992, 3),
        ("Oscar & Lucinda", 1997, 4),
        ("Die xue shuang xiong (The Killer)", 1989, 5),
        ("The Promise", 1996, 6),
        ("The Promise", 1994, 7),
        ("The Promise", 1995, None),  # two films, a year either side
        ("Hard Eight", 1996, 8),
        ("Les Miserables", 1995, 9),
        ("Les Miserables", None, None),
        ("A New Hope", 1978, None),  # part of a title: the year must be the same
    ],
)
def test_films_are_matched_where_one_film_answers(
    title: str, year: int | None, movie_id: int | None
) -> None:
    titles = [
        ("Star Wars: Episode IV - A New Hope", 1977),
        ("Seven (Se7en)", 1995),
        ("Alien³", 1992),
        ("Oscar and Lucinda (a.k.a. Oscar & Lucinda)", 1997),
        ("The Killer (Die xue shuang xiong)", 1989),
        ("The Promise (La Promesse)", 1996),
        ("The Promise (Das Versprechen)", 1994),
        ("Hard 8 (a.k.a. Sydney, a.k.a. Hard Eight)", 1996),
        ("Les Misérables", 1995),
    ]
    catalogue = pd.DataFrame(titles, columns=["title", "year"])
    catalogue = catalogue.assign(movie_id=range(1, len(titles) + 1), genres=[()] * len(titles))
    assert match_films([(title, year)], catalogue) == [movie_id]
