"""Zips made to do harm: pickles, paths upwards, bombs, forged cards and weights; each is refused for what it is."""

from __future__ import annotations

import io
import os
import pickle
import stat
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from kept_zips import content_of, forged, nothing_new, sealed, zipped
from safetensors.torch import load, save

from recdemo import checkpoints
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.jobs import kept_zip
from recdemo.jobs.kept import CARD_FILE


class Evil:
    """Would leave a file behind if it were unpickled."""

    def __reduce__(self) -> Any:
        return (os.system, ("touch evil-was-here",))


PICKLE = pickle.dumps(Evil())


def _entry(name: str, mode: int = 0) -> Callable[[bytes], bytes]:
    """One more file in the zip."""

    def made(packed: bytes) -> bytes:
        raw = io.BytesIO(packed)
        with zipfile.ZipFile(raw, "a") as archive:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, PICKLE)
        return raw.getvalue()

    return made


def _instead(
    name: str, part: bytes, *, method: int = zipfile.ZIP_STORED
) -> Callable[[bytes], bytes]:
    return lambda packed: zipped(content_of(packed) | {name: part}, method)


def _as_link(packed: bytes) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for name, part in content_of(packed).items():
            info = zipfile.ZipInfo(name)
            link = name == checkpoints.WEIGHTS
            info.external_attr = (stat.S_IFLNK | 0o777 if link else stat.S_IFREG | 0o644) << 16
            archive.writestr(info, part)
    return raw.getvalue()


def _without(name: str) -> Callable[[bytes], bytes]:
    return lambda packed: zipped({n: raw for n, raw in content_of(packed).items() if n != name})


def _lying(packed: bytes) -> bytes:
    """Its table says that the weights are short."""
    bomb = zipped(
        content_of(packed) | {checkpoints.WEIGHTS: bytes(30_000_000)}, zipfile.ZIP_DEFLATED
    )
    said = (30_000_000).to_bytes(4, "little")
    return bomb.replace(said, (40_000).to_bytes(4, "little"))


def _encrypted(packed: bytes) -> bytes:
    raw = bytearray(packed)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = -1
        while (place := raw.find(mark, place + 1)) >= 0:
            raw[place + offset] |= 1
    return bytes(raw)


def _weights(packed: bytes, **changes: torch.Tensor) -> bytes:
    return save(load(content_of(packed)[checkpoints.WEIGHTS]) | changes)


HARMFUL: dict[str, Callable[[bytes], bytes]] = {
    "no zip": lambda packed: b"hello",
    "nothing": lambda packed: b"",
    "an empty zip": lambda packed: zipped({}),
    "a path upwards": _entry("../evil.txt"),
    "a path from the root": _entry("/tmp/evil.txt"),
    "a path of Windows": _entry("C:\\evil.txt"),
    "a pickle": _entry("evil.pkl"),
    "a folder": _entry("fm/", stat.S_IFDIR | 0o755),
    "a file twice": _entry(checkpoints.WEIGHTS),
    "a link": _as_link,
    "no card": _without(checkpoints.CARD),
    "no notice": _without(kept_zip.NOTICE),
    "a bomb": _instead(checkpoints.WEIGHTS, bytes(49_000_000), method=zipfile.ZIP_DEFLATED),
    "too large a notice": _instead(kept_zip.NOTICE, bytes(200_000)),
    "a bomb that hides": _lying,
    "packed otherwise": _instead(kept_zip.NOTICE, b"x", method=zipfile.ZIP_LZMA),
    "encrypted": _encrypted,
    "other weights": _instead(checkpoints.WEIGHTS, PICKLE),
    "another catalogue": _instead(checkpoints.CATALOGUE, b"movie_id\n1\n"),
    "a catalogue with other counts": lambda packed: zipped(
        content_of(packed)
        | {
            checkpoints.CATALOGUE: content_of(packed)[checkpoints.CATALOGUE].replace(
                b",0\n", b",1\n"
            )
        }
    ),
    "no JSON": _instead(CARD_FILE, b"{"),
    "deep JSON": _instead(CARD_FILE, b"[" * 9_000),
    "a card of another kind": _instead(CARD_FILE, b'{"format": 1}'),
    "a pickle for weights": lambda packed: forged(packed, weights=PICKLE),
    "an empty file for weights": lambda packed: forged(packed, weights=b""),
    "weights cut short": lambda packed: forged(packed, weights=_weights(packed)[:-9]),
    "weights too many": lambda packed: forged(
        packed, weights=save({f"w{i}": torch.zeros(1) for i in range(1001)})
    ),
    "weights of another shape": lambda packed: forged(
        packed, weights=_weights(packed, **{"machine.bias": torch.zeros(7)})
    ),
    "weights that are no numbers": lambda packed: forged(
        packed, weights=_weights(packed, **{"machine.bias": torch.full((), float("nan"))})
    ),
    "a model nobody has": lambda packed: sealed(content_of(packed), model="nope"),
    "an objective it has not": lambda packed: sealed(content_of(packed), objective="rating"),
    "the card of another model": lambda packed: forged(packed, model="din"),
    "a name that is a path": lambda packed: sealed(content_of(packed), name="../evil"),
    "arguments it has not": lambda packed: forged(packed, arguments={"depth": 1}),
    "a model of a million": lambda packed: forged(packed, arguments={"embed_dim": 1_000_000}),
    "a model of a billion": lambda packed: forged(packed, arguments={"embed_dim": 10**9}),
    "arguments that are no numbers": lambda packed: forged(packed, arguments={"embed_dim": 1e999}),
    "arguments of another kind": lambda packed: forged(packed, arguments={"embed_dim": "x"}),
    "a report of something else": lambda packed: forged(packed, report={"slices": 3}),
    "epochs of something else": lambda packed: forged(packed, epochs=[{"epoch": "x"}]),
    "figures that are no numbers": lambda packed: forged(
        packed, metrics={"validation": {"auc": 1e999}, "test": {}}
    ),
    "another major version": lambda packed: forged(packed, versions={"torch": "1.0.0"}),
    "histories of a million": lambda packed: forged(packed, history_length=1_000_000),
    "another schema": lambda packed: forged(packed, schema_hash="0"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", list(HARMFUL))
def test_a_harmful_zip_is_refused_and_leaves_nothing(
    name: str, home: Path, packed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    raw = HARMFUL[name](packed)
    began = time.monotonic()
    with pytest.raises((RequestError, CheckpointError)) as refused:
        kept_zip.bring_in(raw)
    assert time.monotonic() - began < 5
    assert len(str(refused.value)) < 700
    nothing_new(home, tmp_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a bomb", "unpacks to 49,000,000 bytes"),
        ("too large a notice", "unpacks to 200,000 bytes"),
        ("a link", "is not a plain file"),
        ("packed otherwise", "unusual way"),
        ("a path upwards", "'../evil.txt' does not belong in it"),
        ("no card", "a file is missing"),
        ("other weights", "not the file that kept.json was written for"),
        ("a model of a million", "embed_dim is 1000000; it may be 1 to 512"),
        ("a model of a billion", "embed_dim is 1000000000; it may be 1 to 512"),
        ("weights that are no numbers", "not numbers; train it again"),
    ],
)
def test_a_harmful_zip_is_refused_for_what_it_is(
    name: str, words: str, home: Path, packed: bytes
) -> None:
    with pytest.raises((RequestError, CheckpointError), match=words):
        kept_zip.bring_in(HARMFUL[name](packed))
