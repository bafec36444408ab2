"""The layout of MovieLens Latest, 20M, 25M and 32M: half stars, nobody known, and large files read in pieces."""

from __future__ import annotations

import random
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
import torch
from latest_zips import CATALOGUE, FILES, zip_of
from own_files import tuples

from benchmarks.same_people import same_people
from recdemo.core.session import Session, Watched
from recdemo.core.vocabulary import LIKED, Split
from recdemo.data import (
    DATA_VARIABLE,
    TRAIN,
    Dataset,
    latest,
    load_dataset,
    parts_of,
    read_latest,
    split_ratings,
)
from recdemo.data import matching as films_of_ours
from recdemo.data.catalogue import catalogue_of
from recdemo.data.latest import SAME_PEOPLE
from recdemo.data.summary import aggregates_of
from recdemo.encoding.encode import encode
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema


def test_films_are_matched_and_halves_kept(tmp_path: Path) -> None:
    data = read_latest(zip_of(tmp_path / "any.zip"), CATALOGUE)
    assert (data.name, data.title) == ("ml-latest-small", "MovieLens Latest Small")
    assert not data.own_films
    assert data.movies["movie_id"].tolist() == [7, 8, 9]
    # User 1 rated two films at the same second, film 1 first in the file.
    assert tuples(data.ratings) == [(1, 7, 4), (1, 8, 3.5), (1, 9, 0.5), (2, 7, 4.5)]
    assert data.users["user_id"].tolist() == [1, 2]
    assert data.users[["gender", "age", "occupation"]].isna().all(axis=None)
    assert data.notes == (
        "2 of 5 films have no match in the catalogue; they are left out with their 2 ratings.",
        "Gender, age and occupation of the users are unknown.",
    )


def test_a_catalogue_of_its_own(tmp_path: Path) -> None:
    data = read_latest(zip_of(tmp_path / "any.zip"))
    assert data.own_films
    assert tuples(data.movies) == [
        (1, "Toy Story", 1995, ("Adventure", "Animation", "Children's")),
        (6, "The Postman (Il Postino)", 1994, ("Drama",)),
        (70, "Les Misérables", 1995, ("Drama", "War")),
        (8000, 'Jet Pilots, the "Great"', 2013, ()),
        (9000, "Series Without a Year (2006–2007)", 0, ("Comedy",)),
    ]
    assert tuples(data.ratings)[3:] == [(2, 9000, 1), (2, 1, 4.5), (2, 8000, 5)]


def test_films_of_a_catalogue_that_is_the_set_s_own_are_not_matched(tmp_path: Path) -> None:
    """Otherwise two films of one title and year would be lost, and ids could change."""
    path = zip_of(tmp_path / "any.zip")
    own = read_latest(path)
    again = read_latest(path, own.movies)
    assert again.own_films
    pd.testing.assert_frame_equal(again.ratings, own.ratings)
    renamed = own.movies.assign(title=[*own.movies["title"][:-1], "Another Series"])
    assert not read_latest(path, renamed).own_films


def test_people_who_are_in_movielens_1m_too_only_train(tmp_path: Path) -> None:
    """Models that begin with those of MovieLens-1M, or that learned from it, have seen their ratings."""
    assert (
        read_latest(zip_of(tmp_path / "ml-latest-small.zip")).only_train == ()
    )  # another set of that name
    data = load_dataset("ml-latest-small")
    assert len(data.only_train) == 25
    assert any("MovieLens-1M's too" in note for note in data.notes)
    for how in get_args(Split):
        part = parts_of(data, how)
        theirs = data.ratings["user_id"].isin(data.only_train).to_numpy()
        assert set(part[theirs]) == {TRAIN}
        assert (part[~theirs] == split_ratings(data.ratings, how)[~theirs]).all()


def test_these_people_are_those_whose_ratings_are_the_same(ml_1m: Dataset) -> None:
    assert same_people(load_dataset("ml-latest-small"), ml_1m)[0] == list(SAME_PEOPLE)


def test_the_most_rated_films_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(films_of_ours, "MAX_FILMS", 1)
    data = read_latest(zip_of(tmp_path / "any.zip"))
    assert data.movies["movie_id"].tolist() == [1]
    assert tuples(data.ratings) == [(1, 1, 4), (2, 1, 4.5)]
    assert data.notes[0].startswith("Of 5 films the 1 most rated are kept; 4 ratings are left out")


@pytest.mark.parametrize(
    ("zip_name", "folder", "name"),
    [
        ("a.zip", "ml-32m/", "ml-32m"),
        ("ml-25m.zip", "", "ml-25m"),
        ("a.zip", "", "ml-latest"),
        ("a.zip", "mine/", "ml-latest"),
    ],
)
def test_the_set_is_named_by_its_folder_or_file(
    tmp_path: Path, zip_name: str, folder: str, name: str
) -> None:
    data = read_latest(zip_of(tmp_path / zip_name, folder=folder))
    assert data.name == name


def test_it_is_found_by_name_and_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zip_of(tmp_path / "ml-latest-small.zip")
    assert load_dataset(path, CATALOGUE).name == "ml-latest-small"
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    assert load_dataset("ml-latest-small", CATALOGUE).name == "ml-latest-small"
    folder = tmp_path / "ml-32m"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    assert load_dataset("ml-32m", CATALOGUE).title == "MovieLens-32M"
    assert load_dataset("ml-32m").own_films


def test_windows_line_ends_and_a_mark_at_the_start_are_fine(tmp_path: Path) -> None:
    files = {name: "\ufeff" + text.replace("\n", "\r\n") for name, text in FILES.items()}
    assert len(read_latest(zip_of(tmp_path / "a.zip", files), CATALOGUE).ratings) == 4


def test_a_file_that_does_not_end_in_a_line_end_is_whole(tmp_path: Path) -> None:
    files = {name: text.rstrip("\n") for name, text in FILES.items()}
    assert len(read_latest(zip_of(tmp_path / "a.zip", files)).ratings) == 6


def _world(users: int, rng: random.Random) -> dict[str, str]:
    """Users in no order, whose rows are scattered over the file."""
    rows = [
        f"{user},{film},{rng.randint(1, 10) / 2},{rng.randint(1, 10**9)}"
        for user in rng.sample(range(1, 10 * users), users)
        for film in rng.sample(range(1, 40), rng.randint(1, 30))
    ]
    rng.shuffle(rows)
    films = "".join(f"{film},Film {film} (1999),Drama\n" for film in range(1, 40))
    return {
        "movies.csv": "movieId,title,genres\n" + films,
        "ratings.csv": "\n".join(["userId,movieId,rating,timestamp", *rows, ""]),
    }


def test_pieces_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zip_of(tmp_path / "a.zip", _world(60, random.Random(1)))
    whole = read_latest(path)
    for size in (333, 4096):
        monkeypatch.setattr(latest, "_PIECE", size)
        pd.testing.assert_frame_equal(read_latest(path).ratings, whole.ratings)
    rows = [line.split(",") for line in _world(60, random.Random(1))["ratings.csv"].split()[1:]]
    rows.sort(key=lambda row: (int(row[0]), int(row[3])))  # stable, as the file has it
    assert tuples(whole.ratings) == [(int(u), int(f), float(r)) for u, f, r, _ in rows]


@pytest.mark.parametrize("piece", [1500, 10**6])
@pytest.mark.parametrize(("most_users", "most_ratings"), [(20, 10**6), (10**6, 300), (1, 10**6)])
def test_a_sample_of_whole_users_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_users: int, most_ratings: int, piece: int
) -> None:
    path = zip_of(tmp_path / "a.zip", _world(60, random.Random(2)))
    whole = read_latest(path).ratings
    monkeypatch.setattr(latest, "_PIECE", piece)
    monkeypatch.setattr(latest, "MAX_USERS", most_users)
    monkeypatch.setattr(latest, "MAX_RATINGS", most_ratings)
    data = read_latest(path)
    kept = set(data.ratings["user_id"])
    assert len(kept) <= most_users
    assert 0 < len(data.ratings) <= most_ratings
    if most_users < 60:
        assert len(kept) == most_users
    expected = whole[whole["user_id"].isin(kept)].reset_index(drop=True)
    pd.testing.assert_frame_equal(data.ratings, expected)  # all they rated
    # The sample is that of the smallest hashes, whatever order the file is in.
    everybody = np.unique(whole["user_id"])
    hashes = {user: _splitmix64(int(user)) for user in everybody}
    assert kept == set(sorted(everybody, key=hashes.__getitem__)[: len(kept)])
    assert f"Of 60 users a sample of {len(kept)} is kept, drawn by their ids." in data.notes


def _splitmix64(number: int) -> int:
    """The reference algorithm, on whole numbers without bounds."""
    bits = (1 << 64) - 1
    number = (number + 0x9E3779B97F4A7C15) & bits
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & bits
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & bits
    return number ^ (number >> 31)


def test_nobody_is_drawn_more_than_others() -> None:
    hashes = latest._hash(np.arange(1, 200_001))
    assert hashes[0] == _splitmix64(1)
    share = np.array([(part < 2**63).mean() for part in np.array_split(hashes, 20)])
    assert np.abs(share - 0.5).max() < 0.02


def test_half_stars_and_unknown_people_become_tensors(tmp_path: Path) -> None:
    data = read_latest(zip_of(tmp_path / "a.zip"), CATALOGUE)
    schema = Schema(catalogue_of(data), history_length=6)
    ratings = Ratings(data, schema)
    assert ratings.stars.tolist() == [4, 3.5, 0.5, 4.5]
    assert ratings.liked.tolist() == [True, False, False, True]
    assert ratings.profile.tolist() == [[0, 0, 0]] * 2
    batch = ratings.batch(torch.tensor([2]))
    session = Session(history=[Watched(7, True), Watched(8, False)])
    visitor = encode(schema, [session], torch.tensor([schema.index_of(9)]))
    for name in ("gender", "age", "occupation", "last_five", "target_movie"):
        assert torch.equal(getattr(batch, name), getattr(visitor, name)), name
    for name in ("history", "feedback"):  # a visitor's is as long as it is, a user's is padded
        assert torch.equal(getattr(batch, name)[:, :2], getattr(visitor, name)), name
        assert not getattr(batch, name)[:, 2:].any()
    assert batch.feedback[0, :2].tolist() == [LIKED, LIKED - 1]


def test_counts_of_a_set_of_unknown_people(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", _world(60, random.Random(3)))
    found = aggregates_of(read_latest(path), "2000-01-01")
    assert found.users == 60
    assert found.profile == {"gender": {}, "age": {}, "occupation": {}}
    assert found.crowd == {}


def test_the_real_films_survive_the_change_of_layout(ml_1m, tmp_path: Path) -> None:
    """MovieLens-1M written in the newer layout, its titles in the order of an index."""
    films = ml_1m.movies
    movies = pd.DataFrame(
        {
            "movieId": films["movie_id"],
            "title": [f"{t} ({y})" for t, y in zip(films["title"], films["year"], strict=True)],
            "genres": films["genres"].map("|".join).str.replace("Children's", "Children"),
        }
    )
    rated = ml_1m.ratings.head(20_000)
    times = rated.groupby("user_id").cumcount()
    rows = rated.assign(time=times).to_csv(index=False, header=False)
    files = {
        "movies.csv": movies.to_csv(index=False),
        "ratings.csv": "userId,movieId,rating,timestamp\n" + rows,
    }
    data = read_latest(zip_of(tmp_path / "a.zip", files), films)
    pd.testing.assert_frame_equal(data.ratings, rated.reset_index(drop=True))
    own = read_latest(tmp_path / "a.zip").movies
    known = films[films["movie_id"].isin(own["movie_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, known)
