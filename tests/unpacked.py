"""Where Parquet files are unpacked in the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from recdemo.data import parquet, parquet_columns


@pytest.fixture(autouse=True)
def unpacked_here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parquet files are unpacked in the process of the tests, which saves .3 s for each, unless a test asks for `unpacker`."""
    if "unpacker" not in request.fixturenames:
        monkeypatch.setattr(
            parquet.Unpacker,
            "unpack",
            lambda _, kind, *file: parquet.gathered(parquet_columns.READERS[kind](*file)),
        )


@pytest.fixture
def unpacker() -> Iterator[parquet.Unpacker]:
    """A process that unpacks Parquet files; whatever else reads one starts one, too."""
    with parquet.Unpacker() as made:
        yield made
