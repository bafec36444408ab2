"""An hour among strangers: visitors do whatever they like while trainers are killed, the disk is full and kept models are damaged.

    python benchmarks/soak.py [--minutes 60] [--visitors 20] [--seed 0] [--every 7]

The host is a public one (`RECDEMO_RETRAIN=simulated`). Visitors come over the app's websocket, each with a profile and a history of
theirs, and draw by lot what they do: a list of recommendations, any page with any model of either world, a session opened, files
uploaded, a model brought in whole or damaged, a training, its end. A page may refuse, in words; it may not show an exception, and
a list must be the one that the library gives for just that visitor. Exits with 1 where one was not.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from websockets.exceptions import WebSocketException

from benchmarks.browser import App, running_app
from benchmarks.client import NO_COOKIE, Client, LoadError, connected
from benchmarks.load import Visitor, memory_of, private_runs, visitors
from benchmarks.memory import made_zip
from recdemo import checkpoints
from recdemo.core.worlds import WORLDS, join_key
from recdemo.jobs import kept, store
from recdemo.jobs.control import ALLOWED_VARIABLE
from recdemo.ui.frame import MENU
from recdemo.ui.saved import save_visit
from recdemo.ui.visit import encode_visit

PAGES = ["" if path == "streamlit_app.py" else Path(path).stem for path, _, _ in MENU]
SHORT = 20_000  # bytes that a file may have on a full disk
FAULT_EVERY = 7.0  # seconds, on average


@dataclass(slots=True)
class Told:
    """What came of it."""

    done: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)


async def act(
    client: Client, who: Visitor, zips: list[tuple[str, bytes]], rng: random.Random
) -> str:
    """One thing that a visitor does; gives what it was."""
    visit = who.start.visit
    action = rng.choice(
        ("list", "list", "page", "page", "session", "file", "import", "train", "cancel")
    )
    if action == "list":
        async with connected(client.url, "recommend") as other:  # a link opens a session of its own
            await other.open(encode_visit(visit))
            if other.alerts:
                raise LoadError(f"the page says: {other.alerts[0]}")
            if other.titles != who.start.titles:
                raise LoadError(f"listed are {other.titles[:3]}, not {who.start.titles[:3]}")
    elif action == "page":
        world = rng.choice(list(WORLDS))
        model, objective = rng.choice(checkpoints.available(checkpoints.root(world)))
        asked = replace(visit, model=join_key(model, world), objective=objective)
        await client.open(encode_visit(asked), rng.choice(PAGES))
    elif action == "session":
        await client.open({}, "recommend")
        await client.upload("side_open", "session.json", save_visit(visit, {}).encode())
        if client.titles != who.start.titles:
            raise LoadError(
                f"a session opened lists {client.titles[:3]}, not {who.start.titles[:3]}"
            )
    else:
        await client.open(encode_visit(visit), "retrain")
        if action == "file":
            await client.put("ratings.csv", rng.randbytes(rng.choice((10, 10_000, 2_000_000))))
        elif action == "import":
            _, raw = rng.choice(zips)
            place = rng.randrange(len(raw))
            damaged = raw[:place] + b"x" + raw[place + 1 :]
            await client.upload("kept_bring_in", "kept.zip", rng.choice((raw, damaged)))
        elif action == "train":
            await client.click("retrain_quick")
        elif any("-retrain_cancel_" in id for id in client.widgets):
            await client.click("retrain_cancel_*")
    return action


async def live(
    who: Visitor,
    app: App,
    until: float,
    zips: list[tuple[str, bytes]],
    rng: random.Random,
    told: Told,
) -> None:
    """Come, do a few things, leave, and come again."""
    while time.monotonic() < until:
        try:
            async with connected(app.url, "recommend") as client:
                await client.open({})
                for _ in range(rng.randint(1, 8)):
                    if time.monotonic() > until:
                        return
                    action = await act(client, who, zips, rng)
                    told.done[action] += 1
                    told.refused.update(alert[:60] for alert in client.alerts)
                    await asyncio.sleep(rng.uniform(0, 2))
        except (LoadError, OSError, TimeoutError, WebSocketException) as error:
            told.problems.append(f"{type(error).__name__}: {error}")
            await asyncio.sleep(1)


async def spoil(app: App, until: float, every: float, rng: random.Random, told: Told) -> None:
    """Kill trainers, fill the disk for a moment, damage what is kept."""
    while time.monotonic() < until:
        await asyncio.sleep(rng.uniform(0.5, 1.5) * min(every, until - time.monotonic() + 0.1))
        fault = rng.choice(("trainer killed", "disk full", "kept model damaged"))
        if fault == "trainer killed":
            for run in await asyncio.to_thread(store.all_runs):
                if run.status.pid and not run.ended:
                    with suppress(ProcessLookupError):
                        os.kill(run.status.pid, signal.SIGKILL)
                    told.done[fault] += 1
        elif fault == "disk full":
            soft, hard = resource.prlimit(app.process, resource.RLIMIT_FSIZE)
            resource.prlimit(app.process, resource.RLIMIT_FSIZE, (SHORT, hard))
            await asyncio.sleep(2)
            resource.prlimit(app.process, resource.RLIMIT_FSIZE, (soft, hard))
            told.done[fault] += 1
        elif found := kept.all_kept():
            files = [path for path in rng.choice(found).base.rglob("*") if path.is_file()]
            with suppress(OSError):
                path = rng.choice(files)
                path.write_bytes(path.read_bytes()[:-1])
                told.done[fault] += 1


async def soak(
    app: App,
    crowd: list[Visitor],
    minutes: float,
    every: float,
    zips: list[tuple[str, bytes]],
    seed: int,
) -> int:
    """Let them live, and print what came of it; the exit status."""
    told, levels = Told(), list[float]()
    async with connected(app.url, "recommend") as first:  # a cold server imports for seconds
        await first.open({})
    until = time.monotonic() + 60 * minutes

    async def watch() -> None:
        while time.monotonic() < until:
            levels.append(memory_of(app.process))
            await asyncio.sleep(min(5, 60 * minutes / 4))

    rngs = [random.Random(f"{seed} {number}") for number in range(len(crowd) + 1)]
    await asyncio.gather(
        watch(),
        spoil(app, until, every, rngs[-1], told),
        *(live(who, app, until, zips, rng, told) for who, rng in zip(crowd, rngs, strict=False)),
    )
    print(f"{len(crowd)} visitors for {minutes:g} minutes, seed {seed}")
    print("done:", ", ".join(f"{name} {count}" for name, count in sorted(told.done.items())))
    print(
        "refused in words:",
        ", ".join(f"{text!r} {n}" for text, n in told.refused.most_common(8)) or "nothing",
    )
    quarter = max(1, len(levels) // 4)
    first, last = sum(levels[:quarter]) / quarter, sum(levels[-quarter:]) / quarter
    print(
        f"server: {first:.0f} MB in the first quarter, {last:.0f} in the last, {max(levels):.0f} at most"
    )
    print(f"problems: {len(told.problems)}")
    for problem in told.problems[:10]:
        print(" ", problem[:300])
    answered = sum(told.done.values())
    return 1 if told.problems or not answered else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=float, default=FAULT_EVERY, help="seconds between faults")
    chosen = parser.parse_args()
    crowd = visitors(chosen.visitors, steps=0)
    with private_runs(), tempfile.TemporaryDirectory() as place:
        zips, log = [made_zip(number) for number in range(3)], Path(place) / "log"
        with running_app(NO_COOKIE | {ALLOWED_VARIABLE: "simulated"}, log=log) as app:
            status = asyncio.run(soak(app, crowd, chosen.minutes, chosen.every, zips, chosen.seed))
        if status:
            errors = log.read_text(errors="replace").split("Traceback (most recent call last):")[1:]
            for error, count in Counter(error[-1500:] for error in errors).most_common(5):
                print(f"{count} times in the server's log: …{error}")
    sys.exit(status)


if __name__ == "__main__":
    main()
