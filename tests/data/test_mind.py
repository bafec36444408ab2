"""News in the layout of MIND: what becomes of each line, what is said of what is missing, and what is refused."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recdemo.core.errors import DataError
from recdemo.data import Dataset, load_dataset, mind, save_dataset, split_ratings
from recdemo.data.catalogue import catalogue_of, read_catalogue, write_catalogue
from recdemo.data.simulated_news import CATEGORIES, simulate_news, write_news
from recdemo.data.sources import find_data, has_own_films
from recdemo.data.split import HISTORY, TEST, TRAIN, VALIDATION
from recdemo.encoding.schema import Schema

NEWS = [
    ("N1", "sports", "football", "A goal"),
    ("N2", "finance", "stocks", "Shares  fall"),
    ("N3", "sports", "racing", "Der große Preis"),
    ("N4", "tv", "", ""),
]
BEHAVIORS = [
    ("7", "U2", "11/12/2019 1:00:00 AM", "N1 N9 N3 N1", "N2-0 N3-1 N8-0"),
    ("5", "U1", "11/11/2019 1:00:00 PM", "", "N1-1 N2-0"),
    ("6", "U1", "11/11/2019 11:00:00 AM", "", "N3-0 N4-1"),
    ("8", "U3", "11/13/2019 9:05:58 AM", "N9", "N9-1 N4-0"),
]


def _news(rows: Iterable[tuple[str, ...]] = NEWS) -> list[str]:
    return ["\t".join([*row, "An abstract", "https://x", "[]", "[]"]) for row in rows]


def _behaviors(rows: Iterable[tuple[str, ...]] = BEHAVIORS) -> list[str]:
    return ["\t".join(row) for row in rows]


def _folder(at: Path, news: list[str] | None = None, behaviors: list[str] | None = None) -> Path:
    at.mkdir()
    for name, lines in (
        ("news.tsv", _news() if news is None else news),
        ("behaviors.tsv", _behaviors() if behaviors is None else behaviors),
    ):
        (at / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return at


def _titles(data: Dataset, ids: Iterable[int]) -> list[str]:
    return data.movies.set_index("movie_id")["title"].loc[list(ids)].tolist()


def test_impressions_become_ratings_in_time(tmp_path: Path) -> None:
    data = load_dataset(_folder(tmp_path / "news"))
    assert (data.name, data.item, data.own_films, data.simulated) == (
        "mind",
        "article",
        True,
        False,
    )
    assert sorted(data.movies["title"]) == ["A goal", "Der große Preis", "Shares fall"]
    assert set(data.movies["genres"]) == {("sports",), ("finance",)}
    assert not data.movies["year"].any()
    rows = data.ratings
    said = list(
        zip(
            rows["user_id"],
            rows["impression"],
            _titles(data, rows["movie_id"]),
            rows["rating"],
            strict=True,
        )
    )
    assert said == [
        (1, 1, "Der große Preis", 1),
        (1, 2, "A goal", 5),
        (1, 2, "Shares fall", 1),
        (2, 0, "Der große Preis", 5),
        (2, 0, "A goal", 5),
        (2, 3, "Shares fall", 1),
        (2, 3, "Der große Preis", 5),
    ]
    assert len(data.users) == 2  # nothing is known of what the third was shown
    assert data.users[["gender", "age", "occupation"]].isna().all(axis=None)


def test_what_is_missing_is_counted_and_said(tmp_path: Path) -> None:
    notes = load_dataset(_folder(tmp_path / "news")).notes
    assert notes == (
        "3 of 6 articles named, 1 of them with a row but an empty title, have no title in news.tsv and are left out: 4 of 9 "
        "times that one was shown, and 2 of 5 earlier clicks.",
        "1 of 3 users have clicked nothing before.",
        "1 more have clicked nothing before that has a title here.",
        "2 of 3 impressions hold both what was clicked and what was not, and are measured within; their last tenth in time "
        "is the test, the tenth before it for validation.",
    )


def test_a_zip_reads_like_a_folder(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "news")
    with zipfile.ZipFile(tmp_path / "MINDsmall_train.zip", "w") as archive:
        for name in ("news.tsv", "behaviors.tsv"):
            archive.write(folder / name, f"MINDsmall_train/{name}")
    found = load_dataset(tmp_path / "MINDsmall_train.zip")
    pd.testing.assert_frame_equal(found.ratings, load_dataset(folder).ratings)
    assert found.title == "MINDsmall_train.zip"


def test_what_was_read_can_be_kept(tmp_path: Path) -> None:
    data = load_dataset(_folder(tmp_path / "news"))
    again = load_dataset(save_dataset(data, tmp_path / "kept.zip"))
    pd.testing.assert_frame_equal(again.ratings, data.ratings)
    assert again.item == "article"
    write_catalogue(catalogue_of(data), tmp_path / "catalogue.csv")
    schema = Schema(read_catalogue(tmp_path / "catalogue.csv"))
    assert schema.genre_names == ("finance", "sports")
    named = [
        {schema.genre_names[place] for place in flags.nonzero().flatten().tolist()}
        for flags in schema.genre_flags[1:]
    ]
    assert named == [set(names) for names in data.movies["genres"]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"user_id": [1, 1, 2, 2, 2, 2, 2]}, "impressions are not each of one user, in time"),
        ({"impression": [2, 1, 2, 0, 0, 3, 3]}, "impressions are not each of one user, in time"),
        ({"impression": [1, 2, 2, -1, -1, 3, 3]}, "impressions are not each of one user, in time"),
    ],
)
def test_kept_impressions_out_of_order_are_refused(
    change: dict[str, list[int]], message: str, tmp_path: Path
) -> None:
    data = load_dataset(_folder(tmp_path / "news"))
    data.ratings[list(change)] = pd.DataFrame(change)
    with pytest.raises(DataError, match=message):
        load_dataset(save_dataset(data, tmp_path / "kept.zip"))


@pytest.mark.parametrize(
    ("news", "behaviors", "message"),
    [
        (
            None,
            ["1\tU1\t11/11/2019 9:05:58 AM\t\tN1 N2"],
            r"line 1: 'N1' does not say whether it was clicked.*train or dev",
        ),
        (
            None,
            ["1\tU1\t2019-11-11\t\tN1-1"],
            r"line 1: time '2019-11-11' is not written as 11/11/2019 9:05:58 AM",
        ),
        (
            None,
            ["1\tU1\tN1-1"],
            r"behaviors.tsv, line 1: 3 fields separated by tabs where MIND has 5",
        ),
        (["N1\tsports"], None, r"news.tsv, line 1: 2 fields separated by tabs where MIND has 4"),
        (["N77\tsports\tx\tA title"], None, r"none of the articles shown has a title in news.tsv"),
    ],
)
def test_what_is_not_mind_is_refused(
    news: list[str] | None, behaviors: list[str] | None, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        load_dataset(_folder(tmp_path / "news", news, behaviors))


def test_text_that_is_not_utf_8_is_named_by_its_line(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "news")
    (folder / "news.tsv").write_bytes("\n".join(_news()).encode("latin-1"))
    with pytest.raises(DataError, match=r"news.tsv, line 3: the text is not UTF-8"):
        load_dataset(folder)


def test_as_many_categories_as_there_are_genres_are_kept(tmp_path: Path) -> None:
    news = [(f"N{n}", f"category {min(n, 20)}", "", f"title {n}") for n in range(1, 31)]
    shown = " ".join(f"N{n}-{n % 2}" for n in range(1, 31))
    lines = _behaviors([("1", "U1", "11/11/2019 1:00:00 PM", "", shown)])
    data = load_dataset(_folder(tmp_path / "news", _news(news), lines))
    assert any("Of 20 categories the 18 largest are kept." in note for note in data.notes)
    assert len(Schema(data.movies).genre_names) == 18
    assert sum(names == () for names in data.movies["genres"]) == 2


def test_the_catalogue_keeps_the_articles_most_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mind, "MAX_FILMS", 2)
    data = load_dataset(_folder(tmp_path / "news"))
    assert len(data.movies) == 2
    assert "Of 3 articles the 2 most often shown or clicked are kept." in data.notes


def test_impressions_stay_whole_in_every_split() -> None:
    rows = simulate_news(users=30, articles=60).ratings
    first, test = {}, {}
    for how in ("order", "last", "random"):
        part = split_ratings(rows, how)
        assert ((part == HISTORY) == (rows["impression"] == 0)).all()
        parts = pd.DataFrame({"of": rows["impression"], "part": part})[part != HISTORY]
        assert (parts.groupby("of")["part"].nunique() == 1).all()
        of = parts.drop_duplicates().set_index("of")["part"].sort_index()
        first[how], test[how] = of, set(of.index[of == TEST])
    assert first["order"].tolist() == [TRAIN] * 72 + [VALIDATION] * 9 + [TEST] * 9
    last = rows[rows["impression"] > 0].groupby("user_id")["impression"].max()
    assert test["last"] == set(last)
    assert 0 < len(test["random"]) < 30


def test_simulated_news_are_what_was_planted(tmp_path: Path) -> None:
    data = simulate_news(users=200, articles=100)
    written = load_dataset(write_news(tmp_path / "news", users=200, articles=100))
    pd.testing.assert_frame_equal(written.ratings, data.ratings)
    assert data.simulated
    assert has_own_films("simulated-news")
    genres = data.movies.set_index("movie_id")["genres"].str[0]
    words = data.movies["title"].str.lower().str.split()
    for category, title in zip(data.movies["genres"].str[0], words, strict=True):
        assert sum(word in CATEGORIES[category].split() for word in title) == 5
    rows = data.ratings.assign(category=data.ratings["movie_id"].map(genres))
    clicked = rows[rows["rating"] == 5]
    favourites = clicked.groupby(["user_id", "category"]).size().groupby("user_id").nlargest(2)
    assert favourites.sum() > 0.7 * len(clicked)
    assert rows[rows["impression"] > 0].groupby("impression")["rating"].nunique().eq(2).all()


def test_the_sample_of_real_impressions_is_read_whole() -> None:
    path = find_data("mind-sample")
    if path is None:
        pytest.skip("mind-sample.zip is not at hand; set RECDEMO_DATA to its folder")
    assert has_own_films(path)
    data = load_dataset(path)
    with zipfile.ZipFile(path) as archive:
        texts = {
            name.rpartition("/")[2]: archive.read(name).decode().splitlines()
            for name in archive.namelist()
        }
    titled = {line.split("\t")[0] for line in texts["news.tsv"] if line.split("\t")[3]}
    lists = [line.split("\t")[4].split() for line in texts["behaviors.tsv"]]
    known = [[name for name in names if name[:-2] in titled] for names in lists]
    shown = data.ratings[data.ratings["impression"] > 0]
    assert len(shown) == sum(map(len, known))
    assert (shown["rating"] == 5).sum() == sum(
        name.endswith("-1") for names in known for name in names
    )
    assert shown["impression"].nunique() == sum(map(bool, known))
    both = sum(len({name[-1] for name in names}) == 2 for names in known)
    assert any(
        f"{both:,} of {sum(map(bool, known)):,} impressions hold both" in n for n in data.notes
    )
    assert np.isin(
        data.movies["genres"].str[0], [line.split("\t")[1] for line in texts["news.tsv"]]
    ).all()
