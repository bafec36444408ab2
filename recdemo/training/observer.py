"""What a fit tells of on its way, and to whom. Nothing here imports torch: a page reads what was told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from recdemo.checkpoints import DataCard


@dataclass(frozen=True, slots=True)
class Step:
    """How far a fit is, within an epoch."""

    epoch: int  # its number
    epochs: int  # there are at most so many, those of a model's first stage included
    step: int
    steps: int  # of this epoch
    samples: int  # training rows read in this epoch so far
    losses: Tensor  # summed over these rows, of this rank alone; reading it waits for the device

    @property
    def loss(self) -> float:
        """Mean over these rows."""
        return float(self.losses) / self.samples


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one pass reached."""

    epoch: int
    loss: float
    metrics: dict[str, float]
    samples_per_second: float
    seconds: float

    def __str__(self) -> str:
        metrics = "  ".join(f"{name} {value:.4f}" for name, value in self.metrics.items())
        return (
            f"epoch {self.epoch}  loss {self.loss:.4f}  {metrics}  "
            f"{self.samples_per_second:,.0f} samples/s  {self.seconds:.0f} s"
        )


class Observer:
    """Whoever watches a fit: a subclass says what it does when something happens, and else nothing is done."""

    def on_read(self) -> None:
        """The ratings are about to be read."""

    def on_start(self, data: DataCard) -> None:
        """They are read, and training begins."""

    def on_step(self, step: Step) -> None:
        """A step was taken."""

    def on_epoch(self, epoch: Epoch) -> None:
        """A pass is over and validated; first told of those that an earlier process has made."""

    def on_measure(self) -> None:
        """Training is over; the test part is asked about."""

    def on_problem(self, problem: str) -> None:
        """What a person should know: that a fit starts from the beginning, or that nothing was learned."""


SILENT = Observer()
