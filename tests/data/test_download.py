"""Fetching from a server that plays GroupLens: whole, cut, slow, changed; what has arrived is kept."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from grouplens_site import CONTENT, HALF, NEWER, Site, fails, fetch, left_in, source_of

from recdemo.data import download
from recdemo.data.download import StoppedError
from recdemo.data.grouplens import SOURCES


def test_a_whole_file_arrives_with_progress(site: Site, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = fetch(site, tmp_path / "new" / "data", on_bytes=lambda *step: seen.append(step))
    assert path == tmp_path / "new" / "data" / "ml-100k.zip"
    assert path.read_bytes() == CONTENT
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)
    assert list(path.parent.iterdir()) == [path]


def test_a_file_already_there_is_not_fetched_again(site: Site, tmp_path: Path) -> None:
    (tmp_path / "ml-100k.zip").write_bytes(CONTENT)
    assert fetch(site, tmp_path) == tmp_path / "ml-100k.zip"
    assert site.asked == []


def test_what_was_cut_goes_on_from_there(site: Site, tmp_path: Path) -> None:
    site.cut = HALF
    fails(site, tmp_path, f"broke off after {HALF:,} of {len(CONTENT):,} bytes; try again")
    assert left_in(tmp_path) == [HALF]
    site.cut = 1000
    fails(site, tmp_path, f"broke off after {HALF + 1000:,}")
    site.cut = None
    seen: list[tuple[int, int]] = []
    path = fetch(site, tmp_path, on_bytes=lambda *step: seen.append(step))
    assert path.read_bytes() == CONTENT
    assert site.asked == [None, f"bytes={HALF}-", f"bytes={HALF + 1000}-"]
    assert seen[0] == (HALF + 1000, len(CONTENT))
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_changed_starts_over(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.cut = HALF
    fails(site, tmp_path, "broke off")
    site.cut, site.content, site.tag = None, NEWER, '"two"'
    monkeypatch.setitem(SOURCES, "ml-100k", source_of(hashlib.md5(NEWER).hexdigest()))
    assert fetch(site, tmp_path).read_bytes() == NEWER
    assert site.asked == [None, f"bytes={HALF}-", None]


def test_a_server_that_sends_no_parts_sends_all(site: Site, tmp_path: Path) -> None:
    site.cut = HALF
    fails(site, tmp_path, "broke off")
    site.cut, site.ranges = None, False
    assert fetch(site, tmp_path).read_bytes() == CONTENT
    assert len(site.asked) == 2


def test_a_shorter_file_leaves_nothing_of_a_longer_part(site: Site, tmp_path: Path) -> None:
    (tmp_path / ".ml-100k.0123456789ab.part").write_bytes(CONTENT + b"more")
    site.ranges = False
    assert fetch(site, tmp_path).read_bytes() == CONTENT


def test_a_part_longer_than_the_file_starts_over(site: Site, tmp_path: Path) -> None:
    (tmp_path / ".ml-100k.0123456789ab.part").write_bytes(CONTENT + b"more")
    assert fetch(site, tmp_path).read_bytes() == CONTENT
    assert site.asked == [f"bytes={len(CONTENT) + 4}-", None]


def test_a_part_that_does_not_fit_is_found_by_its_checksum(site: Site, tmp_path: Path) -> None:
    site.cut = HALF
    fails(site, tmp_path, "broke off")
    (part,) = tmp_path.iterdir()
    part.write_bytes(NEWER[:HALF])
    site.cut = None
    fails(site, tmp_path, "arrived with MD5 .* try again")
    assert left_in(tmp_path) == []
    assert fetch(site, tmp_path).read_bytes() == CONTENT


def test_a_server_in_trouble_costs_nothing_that_has_arrived(site: Site, tmp_path: Path) -> None:
    site.cut = HALF
    fails(site, tmp_path, "broke off")
    site.status = 503
    fails(site, tmp_path, "503 Service Unavailable.*try again later")
    assert left_in(tmp_path) == [HALF]


def test_stopping_keeps_what_has_arrived(site: Site, tmp_path: Path) -> None:
    seen: list[int] = []
    with pytest.raises(StoppedError, match="stopped after"):
        fetch(
            site,
            tmp_path,
            on_bytes=lambda done, total: seen.append(done),
            stopped=lambda: seen[-1] > 100_000,
        )
    assert 100_000 < seen[-1] < len(CONTENT)
    assert left_in(tmp_path) == [seen[-1]]
    assert fetch(site, tmp_path).read_bytes() == CONTENT
    assert site.asked == [None, f"bytes={seen[-1]}-"]


def test_a_stalled_server_is_given_up(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "STALL_SECONDS", 0.3)
    site.stall = HALF
    started = time.monotonic()
    fails(site, tmp_path, "sent nothing for 0.3 seconds; try again")
    assert time.monotonic() - started < 4
    assert left_in(tmp_path) == [HALF]
    site.stall = None
    assert fetch(site, tmp_path).read_bytes() == CONTENT


def test_two_at_once_do_not_share_a_part(site: Site, tmp_path: Path) -> None:
    site.cut = HALF
    fails(site, tmp_path, "broke off")
    site.cut = None
    found: list[Path] = []
    inside: list[list[int]] = []

    def fetch_another(done: int, total: int) -> None:
        if not found:
            inside.append(left_in(tmp_path))
            found.append(fetch(site, tmp_path))

    assert fetch(site, tmp_path, on_bytes=fetch_another) == found[0]
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
    path = fetch(site, tmp_path)
    assert set(tmp_path.iterdir()) == {path, other, fresh}
