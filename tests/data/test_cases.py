"""Every file of tests/cases as training data: what comes out, or the one sentence that says the way out."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from recdemo import checkpoints
from recdemo.data import DataError, Dataset, load_dataset
from recdemo.data.catalogue import read_catalogue
from recdemo.data.choices import Choices

CASES = Path(__file__).resolve().parents[1] / "cases"
OWN = Choices(own_films=True)
OURS = Choices(ids="ml-1m")

# file, what a person says: users, films rated, ratings, and what is said of it
READ: list[tuple[str, Choices, int, int, int, str]] = [
    ("date-month-names.csv", Choices(), 3, 16, 48, ""),
    ("douban-DMSC.csv", Choices(), 3, 16, 48, "16 films without a year matched by title alone"),
    ("duplicates.csv", Choices(), 20, 386, 400, "400 ratings that the same user changed later left out"),
    ("every-rating-is-5.csv", Choices(), 30, 792, 900, "Every film is liked, so no model can tell which are"),
    ("everyone-rated-all-12-films.csv", Choices(), 30, 12, 360, "2 is Jumanji (1995)"),
    ("long-history-3000.csv", Choices(), 21, 3084, 3400, ""),
    ("ml-32m-ratings.csv", Choices(), 3, 16, 48, "260 is Star Wars"),
    ("netflix-Ratings.csv", Choices(), 1, 16, 16, "One thumb up is read as 4 stars"),
    ("one-empty-date.csv", Choices(), 3, 16, 48, "3 rows without a time taken as each user's first"),
    ("one-user.csv", Choices(), 1, 60, 60, "All ratings are one person's"),
    ("ratings-0-100.csv", Choices(), 3, 16, 48, "Ratings out of 100 are read as 1 to 5 stars"),
    ("ratings-out-of-5-text.csv", Choices(), 3, 16, 48, ""),
    ("recbole-ml.inter", OURS, 2, 16, 32, "260 is Star Wars"),
    ("recbole-ml-inter.tsv", OURS, 2, 16, 32, "260 is Star Wars"),
    ("string-user-ids-emails-uuid.csv", Choices(), 20, 378, 400, ""),
    ("timestamps-ms-and-s-mixed.csv", Choices(), 3, 16, 48, ""),
    ("unrated-rows.csv", Choices(), 3, 15, 45, "3 rows without a rating left out"),
    ("user-ids-001-and-1.csv", Choices(), 3, 44, 45, ""),
    ("оценки фильмов 评分 é.csv", Choices(), 3, 16, 48, ""),
    # films of the file's own
    ("amazon-2023-rating_only.csv", OWN, 2, 16, 32, ""),
    ("amazon-2023-reviews.csv", OWN, 2, 16, 32, ""),
    ("amazon-ratings_only-noheader.csv", OWN, 2, 16, 32, "Row 1 is read as values"),
    ("BX-Book-Ratings.csv", Choices(own_films=True, fewest=8), 2, 12, 16, "16 rows left out: Book-Rating is 0 or -1"),
    ("BX-Book-Ratings.csv", Choices(own_films=True, scale="0-10"), 2, 16, 32, "7.5 or more counts as liked"),
    ("lastfm-user_artists.tsv", OWN, 2, 16, 32, "Everything with a value in weight counts as liked"),
    ("ml-100k-u.data.tsv", OWN, 2, 16, 32, ""),
    ("one-title-two-years-missing.csv", OWN, 20, 12, 240, "240 ratings that the same user changed later"),
    ("recbole-ml.inter", OWN, 2, 16, 32, ""),
    ("same-name-columns.csv", Choices(fewest=1), 1, 1, 1, "is called 'rating (2)' here"),
    ("steam-200k-noheader.csv", OWN, 2, 16, 32, "Everything listed counts as liked"),
    ("two-films-one-title.csv", OWN, 20, 45, 300, "film_id stands for several titles at a time"),
]  # fmt: skip
HISTORY = (
    "bring it as a history ('Bring your films' on Home, recommend --history FILE in the shell)"
)
KEEP = (
    "keep the file's own films (Films are 'The file's own' on the page, --own-films in the shell)"
)
REFUSED: list[tuple[str, Choices, str]] = [
    ("letterboxd-ratings.csv", Choices(), HISTORY),
    ("letterboxd-watched.csv", Choices(), HISTORY),
    ("letterboxd-reviews-long.csv", Choices(), HISTORY),
    ("imdb-ratings-2024.csv", Choices(), HISTORY),
    ("NetflixViewingHistory.csv", Choices(), HISTORY),
    ("trakt-ratings-movies.json", Choices(), HISTORY),
    ("BX-Books.csv", OWN, "this one may be a list of films"),
    ("ml-32m-movies.csv", OWN, "this one may be a list of films"),
    ("tmdb_5000_movies.csv", OWN, "this one may be a list of films"),
    ("mind-behaviors.tsv", OWN, "give the folder or zip that holds both behaviors.tsv and news.tsv"),
    ("mind-news.tsv", OWN, "give the folder or zip that holds both behaviors.tsv and news.tsv"),
    ("README.md", Choices(), "no column says who rated"),
    ("ml-100k-u.data.tsv", Choices(), "give the whole folder or zip of MovieLens-100K"),
    ("recbole-ml.inter", Choices(), "--ids ml-1m"),
    ("recbole-ml-inter.tsv", Choices(), "--ids ml-1m"),
    ("steam-australian-reviews.json", OWN, "give more ratings of each"),
    *(
        (name, Choices(), KEEP)
        for name in (
            *("BX-Book-Ratings.csv", "amazon-2023-rating_only.csv", "amazon-2023-reviews.csv"),
            *("amazon-ratings_only-noheader.csv", "lastfm-user_artists.tsv", "steam-200k-noheader.csv"),
            *("steam-australian-reviews.json", "one-title-two-years-missing.csv"),
        )
    ),
    ("BX-Book-Ratings.csv", OWN, "--fewest in the shell"),
    ("same-name-columns.csv", Choices(), "--fewest in the shell"),
    ("two-films-one-title.csv", Choices(), "the most is 3"),
]  # fmt: skip


@pytest.fixture(scope="module")
def films() -> pd.DataFrame:
    return read_catalogue(checkpoints.root() / checkpoints.CATALOGUE)


@pytest.mark.parametrize(("name", "choices", "users", "rated", "ratings", "said"), READ)
def test_a_case_is_read(
    films: pd.DataFrame,
    name: str,
    choices: Choices,
    users: int,
    rated: int,
    ratings: int,
    said: str,
) -> None:
    data = load_dataset(CASES / name, films, choices)
    found = len(data.users), data.ratings["movie_id"].nunique(), len(data.ratings)
    assert found == (users, rated, ratings)
    assert any(said in note for note in data.notes) or not said
    assert data.ratings["rating"].between(0.5, 5).all()


@pytest.mark.parametrize(("name", "choices", "said"), REFUSED)
def test_a_case_is_refused_with_the_way_out(
    films: pd.DataFrame, name: str, choices: Choices, said: str
) -> None:
    with pytest.raises(DataError) as error:
        load_dataset(CASES / name, films, choices)
    assert said in str(error.value)
    assert name in str(error.value)
    assert len(str(error.value)) < 700


def test_every_case_is_here() -> None:
    listed = {name for name, *_ in READ} | {name for name, *_ in REFUSED}
    assert listed == {path.name for path in CASES.iterdir()}


def _of(data: Dataset, user: int, columns: str = "rating") -> list:
    return data.ratings.loc[data.ratings["user_id"] == user, columns].tolist()


def test_what_a_case_says_is_what_is_read(films: pd.DataFrame) -> None:
    """The first user's first stars, by hand."""
    stars = {
        "ratings-out-of-5-text.csv": [5, 5, 4, 3, 3],
        "ratings-0-100.csv": [4.12, 3.56, 4.76, 1.72, 2.76],
        "netflix-Ratings.csv": [1, 4, 5, 1, 4],
        "date-month-names.csv": [1, 1, 4, 3, 4],
        "оценки фильмов 评分 é.csv": [3.5, 4, 3.5, 3.5, 5],
        "duplicates.csv": [1, 4, 5, 3, 2],  # the later of two
        "unrated-rows.csv": [5, 1, 1, 5, 3],  # the third is not rated
        "one-empty-date.csv": [1, 5, 5, 5, 1],  # the third has no date
    }
    for name, first in stars.items():
        assert _of(load_dataset(CASES / name, films), 1)[:5] == pytest.approx(first), name


def test_milliseconds_and_seconds_are_one_order(films: pd.DataFrame) -> None:
    data = load_dataset(CASES / "timestamps-ms-and-s-mixed.csv", films)
    assert _of(data, 1, "movie_id")[:4] == [260, 1196, 2571, 589]


def test_a_packed_case_is_the_same(films: pd.DataFrame, tmp_path: Path) -> None:
    raw = (CASES / "duplicates.csv").read_bytes()
    (tmp_path / "duplicates.csv.gz").write_bytes(gzip.compress(raw))
    packed = load_dataset(tmp_path / "duplicates.csv.gz", films)
    assert packed.ratings.equals(load_dataset(CASES / "duplicates.csv", films).ratings)
