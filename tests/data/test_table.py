"""A person's own file as a table of text: encodings, separators, rows that do not fit, and what is no table at all."""

from __future__ import annotations

import gzip
import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recdemo.data import (
    DataError,
    Dataset,
    check,
    guess_mapping,
    limits,
    read_table,
    table,
    to_dataset,
)

CSV = "user,title,rating\nann,Amélie (2001),4\nbob,Heat (1995),3.5\n"
ROWS = [["ann", "Amélie (2001)", "4"], ["bob", "Heat (1995)", "3.5"]]


def _rows(content: bytes | str, **more: Any) -> list[list[str]]:
    raw = content.encode() if isinstance(content, str) else content
    return read_table(raw, **more).frame.to_numpy().tolist()


def _refused(content: bytes | str, problem: str, **more: Any) -> None:
    raw = content.encode() if isinstance(content, str) else content
    with pytest.raises(DataError, match=problem) as error:
        read_table(raw, name="mine.csv", **more)
    assert str(error.value).startswith("mine.csv")


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-16", None),
        ("cp1252", "Windows-1252"),
        ("latin-1", "Windows-1252"),
    ],
)
def test_encodings(encoding: str, note: str | None) -> None:
    found = read_table(CSV.encode(encoding))
    assert found.frame.to_numpy().tolist() == ROWS
    assert list(found.frame) == ["user", "title", "rating"]
    assert len(found.notes) == (note is not None)
    assert note is None or note in found.notes[0]


def test_bytes_that_windows_does_not_know_are_latin_1() -> None:
    found = read_table(CSV.encode("latin-1").replace(b"Heat", b"He\x81t"))
    assert "Latin-1" in found.notes[0]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends(separator: str, end: str) -> None:
    text = CSV.replace(",", separator).replace("\n", end)
    assert _rows(text) == ROWS
    assert _rows(text.rstrip()) == ROWS


def test_the_separator_is_the_one_that_most_rows_agree_with() -> None:
    text = "user;title;rating\na;1, 2, 3, 4, 5;3,5\nb;Six, Seven, Eight;4\n"
    assert _rows(text) == [["a", "1, 2, 3, 4, 5", "3,5"], ["b", "Six, Seven, Eight", "4"]]
    assert _rows("user,a;b\n1,x;y\n2,z\n") == [["1", "x;y"], ["2", "z"]]


def test_quotation_marks_hold_separators_lines_and_themselves() -> None:
    text = 'user,title,rating\na,"One, ""Two""\nThree",4\nb,x,5\n'
    found = read_table(text.encode()).frame
    assert found["title"].tolist() == ['One, "Two"\nThree', "x"]
    assert found.index.tolist() == [2, 3]  # as a spreadsheet counts


def test_rows_are_numbered_as_in_the_file() -> None:
    text = "\nuser,title,rating\n\na,x,1\n,,\n\nb,y\nc,z,2,3\nd,w,3,,\n"
    found = read_table(text.encode())
    assert found.frame.index.tolist() == [4, 9]
    assert found.frame["user"].tolist() == ["a", "d"]
    assert [problem.row for problem in found.ragged] == [7, 8]
    short, long = map(str, found.ragged)
    assert short == "row 7: 2 cells where the header has 3, beginning with 'b'; add what is missing"
    assert long.startswith(
        "row 8: 4 cells where the header has 3, beginning with 'c'; put text that"
    )
    assert found.ragged_count == 2


def test_ragged_rows_are_counted_beyond_those_shown() -> None:
    found = read_table(("a,b\n1,2\n" + "1,2,3\n" * 50).encode())
    assert (len(found.ragged), found.ragged_count, len(found.frame)) == (table.SHOWN, 50, 1)


def test_cells_are_trimmed_and_nothing_is_interpreted() -> None:
    text = "user,title,rating\n 007 , =1+1 ,NaN\nNA,<b>x</b>,1e5\n"
    assert _rows(text) == [["007", "=1+1", "NaN"], ["NA", "<b>x</b>", "1e5"]]


def test_a_column_without_a_name_gets_its_number() -> None:
    assert list(read_table(b",user,rating,\n0,a,1,\n").frame) == ["column 1", "user", "rating"]


def test_long_files_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "_BLOCK", 3)
    text = "user,rating\n" + "".join(f"u{number},{number}\n" for number in range(10))
    found = read_table(text.encode()).frame
    assert found["rating"].tolist() == [str(number) for number in range(10)]
    assert found.index.tolist() == list(range(2, 12))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\n \n\r\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b",,,\n,,\n", "is empty"),
        (b"user,rating\n", "holds a header and no ratings"),
        (
            b"user rating\n1 2\n",
            "row 1: one column only, 'user rating'; separate columns by commas",
        ),
        (b"1,2,3\n4,5,6\n", "row 1: expected names of columns, found '1, 2, 3'; put a row such as"),
        (b"a,b,a\n1,2,3\n", "row 1: two columns are named 'a'; rename one"),
        (b'a,b\n1,2\n"1"x,2\n', "row 3: the quotation marks do not match up"),
        (b'a,b\n1,2\n"1,2\n3,4\n', "row 3: the quotation marks do not match up"),
        (b"a,b\n1,2\nx\0y,2\n", "row 3: a zero byte, so this is not text"),
        ("a,b\n1,2\n".encode("utf-16-le"), "row 1: a zero byte"),
        (b"\xff\xfea", "begins like UTF-16 and is not"),
        (gzip.compress(CSV.encode(), mtime=0), "is packed with gzip; unpack it first"),
        (b"PK\x03\x04rest", "is a zip or an Excel file"),
        (b"\xd0\xcf\x11\xe0rest", "is an old Excel file"),
        (b"SQLite format 3\0", "is a database"),
        (b"%PDF-1.4", "is a PDF"),
    ],
)
def test_what_is_no_table_says_so(content: bytes, problem: str) -> None:
    _refused(content, problem)


def test_limits_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _refused(
        "a,b\n" + "x" * 1001 + ",1\n", "row 2: a cell of 1,001 characters, 1,000 are the limit"
    )
    _refused(",".join(f"c{number}" for number in range(101)) + "\n", "has 101 columns, 100 are")
    monkeypatch.setattr(limits, "MAX_ROWS", 2)
    assert len(_rows("a,b\n1,2\n3,4\n")) == 2
    _refused("a,b\n1,2\n3,4\n5,6\n", "has more than 2 rows")
    monkeypatch.setattr(limits, "MAX_BYTES", 10)
    _refused(CSV, "has [0-9]+ bytes, 10 are the limit")
    path = tmp_path / "mine.csv"
    path.write_text(CSV)
    with pytest.raises(DataError, match=r"mine.csv has [0-9]+ bytes"):
        read_table(path)


def test_a_path_is_read_and_names_itself(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(CSV, encoding="utf-8")
    assert read_table(path).name == "mine.csv"
    assert read_table(str(path)).frame.to_numpy().tolist() == ROWS
    with pytest.raises(DataError, match=r"nowhere.csv cannot be read .No such file"):
        read_table(tmp_path / "nowhere.csv")
    with pytest.raises(DataError, match=r"cannot be read .Is a directory"):
        read_table(tmp_path)


# Parquet


def _parquet(frame: pd.DataFrame, **more: Any) -> bytes:
    return frame.to_parquet(index=False, **more)


def test_parquet_becomes_the_same_text() -> None:
    frame = pd.DataFrame(
        {
            "user": [1, 2, 3],
            "id": [10.0, np.nan, 12.0],
            "title": ["Heat ", None, "é"],
            "rating": [4.0, 3.5, np.nan],
            "liked": [True, False, None],
            "time": pd.to_datetime(["2024-01-01", "2024-01-02", None]).astype("datetime64[s]"),
            "kind": pd.Categorical(["a", "b", "a"]),
        }
    )
    found = read_table(_parquet(frame))
    assert (
        found.frame.to_dict("list")
        == {
            "user": ["1", "2", "3"],
            "id": ["10", "", "12"],
            "title": ["Heat", "", "é"],
            "rating": ["4", "3.5", ""],
            "liked": ["true", "false", ""],
            "time": ["2024-01-01 00:00:00", "2024-01-02 00:00:00", ""],
            "kind": ["a", "b", "a"],
        }
        or found.frame["time"].str.startswith("2024-01-0")[:2].all()
    )
    assert found.frame.index.tolist() == [1, 2, 3]
    assert found.notes == ()


def test_columns_of_other_kinds_are_left_out_with_a_note() -> None:
    frame = pd.DataFrame({"user": ["a"], "list": [[1, 2]], "raw": [b"x"]})
    found = read_table(_parquet(frame))
    assert list(found.frame) == ["user"]
    assert found.notes[0].startswith("Columns of other kinds are left out: list (list<")
    assert "raw (binary)" in found.notes[0]


def test_parquet_limits_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    long = pd.DataFrame({"a": ["x" * 1001] * 3, "b": [1, 2, 3]})
    _refused(_parquet(long), "column 'a' holds a text of 1,001 bytes, 1,000 are the limit")
    monkeypatch.setattr(limits, "MAX_TEXT", 2000)
    _refused(_parquet(long.assign(a="x" * 900)), "column 'a' holds 2,700 bytes of text, 2,000 are")
    small = _parquet(pd.DataFrame({"a": [1, 2], "b": [3, 4]}))
    monkeypatch.setattr(limits, "MAX_CELLS", 3)
    _refused(small, "has 4 cells, 3 are the limit")
    monkeypatch.setattr(limits, "MAX_COLUMNS", 1)
    monkeypatch.setattr(limits, "MAX_CELLS", 9)
    _refused(small, "has 2 columns, 1 are the limit")
    monkeypatch.setattr(limits, "MAX_ROWS", 1)
    _refused(small, "has 2 rows, 1 are the limit")


def test_a_damaged_parquet_says_so() -> None:
    raw = _parquet(pd.DataFrame({"user": ["a"] * 100, "rating": range(100)}))
    _refused(raw[:-9], "is not a whole Parquet file")
    _refused(b"PAR1", "is not a whole Parquet file")
    _refused(CSV, "is not a whole Parquet file", kind="parquet")
    _refused(raw, "is a Parquet file", kind="csv")
    _refused(_parquet(pd.DataFrame({"user": []})), "no ratings")
    rng = random.Random(0)
    for _ in range(100):
        wrong = bytearray(raw)
        for _ in range(rng.choice((1, 3, 20))):
            wrong[rng.randrange(4, len(wrong))] = rng.randrange(256)
        try:
            read_table(bytes(wrong))
        except DataError as error:
            wrong = bytearray(str(error).encode())
        assert wrong


# Whatever a file holds: a data set, or one clear sentence.

FILMS = pd.DataFrame(
    {
        "movie_id": range(1, 21),
        "title": [f"Film {number}" for number in range(1, 21)],
        "year": [1980 + number for number in range(20)],
        "genres": [("Drama",)] * 20,
    }
)
ODD = ["NaN", "inf", "-inf", "1e999", "9" * 400, "-1", "0", "", " ", "4,5", "٣", "=1+1", "<script>"]
ODD += [
    "None",
    "true",
    "Film 99 (2050)",
    "x" * 2000,
    '"',
    '""',
    "'",
    "\x1b[31m",
    "(1995)",
    "\u202e",
]


def _fuzzed(seed: int) -> bytes:
    """A file of twelve users, spoiled in some ways."""
    rng = random.Random(seed)
    header = rng.choice([["user", "title", "rating"], ["userId", "movieId", "rating", "timestamp"]])
    header = [*header, "gender", "age"][: rng.randint(3, 6)]
    rows = [header]
    for user in range(12):
        for film in rng.sample(range(1, 21), 14):
            title = f"Film {film} ({1979 + film})" if "title" in header else str(film)
            row = [str(user), title, str(rng.randint(1, 5)), str(rng.randint(0, 999)), "F", "30"]
            rows.append(row[: len(header)])
    for spoil in rng.sample(range(8), rng.randint(0, 3)):
        for _ in range(rng.choice((1, 5, 60))):
            row = rows[rng.randrange(len(rows) if rng.random() < 0.1 else 1, len(rows) + 1) - 1]
            place = rng.randrange(len(row)) if row else 0
            if spoil < 3 and row:
                row[place] = rng.choice(ODD)
            elif spoil == 3:
                row.append(rng.choice(ODD))
            elif spoil == 4 and row:
                del row[place]
            elif spoil == 5:
                rows.insert(rng.randrange(len(rows)), list(rng.choice(rows)))
            elif spoil == 6 and row:
                row[place] = row[place] + rng.choice(",;\t|\n\r")
    separator = rng.choice([",", ",", ",", ";", "\t", "|", " ", ":", ",,"])
    text = rng.choice(["\n", "\r\n"]).join(separator.join(row) for row in rows)
    raw = text.encode(rng.choice(["utf-8"] * 5 + ["utf-8-sig", "utf-16", "utf-16-le"]), "replace")
    kind = rng.randrange(12)
    if kind == 0:
        raw = raw[: rng.randrange(len(raw))]
    elif kind == 1:
        raw = gzip.compress(raw, mtime=0)
    elif kind == 2:
        place = rng.randrange(len(raw))
        raw = raw[:place] + rng.randbytes(rng.choice((1, 3, 300))) + raw[place:]
    elif kind == 3:
        raw = rng.randbytes(2000)
    return raw


def _is_whole(data: Dataset) -> bool:
    rated = data.ratings
    by_user = rated.groupby("user_id").size()
    return bool(
        rated["user_id"].is_monotonic_increasing
        and data.users["user_id"].tolist() == sorted(set(rated["user_id"]))
        and rated["movie_id"].isin(data.movies["movie_id"]).all()
        and not rated.duplicated(["user_id", "movie_id"]).any()
        and rated["rating"].between(0.5, 5).all()
        and (by_user >= 10).all()
    )


def test_a_hundred_spoiled_files_give_a_data_set_or_a_reason() -> None:
    made, problems = 0, []
    for seed in range(150):
        own_films, leave_out = bool(seed % 2), bool(seed // 2 % 2)
        try:
            found = read_table(_fuzzed(seed), name="mine.csv")
            mapping = guess_mapping(found)
            findings = check(found, mapping, own_films=own_films)
            assert len(findings.problems) == min(findings.count, table.SHOWN)
            assert findings.good_rows + findings.bad_rows == len(found.frame) + found.ragged_count
            data = to_dataset(found, mapping, FILMS, own_films=own_films, leave_out=leave_out)
        except DataError as error:
            problems.append(str(error))
        else:
            assert _is_whole(data), seed
            made += 1
    assert made > 30
    assert len(problems) > 30
    for problem in problems:
        assert problem.startswith("mine.csv")
        assert len(problem) < 1000, problem
