"""A person's own file as a table of text: encodings, separators, rows that do not fit, and what is no table at all."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pandas as pd
import pytest
from own_files import CSV, cells_of, parquet_of, refused

from recdemo.data import DataError, delimited, limits, read_table, table
from recdemo.data.archive import open_archive
from recdemo.data.table import is_table

ROWS = [["ann", "Amélie (2001)", "4"], ["bob", "Heat (1995)", "3.5"]]


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
    assert cells_of(text) == ROWS
    assert cells_of(text.rstrip()) == ROWS


def test_the_separator_is_the_one_that_most_rows_agree_with() -> None:
    text = "user;title;rating\na;1, 2, 3, 4, 5;3,5\nb;Six, Seven, Eight;4\n"
    assert cells_of(text) == [["a", "1, 2, 3, 4, 5", "3,5"], ["b", "Six, Seven, Eight", "4"]]
    assert cells_of("user,a;b\n1,x;y\n2,z\n") == [["1", "x;y"], ["2", "z"]]


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
    assert cells_of(text) == [["007", "=1+1", "NaN"], ["NA", "<b>x</b>", "1e5"]]


def test_a_column_without_a_name_gets_its_number() -> None:
    assert list(read_table(b",user,rating,\n0,a,1,\n").frame) == ["column 1", "user", "rating"]


def test_long_files_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "_BLOCK", 3)
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
        (b'a,b\n1,2\n"1"x,2\n', "row 3: the quotation marks do not match up"),
        (b'a,b\n1,2\n"1,2\n3,4\n', "row 3: the quotation marks do not match up"),
        (b"a,b\n1,2\nx\0y,2\n", "row 3: a zero byte, so this is not text"),
        ("a,b\n1,2\n".encode("utf-16-le"), "row 1: a zero byte"),
        (b"\xff\xfea", "begins like UTF-16 and is not"),
        (gzip.compress(CSV.encode(), mtime=0)[:-9], "is not a whole gzip file"),
        (b"\x1f\x8brest", "is not a whole gzip file"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"PK\x03\x04rest", "is a zip or an Excel file"),
        (b"\xd0\xcf\x11\xe0rest", "is an old Excel file"),
        (b"SQLite format 3\0", "is a database"),
        (b"%PDF-1.4", "is a PDF"),
    ],
)
def test_what_is_no_table_says_so(content: bytes, problem: str) -> None:
    refused(content, problem)


@pytest.mark.parametrize(
    "content", [b"1,2,3\n4,5,6\n", "ann,Heat (1995),★★★\nbob,Alien,★\n", b"a,b\nc,b\n"]
)
def test_a_first_row_that_names_nothing_is_a_row_of_values(content: bytes | str) -> None:
    found = read_table(content if isinstance(content, bytes) else content.encode())
    assert not found.header
    assert list(found.frame) == [f"column {place}" for place in range(1, found.frame.shape[1] + 1)]
    assert found.frame.index.tolist() == [1, 2]
    assert "Row 1 is read as values" in found.notes[0]


def test_two_columns_of_one_name_are_told_apart() -> None:
    found = read_table(b"a,b,a\n1,2,3\n")
    assert list(found.frame) == ["a", "b", "a (2)"]
    assert "Another column is named 'a' too, and is called 'a (2)' here." in found.notes


def test_long_cells_are_cut_where_they_are_and_harm_nobody() -> None:
    for raw in (
        ("a,b\n" + "x" * 5000 + ",1\n").encode(),
        parquet_of(pd.DataFrame({"a": ["é" * 5000], "b": [1]})),
    ):
        found = read_table(raw).frame
        assert found["a"].str.len().tolist() == [limits.MAX_CELL + 1]
        assert found["b"].tolist() == ["1"]


def test_gzip_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv.gz"
    path.write_bytes(gzip.compress(CSV.encode()))
    assert read_table(path).frame.to_numpy().tolist() == ROWS
    assert is_table(path)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("Ratings.TSV", b"", True),
        ("u1.base", b"1\t2\t3\n", True),
        ("ratings", b"a,b\n", True),
        ("ratings.zip", b"a,b\n", False),
        ("ratings", b"PK\x03\x04", False),
    ],
)
def test_any_file_but_a_zip_is_read_as_a_table(
    tmp_path: Path, name: str, content: bytes, expected: bool
) -> None:
    (tmp_path / name).write_bytes(content)
    assert is_table(tmp_path / name) is expected
    assert not is_table(tmp_path)


def test_separators_of_data_sets() -> None:
    assert cells_of("1::2::5::978300760\n1::3::4::978300761\n") == [
        ["1", "2", "5", "978300760"],
        ["1", "3", "4", "978300761"],
    ]
    assert cells_of("196 242 3 881250949\n186 302 3 891717742\n") == [
        ["196", "242", "3", "881250949"],
        ["186", "302", "3", "891717742"],
    ]


@pytest.mark.parametrize("before", ["# of 2024, by me\n#\n", "sep=;\n", "\n# x\n"])
def test_remarks_before_a_header_are_passed_over(before: str) -> None:
    found = read_table(f"{before}user;title\na;Heat\n".encode()).frame
    assert found.to_dict("list") == {"user": ["a"], "title": ["Heat"]}
    assert found.index.tolist() == [before.count("\n") + 2]


def test_quotation_marks_of_programs() -> None:
    text = 'a;b\n"x \\"y\\" z; w";1\n'
    assert cells_of(text) == [['x "y" z; w', "1"]]
    assert cells_of('user\ttitle\n1\t"Heat" and more\n') == [["1", '"Heat" and more']]


@pytest.mark.parametrize(
    ("header", "encoding", "called"),
    [
        ("пользователь;фильм;оценка", "cp1251", "Windows-1251"),
        ("пользователь;фильм;оценка", "koi8_r", "KOI8-R"),
        ("用户,电影,评分", "gb18030", "GB 18030"),
        ("使用者,電影,評分", "big5", "Big5"),
        ("ユーザー,映画,評価", "shift_jis", "Shift JIS"),
        ("사용자,영화,평점", "cp949", "Korean Windows"),
    ],
)
def test_encodings_of_other_alphabets_are_known_by_the_names_of_columns(
    header: str, encoding: str, called: str
) -> None:
    sign = ";" if ";" in header else ","
    found = read_table(f"{header}\n{sign.join(['a', header[:2], '4'])}\n".encode(encoding))
    assert list(found.frame) == header.split(sign)
    assert found.frame.iloc[0, 1] == header[:2]
    assert called in found.notes[0]


def test_limits_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refused(
        ",".join(f"c{number}" for number in range(101)) + "\n",
        "has 101 columns, more than the limit of 100",
    )
    monkeypatch.setattr(limits, "MAX_ROWS", 2)
    assert len(cells_of("a,b\n1,2\n3,4\n")) == 2
    refused("a,b\n1,2\n3,4\n5,6\n", "has more than 2 rows")
    monkeypatch.setattr(limits, "MAX_BYTES", 10)
    refused(CSV, "has [0-9]+ bytes, more than the limit of 10")
    monkeypatch.setattr(limits, "MAX_BYTES", 100)
    refused(gzip.compress(CSV.encode() * 9), "unpacks to more than 100 bytes")
    monkeypatch.setattr(limits, "MAX_BYTES", 10)
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


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for path in (Path("/dev/zero"), tmp_path / "pipe.csv"):
        for read in (read_table, open_archive):
            with pytest.raises(DataError, match=r"is a device or a pipe, not a file; copy"):
                read(path)
