"""Exports that come as zips or in a poor state: one history, one person, or a sentence that says why not."""

from __future__ import annotations

import io
import random
from contextlib import suppress
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_LZMA, ZipFile

import pytest
from export_zips import CASES, HEAD, LETTERBOXD, zipped

from recdemo.core.errors import DataError
from recdemo.data.history import read_export, read_history
from recdemo.data.history.bring import bring, shipped_finder


def test_a_letterboxd_zip_is_one_history(tmp_path: Path) -> None:
    path = tmp_path / "letterboxd-somebody.zip"
    path.write_bytes(LETTERBOXD)
    brought = read_history(path)
    assert brought.export.source == "Letterboxd"
    # Heat was liked in February; Alien was seen again in May, and so last; what was only planned, or taken back, is not there.
    assert [(film.movie_id, film.liked) for film in brought.history()] == [
        (608, False),
        (6, True),
        (1214, True),
    ]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"   \n",
        b"\x00\x01\x02",
        b"PK\x03\x04 broken",
        zipped(notes="hello"),
        b"[1, 2",
        b'{"a": {"b": []}}',
        b"Title,Date\n",
        ("[" * 100_000).encode(),
    ],
)
def test_nothing_in_it_is_a_sentence_not_a_crash(raw: bytes) -> None:
    with pytest.raises(DataError):
        read_export(raw, "mine.csv")


def test_a_zip_that_unpacks_to_too_much_is_refused() -> None:
    with pytest.raises(DataError, match="MB"):
        read_export(zipped(a="Title\n" + "x" * 25_000_000))


def test_spoiled_files_give_a_history_or_a_reason() -> None:
    rng = random.Random(0)
    whole = [
        (CASES / name).read_bytes()
        for name in ("letterboxd-ratings.csv", "trakt-ratings-movies.json")
    ]
    for _ in range(300):
        raw = bytearray(rng.choice([*whole, LETTERBOXD]))
        for _ in range(rng.choice((1, 3, 20))):
            place = rng.randrange(len(raw))
            if rng.random() < 0.5:
                raw[place] = rng.randrange(256)
            else:
                del raw[place : place + rng.randrange(1, 40)]
        with suppress(DataError):
            read_export(bytes(raw))


@pytest.mark.parametrize(
    ("raw", "name", "kept"),
    [
        (f"{HEAD}\n2024-01-01,Alien,1979,u\n", "watchlist.csv", None),
        (
            "Title,My Rating,Date Read,Exclusive Shelf\nAlien,0,,to-read\nFargo,4,,read\n",
            "x",
            ["Fargo"],
        ),
        ("Title,Watched\nAlien,no\nFargo,yes\n", "x", ["Fargo"]),
    ],
)
def test_what_is_only_planned_was_not_watched(raw: str, name: str, kept: list[str] | None) -> None:
    if kept is None:
        with pytest.raises(DataError, match="plan to watch"):
            read_export(raw.encode(), name)
    else:
        assert [entry.title for entry in read_export(raw.encode(), name).entries] == kept


def test_one_person_is_chosen_for_a_whole_zip() -> None:
    """Ann leads in one file, Ben in the other."""
    activity = "Profile Name,Start Time,Duration,Title\n" + "".join(
        f"{who},2024-01-01 20:00:00,01:50:00,{film}\n"
        for who, film in (("Ann", "Alien"), ("Ann", "Fargo"), ("Ann", "Heat"), ("Ben", "Jaws"))
    )
    ratings = "Profile Name,Title Name,Thumbs Value,Event Utc Ts\n" + "".join(
        f"{who},{film},2,2024-01-02\n"
        for who, film in (("Ann", "Big"), ("Ben", "Psycho"), ("Ben", "Speed"))
    )
    export = read_export(zipped(activity=activity, ratings=ratings))
    assert (export.person, {entry.title for entry in export.entries}) == (
        "Ann",
        {"Alien", "Fargo", "Heat", "Big"},
    )
    other = read_export(zipped(activity=activity, ratings=ratings), person="Ben")
    assert {entry.title for entry in other.entries} == {"Jaws", "Psycho", "Speed"}


def test_the_day_of_watching_goes_before_the_day_of_writing_it_down() -> None:
    diary = f"{HEAD},Rating,Rewatch,Tags,Watched Date\n2024-06-01,Alien,1979,u,5,,,2001-05-30\n"
    watched = f"{HEAD}\n2024-06-01,Alien,1979,u\n2010-01-01,Fargo,1996,u\n"
    brought = bring(read_export(zipped(diary=diary, watched=watched)), shipped_finder())
    assert [film.movie_id for film in brought.history()] == [1214, 608]


@pytest.mark.parametrize("raw", [b"%PDF-1.4 x", b"<html><body>", b"\x1f\x8b\x08abc"])
def test_what_is_no_text_is_refused(raw: bytes) -> None:
    with pytest.raises(DataError, match="Letterboxd"):
        read_export(raw)


@pytest.mark.parametrize("kind", [ZIP_BZIP2, ZIP_LZMA])
def test_a_zip_packed_as_nobody_packs_is_not_unpacked(kind: int) -> None:
    memory = io.BytesIO()
    with ZipFile(memory, "w", kind) as archive:
        archive.writestr("ratings.csv", f"{HEAD},Rating\n2024-01-01,Alien,1979,u,5\n")
    with pytest.raises(DataError, match="no history"):
        read_export(memory.getvalue())


def test_a_zip_within_a_zip_is_left_alone() -> None:
    memory = io.BytesIO()
    with ZipFile(memory, "w") as archive:
        archive.writestr("inner.csv", LETTERBOXD)
    with pytest.raises(DataError, match="no history"):
        read_export(memory.getvalue())
