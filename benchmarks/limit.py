"""How much of the machine a training step and an answer use, and where the rest of their time goes.

    python benchmarks/limit.py [--models fm din …] [--objective next] [--repeats N] [--threads 1]

First the machine's own limits: matrix products (at a size that fills it, and at the sizes in use), copies of blocks that
lie in its caches and of blocks that do not, gathered rows, and what calling an operation costs that has next to nothing to do.

Then each model, a step of training on MovieLens-1M as its card has it (forward, backward, optimizer) and an answer about all
films for a visitor of 50. What it has to do is counted from the shapes of every operation that torch is asked for:

- products: floating point operations of matrix products, at the machine's best rate;
- bytes: what operations read and write, at the rate at which a block of that size is copied;
- calls: how many operations there are, at what a small one costs.

Their sum is how long the machine needs where nothing is waited for; its share of the time taken is the table's last column but
one. It is an estimate: a result that still lies in a cache is read faster than a copy of its size, so a share may come out
above 100%. The last column names the operations that most of the time went to, by torch's profiler. Needs MovieLens-1M, see the README.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.autograd.profiler import profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

import recdemo
from recdemo import checkpoints
from recdemo.core.protocols import Solved
from recdemo.core.vocabulary import Objective
from recdemo.models import CARDS
from recdemo.training.distributed import ALONE
from recdemo.training.loop import Batches
from recdemo.training.losses import chances_of
from recdemo.training.opening import open_data, source_of
from recdemo.training.pipeline import build
from recdemo.training.settings import settings_for
from recdemo.training.stage import Stage

MB = 1 << 20
BLOCKS = (MB // 64, MB // 4, 4 * MB, 32 * MB, 256 * MB)  # copied; the last lies in no cache
PRODUCTS = ((1024, 1024, 1024), (1024, 128, 64), (32_768, 32, 36), (64, 64, 3707))  # m, k, n
FILMS = 50  # in the history of the visitor who is answered
# Operations that read, or write, of one argument no more than a row for each index.
GATHERS = {"index", "index_select", "gather", "embedding", "take", "index_put_", "index_add_"}


@dataclass(frozen=True)
class Machine:
    """What it does at best."""

    products: float  # floating point operations a second
    copies: dict[int, float]  # bytes a second, read and written, by the bytes of the block
    call: float  # seconds

    def moving(self, size: int) -> float:
        """Seconds that reading and writing so many bytes takes."""
        block = next((b for b in BLOCKS if b >= size), BLOCKS[-1])
        return size / self.copies[block]


@dataclass
class Work(TorchDispatchMode):
    """Counts what is asked of torch while it is active."""

    machine: Machine
    products: int = 0  # floating point operations
    bytes: int = 0
    moving: float = 0.0  # seconds
    calls: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        with self:  # what is made of others is counted by them
            made_of_others = func.decompose(*args, **kwargs)
        if made_of_others is not NotImplemented:
            return made_of_others
        found = func(*args, **kwargs)
        self.calls += 1
        if func.is_view:
            return found
        if counted := flop_registry.get(func.overloadpacket):
            self.products += counted(*args, **kwargs, out_val=found)
        size = _bytes_of(func, args, kwargs, found)
        self.bytes += size
        self.moving += self.machine.moving(size)
        return found

    @property
    def seconds(self) -> float:
        """That the machine needs for it."""
        return self.products / self.machine.products + self.moving + self.calls * self.machine.call


def _bytes_of(func: Any, args: Any, kwargs: Any, found: Any) -> int:
    """What an operation reads and writes. A tensor written in place is an argument and a result, so it counts twice."""
    given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
    made = [x for x in tree_leaves(found) if isinstance(x, Tensor)]
    if func.overloadpacket.__name__ in GATHERS:
        # The table counts for as many rows as are asked for: as much as the result, or what is put in.
        rows = min((given[0], made[0], *given[2:]), key=_size)
        return 2 * _size(rows) + sum(map(_size, given[1:]))
    return sum(map(_size, given)) + sum(map(_size, made))


def _size(tensor: Tensor) -> int:
    """Bytes that a tensor lies in; what is expanded counts once."""
    count = tensor.element_size()
    for length, stride in zip(tensor.shape, tensor.stride(), strict=True):
        count *= length if stride else min(length, 1)
    return count


@dataclass(frozen=True)
class Use:
    """What one thing that is done over and over takes, and needs."""

    seconds: float
    work: Work
    most: list[tuple[str, float]] = field(default_factory=list)  # operation, share of the time

    def row(self) -> list[str]:
        return [
            f"{1000 * self.seconds:.2f}",
            f"{self.work.products / 1e6:,.0f}",
            f"{self.work.bytes / 1e6:,.0f}",
            f"{self.work.calls:,}",
            f"{1000 * self.work.products / self.work.machine.products:.2f}",
            f"{1000 * self.work.moving:.2f}",
            f"{1000 * self.work.calls * self.work.machine.call:.2f}",
            f"{self.work.seconds / self.seconds:.0%}",
            ", ".join(f"{name} {share:.0%}" for name, share in self.most),
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--models",
        nargs="*",
        default=[key for key, card in CARDS.items() if "next" in card.objectives],
    )
    parser.add_argument("--objective", default="next")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", default="ml-1m")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    console = Console()
    machine = measure(console, chosen.repeats)
    for title, uses in (("A step of training", steps), ("An answer, 50 films watched", answers)):
        table = Table(
            *(
                "model",
                "ms",
                "Mflop",
                "MB",
                "calls",
                "products ms",
                "bytes ms",
                "calls ms",
                "of the limit",
                "most of it",
            ),
            title=f"{title}, {chosen.objective}, {chosen.threads} thread(s)",
            title_justify="left",
        )
        found = dict(uses(machine, chosen))
        for model, use in sorted(
            found.items(), key=lambda each: each[1].work.seconds / each[1].seconds
        ):
            table.add_row(model, *use.row())
        console.print(table)


def measure(console: Console, repeats: int) -> Machine:
    """The machine's limits, printed."""
    products = Table("matrix product", "GFLOP/s", title="The machine", title_justify="left")
    best = 0.0
    for m, k, n in PRODUCTS:
        a, b = torch.randn(m, k), torch.randn(k, n)
        rate = 2 * m * k * n / min(_taken(lambda a=a, b=b: a @ b, 3 * repeats))
        best = max(best, rate)
        products.add_row(f"{m:,} × {k:,} by {k:,} × {n:,}", f"{rate / 1e9:.1f}")
    console.print(products)
    copies, table = {}, Table("block", "copied, GB/s", "rows of 128 bytes gathered, GB/s")
    for block in BLOCKS:
        a = torch.zeros(block // 8)  # half of it is read, half is written
        b = torch.empty_like(a)
        copies[block] = block / min(_taken(lambda a=a, b=b: b.copy_(a), 3 * repeats))
        rows = a.view(-1, 32)
        index = torch.randint(len(rows), (len(rows),))
        gathered = block / min(_taken(lambda r=rows, i=index: r.index_select(0, i), 3 * repeats))
        table.add_row(f"{block / MB:g} MB", f"{copies[block] / 1e9:.1f}", f"{gathered / 1e9:.1f}")
    console.print(table)
    tiny = torch.zeros(8)
    call = min(_taken(lambda: tiny + tiny, 50 * repeats))
    console.print(f"An operation on 8 numbers: {1e6 * call:.1f} µs")
    return Machine(best, copies, call)


def steps(machine: Machine, chosen: argparse.Namespace) -> Iterator[tuple[str, Use]]:
    """Each model that is trained step by step, with what one of its steps takes."""
    objective: Objective = chosen.objective
    dataset, of_all = open_data(chosen.data, checkpoints.root())
    for model in chosen.models:
        settings = settings_for(model, objective)
        schema = of_all.of_length(settings.history_length)
        source = source_of(dataset, schema, "order")
        torch.manual_seed(settings.seed)
        network, _ = build(model, objective, dataset, schema, {})
        if isinstance(network, Solved):
            continue
        chances = chances_of(source, settings) if objective == "next" else None
        batches = Batches(source, network, objective, settings)
        stage = Stage(
            network, objective, settings, batches.steps, ALONE, chances=chances, earlier=0
        )
        network.train()
        drawn = cycle(list(islice(batches.drawn(stage.order), chosen.repeats + 2)))
        yield (
            model,
            use_of(lambda s=stage, d=drawn: s.learn_from(*next(d)), machine, chosen.repeats),
        )


def answers(machine: Machine, chosen: argparse.Namespace) -> Iterator[tuple[str, Use]]:
    """Each model as it is shipped, with what an answer about all films takes."""
    for model in chosen.models:
        recommender = recdemo.load(model, chosen.objective)
        ids = recommender.catalogue.sort_values("ratings")["movie_id"].tolist()[-FILMS:]
        session = recdemo.Session("F", 25, 12, [recdemo.Watched(movie, True) for movie in ids])
        yield model, use_of(lambda r=recommender, s=session: r.logits(s), machine, chosen.repeats)


def use_of(once: Callable[[], object], machine: Machine, repeats: int) -> Use:
    """What it takes, what it needs, and where the time goes."""
    seconds = statistics.median(_taken(once, repeats))
    with Work(machine) as work:
        once()
    with profile(use_kineto=False) as profiled:
        once()
    events = sorted(profiled.key_averages(), key=lambda event: -event.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in events)
    most = [
        (event.key.removeprefix("aten::"), event.self_cpu_time_total / total)
        for event in events[:3]
    ]
    return Use(seconds, work, most)


def _taken(once: Callable[[], object], repeats: int) -> list[float]:
    """Seconds of each call, after two that warm up."""
    taken = []
    for _ in range(repeats + 2):
        began = time.perf_counter()
        once()
        taken.append(time.perf_counter() - began)
    return taken[2:]


if __name__ == "__main__":
    main()
