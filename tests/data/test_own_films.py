"""Films of a file's own: told apart, catalogued, trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from own_files import BY_TITLE, FILMS, data_of, tuples
from small_world import Recorder

from recdemo import checkpoints
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.core.session import Session, Watched
from recdemo.data import DataError, Dataset, Mapping, load_dataset, own_films, save_dataset
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

OWN = """
user,key,title,rating,genres
a,x,千と千尋の神隠し,5,Animation|Anime
a,y,Heat (1995),2,
b,y,heat (1995),4,
b,z,<b>=1+1</b> (2030),1,Drama
"""


def test_films_of_its_own_are_told_apart_by_title_and_year() -> None:
    data = data_of(OWN, replace(BY_TITLE, genres="genres"), own_films=True)
    assert data.own_films
    spirited, heat, odd = own_ids(["千と千尋の神隠し", "Heat", "<b>=1+1</b>"], [0, 1995, 2030])
    assert tuples(data.movies) == sorted(
        [
            (spirited, "千と千尋の神隠し", 0, ("Animation",)),
            (heat, "Heat", 1995, ()),
            (odd, "<b>=1+1</b>", 2030, ("Drama",)),
        ]
    )
    assert tuples(data.ratings) == [(1, spirited, 5), (1, heat, 2), (2, heat, 4), (2, odd, 1)]


def test_a_film_of_its_own_has_one_id_in_every_file_and_no_other_film_has_it() -> None:
    one = data_of(OWN, own_films=True).movies.set_index("title")["movie_id"]
    more = OWN.replace("a,x,", "a,w,Before (1990),1,\na,x,") + "b,q,Alien (1979),5,\n"
    other = data_of(more, own_films=True).movies
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
    data = data_of(OWN, Mapping("user", "key", rating="rating"), own_films=True)
    assert sorted(data.movies["title"]) == ["Film x", "Film y", "Film z"]
    data = data_of(OWN, replace(BY_TITLE, movie_id="key"), own_films=True)
    assert sorted(data.movies["title"]) == ["<b>=1+1</b>", "Heat", "千と千尋の神隠し"]


def test_two_films_of_one_title_stay_two() -> None:
    by_id = replace(BY_TITLE, movie_id="id", year="year")
    text = "user,id,title,year,rating\na,1,Solaris,1972,5\na,2,Solaris,2002,3\nb,1,Solaris,1972,4\nb,3,Solaris,2002,4"
    data = data_of(text, by_id, own_films=True)  # 2 and 3 are of one year, and two all the same
    assert data.movies["year"].tolist().count(2002) == 2
    assert (len(data.movies), len(data.ratings)) == (3, 4)
    data = data_of(text, replace(BY_TITLE, year="year"), own_films=True)
    assert (len(data.movies), len(data.ratings)) == (2, 4)


def test_ids_that_tell_no_films_apart_are_said_and_do_no_harm() -> None:
    by_id = replace(BY_TITLE, movie_id="id")
    data = data_of(
        "user,id,title,rating\na,1,Heat,5\na,2,Babe,3\nb,3,Heat,4\nb,4,Babe,4",
        by_id,
        own_films=True,
    )
    assert sorted(data.movies["title"]) == ["Babe", "Heat"]
    assert "id counts the rows, so films are told apart by title and year." in data.notes
    data = data_of(
        "user,id,title,rating\na,1,Heat,5\na,2,Babe,3\nb,1,Babe,4\nb,2,Heat,4",
        by_id,
        own_films=True,
    )
    assert len(data.movies) == 4
    assert any("id stands for several titles at a time" in note for note in data.notes)
    with pytest.raises(DataError, match="id differs in every row, so it names no film that two"):
        data_of(
            "user,id,rating\na,1,5\na,2,3\nb,3,4\nb,4,4",
            Mapping("user", "id", rating="rating"),
            own_films=True,
        )


def test_the_most_rated_films_of_its_own_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(films_of_ours, "MAX_FILMS", 1)
    data = data_of(OWN, own_films=True)
    assert data.movies["title"].tolist() == ["Heat"]
    (heat,) = own_ids(["Heat"], [1995])
    assert tuples(data.ratings) == [(1, heat, 2), (2, heat, 4)]


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
    path = save_dataset(data_of(OWN, own_films=True), tmp_path / "one.zip")
    data, schema = open_data(str(path), tmp_path / "checkpoints")
    assert schema.movies["title"].tolist() == data.movies["title"].tolist()
    assert open_data(str(path), tmp_path / "checkpoints")[1].hash == schema.hash
    other = save_dataset(data_of(OWN.replace("Heat", "Cold"), own_films=True), tmp_path / "two.zip")
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
    data = data_of("\n".join(["user,title,rating", *rows]), own_films=True)
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
    data = data_of("\n".join(["user,title,rating", *rows]), own_films=True)
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
    return data_of("\n".join(["user,title,rating", *rows]), own_films=True)


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
