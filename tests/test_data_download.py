"""Fetching from a server: whole, wrong, missing, and nothing left behind."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from recdemo.data import DataError, download

CONTENT = b"PK not really a zip" * 5000


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    site = tmp_path / "site"
    site.mkdir()
    (site / "ml-100k.zip").write_bytes(CONTENT)
    monkeypatch.setitem(download.MD5, "ml-100k", hashlib.md5(CONTENT).hexdigest())
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


def test_a_whole_file_arrives_with_progress(server: str, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = download.fetch_zip(
        "ml-100k", tmp_path / "data", base=server, on_bytes=lambda *step: seen.append(step)
    )
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert list(path.parent.iterdir()) == [path]


def test_a_file_already_there_is_not_fetched_again(server: str, tmp_path: Path) -> None:
    (tmp_path / "ml-100k.zip").write_bytes(CONTENT)
    assert (
        download.fetch_zip("ml-100k", tmp_path, base="http://127.0.0.1:9")
        == tmp_path / "ml-100k.zip"
    )


def test_wrong_content_is_refused_and_the_old_file_kept(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(download.MD5, "ml-100k", "0" * 32)
    old = tmp_path / "ml-100k.zip"
    old.write_bytes(b"old")
    with pytest.raises(DataError, match="MD5"):
        download.fetch_zip("ml-100k", tmp_path, base=server)
    assert old.read_bytes() == b"old"
    assert not list(tmp_path.glob(".ml-100k-*"))


@pytest.mark.parametrize("fault", ["missing", "nobody", "too large"])
def test_a_failure_names_the_address(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    base, name = server, "ml-100k"
    if fault == "missing":
        name = "ml-1m"
    elif fault == "nobody":
        base = "http://127.0.0.1:9"
    else:
        monkeypatch.setattr(download, "MAX_BYTES", 1000)
    with pytest.raises(DataError, match=f"{base}/{name}.zip"):
        download.fetch_zip(name, tmp_path / "data", base=base)
    assert list((tmp_path / "data").iterdir()) == []


def test_only_known_sets_are_fetched(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="ml-32m"):
        download.fetch_zip("ml-32m", tmp_path)
