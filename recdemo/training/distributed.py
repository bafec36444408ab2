"""Several processes that train one model together, as torchrun starts them, on one machine or on several.

Every rank holds the whole model and computes the loss of its share of each batch; PyTorch's DistributedDataParallel
averages the gradients, so that all take the same step. What only one should do, as validating and saving, the first
rank does, and tells the others what came of it. Without torchrun there is one rank, and nothing of this happens.

Nothing here imports torch before it is needed: a run that waits for its turn is a small process.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from recdemo.core.errors import RequestError

if TYPE_CHECKING:
    from torch import Generator, Tensor, nn

LAUNCHED = "TORCHELASTIC_RUN_ID"  # torchrun sets it for the processes that it starts
# That ranks wait for the first, which validates and measures.
PATIENCE = datetime.timedelta(hours=2)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ranks:
    """Which of how many processes this is."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the one that validates, prints and saves."""
        return self.rank == 0

    @property
    def alone(self) -> bool:
        return self.size == 1

    def command(self, alone: str) -> str:
        """What a person types for as many processes, from what they type for one."""
        start = f"torchrun --nproc-per-node {self.size}"
        return alone if self.alone else alone.replace("python", start, 1)

    @contextmanager
    def together(self) -> Iterator[None]:
        """While inside, the ranks can talk: by gloo on processors, by nccl where each has a GPU of its own.

        With a GPU, all tensors that are made inside without saying where are made on it.
        """
        import torch
        from torch import distributed

        if launched() and torch.cuda.is_available():
            device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
            torch.cuda.set_device(device)
            torch.set_default_device(device)
        if self.alone:
            yield
            return
        backend = "nccl" if torch.cuda.is_available() else "gloo"
        distributed.init_process_group(backend, timeout=PATIENCE)
        try:
            yield
        finally:
            distributed.destroy_process_group()

    def share(self, rows: Tensor) -> Tensor:
        """This rank's share of the rows of a batch; the shares differ by one row at most."""
        return rows if self.alone else rows.tensor_split(self.size)[self.rank]

    def seed(self, seed: int) -> Generator | None:
        """Seed what each rank draws by itself, as dropout and negatives; what all must draw alike, as the order of
        the rows, is drawn from the generator that comes back. One rank draws all from one."""
        import torch

        torch.manual_seed(seed if self.alone else seed * self.size + self.rank)
        return None if self.alone else torch.Generator("cpu").manual_seed(seed)

    def wrap_ddp(self, module: nn.Module) -> nn.Module:
        """The module with the first rank's weights, its gradients averaged over the ranks.

        Only calls of the module itself are averaged, not of its methods.
        """
        if self.alone:
            return module
        from torch.nn.parallel import DistributedDataParallel

        # Every rank normalises by its own share of a batch; `sync_batchnorm` brings the statistics together.
        return DistributedDataParallel(
            module, forward_sync_buffers=False, gradient_as_bucket_view=True
        )

    def sync_batchnorm(self, module: nn.Module) -> None:
        """Average the running statistics of batch normalisation, all that steps move besides the weights."""
        if self.alone:
            return
        from torch.nn.modules.batchnorm import _BatchNorm

        for part in module.modules():
            if isinstance(part, _BatchNorm):
                for statistics in (part.running_mean, part.running_var):
                    if statistics is not None:
                        statistics.copy_(self.all_reduce(statistics) / self.size)

    def all_reduce(self, value: Tensor) -> Tensor:
        """The sum of a value over all ranks."""
        if self.alone:
            return value
        from torch import distributed

        value = value.clone()
        distributed.all_reduce(value)
        return value

    def on_main(self, work: Callable[[], T]) -> T:
        """What `work` gives, done by the first rank only; all get it."""
        if self.alone:
            return work()
        from torch import distributed

        told = [work() if self.first else None]
        distributed.broadcast_object_list(told)
        found: T = told[0]  # type: ignore[assignment]
        return found


ALONE = Ranks()


def launched() -> bool:
    """Whether torchrun has started this process."""
    return LAUNCHED in os.environ


def ranks_here() -> Ranks:
    """Which of torchrun's processes this is; alone without torchrun."""
    if not launched():
        return ALONE
    return Ranks(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))


def check_shares(rows: int, ranks: Ranks) -> None:
    """A batch must have two rows for every rank: one alone has no variance.

    Raises:
        RequestError: it has not.
    """
    if not ranks.alone and rows < 2 * ranks.size:
        raise RequestError(
            f"batches of {rows} rows are too small for {ranks.size} processes; ask for a larger batch size, or for "
            "fewer processes"
        )
