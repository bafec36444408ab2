"""Twenty kills of server and trainer in the middle of keep, delete, import and train: is all there that was said to be?

    python benchmarks/kills.py [--kills 20] [--seed 0]

A process stands for the server: it keeps the model of a run, deletes kept ones, brings one in from a zip and starts trainings, by
the functions that the pages call, and says what it has done. It, or the trainer, or both are killed (SIGKILL) at a moment drawn by
lot from the time that such a thing takes. A fresh process then looks: all that was said to be kept is there, is its owner's,
loads and answers the same; what was being kept, deleted or brought in is wholly there or wholly gone, and no list holds
anything else; the same can be done again under the same name, after which nothing half made is left; a run that was killed
is resumed and reaches the weights that one which nobody disturbs reaches. Linux only. Exits with 1 where something is lost.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "tests"))

import torch
from rich.console import Console
from rich.table import Table
from small_world import gone, wait_until, write_world

from benchmarks.load import private_runs
from recdemo import checkpoints
from recdemo.answers.recommend import Recommender
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.core.session import Session
from recdemo.data.catalogue import read_catalogue
from recdemo.data.simulated import simulate
from recdemo.jobs import control, kept, kept_zip, owner, room, store

ACTS = ("keep", "delete", "import", "train")
ANNA = owner.visitor_of(["anna" * 8])
MODELS = ("fm", "mf")  # whose answers differ
MOST = 8  # kept models, beyond which one is deleted
# Limits that are not what is tried here.
WIDE = dict.fromkeys((room.MOST_KEPT_VARIABLE, room.KEPT_EACH_VARIABLE, room.RUNS_EACH_VARIABLE), "50")  # fmt: skip
# The disk is a slow one, so that a kill falls between any two of the things that are done to it.
SLOW, PAUSE = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree"), 0.01
PLACES = "KILLS_WORLD"  # the variable that tells the processes where their ratings are


# What the processes do


class Started(subprocess.Popen[Any]):
    """As `subprocess.Popen`, and tells the number of the last one."""

    last = 0

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        Started.last = self.pid


def train(model: str) -> list[Any]:
    """Start a run; gives its id and the number of its process."""
    asked = control.ask(model, "like", os.environ[PLACES], epochs=4, batch_size=64, threads=1, seed=3)  # fmt: skip
    return [control.start(asked, ANNA).id, Started.last]


def bring_in(path: str, name: str) -> str:
    return kept_zip.bring_in(Path(path).read_bytes(), name, ANNA).slug


def again(name: str, run: str, path: str) -> list[str]:
    """Do what was disturbed once more under its name, after a while; gives what is half made even so."""
    for trial in Path(tempfile.gettempdir()).glob(f"{kept_zip.TRIAL}*"):
        os.utime(trial, (time.time() - 2 * kept_zip.TRIAL_SECONDS,) * 2)
    for act in (lambda: kept.keep(run, name, ANNA).slug, lambda: bring_in(path, name)):
        if kept.get(slug := kept.slug_of(name)):
            kept.delete(slug, ANNA)
        kept.find_kept(act(), ANNA)
    kept.delete(slug, ANNA)
    return half_made()


def half_made() -> list[str]:
    """Folders that are neither a run nor a kept model."""
    home, aside = store.root(), Path(tempfile.gettempdir())
    places = (home, home / room.DATA, kept.shelf_of(home))
    drafts = [path for place in places for path in place.glob(f"{store.DRAFT}*")]
    return [path.name for path in (*drafts, *aside.glob(f"{kept_zip.TRIAL}*"))]


def look() -> dict[str, Any]:
    """All that there is, as a page would list it, with a digest of what each model answers or of the weights of a run."""
    models, runs = {}, {}
    for model in kept.all_kept(ANNA):
        try:
            found = kept.find_kept(model.slug, ANNA)
            assert found.card
            base = checkpoints.load(found.card.model, found.card.objective, found.base)
            told = Recommender(base).recommend(Session("F", 25, 4), 20)
            models[model.slug] = hashlib.sha256(told.to_csv().encode()).hexdigest()[:12]
        except (CheckpointError, RequestError) as error:
            models[model.slug] = str(error)
        if not ANNA.may_change(model.base):
            models[model.slug] += " and is not its owner's"
    for run in store.all_runs(ANNA):
        asked, weights = run.request, ""
        if run.state == "done":
            card = checkpoints.load(asked.model, asked.objective, run.base).card
            weights = card.weights_sha256
        runs[run.id] = [run.state, weights]
    return {"kept": models, "runs": runs, "half": half_made()}


def resume(id: str) -> list[str]:
    """Go on with a run that was killed, until it ends; gives its state and the weights it reached."""
    if not store.find(id, ANNA).ended:  # killed before it came, and nobody waits for it
        control.cancel(id, ANNA)
    if store.find(id, ANNA).state != "done":
        control.resume(id, ANNA)
    wait_until(lambda: store.find(id, ANNA).ended)
    found: list[str] = look()["runs"][id]
    control.delete(id, ANNA)
    return found


DO: dict[str, Callable[..., Any]] = {
    "keep": lambda run, name: kept.keep(run, name, ANNA).slug,
    "delete": lambda slug: kept.delete(slug, ANNA),
    "import": bring_in,
    "train": train,
    "again": again,
    "look": look,
    "resume": resume,
}


def serve() -> None:
    """Do what each line asks for, and say so before and after."""
    torch.set_num_threads(1)
    control.subprocess.Popen = Started  # type: ignore[misc]
    look()  # all is imported
    sys.addaudithook(lambda event, _: time.sleep(PAUSE) if event in SLOW else None)
    print("ready", flush=True)
    for line in sys.stdin:
        act, *given = json.loads(line)
        print("began", flush=True)
        try:
            told = DO[act](*given)
        except Exception as error:  # whatever it is, who asked is told
            told = {"error": f"{act} {given[:1]}: {type(error).__name__}: {error}"}
        print(json.dumps(told), flush=True)


# Who asks, kills and looks


class Server:
    """A process that does what it is asked; use it as ``with Server() as one:``."""

    def __enter__(self) -> Server:
        words = [sys.executable, __file__, "--serve"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True)
        assert self.process.stdin and self.process.stdout  # noqa: PT018
        self.ears, self.mouth = self.process.stdout, self.process.stdin
        self.ears.readline()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def begin(self, *asked: str) -> None:
        print(json.dumps(asked), file=self.mouth, flush=True)
        self.ears.readline()

    def do(self, *asked: str) -> Any:
        self.begin(*asked)
        told = json.loads(self.ears.readline())
        if isinstance(told, dict) and "error" in told:
            raise RuntimeError(told["error"])
        return told

    def kill(self) -> str:
        """End it; gives what it said before, which nobody has heard yet."""
        self.process.kill()
        self.process.wait()
        return self.ears.read().strip()


class Trial:
    """What was said to be kept, how long things take, and what was lost."""

    def __init__(self, rng: random.Random, zips: Path) -> None:
        self.rng, self.zips, self.count = rng, zips, 0
        self.runs: dict[str, str] = {}  # of each model one that is done, to keep it from
        self.weights: dict[str, str] = {}  # that each model has
        self.answers: dict[str, str] = {}  # of each model
        self.kept: dict[str, str] = {}  # what was said to be kept: slug and model
        self.seconds: dict[str, float] = {}
        self.told: dict[str, Counter[str]] = {act: Counter() for act in ACTS}
        self.lost: list[str] = []

    def prepare(self) -> None:
        """Two runs that are done, the zips of their models, and how long each thing takes."""
        with Server() as one:
            for model in MODELS:
                began = time.monotonic()
                id, _ = one.do("train", model)
                self.seconds["start"] = time.monotonic() - began
                wait_until(lambda id=id: store.find(id).ended)  # type: ignore[misc]
                self.seconds["train"] = 0.8 * (time.monotonic() - began)
                self.runs[model] = id
                slug = one.do("keep", id, f"first {model}")
                self.kept[slug] = model
                (self.zips / model).write_bytes(kept_zip.export(slug))
            found = one.do("look")
            self.weights = {model: found["runs"][id][1] for model, id in self.runs.items()}
            self.answers = {model: found["kept"][slug] for slug, model in self.kept.items()}
            assert len(set(self.answers.values())) == len(MODELS), self.answers
            for act in ("keep", "delete", "import") * 2:  # the first time takes longer
                asked, slug, model = self.ask(act)
                began = time.monotonic()
                one.do(*asked)
                self.seconds[act] = time.monotonic() - began
                self.note(act, slug, model)

    def ask(self, act: str) -> tuple[tuple[str, ...], str, str]:
        """Words for a server, and the slug and the model that they are about."""
        if act == "delete":
            slug = self.rng.choice(sorted(self.kept))
            return (act, slug), slug, self.kept[slug]
        self.count += 1
        name, model = f"model {self.count}", self.rng.choice(MODELS)
        if act == "train":
            return (act, model), "", model
        source = self.runs[model] if act == "keep" else str(self.zips / model)
        return (act, source, name), kept.slug_of(name), model

    def note(self, act: str, slug: str, model: str) -> None:
        """It was said to be done."""
        if act == "delete":
            del self.kept[slug]
        else:
            self.kept[slug] = model

    def kill(self, act: str) -> None:
        """Let a server do some things, kill it in the middle of one, and look."""
        with Server() as one:
            for _ in range(self.rng.randint(0, 2)):
                before = "delete" if len(self.kept) > MOST else self.rng.choice(("keep", "import"))
                asked, slug, model = self.ask(before)
                one.do(*asked)
                self.note(before, slug, model)
            asked, slug, model = self.ask(act)
            whom = self.rng.choice(("trainer", "both", "server")) if act == "train" else "server"
            if whom == "server":
                one.begin(*asked)
                time.sleep(self.rng.uniform(0, self.seconds["start" if act == "train" else act]))
                said = one.kill()
            else:
                process = one.do(*asked)[1]
                said = "it has begun"
                time.sleep(self.rng.uniform(0, self.seconds[act]))
                if whom == "both":
                    one.kill()
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                wait_until(lambda: gone(process))
        with Server() as fresh:
            found = fresh.do("look")
            told = self.told[act]
            told["kills"] += 1
            told["half made, gone with the next"] += len(found["half"])
            runs = {id: found["runs"].pop(id, ["nowhere"]) for id in self.runs.values()}
            if runs != {id: ["done", self.weights[model]] for model, id in self.runs.items()}:
                self.lost.append(f"{act}: the runs done are {runs}")
            if act == "train":
                if said and len(found["runs"]) != 1:
                    self.lost.append(f"train: the run started is not in {found['runs']}")
                told["there" if found["runs"] else "gone"] += 1
                for id, (state, _) in found["runs"].items():
                    told["of these done" if state == "done" else "of these resumed"] += 1
                    reached = fresh.do("resume", id)
                    if reached != ["done", self.weights[model]]:
                        self.lost.append(f"train: {id} was {state}, and then {reached}")
                return self.compare(act, found["kept"])
            there = (slug in found["kept"]) if not said else act != "delete"
            told["there" if there else "gone"] += 1
            self.kept.pop(slug, None)
            self.kept |= {slug: model} if there else {}
            self.compare(act, found["kept"])
            left = fresh.do("again", slug, self.runs[model], str(self.zips / model))
            self.lost.extend(f"{act}: {name} is left half made" for name in left)
            self.kept.pop(slug, None)
            return self.compare(act, fresh.do("look")["kept"])

    def compare(self, act: str, found: dict[str, str]) -> None:
        """What is there, with what was said to be."""
        wanted = {slug: self.answers[model] for slug, model in self.kept.items()}
        self.told[act]["kept models compared"] += len(wanted)
        for slug in sorted(wanted.keys() | found.keys()):
            if wanted.get(slug) != found.get(slug):
                self.lost.append(f"{act}: {slug} is {found.get(slug)}, not {wanted.get(slug)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve()
        return
    films = read_catalogue(checkpoints.root() / checkpoints.CATALOGUE).head(60)
    with tempfile.TemporaryDirectory(prefix="recdemo-kills-") as folder, private_runs():
        place = Path(folder)
        (place / "aside").mkdir()
        world = write_world(simulate(films, users=200, seed=1), place / "world")
        os.environ |= WIDE | {PLACES: str(world), "TMPDIR": str(place / "aside")}
        os.environ["RECDEMO_CHECKPOINTS"] = str(place / "nothing")
        trial = Trial(random.Random(chosen.seed), place)
        trial.prepare()
        for number in range(chosen.kills):
            trial.kill(ACTS[number % len(ACTS)])
    columns = dict.fromkeys(name for told in trial.told.values() for name in told)
    table = Table("in the middle of", "s", *columns, title=f"{chosen.kills} kills, seed {chosen.seed}")  # fmt: skip
    for act, told in trial.told.items():
        table.add_row(act, f"{trial.seconds[act]:.3f}", *(str(told[name]) for name in columns))
    Console(width=160).print(table)
    print(f"lost: {len(trial.lost)}")
    for loss in trial.lost[:20]:
        print(" ", loss[:300])
    sys.exit(1 if trial.lost else 0)


if __name__ == "__main__":
    main()
