"""Does memory come back? Many visitors look at kept models, upload files and bring models in, then leave and delete what they made.

    python benchmarks/memory.py [--visitors 200] [--kept 20] [--uploads 3]

The visitors are sessions of their own over the app's websocket, all there at once. Each opens pages with a kept model, one of
many that know films of their own, uploads a session and files, as far as the server takes them, and every tenth brings a model in and
deletes it again. The level is what the server holds when a fifth of them has come and gone, so that its caches, which are bounded, hold
something; afterwards all have left and the kept models are deleted. Streamlit is told to forget who has left in seconds instead of
minutes. Exits with 1 where the server does not come back.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from benchmarks.browser import App, running_app
from benchmarks.client import NO_COOKIE, Client, LoadError, connected
from benchmarks.load import LEVEL, memory_of, private_runs
from recdemo import checkpoints
from recdemo.core.session import Session, Watched
from recdemo.data.catalogue import read_catalogue, write_catalogue
from recdemo.data.own_films import own_ids
from recdemo.encoding.schema import Schema
from recdemo.jobs import kept, kept_zip, room
from recdemo.jobs.kept import KeptCard
from recdemo.models import CARDS
from recdemo.ui.saved import save_visit
from recdemo.ui.visit import Visit, encode_visit

MODELS = ("din", "fm", "mf", "sasrec", "two_tower")
PAGES = ("recommend", "embeddings", "inside", "models")
FILMS = 3000  # of a kept model's own catalogue
FILE = 4_000_000  # bytes of a file uploaded
AT_ONCE = 4  # visitors whose pages run
FULL = 413  # the status of an upload for which there is no room
FORGET = 5  # seconds after which Streamlit lets go of who has left
SETTLE = 75.0  # seconds in which the server tidies up


def make_kept(number: int, called: str = "kept", films: int = FILMS) -> str:
    """Keep a model, of random weights, that knows films of its own; gives its key in the menu."""
    key = MODELS[number % len(MODELS)]
    table = read_catalogue(checkpoints.root() / checkpoints.CATALOGUE).head(films).copy()
    table["title"] = [f"{title} of {number}" for title in table["title"]]
    table["movie_id"] = own_ids(table["title"], table["year"])
    table = table.sort_values("movie_id", ignore_index=True)
    source = checkpoints.folder_of(key, "next")
    card = checkpoints.read_card(source)
    with TemporaryDirectory(prefix="recdemo-") as folder:
        base = Path(folder)
        write_catalogue(table, base / checkpoints.CATALOGUE)
        schema = Schema(table).of_length(card.history_length)
        torch.manual_seed(number)
        model = CARDS[key].model(schema, **card.arguments)
        card = card.model_copy(
            update={
                "schema_hash": schema.hash,
                "data": card.data.model_copy(update={"title": f"tales {number}"}),
            }
        )
        target = checkpoints.folder_of(key, "next", base)
        card = checkpoints.save(model, card, target)
        stated = KeptCard(
            name=f"{called} {number}",
            date=card.date,
            model=key,
            objective="next",
            data=card.data.title,
            simulated=False,
            files={},
        )
        content = {file: path.read_bytes() for file, path in kept.files_of(base, stated).items()}
    files = {file: kept.digest_of(raw) for file, raw in content.items()}
    return f"{key}~{kept.add(stated.model_copy(update={'files': files}), content).slug}"


def made_zip(number: int) -> tuple[str, bytes]:
    """A model to bring in, and what its folder will be called."""
    slug = make_kept(number, "brought").partition("~")[2]
    raw = kept_zip.export(slug)
    kept.delete(slug)
    return slug, raw


def visits(keys: list[str], count: int) -> list[Visit]:
    """Visitors with histories of films that their kept model knows."""
    found, rng = [], np.random.default_rng(0)
    for number in range(count):
        key = keys[number % len(keys)]
        slug = key.partition("~")[2]
        base = kept.find_kept(slug).base
        films = read_catalogue(base / checkpoints.CATALOGUE)["movie_id"].to_numpy()
        history = [Watched(int(film), True) for film in rng.choice(films, 8, replace=False)]
        found.append(Visit(Session("F", 25, 4, history), key, "next"))
    return found


async def visit(
    client: Client, who: Visit, number: int, uploads: int, brought: tuple[str, bytes] | None
) -> int:
    """What one visitor does before they leave; how many uploads the server has refused, full as it is."""
    await client.open(encode_visit(who), "recommend")
    saved = save_visit(replace(who, story=""), {}).encode()
    taken = [await client.upload("side_open", "session.json", saved)]
    for _ in range(uploads):
        status, _ = await client.put("ratings.csv", b"x" * FILE)
        taken.append(status)
    await client.open(encode_visit(who), PAGES[number % len(PAGES)])
    if brought:
        slug, raw = brought
        await client.open(encode_visit(who), "retrain")
        taken.append(await client.upload("kept_bring_in", "kept.zip", raw))
        if client.alerts:
            raise LoadError(f"the page says: {client.alerts[0]}")
        if taken[-1] != FULL:
            await client.click(f"kept_delete_{slug}")
    if client.alerts:
        raise LoadError(f"the page says: {client.alerts[0]}")
    return taken.count(FULL)


async def measure(
    app: App, crowd: list[Visit], uploads: int, zips: dict[int, tuple[str, bytes]]
) -> int:
    """Let them come and go, and print what the server holds; the exit status."""
    slots, peak, refused, problems = asyncio.Semaphore(AT_ONCE), 0.0, 0, list[str]()
    began = time.monotonic()

    async def come(stack: AsyncExitStack, number: int, who: Visit) -> None:
        nonlocal peak, refused
        async with slots:
            try:
                client = await stack.enter_async_context(connected(app.url, "recommend"))
                refused += await visit(client, who, number, uploads, zips.get(number))
            except (LoadError, OSError, TimeoutError) as error:
                problems.append(f"{who.model}: {type(error).__name__}: {error}")
            peak = max(peak, memory_of(app.process))

    async def level() -> float:
        """What the server holds when it has forgotten who has left, one more has come, and it has tidied up."""
        await asyncio.sleep(FORGET + 1)
        async with connected(app.url, "recommend") as client:
            await client.open(encode_visit(shipped))
        await asyncio.sleep(SETTLE)
        return memory_of(app.process)

    shipped = Visit(Session("F", 25, 4), "din", "next")
    for number, page in enumerate(PAGES):  # what any server holds where one of each kind was there
        async with AsyncExitStack() as stack:
            await come(stack, number - len(PAGES), crowd[0])
        async with connected(app.url, page) as client:
            await client.open(encode_visit(shipped), page)
    for number, who in enumerate(crowd[: len(crowd) // 5], start=len(PAGES) + 1):
        async with AsyncExitStack() as stack:
            await come(stack, -number, who)
    before, refused = await level(), 0
    async with AsyncExitStack() as stack:
        await asyncio.gather(*(come(stack, number, who) for number, who in enumerate(crowd)))
        peak = max(peak, memory_of(app.process))
    kept_models = len(kept.all_kept())
    for model in kept.all_kept():
        kept.delete(model.slug)
    after = await level()
    print(
        f"{len(crowd)} visitors, {kept_models} kept models, {len(zips)} more brought in, {uploads} files of {FILE:,} bytes each"
    )
    print(f"uploads refused {refused:7}, as the server was full of them")
    print(f"server before   {before:7.0f} MB")
    print(f"server at peak  {peak:7.0f} MB")
    print(f"server after    {after:7.0f} MB, {after / before:.2f} of before")
    print(f"problems        {len(problems)} {problems[:3] or ''}")
    print(f"seconds         {time.monotonic() - began:.0f}")
    good = after <= LEVEL * before and not problems
    print("the bar is met" if good else "the bar is missed")
    return 0 if good else 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=200)
    parser.add_argument("--kept", type=int, default=20)
    parser.add_argument("--uploads", type=int, default=3)
    chosen = parser.parse_args()
    with private_runs():
        import os

        os.environ[room.MOST_KEPT_VARIABLE] = str(chosen.kept + chosen.visitors)
        keys = [make_kept(number) for number in range(chosen.kept)]
        zips = {number: made_zip(number) for number in (-1, *range(0, chosen.visitors, 10))}
        crowd = visits(keys, chosen.visitors)
        environment = NO_COOKIE | {"STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": str(FORGET)}
        with running_app(environment) as app:
            sys.exit(asyncio.run(measure(app, crowd, chosen.uploads, zips)))


if __name__ == "__main__":
    main()
