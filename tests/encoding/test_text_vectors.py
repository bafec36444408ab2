"""Titles as words, words as pieces, and the vectors a catalogue of any kind gets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from recdemo.core.batch import Pieces, TitleText
from recdemo.core.places import shipped
from recdemo.data.catalogue import read_catalogue
from recdemo.data.own_films import own_ids
from recdemo.encoding import text_vectors
from recdemo.encoding.schema import Schema
from recdemo.encoding.text_vectors import title_text
from recdemo.encoding.words import latin_words_of, pieces_of, words_of


@pytest.fixture(autouse=True)
def _no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed must not matter here."""
    monkeypatch.setattr(text_vectors, "find_spec", lambda name: None)


def _schema(titles: list[str], years: list[int] | None = None) -> Schema:
    movies = pd.DataFrame(
        {
            "movie_id": own_ids(titles, years or [0] * len(titles)),
            "title": titles,
            "year": years or [0] * len(titles),
            "genres": [()] * len(titles),
        }
    )
    return Schema(movies)


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Größte Fußballer", ["großte", "fußballer"]),
        ("Don’t look", ["don't", "look"]),
        ("한국 축구가 이겼다!", ["한국", "축구가", "이겼다"]),
        ("肖申克的救赎 2", [*"肖申克的救赎", "2"]),
        ("iPhone手机", ["iphone", "手", "机"]),
        ("がんばれ", list("がんばれ")),
        ("Москва – й", ["москва", "й"]),
        ("हिन्दी फ़िल्म", ["हिन्दी", "फ़िल्म"]),
        ("字" * 40, ["字"] * 30),
        ("a b c d e f g h i 字字字字", [*"abcdefghi", *"字字字"]),
    ],
)
def test_titles_of_every_script_are_cut_into_words(title: str, words: list[str]) -> None:
    assert words_of(title) == words


def test_a_long_title_of_characters_fits_the_table() -> None:
    schema = _schema(["字" * 40, "one two"])
    assert schema.title_words.shape == (3, 30)
    assert (schema.title_words[1] == 1 + schema.words.index("字")).all()


def test_words_are_taken_apart_as_they_are_written() -> None:
    assert list(pieces_of("ab")) == ["<ab>", "<ab", "ab>", "<ab>"]
    assert list(pieces_of("축구")) == ["<축구>", "축", "구", "축구"]
    assert list(pieces_of("足球")) == ["<足>", "足", "<球>", "球", "足球"]
    assert len(list(pieces_of("a b c d e f g h i j k l"))) == 24  # none is cut


def test_other_scripts_leave_the_mark_of_a_catalogue_as_it_was() -> None:
    """Models of earlier versions, which read Latin letters alone, still find their films."""
    assert _schema(["축구", "Brüder im Maß"])._meaning["words"] == ["bruder", "im", "ma"]
    films = read_catalogue(shipped("checkpoints") / "catalogue.csv")
    assert [words_of(title) for title in films["title"]] == [
        latin_words_of(title) for title in films["title"]
    ]


def test_the_films_of_movielens_learn_nothing_under_whatever_id() -> None:
    films = read_catalogue(shipped("checkpoints") / "catalogue.csv")
    shipped_text = title_text(Schema(films))
    chosen = films.iloc[[5, 700, 3000]].reset_index(drop=True)
    own = title_text(_schema(chosen["title"].tolist(), chosen["year"].tolist()))
    assert shipped_text.film_pieces is own.film_pieces is own.word_pieces is None
    torch.testing.assert_close(own.sentences[1:], shipped_text.sentences[[6, 701, 3001]])
    assert (own.sentences[1:] != 0).any(1).all()


def test_no_film_gets_the_vector_of_another_with_its_id() -> None:
    films = read_catalogue(shipped("checkpoints") / "catalogue.csv").head(20)
    text = title_text(Schema(films.assign(title=[f"Neues {n}" for n in range(20)], year=2030)))
    assert not text.sentences.any()
    assert text.film_pieces


def test_what_is_missing_is_learned_from_pieces() -> None:
    schema = _schema(["Fußballer love", "축구", "…", "Toy Story"], [0, 0, 0, 1995])
    text = title_text(schema)
    known = dict(zip(schema.words, text.words[1:].any(1).tolist(), strict=True))
    assert known == {"love": True, "story": True, "toy": True, "fußballer": False, "축구": False}
    assert text.sentences.any(1).tolist() == [False, False, False, False, True]
    words, films = _sums(text.word_pieces), _sums(text.film_pieces)
    wanted = [0, *(0 if known[word] else 1 for word in schema.words)]
    np.testing.assert_allclose([sum(w * w for _, w in row) for row in words], wanted, atol=1e-6)
    # A title without a word still has the word "film" for its genre.
    np.testing.assert_allclose(
        [sum(w * w for _, w in row) for row in films], [0, 1, 1, 1, 1], atol=1e-6
    )


def test_relatives_are_close() -> None:
    text = title_text(_schema(["Fußball", "Fußballer", "Kochrezept", "足球", "足球赛", "食谱"]))
    rows = [dict(row) for row in _sums(text.film_pieces)[1:]]

    def near(one: int, other: int) -> float:
        return sum(weight * rows[other].get(piece, 0) for piece, weight in rows[one].items())

    assert near(0, 1) > 2 * near(0, 2)
    assert near(3, 4) > 2 * near(3, 5)


def _sums(pieces: Pieces | None) -> list[list[tuple[int, float]]]:
    assert pieces
    ends = [*pieces.starts.tolist()[1:], len(pieces.ids)]
    return [
        list(zip(pieces.ids[a:b].tolist(), pieces.weights[a:b].tolist(), strict=True))
        for a, b in zip(pieces.starts.tolist(), ends, strict=True)
    ]


def test_the_text_of_a_catalogue_has_a_row_for_every_word_and_film() -> None:
    schema = _schema(["one", "둘", "三"])
    text: TitleText = title_text(schema)
    assert text.words.shape == (len(schema.words) + 1, 50)
    assert text.sentences.shape == (schema.size + 1, 128)
    assert text.film_pieces
    assert len(text.film_pieces.starts) == schema.size + 1
    assert text.word_pieces
    assert len(text.word_pieces.starts) == len(schema.words) + 1
