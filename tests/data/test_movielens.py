"""Reading MovieLens: made-up files in both layouts, one test for each way a file can be wrong."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from latest_zips import CATALOGUE

from recdemo.core.vocabulary import AGES, GENDERS, GENRES, OCCUPATIONS
from recdemo.data import DATA_VARIABLE, DataError, find_data, load_dataset, read_movielens, sources

# Made up, apart from the film titles.
ML_1M = {
    "movies.dat": (
        "1::Toy Story (1995)::Animation|Children's|Comedy\n"
        "2::Postino, Il (The Postman) (1994)::Drama\n"
        "4::Misérables, Les (1995)::Drama|Musical\n"
    ),
    "users.dat": "1::F::1::10::48067\n2::M::56::16::70072-12\n3::M::25::0::x\n",
    "ratings.dat": "2::1::5::300\n1::4::3::200\n1::2::1::100\n1::1::4::200\n2::4::2::299\n",
}


def _item(number: int, title: str, *genres: str) -> str:
    flags = ["0", *("1" if genre in genres else "0" for genre in GENRES)]
    return "|".join([str(number), title, "01-Jan-1995", "", "http://x", *flags])


ML_100K = {
    "u.item": "\n".join(
        [
            _item(1, "Toy Story (1995)", "Comedy"),
            _item(2, "Postino, Il (1994)", "Drama"),
            _item(3, "Toy Story (1995)", "Comedy"),
            _item(4, "Never Heard Of (1990)"),
            _item(5, "unknown"),
        ]
    ),
    "u.user": "1|17|F|student|1\n2|49|M|none|2\n3|18|M|student|3\n4|56|F|writer|4\n",
    "u.data": "1\t1\t5\t20\n1\t3\t1\t10\n2\t2\t4\t5\n2\t4\t3\t6\n3\t5\t3\t6\n4\t2\t2\t1\n",
}


def _folder(path: Path, files: dict[str, str]) -> Path:
    path.mkdir(parents=True)
    for name, text in files.items():
        (path / name).write_bytes(text.encode("latin-1"))
    return path


def _zip(path: Path, files: dict[str, str], folder: str = "ml-1m/") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(folder + name, text.encode("latin-1"))
    return path


def _tuples(frame: pd.DataFrame) -> list[tuple]:
    return list(frame.itertuples(index=False, name=None))


@pytest.mark.parametrize("form", ["zip", "flat zip", "folder", "parent"])
def test_one_million_layout(tmp_path: Path, form: str) -> None:
    path = {
        "zip": lambda: _zip(tmp_path / "any.zip", ML_1M),
        "flat zip": lambda: _zip(tmp_path / "any.zip", ML_1M, folder=""),
        "folder": lambda: _folder(tmp_path / "odd {name}", ML_1M),
        "parent": lambda: _folder(tmp_path / "ml-1m", ML_1M).parent,
    }[form]()
    data = read_movielens(path)
    assert (data.name, data.title, data.simulated) == ("ml-1m", "MovieLens-1M", False)
    assert _tuples(data.movies) == [
        (1, "Toy Story", 1995, ("Animation", "Children's", "Comedy")),
        (2, "Il Postino (The Postman)", 1994, ("Drama",)),
        (4, "Les Misérables", 1995, ("Drama", "Musical")),
    ]
    assert _tuples(data.users) == [(1, "F", 1, 10), (2, "M", 56, 16), (3, "M", 25, 0)]
    # User 1 rated film 2 first; films 4 and 1 at the same second, 4 first in the file.
    assert _tuples(data.ratings) == [(1, 2, 1), (1, 4, 3), (1, 1, 4), (2, 4, 2), (2, 1, 5)]


def test_windows_line_ends_are_fine(tmp_path: Path) -> None:
    files = {name: text.replace("\n", "\r\n") for name, text in ML_1M.items()}
    data = read_movielens(_zip(tmp_path / "a.zip", files))
    assert len(data.ratings) == 5
    assert data.movies["genres"].iloc[2] == ("Drama", "Musical")


def test_hundred_thousand_layout(tmp_path: Path) -> None:
    data = read_movielens(_zip(tmp_path / "a.zip", ML_100K, "ml-100k/"), CATALOGUE)
    assert (data.name, data.title) == ("ml-100k", "MovieLens-100K")
    assert data.movies["movie_id"].tolist() == [7, 8, 9]  # the whole catalogue, by id
    assert _tuples(data.users) == [
        (1, "F", 1, 10),  # a student under 18 goes to school
        (2, "M", 45, 19),
        (3, "M", 18, 4),
        (4, "F", 56, 20),
    ]
    assert _tuples(data.ratings) == [(1, 7, 1), (2, 8, 4), (4, 8, 2)]
    left_out, twice = data.notes
    assert left_out.startswith("2 of 5 films have no match")
    assert "2 ratings" in left_out
    assert twice.startswith("1 ratings of a film listed twice")


def test_hundred_thousand_needs_the_catalogue(tmp_path: Path) -> None:
    path = _folder(tmp_path / "ml-100k", ML_100K)
    with pytest.raises(DataError, match="MovieLens-100K needs the catalogue"):
        read_movielens(path)
    with pytest.raises(DataError, match="no film of the catalogue"):
        read_movielens(path, CATALOGUE.iloc[:1])


BAD_LINES_1M = [
    ("ratings.dat", 2, "1::4::3", "expected 4 fields separated by '::', found 3"),
    ("ratings.dat", 3, "1::2::1::100::7", "found 5"),
    ("ratings.dat", 3, "", "found 1"),
    ("ratings.dat", 5, "2::four::2::299", "'four' is not a whole number"),
    ("ratings.dat", 1, "2::1::::300", "'' is not a whole number"),
    ("ratings.dat", 1, "2::1::3.5::300", "'3.5' is not a whole number"),
    ("ratings.dat", 1, "2::-1::3::300", "'-1' is not a whole number"),
    ("ratings.dat", 1, "2::1::3::1234567890123456789", "whole number of up to 18 digits"),
    ("ratings.dat", 4, "1::1::6::200", "rating 6 is outside 1 to 5"),
    ("ratings.dat", 4, "1::1::0::200", "rating 0 is outside 1 to 5"),
    ("ratings.dat", 2, "17::4::3::200", "user 17 is not in x.zip: d/users.dat"),
    ("ratings.dat", 2, "1::3::3::200", "film 3 is not in x.zip: d/movies.dat"),
    ("ratings.dat", 4, "1::2::4::200", "user 1 has rated the same film on an earlier line"),
    ("users.dat", 2, "2::M::56::16", "expected 5 fields separated by '::', found 4"),
    ("users.dat", 2, "2::X::56::16::1", "gender 'X' is unknown"),
    ("users.dat", 3, "3::M::26::0::1", "age 26 is not an age group"),
    ("users.dat", 3, "3::M::25::21::1", "occupation 21 is unknown"),
    ("users.dat", 3, "3::M::old::1::1", "age 'old' is not a whole number"),
    ("users.dat", 3, "1::M::25::1::1", "user_id 1 is listed twice"),
    ("movies.dat", 2, "2::Postino, Il (1994)", "expected 3 fields separated by '::', found 2"),
    ("movies.dat", 2, "two::Il (1994)::Drama", "film id 'two' is not a whole number"),
    ("movies.dat", 2, "2::Il (1994)::Drama|Dram", "genre 'Dram' is unknown"),
    ("movies.dat", 2, "2::Il Postino::Drama", "does not end in a year"),
    ("movies.dat", 3, "2::Again (1994)::Drama", "movie_id 2 is listed twice"),
    ("movies.dat", 2, "2::Mis\u00c3\u00a9rables (1994)::Drama", "UTF-8 where MovieLens files are"),
    ("movies.dat", 1, "\u00ff\u00fe1\0:\0:\0", "UTF-16 or binary"),
]
BAD_LINES_100K = [
    ("u.data", 2, "1\t3\t1", r"expected 4 fields separated by '\\t', found 3"),
    ("u.data", 2, "1 3 1 10", "found 1"),
    ("u.data", 3, "2\t2\t9\t5", "rating 9 is outside 1 to 5"),
    ("u.data", 3, "8\t2\t4\t5", "user 8 is not in x.zip: d/u.user"),
    ("u.data", 3, "2\t8\t4\t5", "film 8 is not in x.zip: d/u.item"),
    ("u.data", 4, "2\t2\t4\t9", "user 2 has rated the same film"),
    ("u.user", 1, "1|0|F|student|1", "age 0 is outside 1 to 120"),
    ("u.user", 1, "1|17|f|student|1", "gender 'f' is unknown"),
    ("u.user", 2, "2|49|M|pilot|2", "occupation 'pilot' is unknown"),
    ("u.item", 2, "2|Il (1994)|Drama", r"expected 24 fields separated by '\|', found 3"),
    ("u.item", 1, _item(1, "Toy (1995)")[:-1] + "2", "genre flag '2' is neither 0 nor 1"),
    ("u.item", 3, _item(1, "Toy Story (1995)"), "film 1 is listed twice"),
]


@pytest.mark.parametrize(("name", "line", "text", "problem"), [*BAD_LINES_1M, *BAD_LINES_100K])
def test_a_bad_line_is_named(tmp_path: Path, name: str, line: int, text: str, problem: str) -> None:
    files = dict(ML_1M if name in ML_1M else ML_100K)
    lines = files[name].split("\n")
    lines[line - 1] = text
    files[name] = "\n".join(lines)
    path = _zip(tmp_path / "x.zip", files, "d/")
    with pytest.raises(DataError, match=problem) as error:
        read_movielens(path, CATALOGUE)
    assert str(error.value).startswith(f"x.zip: d/{name}, line {line}: ")
    assert "https://grouplens.org/datasets/movielens/" in str(error.value)


@pytest.mark.parametrize("name", [*ML_1M, *ML_100K])
def test_a_missing_or_empty_file_is_named(tmp_path: Path, name: str) -> None:
    files = dict(ML_1M if name in ML_1M else ML_100K)
    with pytest.raises(DataError, match=f"{name}, line 1: the file is empty"):
        read_movielens(_zip(tmp_path / "a.zip", files | {name: ""}), CATALOGUE)
    del files[name]
    with pytest.raises(DataError, match=f"x: {name} is missing"):
        read_movielens(_folder(tmp_path / "x", files), CATALOGUE)


def test_no_path_no_layout_or_two_layouts(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere does not exist"):
        read_movielens(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"holds no MovieLens files \(movies.dat"):
        read_movielens(tmp_path)
    with pytest.raises(DataError, match="holds no MovieLens files"):
        read_movielens(_zip(tmp_path / "a.zip", {"notes.txt": "x"}))
    _folder(tmp_path / "both" / "ml-1m", ML_1M)
    _folder(tmp_path / "both" / "ml-100k", ML_100K)
    with pytest.raises(DataError, match="more than one data set: ml-100k in ml-100k/ and ml-1m in"):
        read_movielens(tmp_path / "both")


def test_a_damaged_zip_is_named(tmp_path: Path) -> None:
    whole = _zip(tmp_path / "a.zip", ML_1M).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"cut.zip is not a whole zip file .* get a fresh copy"):
        read_movielens(tmp_path / "cut.zip")
    damaged = bytearray(whole)
    start = whole.index(b"ml-1m/users.dat") + len("ml-1m/users.dat")
    damaged[start : start + 20] = bytes(20)
    (tmp_path / "bad.zip").write_bytes(damaged)
    with pytest.raises(DataError, match=r"bad.zip: ml-1m/users.dat is damaged"):
        read_movielens(tmp_path / "bad.zip")
    with pytest.raises(DataError, match=r"movies.dat is not a whole zip file"):
        read_movielens(_folder(tmp_path / "f", ML_1M) / "movies.dat")


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No data in any known place."""
    monkeypatch.setattr(sources, "PROJECT", tmp_path / "project")
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    return tmp_path


def test_data_is_found_in_each_known_place(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_data("ml-1m") is None
    with pytest.raises(DataError, match=r"looked in .*shared/data.*grouplens.org") as error:
        load_dataset("ml-1m")
    assert DATA_VARIABLE in str(error.value)

    beside = _folder(nowhere / "shared" / "data" / "ml-1m", ML_1M)
    assert find_data("ml-1m") == beside
    zipped = _zip(beside.parent / "ml-1m.zip", ML_1M)
    assert find_data("ml-1m") == zipped
    assert find_data("ml-100k") is None

    own = _folder(nowhere / "own", ML_1M)
    other = _zip(nowhere / "other.zip", ML_100K)
    for given, found in ((own, own), (other, zipped), (zipped.parent, zipped), ("gone", zipped)):
        monkeypatch.setenv(DATA_VARIABLE, str(given))
        assert find_data("ml-1m") == found
    monkeypatch.setenv(DATA_VARIABLE, str(other))
    assert find_data("ml-100k") == other


def test_load_dataset_takes_names_and_paths(nowhere: Path, films: pd.DataFrame) -> None:
    assert load_dataset("simulated", films).simulated
    assert load_dataset(_zip(nowhere / "a.zip", ML_1M)).name == "ml-1m"
    assert load_dataset(str(_zip(nowhere / "b.zip", ML_100K)), CATALOGUE).name == "ml-100k"
    with pytest.raises(DataError, match="ml-2m does not exist"):
        load_dataset("ml-2m")


def _check(data, users: int) -> None:
    """What holds for every data set."""
    assert len(data.users) == users
    assert data.movies["movie_id"].is_monotonic_increasing
    assert data.movies["movie_id"].is_unique
    assert set().union(*data.movies["genres"]) == set(GENRES)
    assert not data.movies["title"].str.contains(r", (?:The|A|An|La|Le|Les|Il|Der|Das)$").any()
    assert set(data.users["gender"]) == set(GENDERS)
    assert set(data.users["age"]) == set(AGES)
    assert set(data.users["occupation"]) <= set(OCCUPATIONS)
    assert data.ratings["user_id"].is_monotonic_increasing
    assert data.ratings["user_id"].isin(data.users["user_id"]).all()
    assert data.ratings["movie_id"].isin(data.movies["movie_id"]).all()
    assert not data.ratings.duplicated(["user_id", "movie_id"]).any()
    assert np.unique(data.ratings["rating"]).tolist() == [1, 2, 3, 4, 5]


def test_the_real_one_million(ml_1m) -> None:
    _check(ml_1m, users=6040)
    assert len(ml_1m.ratings) == 1_000_209
    assert len(ml_1m.movies) == 3883
    assert ml_1m.notes == ()


def test_the_real_hundred_thousand(ml_1m, ml_100k) -> None:
    _check(ml_100k, users=943)
    assert len(ml_100k.ratings) == 99_602
    assert ml_100k.movies.equals(ml_1m.movies)
    assert ml_100k.notes[0].startswith("14 of 1,682 films have no match")
    rated = set(ml_100k.ratings["movie_id"])
    assert {260, 1196, 1210} < rated  # the three Star Wars films, named otherwise in each set
    assert len(rated) == 1650


def test_a_zip_that_unpacks_to_too_much_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zipfile

    from recdemo.data import archive

    with zipfile.ZipFile(tmp_path / "ml-1m.zip", "w", zipfile.ZIP_DEFLATED) as bomb:
        for name in ("movies.dat", "users.dat", "ratings.dat"):
            bomb.writestr(f"ml-1m/{name}", b"0" * 10_000)
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 9_999)
    with pytest.raises(DataError, match="unpacks to more than 9,999 bytes"):
        read_movielens(tmp_path / "ml-1m.zip")
