"""How training time and memory grow with the data, with all ratings in memory and streamed from parts.

    python benchmarks/growth.py [--sizes N ...] [--ways WAY ...] [--model M] [--objective O] [--seconds S] [--folder FOLDER]

Simulated ratings over the shipped catalogue; what is not in FOLDER yet is made first, which takes minutes for 20
million. Then each size is trained on in a process of its own, on one thread, with the same model and settings: all
in memory, streamed, and in memory by two processes that torchrun starts. A run ends after S seconds, two processes
after 300,000 rows, or all after one epoch where that is sooner; "≈" marks a whole epoch worked out from the
steps until then, without validation. Samples per second of the (first) process's own processor time do not depend on
what else the machine does. Memory is that of the (first) process: at its peak, reading included, and while training. Below
the table stands how both grow from the smallest size to the largest: as which power of the ratings. A model that is solved in one go has
no steps: its epoch is the whole solution. Needs Linux (memory is read from /proc).
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

SIZES = (100_000, 1_000_000, 20_000_000)
PART = 500_000  # ratings of a part, at most; there are four at least
PER_USER = 72.5  # ratings that a simulated user has on average
WAYS = ("in memory", "streamed", "2 processes")
TOGETHER = 300_000  # rows of an epoch that two processes read, at most
RESULT = "result: "


def make(ratings: int, folder: Path) -> Path:
    """A simulated data set of about so many ratings, in parts; made if it is not there."""
    from recdemo import checkpoints
    from recdemo.data import Dataset, save_parts, simulate
    from recdemo.data.catalogue import read_catalogue

    path = folder / f"simulated-{ratings}"
    if path.exists():
        return path
    count = max(4, math.ceil(ratings / PART))
    users = round(ratings / PER_USER / count)
    catalogue = read_catalogue(checkpoints.root() / checkpoints.CATALOGUE)

    def parts() -> Iterator[Dataset]:
        for place in range(count):
            first = 1 + place * users
            yield simulate(catalogue, users=users, seed=place, films_seed=0, first_user=first)

    began = time.perf_counter()
    save_parts(parts(), path)
    size = sum(file.stat().st_size for file in path.rglob("*.parquet")) / 1e6
    print(f"made {path.name}: {count} parts, {size:.0f} MB, {time.perf_counter() - began:.0f} s")
    return path


def resident_mb() -> float:
    """Memory of this process now, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status has no VmRSS")


class TimeIsUpError(Exception):
    """A run has trained for long enough."""


def run(path: Path, way: str, model: str, objective: str, seconds: float) -> dict[str, float]:
    """Train for one epoch, or so many seconds, and say what it took."""
    import pandas as pd
    import torch

    from recdemo import checkpoints
    from recdemo.data import Dataset, open_parts, split_ratings
    from recdemo.data.catalogue import read_catalogue
    from recdemo.encoding.ratings import Ratings
    from recdemo.encoding.schema import Schema
    from recdemo.training.distributed import ranks_here
    from recdemo.training.feed import InMemory, Sharded, Source
    from recdemo.training.loop import fit
    from recdemo.training.observer import Observer, Step
    from recdemo.training.pipeline import build
    from recdemo.training.settings import settings_for

    torch.set_num_threads(1)
    schema = Schema(read_catalogue(checkpoints.root() / checkpoints.CATALOGUE))
    fresh = resident_mb()
    began = time.perf_counter()
    parted = open_parts(path)
    source: Source = Sharded(parted, schema, "order")
    began = began if way == "streamed" else time.perf_counter()
    if way != "streamed":
        frames = [parted[place].ratings for place in range(len(parted))]
        first = parted[0]
        ratings = pd.concat(frames, ignore_index=True)
        whole: Dataset = replace(first, users=parted.users, ratings=ratings)
        del frames, first
        source = InMemory(Ratings(whole, schema), torch.from_numpy(split_ratings(ratings, "order")))
        del whole, ratings
    times: list[float] = []
    busy: list[float] = []
    last: list[Step] = []
    memory = [0.0]

    class Clock(Observer):
        def on_step(self, step: Step) -> None:
            times.append(time.perf_counter())
            busy.append(time.process_time())
            last[:] = [step]
            if step.step % 20 == 1:
                memory[0] = max(memory[0], resident_mb())
            # Several processes all stop after the same step; no clock would make them.
            late = ranks.alone and times[-1] - times[0] > seconds
            if late or step.step == step.steps:
                raise TimeIsUpError

    ranks = ranks_here()
    settings = replace(settings_for(model, objective), epochs=1)
    if not ranks.alone:
        train = 0.8 * sum(parted.ratings_of)
        settings = replace(settings, share=min(1.0, TOGETHER / train))
    with ranks.together():
        torch.manual_seed(0)
        network, _ = build(model, objective, parted, schema, {})
        started, worked = time.perf_counter(), time.process_time()
        with suppress(TimeIsUpError):
            fit(network, source, objective, settings, ranks=ranks, observer=Clock())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {"first": ranks.first, "ratings": sum(parted.ratings_of), "fresh": fresh, "peak": peak}
    if not times:
        train, whole = 0.8 * found["ratings"], time.perf_counter() - started
        return found | {
            "reading": started - began,
            "whole": True,
            "epoch": whole,
            "speed": train / whole,
            "busy": train / (time.process_time() - worked),
            "training": resident_mb(),
        }
    per_step = (times[-1] - times[0]) / (len(times) - 1)
    busy_per_step = (busy[-1] - busy[0]) / (len(busy) - 1)
    (step,) = last
    return found | {
        "reading": times[0] - began,
        "whole": step.step == step.steps and settings.share == 1.0,
        "epoch": per_step * step.steps / settings.share,
        "speed": step.samples / step.step / per_step,
        "busy": step.samples / step.step / busy_per_step,
        "training": memory[0],
    }


def measure(path: Path, way: str, arguments: list[str]) -> dict[str, float]:
    """What a process of its own says of itself."""
    start = [sys.executable]
    if way == "2 processes":
        start += ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*start, __file__, "--only", way, str(path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    lines = done.stdout.splitlines()
    result = next(line for line in lines if line.startswith(RESULT))
    found: dict[str, float] = json.loads(result.removeprefix(RESULT))
    return found


def powers(sizes: list[dict[str, float]]) -> tuple[float, float]:
    """As which power of the ratings grow the processor's seconds for all of them, and the memory beyond that of reading nothing."""
    first, last = sizes[0], sizes[-1]
    growth = math.log(last["ratings"] / first["ratings"])
    seconds, memory = (
        [of(one) for one in (first, last)]
        for of in (lambda x: x["ratings"] / x["busy"], lambda x: x["peak"] - x["fresh"])
    )
    return math.log(seconds[1] / seconds[0]) / growth, math.log(memory[1] / memory[0]) / growth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--model", default="fm")
    parser.add_argument("--objective", default="like")
    parser.add_argument("--seconds", type=float, default=40)
    default = Path(tempfile.gettempdir()) / "recdemo-growth"
    parser.add_argument("--folder", type=Path, default=default)
    parser.add_argument("--only", nargs=2, metavar=("WAY", "PATH"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        way, path = given.only
        found = run(Path(path), way, given.model, given.objective, given.seconds)
        if found["first"]:
            print(RESULT + json.dumps(found), flush=True)
        return
    arguments = ["--model", given.model, "--objective", given.objective]
    arguments += ["--seconds", str(given.seconds)]
    print(f"{given.model}, {given.objective}, one thread for each process", flush=True)
    rows = []
    for size in given.sizes:
        path = make(size, given.folder)
        rows += [(way, measure(path, way, arguments)) for way in given.ways]
    print(
        "| ratings | how | s to the first step | s per epoch | samples/s | per s of processor | MB training | MB peak |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for way, one in rows:
        epoch = f"{'' if one['whole'] else '≈ '}{one['epoch']:.0f}"
        cells = [f"{one['ratings']:,}", way, f"{one['reading']:.1f}", epoch, f"{one['speed']:,.0f}"]
        cells += [f"{one['busy']:,.0f}", f"{one['training']:.0f}", f"{one['peak']:.0f}"]
        print(f"| {' | '.join(cells)} |")
    print(f"A process that has read nothing holds {rows[0][1]['fresh']:.0f} MB.")
    for way in given.ways if len(given.sizes) > 1 else ():
        time_power, memory_power = powers([one for name, one in rows if name == way])
        print(
            f"{way}: processor time grows as ratings^{time_power:.2f}, memory as ratings^{memory_power:.2f}"
        )


if __name__ == "__main__":
    main()
