"""Fetching from a server that plays GroupLens: whole, cut, slow, changed, wrong, missing; nothing left behind."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from recdemo.data import DataError, download
from recdemo.data.download import StoppedError, fetch_zip
from recdemo.data.grouplens import SOURCES, Source, licence

CONTENT = bytes(range(256)) * 2000
NEWER = CONTENT[::-1]
HALF = len(CONTENT) // 2


class Site:
    """What the server holds, how it behaves, and what it was asked."""

    def __init__(self) -> None:
        self.content, self.tag = CONTENT, '"one"'
        self.ranges = True  # whether it knows how to send a part
        self.cut: int | None = None  # bytes sent before the connection breaks
        self.stall: int | None = None  # bytes sent before nothing more comes
        self.status = 0
        self.location = ""
        self.says_length = True
        self.asked: list[str | None] = []  # Range of each request
        self.base = ""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    site, closing = Site(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            site.asked.append(self.headers.get("Range"))
            if site.status:
                self.send_error(site.status)
                return
            if site.location:
                self.send_response(302)
                self.send_header("Location", site.location)
                self.end_headers()
                return
            start = int((self.headers.get("Range") or "bytes=0-")[6:-1]) if site.ranges else 0
            if start >= len(site.content):
                self.send_error(416)
                return
            body = site.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("ETag", site.tag)
            if site.says_length:
                self.send_header("Content-Length", str(len(body)))
            if start:
                last = len(site.content) - 1
                self.send_header("Content-Range", f"bytes {start}-{last}/{len(site.content)}")
            self.end_headers()
            if site.stall is not None:
                self.wfile.write(body[: site.stall])
                closing.wait(5)
                return
            self.wfile.write(body[: site.cut] if site.cut is not None else body)

    monkeypatch.setitem(SOURCES, "ml-100k", _source())
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    site.base = f"http://127.0.0.1:{server.server_port}"
    yield site
    closing.set()
    server.shutdown()
    server.server_close()


def _source(md5: str | None = hashlib.md5(CONTENT).hexdigest(), megabytes: int = 1) -> Any:
    return Source("Made up", md5, megabytes, 1, "https://example.org", "It may not.")


def _fetch(site: Site, folder: Path, **more: Any) -> Path:
    return fetch_zip("ml-100k", folder, base=site.base, **more)


def _fails(site: Site, folder: Path, problem: str) -> str:
    with pytest.raises(DataError, match=problem) as error:
        _fetch(site, folder)
    return str(error.value)


def _left(folder: Path) -> list[int]:
    """Sizes of what lies in a folder."""
    return sorted(path.stat().st_size for path in folder.iterdir())


def test_a_whole_file_arrives_with_progress(site: Site, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = _fetch(site, tmp_path / "new" / "data", on_bytes=lambda *step: seen.append(step))
    assert path == tmp_path / "new" / "data" / "ml-100k.zip"
    assert path.read_bytes() == CONTENT
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)
    assert list(path.parent.iterdir()) == [path]


def test_a_file_already_there_is_not_fetched_again(site: Site, tmp_path: Path) -> None:
    (tmp_path / "ml-100k.zip").write_bytes(CONTENT)
    assert _fetch(site, tmp_path) == tmp_path / "ml-100k.zip"
    assert site.asked == []


def test_what_was_cut_goes_on_from_there(site: Site, tmp_path: Path) -> None:
    site.cut = HALF
    _fails(site, tmp_path, f"broke off after {HALF:,} of {len(CONTENT):,} bytes; try again")
    assert _left(tmp_path) == [HALF]
    site.cut = 1000
    _fails(site, tmp_path, f"broke off after {HALF + 1000:,}")
    site.cut = None
    seen: list[tuple[int, int]] = []
    path = _fetch(site, tmp_path, on_bytes=lambda *step: seen.append(step))
    assert path.read_bytes() == CONTENT
    assert site.asked == [None, f"bytes={HALF}-", f"bytes={HALF + 1000}-"]
    assert seen[0] == (HALF + 1000, len(CONTENT))
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_changed_starts_over(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.cut = HALF
    _fails(site, tmp_path, "broke off")
    site.cut, site.content, site.tag = None, NEWER, '"two"'
    monkeypatch.setitem(SOURCES, "ml-100k", _source(hashlib.md5(NEWER).hexdigest()))
    assert _fetch(site, tmp_path).read_bytes() == NEWER
    assert site.asked == [None, f"bytes={HALF}-", None]


def test_a_server_that_sends_no_parts_sends_all(site: Site, tmp_path: Path) -> None:
    site.cut = HALF
    _fails(site, tmp_path, "broke off")
    site.cut, site.ranges = None, False
    assert _fetch(site, tmp_path).read_bytes() == CONTENT
    assert len(site.asked) == 2


def test_a_shorter_file_leaves_nothing_of_a_longer_part(site: Site, tmp_path: Path) -> None:
    (tmp_path / ".ml-100k.0123456789ab.part").write_bytes(CONTENT + b"more")
    site.ranges = False
    assert _fetch(site, tmp_path).read_bytes() == CONTENT


def test_a_part_longer_than_the_file_starts_over(site: Site, tmp_path: Path) -> None:
    (tmp_path / ".ml-100k.0123456789ab.part").write_bytes(CONTENT + b"more")
    assert _fetch(site, tmp_path).read_bytes() == CONTENT
    assert site.asked == [f"bytes={len(CONTENT) + 4}-", None]


def test_a_part_that_does_not_fit_is_found_by_its_checksum(site: Site, tmp_path: Path) -> None:
    site.cut = HALF
    _fails(site, tmp_path, "broke off")
    (part,) = tmp_path.iterdir()
    part.write_bytes(NEWER[:HALF])
    site.cut = None
    _fails(site, tmp_path, "arrived with MD5 .* try again")
    assert _left(tmp_path) == []
    assert _fetch(site, tmp_path).read_bytes() == CONTENT


def test_a_server_in_trouble_costs_nothing_that_has_arrived(site: Site, tmp_path: Path) -> None:
    site.cut = HALF
    _fails(site, tmp_path, "broke off")
    site.status = 503
    _fails(site, tmp_path, "503 Service Unavailable.*try again later")
    assert _left(tmp_path) == [HALF]


def test_stopping_keeps_what_has_arrived(site: Site, tmp_path: Path) -> None:
    seen: list[int] = []
    with pytest.raises(StoppedError, match="stopped after"):
        _fetch(
            site,
            tmp_path,
            on_bytes=lambda done, total: seen.append(done),
            stopped=lambda: seen[-1] > 100_000,
        )
    assert 100_000 < seen[-1] < len(CONTENT)
    assert _left(tmp_path) == [seen[-1]]
    assert _fetch(site, tmp_path).read_bytes() == CONTENT
    assert site.asked == [None, f"bytes={seen[-1]}-"]


def test_a_stalled_server_is_given_up(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "STALL_SECONDS", 0.3)
    site.stall = HALF
    started = time.monotonic()
    _fails(site, tmp_path, "sent nothing for 0.3 seconds; try again")
    assert time.monotonic() - started < 4
    assert _left(tmp_path) == [HALF]
    site.stall = None
    assert _fetch(site, tmp_path).read_bytes() == CONTENT


def test_wrong_content_is_refused_and_the_old_file_kept(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SOURCES, "ml-100k", _source("0" * 32))
    old = tmp_path / "ml-100k.zip"
    old.write_bytes(b"old")
    _fails(site, tmp_path, f"MD5 {hashlib.md5(CONTENT).hexdigest()}, published is 0{{32}}")
    assert old.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [old]


def test_a_set_without_a_published_sum_must_be_a_whole_zip(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SOURCES, "ml-100k", _source(None))
    _fails(site, tmp_path / "a", "damaged .*not a whole zip file")
    with zipfile.ZipFile(tmp_path / "small.zip", "w") as archive:
        archive.writestr("ml-latest-small/movies.csv", "movieId,title,genres\n")
        archive.writestr("ml-latest-small/ratings.csv", "userId,movieId,rating,timestamp\n")
    whole = (tmp_path / "small.zip").read_bytes()
    site.content = whole.replace(b"movieId,title", b"movieId,TITLE")
    _fails(site, tmp_path / "a", "damaged .*movies.csv is damaged")
    assert list((tmp_path / "a").iterdir()) == []
    site.content = whole
    assert _fetch(site, tmp_path / "a").read_bytes() == whole


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (404, "is not there .404 Not Found.; look for it at https://grouplens.org"),
        (410, "is not there .410"),
        (403, "was not given out .403 Forbidden.*browser"),
        (500, "was not given out .500 .*the server has trouble, try again later"),
    ],
)
def test_a_refusal_names_the_address_and_the_reason(
    site: Site, tmp_path: Path, status: int, problem: str
) -> None:
    site.status = status
    assert _fails(site, tmp_path, problem).startswith(f"{site.base}/ml-100k.zip ")
    assert list(tmp_path.iterdir()) == []


def test_nobody_at_the_address(site: Site, tmp_path: Path) -> None:
    site.base = "http://127.0.0.1:9"
    _fails(site, tmp_path, r"127.0.0.1:9/ml-100k.zip could not be fetched \(.*refused")
    site.base = "https://nowhere.invalid"
    _fails(site, tmp_path, "nowhere.invalid/ml-100k.zip .*check the connection")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("says_length", [True, False])
def test_what_is_too_large_is_refused(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says_length: bool
) -> None:
    monkeypatch.setitem(SOURCES, "ml-100k", _source(megabytes=0))
    site.says_length = says_length
    seen: list[int] = []
    with pytest.raises(DataError, match="larger than 0 bytes; it is not Made up"):
        _fetch(site, tmp_path, on_bytes=lambda done, total: seen.append(done))
    assert seen[-1] <= 1 << 16
    assert list(tmp_path.iterdir()) == []


def test_no_redirect_leaves_https(site: Site, tmp_path: Path) -> None:
    for location in ("http://example.org/ml-100k.zip", "ftp://example.org/a", site.base):
        site.location = location
        problem = _fails(site, tmp_path, "which is not https")
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
    _fails(site, tmp_path, f"1,000 bytes free, {len(CONTENT):,} are needed; make room")
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
        problem = _fails(site, tmp_path, "No space left on device.; make room")
    assert str(tmp_path) in problem
    assert _left(tmp_path)[0] > 100_000
    assert _fetch(site, tmp_path).read_bytes() == CONTENT
    assert len(site.asked) == 2


def test_a_folder_that_cannot_be_one_is_named(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    _fails(site, tmp_path / "file" / "data", "file/data cannot be written to")
    assert site.asked == []


def test_two_at_once_do_not_share_a_part(site: Site, tmp_path: Path) -> None:
    site.cut = HALF
    _fails(site, tmp_path, "broke off")
    site.cut = None
    found: list[Path] = []
    inside: list[list[int]] = []

    def fetch_another(done: int, total: int) -> None:
        if not found:
            inside.append(_left(tmp_path))
            found.append(_fetch(site, tmp_path))

    assert _fetch(site, tmp_path, on_bytes=fetch_another) == found[0]
    assert site.asked == [None, f"bytes={HALF}-", None]
    assert found[0].read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == found


def test_what_a_dead_process_held_is_cleared_away(site: Site, tmp_path: Path) -> None:
    held = tmp_path / ".ml-100k.abcdef01.held.part"
    other = tmp_path / ".ml-1m.abcdef01.held.part"
    for path in (held, other):
        path.write_bytes(b"x")
        os.utime(path, (0, 0))
    fresh = tmp_path / ".ml-100k.abcdef02.held.part"
    fresh.write_bytes(b"x")
    path = _fetch(site, tmp_path)
    assert set(tmp_path.iterdir()) == {path, other, fresh}


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
