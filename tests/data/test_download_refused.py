"""Fetching what is wrong, missing, too large or elsewhere: refused with the reason and the way out, and nothing left behind."""

from __future__ import annotations

import errno
import hashlib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from grouplens_site import CONTENT, Site, fails, fetch, left_in, source_of

from recdemo.data import DataError, download
from recdemo.data.download import fetch_zip
from recdemo.data.grouplens import SOURCES, licence


def test_wrong_content_is_refused_and_the_old_file_kept(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SOURCES, "ml-100k", source_of("0" * 32))
    old = tmp_path / "ml-100k.zip"
    old.write_bytes(b"old")
    fails(site, tmp_path, f"MD5 {hashlib.md5(CONTENT).hexdigest()}, published is 0{{32}}")
    assert old.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [old]


def test_a_set_without_a_published_sum_must_be_a_whole_zip(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SOURCES, "ml-100k", source_of(None))
    fails(site, tmp_path / "a", "damaged .*not a whole zip file")
    with zipfile.ZipFile(tmp_path / "small.zip", "w") as archive:
        archive.writestr("ml-latest-small/movies.csv", "movieId,title,genres\n")
        archive.writestr("ml-latest-small/ratings.csv", "userId,movieId,rating,timestamp\n")
    whole = (tmp_path / "small.zip").read_bytes()
    site.content = whole.replace(b"movieId,title", b"movieId,TITLE")
    fails(site, tmp_path / "a", "damaged .*movies.csv is damaged")
    assert list((tmp_path / "a").iterdir()) == []
    site.content = whole
    assert fetch(site, tmp_path / "a").read_bytes() == whole


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (404, "is not there .404 Not Found.; look for it at https://grouplens.org"),
        (410, "is not there .410"),
        (403, "was refused .403 Forbidden.*browser"),
        (500, "was refused .500 .*the server has trouble, try again later"),
    ],
)
def test_a_refusal_names_the_address_and_the_reason(
    site: Site, tmp_path: Path, status: int, problem: str
) -> None:
    site.status = status
    assert fails(site, tmp_path, problem).startswith(f"{site.base}/ml-100k.zip ")
    assert list(tmp_path.iterdir()) == []


def test_nobody_at_the_address(site: Site, tmp_path: Path) -> None:
    site.base = "http://127.0.0.1:9"
    fails(site, tmp_path, r"127.0.0.1:9/ml-100k.zip could not be fetched \(.*refused")
    site.base = "https://nowhere.invalid"
    fails(site, tmp_path, "nowhere.invalid/ml-100k.zip .*check the connection")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("says_length", [True, False])
def test_what_is_too_large_is_refused(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says_length: bool
) -> None:
    monkeypatch.setitem(SOURCES, "ml-100k", source_of(megabytes=0))
    site.says_length = says_length
    seen: list[int] = []
    with pytest.raises(DataError, match="larger than 0 bytes; it is not Made up"):
        fetch(site, tmp_path, on_bytes=lambda done, total: seen.append(done))
    assert seen[-1] <= 1 << 16
    assert list(tmp_path.iterdir()) == []


def test_no_redirect_leaves_https(site: Site, tmp_path: Path) -> None:
    for location in ("http://example.org/ml-100k.zip", "ftp://example.org/a", site.base):
        site.location = location
        problem = fails(site, tmp_path, "which is not https")
        assert f"{site.base}/ml-100k.zip leads to {location}" in problem
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("base", ["http://example.org", "ftp://example.org", "file:///tmp", "x"])
def test_only_https_is_asked(tmp_path: Path, base: str) -> None:
    with pytest.raises(DataError, match="is not an https address"):
        fetch_zip("ml-1m", tmp_path, base=base)


def test_too_little_space_is_said_before_anything_arrives(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 1000

    monkeypatch.setattr(download.shutil, "disk_usage", lambda folder: Usage)
    fails(site, tmp_path, f"1,000 bytes free, {len(CONTENT):,} are needed; make room")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_is_named(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    class Full:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

        def write(self, block: bytes) -> int:
            if self.file.tell() > 100_000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self.file.write(block)

    def full(path: Path, mode: str = "r", *more: Any, **named: Any) -> Any:
        file = opened(path, mode, *more, **named)
        return Full(file) if mode == "r+b" else file

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        problem = fails(site, tmp_path, "No space left on device.; make room")
    assert str(tmp_path) in problem
    assert left_in(tmp_path)[0] > 100_000
    assert fetch(site, tmp_path).read_bytes() == CONTENT
    assert len(site.asked) == 2


def test_a_folder_that_cannot_be_one_is_named(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    fails(site, tmp_path / "file" / "data", "file/data cannot be written to")
    assert site.asked == []


def test_only_known_sets_are_fetched(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'ml-5m' cannot be fetched; use ml-1m or ml-100k or"):
        fetch_zip("ml-5m", tmp_path)
    with pytest.raises(DataError, match="ml-5m"):
        licence("ml-5m")


def test_each_set_has_its_terms() -> None:
    for name, source in SOURCES.items():
        text = " ".join(licence(name))
        assert source.title in text
        assert f"https://grouplens.org/datasets/movielens/{name.split('-')[1]}/" in text
        for word in ("research", "commercial", "endorse"):
            assert word in text
    for name in ("ml-1m", "ml-100k"):
        assert "may not be passed on" in " ".join(licence(name))
    for name in ("ml-latest-small", "ml-32m"):
        assert "under the same terms" in " ".join(licence(name))


def test_sums_are_those_that_grouplens_publishes() -> None:
    assert {name: source.md5 for name, source in SOURCES.items()} == {
        "ml-1m": "c4d9eecfca2ab87c1945afe126590906",
        "ml-100k": "0e33842e24a9c977be4e0107933c0723",
        "ml-latest-small": None,
        "ml-32m": "d472be332d4daa821edc399621853b57",
    }
