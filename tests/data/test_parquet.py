"""A Parquet file of one's own: the same text as a table of text, within the same limits, unpacked to no more than it may hold."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from own_files import CSV, parquet_of, refused

from recdemo.data import DataError, limits, read_table


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
    found = read_table(parquet_of(frame))
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
    found = read_table(parquet_of(frame))
    assert list(found.frame) == ["user"]
    assert found.notes[0].startswith("Columns of other kinds are left out: list (list<")
    assert "raw (binary)" in found.notes[0]


def test_parquet_limits_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    long = pd.DataFrame({"a": ["x" * 1001] * 3, "b": [1, 2, 3]})
    monkeypatch.setattr(limits, "MAX_TEXT", 2000)
    refused(
        parquet_of(long.assign(a="x" * 900)),
        "column 'a' it holds 2,700 bytes of text, more than the limit of 2,000",
    )
    half = pd.DataFrame({"a": ["x" * 500] * 3, "b": ["y" * 500] * 3})
    refused(
        parquet_of(half), "column 'b' it holds 3,000 bytes of text, more than the limit of 2,000"
    )
    monkeypatch.setattr(limits, "MAX_UNPACKED", 500)
    refused(parquet_of(half), r"unpacks to [\d,]+ bytes, more than the limit of 500")
    monkeypatch.setattr(limits, "MAX_UNPACKED", 50_000)
    small = parquet_of(pd.DataFrame({"a": [1, 2], "b": [3, 4]}))
    monkeypatch.setattr(limits, "MAX_CELLS", 3)
    refused(small, "has 4 cells, more than the limit of 3")
    monkeypatch.setattr(limits, "MAX_COLUMNS", 1)
    monkeypatch.setattr(limits, "MAX_CELLS", 9)
    refused(small, "has 2 columns, more than the limit of 1")
    monkeypatch.setattr(limits, "MAX_ROWS", 1)
    refused(small, "has 2 rows, more than the limit of 1")


@pytest.mark.parametrize(
    ("make", "times"),
    [
        (lambda: pa.DictionaryArray.from_arrays(np.zeros(200_000, np.int32), ["x" * 900]), 10),
        (lambda: pa.repeat(pa.scalar(Decimal(10) ** 75, pa.decimal256(76, 0)), 200_000), 10),
        (lambda: pa.array(["x" * 210_000_000]), 1),
    ],
    ids=["a long text many times", "huge numbers", "one great cell"],
)
def test_a_small_parquet_of_much_is_refused_before_it_is_much(
    make: Callable[[], Any], times: int
) -> None:
    file, pool = io.BytesIO(), pa.default_memory_pool()
    column = make()
    pq.write_table(pa.table({f"c{n}": column for n in range(times)}), file, compression="zstd")
    del column
    assert len(file.getvalue()) < 300_000
    most = max(pool.max_memory(), pool.bytes_allocated() + 200_000_000)
    refused(file.getvalue(), "more than the limit of [0-9,]+; leave out columns")
    assert pool.max_memory() <= most


@pytest.mark.parametrize(
    ("make", "read"),
    [
        (lambda long: long.cast(pa.string_view()), True),
        (lambda long: pa.ExtensionArray.from_storage(pa.json_(pa.string()), long), False),
        (lambda long: long.cast(pa.binary()).cast(pa.binary_view()), False),
        (lambda long: long.cast(pa.binary()).dictionary_encode(), False),
    ],
    ids=["views of text", "JSON", "views of bytes", "bytes as a dictionary"],
)
def test_a_long_value_many_times_is_read_once_or_left_out_whatever_its_kind(
    make: Callable[[Any], Any], read: bool
) -> None:
    file, pool = io.BytesIO(), pa.default_memory_pool()
    column = make(pa.repeat(pa.scalar("x" * 50_000), 10_000))
    pq.write_table(pa.table({"user": range(10_000), "c": column}), file, compression="zstd")
    del column
    level = pool.bytes_allocated()
    with pytest.MonkeyPatch.context() as patch:
        held: list[int] = []
        cast = pc.utf8_trim_whitespace
        patch.setattr(pc, "utf8_trim_whitespace", lambda text: [held.append(pool.bytes_allocated()), cast(text)][1])  # fmt: skip
        found = read_table(file.getvalue())
    assert max(held) - level < 50_000_000  # of 500,000,000
    assert list(found.frame) == ["user", "c"][: 1 + read]
    assert [note[:36] for note in found.notes] == ["Columns of other kinds are left out:"] * (
        not read
    )


def test_a_damaged_parquet_says_so() -> None:
    raw = parquet_of(pd.DataFrame({"user": ["a"] * 100, "rating": range(100)}))
    refused(raw[:-9], "is not a whole Parquet file")
    refused(b"PAR1", "is not a whole Parquet file")
    refused(CSV, "is not a whole Parquet file", kind="parquet")
    refused(raw, "is a Parquet file", kind="csv")
    refused(parquet_of(pd.DataFrame({"user": []})), "no ratings")
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
