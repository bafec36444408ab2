"""MovieLens zips from GroupLens, over https, checked against their published MD5."""

from __future__ import annotations

import hashlib
import os
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path

from recdemo.data.dataset import DataError

MD5 = {
    "ml-1m": "c4d9eecfca2ab87c1945afe126590906",
    "ml-100k": "0e33842e24a9c977be4e0107933c0723",
}
BASE = "https://files.grouplens.org/datasets/movielens"
MAX_BYTES = 50_000_000
_BLOCK = 1 << 16


def fetch_zip(
    name: str,
    folder: Path,
    *,
    base: str = BASE,
    on_bytes: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Download ``<base>/<name>.zip`` into a folder; the file appears there only whole and checked.

    Args:
        name: ``ml-1m`` or ``ml-100k``.
        folder: made where missing. A zip already there with the right MD5 is kept as it is.
        base: where the zips lie.
        on_bytes: called with bytes so far and bytes in total (0 where the server does not say).

    Raises:
        DataError: unknown name, no answer, or the wrong content.
    """
    if name not in MD5:
        raise DataError(f"{name!r} cannot be fetched; use {' or '.join(MD5)}")
    target = folder / f"{name}.zip"
    if target.exists() and hashlib.md5(target.read_bytes()).hexdigest() == MD5[name]:
        return target
    url = f"{base}/{name}.zip"
    folder.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=f".{name}-", dir=folder)
    digest, done = hashlib.md5(), 0
    try:
        with os.fdopen(handle, "wb") as file, urllib.request.urlopen(url, timeout=30) as answer:
            total = int(answer.headers.get("Content-Length") or 0)
            while block := answer.read(_BLOCK):
                done += len(block)
                if done > MAX_BYTES:
                    raise DataError(f"{url} is larger than {MAX_BYTES:,} bytes; it is not {name}")
                digest.update(block)
                file.write(block)
                on_bytes(done, total)
        if digest.hexdigest() != MD5[name]:
            raise DataError(
                f"{url} arrived with MD5 {digest.hexdigest()}, published is {MD5[name]}; try again, "
                "or download it in a browser"
            )
        os.replace(draft, target)
    except OSError as error:
        raise DataError(f"{url} could not be fetched: {error}; check the connection") from error
    finally:
        Path(draft).unlink(missing_ok=True)
    return target
