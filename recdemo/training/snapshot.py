"""A fit kept on disk after each epoch, to go on from after a crash: one file, there as a whole or not at all.

Its first line is the SHA-256 of all that follows; then a line of JSON with the plain values, then safetensors with
the tensors. Nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from recdemo.core.errors import CheckpointError
from recdemo.core.files import write_whole
from recdemo.training.observer import Epoch

FORMAT = 1
_DIGEST = 64  # letters of a SHA-256


@dataclass(frozen=True, slots=True)
class Fit:
    """A finished training run; the model holds the weights of its best epoch."""

    epochs: list[Epoch] = field(default_factory=list)
    best_epoch: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A fit after a whole epoch: all that the rest of it depends on, besides its arguments.

    Its tensors are those in use: whoever keeps a snapshot writes them out, or copies them, at once.
    """

    stage: int  # which of `_stages` is being trained
    earlier: int  # epochs of the stages before it
    model: dict[str, Tensor]
    best: dict[str, Tensor]  # of the stage, after its best epoch
    optimizer: dict[str, Any]
    schedule: dict[str, Any]
    random: Tensor  # state of the generator
    fit: Fit  # so far


@dataclass(frozen=True, slots=True)
class StateFile:
    """The file that keeps a fit.

    Args:
        path: the file.
        identity: of the fit: the same data, model and settings have the same, see `identity_of`.
    """

    path: Path
    identity: str

    def write(self, snapshot: Snapshot) -> None:
        """Keep a snapshot in place of the one before."""
        fit = snapshot.fit
        plain = {
            "format": FORMAT,
            "identity": self.identity,
            "stage": snapshot.stage,
            "earlier": snapshot.earlier,
            "schedule": snapshot.schedule,
            "param_groups": snapshot.optimizer["param_groups"],
            "epochs": [asdict(epoch) for epoch in fit.epochs],
            "best_epoch": fit.best_epoch,
            "seconds": fit.seconds,
        }
        tensors = {"random": snapshot.random}
        tensors |= {f"model/{name}": value for name, value in snapshot.model.items()}
        tensors |= {f"best/{name}": value for name, value in snapshot.best.items()}
        for index, slots in snapshot.optimizer["state"].items():
            tensors |= {f"optimizer/{index}/{k}": v for k, v in slots.items() if v is not None}
        own = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
        content = json.dumps(plain).encode() + b"\n" + save(own)
        digest = hashlib.sha256(content).hexdigest().encode()
        write_whole(self.path, digest + b"\n" + content, sync=True)

    def read(self) -> Snapshot | None:
        """The snapshot in it; None where there is no file.

        Raises:
            CheckpointError: it is damaged, or of another fit.
        """
        path = self.path
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read ({error.strerror})") from error
        content = raw[_DIGEST + 1 :]
        if raw[: _DIGEST + 1] != hashlib.sha256(content).hexdigest().encode() + b"\n":
            raise CheckpointError(f"{path} is damaged: it is not what was written")
        line, _, packed = content.partition(b"\n")
        plain = json.loads(line)
        if (plain["format"], plain["identity"]) != (FORMAT, self.identity):
            raise CheckpointError(f"{path} is of a fit on other data, or by another version")
        parts: dict[str, dict[str, Tensor]] = {
            "random": {},
            "model": {},
            "best": {},
            "optimizer": {},
        }
        for name, value in load(packed).items():
            kind, _, rest = name.partition("/")
            parts[kind][rest] = value
        return Snapshot(
            stage=plain["stage"],
            earlier=plain["earlier"],
            model=parts["model"],
            best=parts["best"],
            optimizer={
                "state": _by_index(parts["optimizer"]),
                "param_groups": plain["param_groups"],
            },
            schedule=plain["schedule"],
            random=parts["random"][""],
            fit=Fit(
                [Epoch(**epoch) for epoch in plain["epochs"]], plain["best_epoch"], plain["seconds"]
            ),
        )


def identity_of(*values: Any, tensors: Sequence[Tensor]) -> str:
    """A digest of what makes a fit what it is: `values`, as JSON, and the ratings and people it learns from."""
    plain = json.dumps([torch.__version__, *values], sort_keys=True, default=str)
    digest = hashlib.sha256(plain.encode())
    for tensor in tensors:
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _by_index(flat: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    found: dict[int, dict[str, Tensor]] = {}
    for name, value in flat.items():
        index, _, slot = name.partition("/")
        found.setdefault(int(index), {})[slot] = value
    return found
