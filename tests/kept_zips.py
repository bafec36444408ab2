"""Zips of kept models, as they are and forged."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from recdemo import checkpoints
from recdemo.jobs import kept, kept_zip, store
from recdemo.jobs.kept import CARD_FILE, KeptCard


def nothing_new(home: Path, tmp_path: Path) -> None:
    assert [path.name for path in (home / store.KEPT_FOLDER).iterdir()] == ["mine"]
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not list(tmp_path.glob("**/evil*"))


def zipped(content: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", method) as archive:
        for name, part in content.items():
            archive.writestr(name, part)
    return raw.getvalue()


def content_of(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sealed(content: dict[str, bytes], **changes: Any) -> bytes:
    """A zip in which every digest is right, whatever else is not."""
    values = {
        "name": "Evil",
        "date": "2026-01-01",
        "model": "fm",
        "objective": "like",
        "data": "Made",
        "simulated": False,
        "files": {name: kept.digest_of(raw) for name, raw in content.items()},
    }
    card = KeptCard(**values | changes).sealed()
    return zipped(content | {CARD_FILE: card.model_dump_json().encode(), kept_zip.NOTICE: b"x"})


def forged(packed: bytes, *, weights: bytes | None = None, **card: Any) -> bytes:
    """The zip with another card or other weights under the right digests."""
    content = {
        n: raw for n, raw in content_of(packed).items() if n not in (CARD_FILE, kept_zip.NOTICE)
    }
    if weights is not None:
        content[checkpoints.WEIGHTS] = weights
        card |= {"weights_sha256": kept.digest_of(weights)}
    values = json.loads(content[checkpoints.CARD]) | card
    content[checkpoints.CARD] = json.dumps(values).encode()
    return sealed(content)
