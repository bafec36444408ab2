"""JSON as a table: records in a list, a line each, within others, by columns; and what is none."""

from __future__ import annotations

import json

import pytest

from recdemo.data import DataError, limits, read_table

RECORDS = [{"user": "a", "film": {"title": "Heat", "year": 1995}, "rating": 4.5, "seen": True, "tags": ["x", "y"]},
           {"user": "b", "film": {"title": "Babe"}, "rating": None, "seen": False}]  # fmt: skip
FLAT = {
    "user": ["a", "b"],
    "film.title": ["Heat", "Babe"],
    "film.year": ["1995", ""],
    "rating": ["4.5", ""],
    "seen": ["true", "false"],
    "tags": ["x|y", ""],
}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(RECORDS),
        json.dumps(RECORDS, indent=2),
        "\n".join(map(json.dumps, RECORDS)),
        "\n".join(map(str, RECORDS)),  # as Python writes them
        json.dumps({"ratings": RECORDS}),
        "\ufeff" + json.dumps(RECORDS),
    ],
)
def test_records(text: str) -> None:
    found = read_table(text.encode())
    assert found.frame.to_dict("list") == FLAT
    assert found.frame.index.tolist() == [1, 2]


def test_columns() -> None:
    by_row = json.dumps({"user": {"0": "a", "1": "b"}, "rating": {"0": 4, "1": 5}})
    by_place = json.dumps({"user": ["a", "b"], "rating": [4, 5]})
    for text in (by_row, by_place):
        assert read_table(text.encode()).frame.to_dict("list") == {
            "user": ["a", "b"],
            "rating": ["4", "5"],
        }


def test_a_list_within_a_record_is_a_row_each() -> None:
    text = json.dumps(
        [
            {"user": 1, "reviews": [{"item": 2}, {"item": 3}]},
            {"user": 4, "reviews": [{"item": 5}]},
            6,
        ]
    )
    found = read_table(text.encode())
    assert found.frame.to_dict("list") == {"user": ["1", "1", "4"], "reviews.item": ["2", "3", "5"]}
    assert found.notes == ("Left out, not being records of ratings: 1.",)
    one = json.dumps({"user": 1, "reviews": [{"item": 2}, {"item": 3}]})
    assert read_table(one.encode()).frame["reviews.item"].tolist() == ["2", "3"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[1, 2]", "holds no records; give a list of them"),
        ("[]", "holds no records"),
        ('{"a": 1', "row 1: this is not JSON"),
        ('{"a": 1}\n{"a": }', "row 2: this is not JSON"),
        ("{" * 200_000, "row 1: this is not JSON"),
        ("[" * 200_000, "this is not JSON|holds no records|one column only"),
        ('[{"a": ' + "[" * 3000 + "]" * 3000 + "}]", "this is not JSON|holds no records"),
    ],
)
def test_what_is_no_record_says_so(text: str, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        read_table(text.encode(), name="mine.json")


def test_limits_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = json.dumps([{f"c{number}": number for number in range(101)}])
    with pytest.raises(DataError, match="more than 100 columns"):
        read_table(wide.encode())
    assert read_table(json.dumps([{"a": "x" * 5000}]).encode()).frame["a"].str.len().tolist() == [
        1001
    ]
    monkeypatch.setattr(limits, "MAX_ROWS", 1)
    with pytest.raises(DataError, match="more than 1 rows"):
        read_table(json.dumps(RECORDS).encode())
