"""What one visitor's request can cost a public server at most: requests are made up, and the twenty worst printed.

    python benchmarks/worst_requests.py [--requests 150] [--retrain simulated] [--seed 0]

Each comes over the app's websocket in a session of its own: a link to any page with any model, whose history is as long as a link
may hold and whose other values are drawn by lot; a session file; a model brought in, whole, damaged, or with a history length
and a width that its card made up; a file of thousands of rows. For each: seconds of the server's processor, and how far its
memory rose above what it held before (Linux only). Exits with 1 where a request took more than 5 s or 300 MB.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import random
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console
from rich.table import Table
from websockets.exceptions import WebSocketException

from benchmarks.browser import App, running_app
from benchmarks.client import NO_COOKIE, Client, LoadError, connected
from benchmarks.load import private_runs
from benchmarks.memory import made_zip
from benchmarks.soak import PAGES
from recdemo import checkpoints
from recdemo.core.session import MAX_SESSION_FILMS, Session, Watched
from recdemo.core.worlds import WORLDS, join_key
from recdemo.data.catalogue import read_catalogue
from recdemo.jobs.control import ALLOWED_VARIABLE
from recdemo.ui.saved import save_visit
from recdemo.ui.visit import SHOWN, Visit, encode_visit

SECONDS, MEGABYTES = 5.0, 300.0  # that no request may go beyond
WORST = 20
ODD = (
    "",
    "-1",
    "0",
    "3",
    "30",
    "1000",
    "9" * 300,
    "NaN",
    "\u202e",
    "x" * 300,
    "all",
    "1-2-3",
    "260",
    "5000",
)


@dataclass(frozen=True)
class Cost:
    """Of one request."""

    what: str
    seconds: float
    megabytes: float
    said: str


def made_up(
    rng: random.Random, films: dict[str, list[int]]
) -> tuple[str, str, dict[str, str], Visit]:
    """A page with a long history and odd values: what to call it, the page, the link and the visit."""
    world = rng.choice(list(WORLDS))
    model, objective = rng.choice(checkpoints.available(checkpoints.root(world)))
    count = rng.choice((1, 50, MAX_SESSION_FILMS))
    watched = [Watched(m, rng.choice((True, False, None))) for m in rng.sample(films[world], count)]
    session = Session(rng.choice("FM"), rng.choice((1, 25, 56)), rng.randrange(21), watched)
    visit = Visit(session=session, model=join_key(model, world), objective=objective)
    link, page = encode_visit(visit), rng.choice(PAGES)
    odd = rng.sample([*SHOWN, "t", "c", "ag", "wd", "i", "s"], rng.randrange(4))
    link |= {name: rng.choice(ODD) for name in odd}
    return f"{page or 'home'} {visit.model} {count} films {' '.join(odd)}", page, link, visit


def of_a_card(raw: bytes, rng: random.Random) -> tuple[str, bytes]:
    """A saved model whose card asks for more than it holds."""
    asked = {"embed_dim": rng.choice((64, 512, 4096)), "heads": rng.choice((2, 16, 64))}
    length, out = rng.choice((200, 1000, 10**6)), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as given, zipfile.ZipFile(out, "w") as made:
        for name in given.namelist():
            content = given.read(name)
            if name.endswith("card.json") and b'"arguments"' in content:
                card = json.loads(content)
                card["history_length"] = length
                card["arguments"] = {**card["arguments"], **asked}
                content = json.dumps(card).encode()
            made.writestr(name, content)
    return f"a model of length {length}, {asked}", out.getvalue()


async def ask(client: Client, rng: random.Random, films: dict[str, list[int]], raw: bytes) -> str:
    """One request; gives what it was."""
    kind = rng.choice(("link", "link", "link", "session", "model", "file"))
    what, page, link, visit = made_up(rng, films)
    if kind == "link":
        await client.open(link, page)
    elif kind == "session":
        await client.open({})
        text = save_visit(visit, {})
        await client.upload(
            "side_open", "session.json", text[: rng.choice((len(text), 200))].encode()
        )
        what = f"session file of {len(text):,} letters"
    else:
        await client.open({}, "retrain")
        if kind == "model":
            what, changed = of_a_card(raw, rng) if rng.random() < 0.7 else ("a model", raw)
            await client.upload("kept_bring_in", "kept.zip", changed)
        else:
            rows = rng.choice((10, 100_000))
            text = "user,title,rating\n" + f"1,{'x' * rng.choice((5, 200))},5\n" * rows
            await client.put("ratings.csv", text.encode())
            what = f"a file of {len(text):,} letters"
    return what


async def cost(app: App, rng: random.Random, films: dict[str, list[int]], raw: bytes) -> Cost:
    """One request in a session of its own, and what it cost."""
    reset_peak(app.process)
    before, level, said = processor_seconds(app.process), memory(app.process, "VmRSS"), ""
    what = "?"
    try:
        async with connected(app.url, "recommend") as client:
            what = await ask(client, rng, films, raw)
            said = client.alerts[0] if client.alerts else ""
    except (LoadError, OSError, TimeoutError, WebSocketException) as error:
        said = f"PROBLEM {type(error).__name__} {error}"
    rose = memory(app.process, "VmHWM") - level
    return Cost(what, processor_seconds(app.process) - before, rose, said)


def processor_seconds(process: int) -> float:
    """That a process has used, and the processes it waited for."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def memory(process: int, name: str) -> float:
    """MB of a process: resident (VmRSS), or the most since `reset_peak` (VmHWM)."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def reset_peak(process: int) -> None:
    """The most that it held begins anew."""
    Path(f"/proc/{process}/clear_refs").write_text("5")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=150)
    parser.add_argument("--retrain", choices=("off", "simulated"), default="simulated")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    rng = random.Random(chosen.seed)
    roots = {world: checkpoints.root(world) / checkpoints.CATALOGUE for world in WORLDS}
    films = {world: read_catalogue(path)["movie_id"].tolist() for world, path in roots.items()}
    with private_runs():
        _, raw = made_zip(0)
        with running_app(NO_COOKIE | {ALLOWED_VARIABLE: chosen.retrain}) as app:
            asyncio.run(cost(app, random.Random(1), films, raw))  # the server's first pages
            found = [asyncio.run(cost(app, rng, films, raw)) for _ in range(chosen.requests)]
    for title, by in (("processor", lambda c: c.seconds), ("memory", lambda c: c.megabytes)):
        table = Table(
            *("request", "s of processor", "MB above level", "said"),
            title=f"The worst by {title}, of {len(found)} requests at `{chosen.retrain}`",
            title_justify="left",
        )
        for one in sorted(found, key=by, reverse=True)[:WORST]:
            table.add_row(
                one.what[:90], f"{one.seconds:.2f}", f"{one.megabytes:.0f}", one.said[:70]
            )
        Console(width=200).print(table)
    beyond = [c for c in found if c.seconds > SECONDS or c.megabytes > MEGABYTES]
    problems = [c for c in found if c.said.startswith("PROBLEM")]
    print(f"{len(beyond)} beyond {SECONDS:g} s or {MEGABYTES:g} MB, {len(problems)} problems")
    sys.exit(1 if beyond or problems else 0)


if __name__ == "__main__":
    main()
