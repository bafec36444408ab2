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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pyarrow as pa
from rich.console import Console
from rich.table import Table
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

import recdemo
from benchmarks.boxes import told
from benchmarks.browser import App, running_app
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
PATIENCE = 60.0  # seconds to wait for an answer
MEGABYTE = 1024


class LoadError(Exception):
    """A visitor was not answered, or not with what is theirs."""


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


class Client:
    """One browser's side of a session: it sends clicks, and keeps what a page needs of what comes back."""

    def __init__(self, socket: ClientConnection, page: str) -> None:
        self._socket, self._page = socket, page
        self._messages: dict[str, ForwardMsg] = {}  # those the server may refer to again
        self._query, self._script = "", ""  # the script is known by what the server calls it
        self._choices: dict[str, list[str]] = {}  # what is chosen in rows of buttons, by id
        self.widgets: dict[
            str, str
        ] = {}  # ids, each of which ends in the widget's key, and fragments
        self.titles: tuple[str, ...] = ()

    @property
    def link(self) -> dict[str, str]:
        return dict(parse_qsl(self._query))

    async def open(self, link: Mapping[str, str]) -> None:
        """The first run of the page."""
        self._query = urlencode(link)
        await self._run(BackMsg())

    async def click(self, key: str, film: int | None) -> None:
        """Choose a film in a widget, or press it, and wait until the page has run."""
        matching = [id for id in self.widgets if id.endswith(f"-{key}")]
        if len(matching) != 1:
            raise LoadError(f"the page has {len(matching)} widgets {key!r}")
        message = BackMsg()
        states = message.rerun_script.widget_states.widgets
        for id, chosen in self._choices.items():
            states.add(id=id).string_array_value.data.extend(chosen)
        if film is None:
            states.add(id=matching[0], trigger_value=True)
        else:
            states.append(told(matching[0], film))
        message.rerun_script.fragment_id = self.widgets[matching[0]]
        await self._run(message)

    async def _run(self, message: BackMsg) -> None:
        message.rerun_script.query_string = self._query
        if self._script:
            message.rerun_script.page_script_hash = self._script
        else:
            message.rerun_script.page_name = self._page
        message.rerun_script.context_info.url = f"http://localhost/{self._page}"
        self.titles = ()
        self.widgets, self._choices = {}, {}
        await self._socket.send(message.SerializeToString())
        async with asyncio.timeout(PATIENCE):
            while not self._take(ForwardMsg.FromString(await self._socket.recv())):
                pass

    def _take(self, message: ForwardMsg) -> bool:
        """Read a message; whether it is the last one of a run."""
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            message = self._messages[message.ref_hash]
            kind = message.WhichOneof("type")
        elif message.hash:
            self._messages[message.hash] = message
        if kind == "script_finished":
            if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                raise LoadError("the page does not compile")
            return message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
        if kind == "navigation":
            self._script = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.HasField("new_element"):
            self._look(message.delta.new_element, message.delta.fragment_id)
        return False

    def _look(self, element: Element, fragment: str) -> None:
        kind = element.WhichOneof("type")
        inside = getattr(element, kind)
        if kind == "exception":
            raise LoadError(f"the page shows an error: {inside.type} {inside.message}")
        if kind == "alert" and inside.format == 1:
            raise LoadError(f"the page says: {inside.body}")
        if getattr(inside, "id", ""):
            self.widgets[inside.id] = fragment
        if kind == "button_group":
            texts = [option.content for option in inside.options]
            chosen = inside.raw_values if inside.set_value else [texts[i] for i in inside.default]
            self._choices[inside.id] = list(chosen)
        if kind == "dataframe" and not self.titles:
            table = pa.ipc.open_stream(inside.arrow_data.data).read_all()
            self.titles = tuple(table.column("title").to_pylist())


async def visit(visitor: Visitor, url: str, until: float, pause: float, seed: int) -> None:
    """Click from step to step, begin anew at the last, and note every answer that is wrong."""
    rng = random.Random(seed)
    address = f"{url.replace('http', 'ws')}/_stcore/stream"
    while time.monotonic() < until:
        try:
            async with connect(address, max_size=None, subprotocols=["streamlit"]) as socket:  # type: ignore[list-item]
                client = Client(socket, "recommend")
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
