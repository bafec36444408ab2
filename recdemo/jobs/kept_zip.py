"""Kept models as zip files: passed on, and taken in from whoever made them.

A zip from outside is material to judge. It holds exactly the files of `_LIMITS`, none larger than it says there;
nothing is unpacked by name, and nothing is unpickled. It is written down only after the model was built from it, within
bounds, and has answered the most that it can be asked (`recdemo.jobs.trial`).
"""

from __future__ import annotations

import io
import math
import shutil
import stat
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from recdemo import checkpoints
from recdemo.checkpoints import CARD, CATALOGUE, WEIGHTS, CheckpointCard
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.core.places import shipped
from recdemo.core.report import Report
from recdemo.jobs import kept
from recdemo.jobs.control import allowed
from recdemo.jobs.kept import CARD_FILE, Kept, KeptCard
from recdemo.jobs.owner import HOST, Visitor
from recdemo.jobs.trial import check_costs
from recdemo.models.cards.card import check_arguments
from recdemo.training.observer import Epoch

NOTICE = "NOTICE.txt"
# What a zip holds, and how many bytes of each at most.
_LIMITS = {
    CARD_FILE: 10_000,
    CATALOGUE: 5_000_000,
    CARD: checkpoints.MAX_CARD_BYTES,
    WEIGHTS: 50_000_000,
    NOTICE: 100_000,
}
MAX_BYTES = 60_000_000  # of the zip
MAX_RATIO = 200  # of unpacked to packed bytes
MAX_TENSORS = 1000
TRIAL = "recdemo-trial-"  # begins the names of folders that hold a model on trial
TRIAL_SECONDS = 600  # longer than any trial
_REFUSED = "this is not a model saved by recdemo"
_EPOCHS = TypeAdapter(list[Epoch])
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # a zip of the same model is the same, byte by byte


def export(slug: str, by: Visitor = HOST) -> bytes:
    """A kept model as a zip.

    Raises:
        RequestError: there is none that they may look at.
        CheckpointError: it is damaged.
    """
    found = kept.find_kept(slug, by)
    assert found.card is not None
    content = {
        CARD_FILE: (found.base / CARD_FILE).read_bytes(),
        NOTICE: _notice(found.card).encode(),
    }
    content |= {
        name: path.read_bytes() for name, path in kept.files_of(found.base, found.card).items()
    }
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for name in _LIMITS:
            info = zipfile.ZipInfo(name, _EARLIEST)
            info.external_attr = 0o644 << 16
            archive.writestr(info, content[name])
    return raw.getvalue()


def bring_in(raw: bytes, name: str | None = None, by: Visitor = HOST) -> Kept:
    """Keep a model from a zip.

    Args:
        raw: the zip.
        name: to keep it under; None for the name it has.
        by: whose it is.

    Raises:
        RequestError: it is not such a zip, the name cannot be used or is taken, or training is switched off here.
        CheckpointError: what it holds is damaged, or of a model that this version has not.
    """
    if allowed() == "off":
        raise RequestError("models cannot be brought in where training is switched off")
    content = _unpacked(raw)
    card = kept.read_card(content[CARD_FILE])
    for file in (CATALOGUE, CARD, WEIGHTS):
        if kept.digest_of(content[file]) != card.files.get(file):
            raise CheckpointError(
                f"{_REFUSED}: {file} is not the file that {CARD_FILE} was written for"
            )
    name = card.name if name is None else name
    kept.slug_of(name)
    _clear_trials()
    try:
        with tempfile.TemporaryDirectory(prefix=TRIAL) as folder:
            for file, path in kept.files_of(Path(folder), card).items():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content[file])
            inside = _check(Path(folder), card)
    except OSError as error:
        raise RequestError(f"{name!r} cannot be tried out: {error.strerror}") from error
    true = {
        "name": name,
        "run": "",
        "date": inside.date[:40],
        "data": inside.data.title[:200],
        "simulated": inside.data.simulated,
    }
    return kept.add(card.model_copy(update=true), content, by)


def _clear_trials() -> None:
    """Remove what processes that were killed have left of models on trial."""
    for path in Path(tempfile.gettempdir()).glob(f"{TRIAL}*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > TRIAL_SECONDS:
                shutil.rmtree(path, ignore_errors=True)


def _unpacked(raw: bytes) -> dict[str, bytes]:
    if len(raw) > MAX_BYTES:
        raise RequestError(
            f"{_REFUSED}: it has {len(raw):,} bytes, more than the limit of {MAX_BYTES:,}"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            entries = archive.infolist()
            names = sorted(entry.filename for entry in entries)
            if names != sorted(_LIMITS):
                odd = next((n for n in names if n not in _LIMITS or names.count(n) > 1), None)
                problem = f"{odd[:80]!r} does not belong in it" if odd else "a file is missing"
                raise RequestError(f"{_REFUSED}: {problem}")
            return {entry.filename: _member(archive, entry) for entry in entries}
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,  # a way of packing that Python does not know
        OSError,
        RuntimeError,  # encrypted
        ValueError,
    ) as error:
        if isinstance(error, RequestError):
            raise
        raise RequestError(f"{_REFUSED}: it is damaged ({str(error)[:200]})") from None


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    mode, limit = entry.external_attr >> 16, _LIMITS[entry.filename]
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise RequestError(f"{_REFUSED}: {entry.filename} is not a plain file")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise RequestError(f"{_REFUSED}: {entry.filename} is packed in an unusual way")
    if entry.file_size > min(limit, MAX_RATIO * max(entry.compress_size, 1)):
        raise RequestError(f"{_REFUSED}: {entry.filename} unpacks to {entry.file_size:,} bytes")
    with archive.open(entry) as file:
        content = file.read(limit + 1)
    if len(content) != entry.file_size:
        raise RequestError(f"{_REFUSED}: {entry.filename} is not as long as it says")
    return content


def _check(base: Path, stated: KeptCard) -> CheckpointCard:
    """Build the model and let it answer.

    Raises:
        CheckpointError: something about it does not fit.
    """
    from safetensors import SafetensorError, safe_open

    folder = checkpoints.folder_of(stated.model, stated.objective, base)
    card = checkpoints.read_card(folder)
    try:
        _EPOCHS.validate_python(card.epochs)
        if card.report is not None:
            Report.model_validate(card.report)
        with safe_open(folder / WEIGHTS, framework="pt") as file:
            shapes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118
    except (ValidationError, SafetensorError) as error:
        raise CheckpointError(
            f"{CARD} or {WEIGHTS} is damaged: {str(error).splitlines()[0]}"
        ) from None
    if len(shapes) > MAX_TENSORS:
        raise CheckpointError(
            f"{WEIGHTS} holds {len(shapes):,} tensors, more than the limit of {MAX_TENSORS}"
        )
    figures = [value for _, part in card.metrics for value in part.values()]
    if not all(map(math.isfinite, figures)):
        raise CheckpointError(f"{CARD} has a figure that is not a number")
    try:
        check_arguments(card.arguments)
    except ValueError as error:
        raise CheckpointError(f"{CARD} asks for a model that is out of bounds: {error}") from None
    try:
        with _bounded(shapes):
            loaded = checkpoints.load(stated.model, stated.objective, base)
        answered = check_costs(loaded)
        sound = all(bool(value.isfinite().all()) for value in loaded.model.state_dict().values())
    except CheckpointError:
        raise
    except Exception as error:  # a model's code meets arguments from anywhere
        first = (str(error).splitlines() or [""])[0]
        raise CheckpointError(
            f"the {stated.model} in it does not answer ({first[:200]})"
        ) from error
    if not (answered and sound):
        raise CheckpointError(
            f"the {stated.model} in it answers with values that are not numbers; train it again"
        )
    return card


@contextmanager
def _bounded(shapes: Sequence[Sequence[int]]) -> Iterator[None]:
    """A model built in here may not become much larger than these, those of its weights, whatever its arguments say."""
    import torch
    from torch.overrides import TorchFunctionMode

    class Bounded(TorchFunctionMode):
        tensors = 2000 + 20 * len(shapes)
        numbers = 5_000_000 + 4 * sum(map(math.prod, shapes))

        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            given = kwargs or {}
            if func in (torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn):
                self.tensors -= 1
                self.numbers -= func(*args, **given | {"device": "meta"}).numel()
                if min(self.tensors, self.numbers) < 0:
                    raise CheckpointError(f"{CARD} asks for a model much larger than its weights")
            return func(*args, **given)

    with Bounded():
        yield


def _notice(card: KeptCard) -> str:
    made = "made-up (simulated) ratings" if card.simulated else card.data
    project = shipped("NOTICE")
    terms = project.read_text(encoding="utf-8") if project.is_file() else ""
    return (
        f"{card.name}: a {card.model} for {card.objective!r}, trained with recdemo on {made}, {card.date}.\n"
        "It holds a model's weights and the list of films it knows. It holds no ratings.\n\n"
        f"{terms}"
    )
