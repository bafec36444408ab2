"""Twenty visitors at once while a model trains: how long answers take, whether each is right, and what memory does.

    python benchmarks/load.py [--visitors 20] [--seconds 120] [--pause 5]

Each visitor is a session of its own over the app's websocket, in Streamlit's own messages, without a browser: the page
Recommend with a profile, a history and a model of theirs. They add films and take them away again, and think between
two clicks for `pause` seconds on average. Every list that comes back must be the one that the library gives for just
that visitor at just that moment, and the link must say that visit: an answer to somebody else is an error. Meanwhile
training runs on simulated data. Exits with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console
from rich.table import Table

import recdemo
from benchmarks.browser import App, running_app
from benchmarks.client import Client, LoadError, connected
from recdemo import checkpoints
from recdemo.answers.recommend import Recommender
from recdemo.core.session import Session, Watched
from recdemo.core.vocabulary import AGES, GENDERS, OCCUPATIONS
from recdemo.data.catalogue import read_catalogue
from recdemo.jobs import control, store
from recdemo.ui.visit import Visit, encode_visit

MODELS = ("din", "fm", "mf", "afm", "bst", "two_tower", "deepfm", "popularity")
TRAINED = {"model": "din", "objective": "next", "source": "simulated", "epochs": 500}
FILMS = 400  # the most rated, of which visitors choose
K = 10
MEDIAN = 1.0  # seconds that an answer may take
LEVEL = 1.15  # of the server's memory before, that it may hold afterwards
FORGOTTEN = (
    125.0  # seconds until the next visitor, who makes Streamlit let go of those who have left
)
SETTLE = 70.0  # seconds after that visitor, in which the server tidies up, and memory is measured
MEGABYTE = 1024


@dataclass(frozen=True, slots=True)
class Step:
    """A click, the visit that it leads to, and the titles that must then be listed."""

    key: str  # of the widget
    film: int | None  # chosen in it; None presses it
    visit: Visit
    titles: tuple[str, ...]


@dataclass(slots=True)
class Visitor:
    """A scripted visitor, and what came of them."""

    start: Step
    steps: list[Step]
    seconds: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def visitors(count: int, steps: int = 8) -> list[Visitor]:
    """Visitors who have no profile and history in common, and what each must see at every step."""
    films = read_catalogue(checkpoints.root() / checkpoints.CATALOGUE)
    known = films.nlargest(FILMS, "ratings")["movie_id"].tolist()
    asked = {key: recdemo.load(key) for key in MODELS}
    rng = random.Random(0)
    found = []
    for number in range(count):
        model = MODELS[number % len(MODELS)]
        history = [Watched(film, rng.random() < 0.7) for film in rng.sample(known, 8)]
        profile = list(GENDERS)[number % 2], list(AGES)[number % 7], list(OCCUPATIONS)[number % 21]
        visit = Visit(Session(*profile, history), model, asked[model].objective)
        start = _step("", None, visit, asked[model])
        path: list[Step] = []
        for _ in range(steps // 2):
            film = rng.choice([film for film in known if film not in visit.session.movie_ids])
            visit = visit.add(film, True)
            path.append(_step("side_add", film, visit, asked[model]))
            gone = visit.session.movie_ids[-2]
            visit = visit.remove(gone)
            path.append(_step(f"side_remove_{gone}", None, visit, asked[model]))
        found.append(Visitor(start, path))
    return found


def _step(key: str, film: int | None, visit: Visit, model: Recommender) -> Step:
    titles = model.recommend(visit.session, K)["title"]
    return Step(key, film, visit, tuple(titles))


async def visit(visitor: Visitor, url: str, until: float, pause: float, seed: int) -> None:
    """Click from step to step, begin anew at the last, and note every answer that is wrong."""
    rng = random.Random(seed)
    while time.monotonic() < until:
        try:
            async with connected(url, "recommend") as client:
                for step in [visitor.start, *visitor.steps]:
                    await asyncio.sleep(rng.uniform(0.3, 1.7) * pause)
                    if time.monotonic() > until:
                        return
                    began = time.perf_counter()
                    if step is visitor.start:
                        await client.open(encode_visit(step.visit))
                    else:
                        await client.click(step.key, step.film)
                    visitor.seconds.append(time.perf_counter() - began)
                    _check(client, step)
        except (LoadError, OSError, TimeoutError, ValueError) as error:
            visitor.problems.append(f"{type(error).__name__}: {error}")
            await asyncio.sleep(1)


def _check(client: Client, step: Step) -> None:
    if client.alerts:
        raise LoadError(f"the page says: {client.alerts[0]}")
    if client.link != encode_visit(step.visit):
        raise LoadError(f"the link says {client.link}, not {encode_visit(step.visit)}")
    if client.titles != step.titles:
        raise LoadError(f"listed are {client.titles[:3]}…, not {step.titles[:3]}…")


@dataclass(slots=True)
class Memory:
    """Memory of processes in MB, looked at twice a second."""

    server: int
    home: Path
    server_peak: float = 0.0
    trainer_peak: float = 0.0
    trained: int = 0  # runs seen

    def now(self) -> float:
        """Of the server."""
        return memory_of(self.server)

    async def watch(self) -> None:
        """Note peaks, and keep a run going."""
        current = ""
        while True:
            found = [run for run in store.all_runs() if not run.ended]
            if not found:
                current = control.start(control.ask(**TRAINED)).id  # type: ignore[arg-type]
                self.trained += 1
            for run in found:
                if run.status.pid and run.id == current:
                    self.trainer_peak = max(self.trainer_peak, memory_of(run.status.pid))
            self.server_peak = max(self.server_peak, self.now())
            await asyncio.sleep(0.5)


def memory_of(pid: int) -> float:
    """Megabytes that a process holds; none where it is gone.

    Pages that several processes share, as the libraries of server and trainer, are shared out among them: together they
    count once, as they do against the limit of a host.
    """
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / MEGABYTE for line in lines if line.startswith("Pss:")), 0.0)


def processor_seconds(pid: int) -> float:
    """Time that a process has worked, on all processors together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def private_runs() -> Iterator[Path]:
    """A folder of runs for this benchmark alone; what still trains at its end is cancelled."""
    with tempfile.TemporaryDirectory(prefix="recdemo-load-") as folder:
        os.environ[store.ROOT_VARIABLE] = folder
        try:
            yield Path(folder)
        finally:
            for run in store.all_runs():
                if not run.ended:
                    control.cancel(run.id)


async def load(app: App, crowd: list[Visitor], seconds: float, pause: float, home: Path) -> int:
    """Let the crowd in, and print what came of it; the exit status."""
    memory = Memory(app.process, home)
    first = {visitor.start.visit.model: visitor for visitor in crowd}
    for visitor in first.values():  # every model is loaded before anything is measured
        await visit(visitor, app.url, time.monotonic() + 3, 0.5, 0)
        visitor.seconds.clear()
    before, worked = memory.now(), processor_seconds(app.process)
    watch = asyncio.create_task(memory.watch())
    until = time.monotonic() + seconds
    await asyncio.gather(
        *(visit(one, app.url, until, pause, seed) for seed, one in enumerate(crowd))
    )
    watch.cancel()
    worked = processor_seconds(app.process) - worked
    times = [one for visitor in crowd for one in visitor.seconds]
    for run in store.all_runs():
        if not run.ended:
            control.cancel(run.id)
    await asyncio.sleep(FORGOTTEN)
    await visit(crowd[0], app.url, time.monotonic() + 3, 0.5, 0)
    await asyncio.sleep(SETTLE)
    after = memory.now()
    problems = [problem for visitor in crowd for problem in visitor.problems]
    if len(times) < 2:
        raise SystemExit(f"hardly an answer came back: {problems[:3]}")
    median, slow = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    console = Console()
    table = Table(title=f"{len(crowd)} visitors for {seconds:.0f} s, one run training")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in {
        "answers": f"{len(times):,}",
        "wrong answers and errors": f"{len(problems)}",
        "median answer": f"{median:.3f} s",
        "95th percentile": f"{slow:.3f} s",
        "longest": f"{max(times):.3f} s",
        "processor time of an answer": f"{worked / len(times):.3f} s",
        "server before": f"{before:.0f} MB",
        "server at its peak": f"{memory.server_peak:.0f} MB",
        "server afterwards": f"{after:.0f} MB",
        "trainer at its peak": f"{memory.trainer_peak:.0f} MB",
        "runs trained": f"{memory.trained}",
    }.items():
        table.add_row(name, value)
    console.print(table)
    for problem in problems[:10]:
        console.print(problem, style="red", markup=False)
    good = not problems and median < MEDIAN and after <= LEVEL * before and memory.trainer_peak > 0
    console.print("all bars are met" if good else "a bar is missed")
    return 0 if good else 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--pause", type=float, default=5, help="seconds between clicks, on average")
    chosen = parser.parse_args()
    crowd = visitors(chosen.visitors)
    with private_runs() as home, running_app() as app:
        sys.exit(asyncio.run(load(app, crowd, chosen.seconds, chosen.pause, home)))


if __name__ == "__main__":
    main()
