"""What the schema makes of the catalogue: words of titles, genres, years, and the hash that they have in common."""

from __future__ import annotations

import pandas as pd
import pytest
from batches import LENGTH

from recdemo.encoding.schema import YEAR_EDGES, Schema, year_label
from recdemo.encoding.words import words_of


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Schindler's List", ["schindler's", "list"]),
        ("Misérables, Les", ["miserables", "les"]),
        ("2001: A Space Odyssey", ["2001", "a", "space", "odyssey"]),
        ("…!", []),
        ("a b c d e f g h i j k l", list("abcdefghij")),
    ],
)
def test_titles_are_cut_into_words(title: str, words: list[str]) -> None:
    assert words_of(title) == words


def test_titles_as_word_ids(small_films: pd.DataFrame) -> None:
    titles = ["b a", "", *("c" for _ in range(len(small_films) - 2))]
    schema = Schema(small_films.assign(title=titles))
    assert schema.words == ("a", "b", "c")
    assert schema.title_words.shape == (len(small_films) + 1, 10)
    assert schema.title_words[0].tolist() == [0] * 10
    assert schema.title_words[1].tolist() == [2, 1] + [0] * 8
    assert schema.title_words[2].tolist() == [0] * 10
    assert schema.title_words[3].tolist() == [3] + [0] * 9


def test_genre_flags_and_years_follow_the_catalogue(schema: Schema) -> None:
    from recdemo.core.vocabulary import GENRES

    assert schema.genre_flags.shape == (39, 18)
    assert (schema.genre_flags[0] == 0).all()
    assert int(schema.year_ids[0]) == 0
    for film, (year, names) in enumerate(
        zip(schema.movies["year"], schema.movies["genres"], strict=True), start=1
    ):
        flags = [float(genre in names) for genre in GENRES]
        assert schema.genre_flags[film].tolist() == flags
        assert int(schema.year_ids[film]) == 1 + sum(edge < year for edge in YEAR_EDGES)
    assert set(schema.year_ids.tolist()) == set(range(schema.years + 1))


def _year_label(bucket: int) -> str:
    if bucket == 0:
        return "unknown"
    edges = sorted(YEAR_EDGES)
    if bucket == 1:
        return f"before {edges[0] + 1}"
    if bucket == len(edges) + 1:
        return f"from {edges[-1] + 1}"
    years = [str(y) for y in range(1900, 2100) if edges[bucket - 2] < y <= edges[bucket - 1]]
    return years[0] if len(years) == 1 else f"{years[0]}–{years[-1]}"


def test_every_year_bucket_has_its_label(schema: Schema) -> None:
    labels = [year_label(bucket) for bucket in range(schema.years + 1)]
    assert labels == [_year_label(bucket) for bucket in range(schema.years + 1)]
    assert labels[:3] == ["unknown", "before 1930", "1930–1939"]
    assert labels[-2:] == ["1999", "from 2000"]
    assert "1994" in labels
    assert len(set(labels)) == len(labels)


def _films_with(films: pd.DataFrame, column: str, row: int, value: object) -> pd.DataFrame:
    values = films[column].tolist()
    values[row] = value
    return films.assign(**{column: values})


def test_hash_is_that_of_what_gives_ids_their_meaning(small_films: pd.DataFrame) -> None:
    def digest(films: pd.DataFrame = small_films, length: int = LENGTH) -> str:
        return Schema(films, history_length=length).hash

    others = [
        digest(length=LENGTH + 1),
        digest(small_films.iloc[:-1]),
        digest(small_films.iloc[::-1]),
        digest(_films_with(small_films, "movie_id", 3, 999)),
        digest(_films_with(small_films, "genres", 3, ("War", "Western"))),
        digest(_films_with(small_films, "year", 3, 1975)),
        digest(_films_with(small_films, "title", 3, "Retitled")),
    ]
    assert len({digest(), *others}) == 1 + len(others)
    assert digest(small_films.copy()) == digest()
    assert len(digest()) == 16
