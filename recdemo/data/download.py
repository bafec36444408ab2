"""MovieLens zips from GroupLens, over https, checked against their published MD5, resumed where they broke off.

What has arrived is kept beside the target as ``.NAME.VERSION.part``; the version is a digest of what the server
says the file is (ETag, date, length). The next try asks for the rest only, and starts over where the server
answers with another version, or does not know how to send a part.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import re
import secrets
import shutil
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recdemo.core.errors import DataError
from recdemo.data.archive import LAYOUTS, open_archive
from recdemo.data.grouplens import OFFICIAL_SITE, Source, source_of

BASE = "https://files.grouplens.org/datasets/movielens"
STALL_SECONDS = 30.0  # without a byte
ABANDONED_SECONDS = 600.0  # without a byte written, what a process held that has died
_BLOCK = 1 << 16
_BY_HAND = "or download it in a browser and give the path of the file"
_GOES_ON = "try again: it goes on from where it broke off"


class StoppedError(DataError):
    """Somebody asked for the download to stop. What has arrived is kept."""


def fetch_zip(
    name: str,
    folder: Path,
    *,
    base: str = BASE,
    on_bytes: Callable[[int, int], None] = lambda done, total: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Path:
    """Download ``<base>/<name>.zip`` into a folder; the file appears there only whole and checked.

    Args:
        name: key of `SOURCES`.
        folder: made where missing. A zip already there with the right content is kept as it is.
        base: where the zips lie.
        on_bytes: called with bytes so far and bytes in total (0 where the server does not say).
        stopped: asked before each block, so at the latest `STALL_SECONDS` after the last one; True ends the
            download, and a later call goes on from there.

    Raises:
        StoppedError: `stopped` said so.
        DataError: unknown name, no answer, no space, or the wrong content.
    """
    source, target = source_of(name), folder / f"{name}.zip"
    url = f"{base}/{name}.zip"
    _check_address(url)
    with _on_disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if target.exists() and _problem(target, source) is None:
            return target
    with _draft(folder, name) as draft:
        _receive(url, draft, source, on_bytes, stopped)
        with _on_disk(folder):
            problem = _problem(draft.path, source)
            if problem:
                draft.discard()
                raise DataError(f"{url} arrived {problem}; try again, {_BY_HAND}")
            os.replace(draft.path, target)
    return target


@dataclass(slots=True)
class _Draft:
    """What has arrived of a file so far: ours alone while we hold it, see `_draft`."""

    path: Path
    version: str  # of the file it is a part of; empty while it is empty

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def discard(self) -> None:
        self.path.write_bytes(b"")
        self.version = ""


@contextmanager
def _draft(folder: Path, name: str) -> Iterator[_Draft]:
    """Take the part that an earlier try left, or begin one; leave it for the next try.

    Taking is renaming to a name of our own, which only one of several can do at a time.
    """
    draft = _Draft(folder / f".{name}.{secrets.token_hex(4)}.held.part", "")
    for part in sorted(folder.glob(f".{name}.*.part")):
        _, version, *held = part.name.removeprefix(f".{name}").removesuffix(".part").split(".")
        with suppress(FileNotFoundError):
            if not held:
                os.replace(part, draft.path)
                draft.version = version
                break
            if time.time() - part.stat().st_mtime > ABANDONED_SECONDS:
                part.unlink()
    try:
        with _on_disk(folder):
            draft.path.touch()
        yield draft
    finally:
        with suppress(OSError):
            if draft.version and draft.size:
                os.replace(draft.path, folder / f".{name}.{draft.version}.part")
            else:
                draft.path.unlink()


def _receive(
    url: str,
    draft: _Draft,
    source: Source,
    on_bytes: Callable[[int, int], None],
    stopped: Callable[[], bool],
) -> None:
    """Add to the draft what is missing."""
    folder = draft.path.parent
    most = 2 * source.megabytes * 1_000_000
    with _network(url), _ask(url, draft) as answer:
        done, total = _begin_and_total(answer)
        draft.version = _version(answer, total)
        if total <= most:
            _check_space(folder, total - done)
        with _on_disk(folder):
            file = draft.path.open("r+b", buffering=0)
        with file:
            file.truncate(done)
            file.seek(done)
            on_bytes(done, total)
            while max(done, total) <= most:
                if stopped():
                    raise StoppedError(f"{url} was stopped after {done:,} bytes, which are kept")
                block = answer.read1(_BLOCK)
                if not block:
                    break
                with _on_disk(folder):
                    if file.write(block) < len(block):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                done += len(block)
                on_bytes(done, total)
        if max(done, total) > most:
            draft.discard()
            raise DataError(f"{url} is larger than {most:,} bytes; it is not {source.title}")
        if done < total:
            raise DataError(f"{url} broke off after {done:,} of {total:,} bytes; {_GOES_ON}")


def _ask(url: str, draft: _Draft) -> http.client.HTTPResponse:
    """The server's answer: the rest of what the draft is a part of, or all of the file."""
    if begin := draft.size:
        try:
            answer = _open(url, {"Range": f"bytes={begin}-"})
        except urllib.error.HTTPError as error:
            if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
        else:
            start, total = _begin_and_total(answer)
            if start == 0 or (start == begin and _version(answer, total) == draft.version):
                return answer
            answer.close()
        draft.discard()
    return _open(url, {})


def _open(url: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    request = urllib.request.Request(url, headers={"User-Agent": "recdemo", **headers})
    answer: http.client.HTTPResponse = urllib.request.build_opener(_StaysSecure).open(
        request, timeout=STALL_SECONDS
    )
    return answer


class _StaysSecure(urllib.request.HTTPRedirectHandler):
    """Follows no redirect that leaves https."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if not newurl.startswith("https://"):
            raise DataError(f"{req.full_url} leads to {newurl}, which is not https; {_BY_HAND}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _begin_and_total(answer: http.client.HTTPResponse) -> tuple[int, int]:
    """Where in the file the answer begins (-1: it does not say), and the file's length (0: unknown)."""
    if answer.status == http.HTTPStatus.PARTIAL_CONTENT:
        given = answer.headers.get("Content-Range", "")
        found = re.fullmatch(r"bytes (\d{1,15})-\d{1,15}/(\d{1,15})", given)
        return (int(found[1]), int(found[2])) if found else (-1, 0)
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if re.fullmatch(r"\d{1,15}", length) else 0


def _version(answer: http.client.HTTPResponse, total: int) -> str:
    """Digest of what the server says of the file; the same for a file that has not changed."""
    said = [answer.headers.get("ETag"), answer.headers.get("Last-Modified"), total]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:12]


def _problem(path: Path, source: Source) -> str | None:
    """What is wrong with a zip, or None."""
    if source.md5 is None:
        try:
            archive = open_archive(path)
            for name in LAYOUTS[archive.layout]:
                archive.read(name)
        except DataError as error:
            return f"damaged ({error})"
        return None
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    return None if found == source.md5 else f"with MD5 {found}, published is {source.md5}"


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DataError(
            f"{folder} has {free:,} bytes free, {needed:,} are needed; make room, or choose another folder"
        )


def _check_address(url: str) -> None:
    address = urllib.parse.urlsplit(url)
    here = address.hostname in ("127.0.0.1", "::1", "localhost")
    if address.scheme != "https" and not (here and address.scheme == "http"):
        raise DataError(f"{url} is not an https address")


@contextmanager
def _on_disk(folder: Path) -> Iterator[None]:
    """A failure to write, as a `DataError` that names the folder."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        way_out = "make room" if full else "allow writing to it"
        raise DataError(
            f"{folder} cannot be written to ({error.strerror or error}); {way_out}, or choose another folder"
        ) from error


@contextmanager
def _network(url: str) -> Iterator[None]:
    """A failure to fetch, as a `DataError` that names the address and the cause."""
    try:
        yield
    except urllib.error.HTTPError as error:
        said = f"{error.code} {error.reason}".strip()
        if error.code in (http.HTTPStatus.NOT_FOUND, http.HTTPStatus.GONE):
            raise DataError(
                f"{url} is not there ({said}); look for it at {OFFICIAL_SITE}"
            ) from error
        later = (
            "the server has trouble, try again later" if error.code >= 500 else "try again later"
        )
        raise DataError(f"{url} was refused ({said}); {later}, {_BY_HAND}") from error
    except (OSError, http.client.HTTPException) as error:
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(cause, TimeoutError):
            problem = f"sent nothing for {STALL_SECONDS:g} seconds; {_GOES_ON}"
        elif isinstance(cause, socket.gaierror):
            problem = f"cannot be reached: its name is unknown ({cause}); check the connection"
        elif isinstance(cause, ssl.SSLCertVerificationError):
            problem = f"could not prove its identity ({cause.verify_message}); {_BY_HAND}"
        else:
            problem = f"could not be fetched ({cause}); check the connection, {_GOES_ON}"
        raise DataError(f"{url} {problem}") from error
