"""Training the same models on the same rows in recdemo and in its peers, side by side.

    python benchmarks/training.py [--models deepfm din …] [--rows N] [--repeats N] [--guard | --record]

FM, DeepFM, Wide & Deep, DCN and AFM read all of recdemo's fields, lists of films watched included; DIN and DIEN the profile and
50 films watched. Widths, batch, optimizer, learning rate, epochs and threads are the same, and so is how small vectors begin
(deviation 1e-4, but RecBole as it does); each library trains in a process of its own, in its own environment (made once,
under the folder `--environments`), with its own loop, which is what is measured. The libraries take turns, so that a slow
moment of the machine falls on all. Prints samples per second (median over repeats), seconds of training to the AUC on the
validation part that all of them reach, test AUC, peak memory, and the ratio to each peer. Needs MovieLens-1M, see the README.

    python benchmarks/training.py --negatives 64 [--models din …] [--films 20 50] [--batch-size N] [--before CHECKOUT]

No peer trains with many candidates beside the film picked. This prints the rows a second of `next` with so many negatives and
with none, and how many of the latter one of the former costs, which is about the same on every machine. `negatives.json` holds
that of the first release (commit 961a190), for the models where it was much more; the last column is how many times as many rows
are trained now. `--before` measures it anew: a checkout (`git worktree add CHECKOUT 961a190`) takes turns with this one.

`--record` writes each model's ratio to its best peer to `benchmarks/ratios.json`; `--guard` exits with 1 where a ratio is
less than three quarters of the one recorded there. Times are never compared: they are those of a machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks import guard
from benchmarks.peers.libraries import ENVIRONMENTS, LIBRARIES, MODELS, PEERS, Library, environment
from benchmarks.peers.task import PARTS, SEQUENCE
from recdemo import checkpoints
from recdemo.blocks.embedding import HISTORY_FIELDS
from recdemo.core.vocabulary import JUST_WATCHED
from recdemo.data import split_ratings
from recdemo.encoding.ratings import Ratings
from recdemo.training.opening import open_data

NEGATIVES = Path(__file__).resolve().parent / "negatives.json"


def write_data(folder: Path, rows: int, sequence: bool) -> dict[str, int]:
    """The inputs of some ratings of each part as plain arrays; returns how many ids each input has."""
    dataset, schema = open_data("ml-1m", checkpoints.root())
    ratings = Ratings(dataset, schema)
    if sequence:
        ratings.feedback.fill_(JUST_WATCHED)
    part = torch.from_numpy(split_ratings(dataset.ratings, "order"))
    genres = [torch.nonzero(flags).squeeze(1) + 1 for flags in schema.genre_flags]
    genre_lists = torch.nn.utils.rnn.pad_sequence(genres, batch_first=True)
    generator = torch.Generator().manual_seed(0)
    for number, name in enumerate(PARTS):
        found = torch.nonzero(part == number).squeeze(1)
        count = rows if name == "train" else min(50_000, rows)
        chosen = found[torch.randperm(len(found), generator=generator)[:count]].sort().values
        batch = ratings.batch(chosen)
        movie = batch.target_movie
        arrays = {
            "gender": batch.gender,
            "age": batch.age,
            "occupation": batch.occupation,
            "favourite_genre": batch.favourite_genre,
            "movie": movie,
            "year": schema.year_ids[movie],
            "label": ratings.liked[chosen].long(),
        }
        if sequence:
            arrays["hist_movie"] = batch.history
        else:
            arrays |= {"last_five": batch.last_five, "genres": genre_lists[movie]}
            for kind, field in enumerate(HISTORY_FIELDS, start=JUST_WATCHED):
                arrays[field] = batch.history * (batch.feedback == kind)
        np.savez(
            folder / f"{name}.npz", **{k: v.numpy().astype(np.int16) for k, v in arrays.items()}
        )
        np.save(folder / f"{name}_rows.npy", chosen.numpy())
    films = dict.fromkeys(("movie", "last_five", *HISTORY_FIELDS), schema.size + 1)
    return films | {
        "gender": schema.genders + 1,
        "age": schema.ages + 1,
        "occupation": schema.occupations + 1,
        "favourite_genre": schema.genres + 1,
        "genres": schema.genres + 1,
        "year": schema.years + 1,
    }


def run(library: Library, python: str, folder: Path, model: str) -> dict:
    """What a library reached with a model."""
    command = [python, str(PEERS / f"{library.script}.py"), str(folder), model]
    # RecBole and torch-rechub write files where they are started.
    done = subprocess.run(
        command,
        cwd=folder if library.packages else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{library.title} failed on {model}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def seconds_to(answer: dict, level: float) -> float:
    """Seconds of training until the validation AUC was at least `level`, at the end of an epoch."""
    total = 0.0
    for seconds, reached in zip(answer["seconds"], answer["validation_auc"], strict=True):
        total += seconds
        if reached >= level:
            return total
    return float("nan")


def steps_of(checkout: Path, model: str, films: int, negatives: int, batch: int) -> float:
    """Rows a second that the recdemo of a checkout trains, in a process of its own."""
    command = [sys.executable, str(PEERS / "steps.py"), model]
    command += [str(number) for number in (films, negatives, batch, 8, 1)]
    paths = os.pathsep.join([str(checkout.absolute()), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{checkout} failed on {model}:\n{done.stderr[-3000:]}")
    return float(json.loads(done.stdout.splitlines()[-1])["rows_per_second"])


def with_negatives(chosen: argparse.Namespace, batch: int) -> Table:
    """What a row of `next` with many negatives costs, now and before."""
    columns = ("model", "films", "rows/s", "rows/s of none", "costs", "cost before", "faster by")
    title = f"{chosen.negatives} negatives, batch {batch}, 1 thread, median of {chosen.repeats}"
    table = Table(*columns, title=title, title_justify="left")
    recorded = json.loads(NEGATIVES.read_text())["costs"]
    here = Path(__file__).resolve().parents[1]
    for model in chosen.models:
        for films in chosen.films:
            turns: dict[tuple[Path, int], list[float]] = {}
            for _ in range(chosen.repeats):
                for checkout in (here, *chosen.before):
                    for negatives in (chosen.negatives, 0):
                        found = steps_of(checkout, model, films, negatives, batch)
                        turns.setdefault((checkout, negatives), []).append(found)
            many, none = (statistics.median(turns[here, n]) for n in (chosen.negatives, 0))
            known = recorded.get(f"{model}, {films} films, {chosen.negatives} negatives")
            faster = known and known / (none / many)
            for checkout in chosen.before:
                old, old_none = (
                    statistics.median(turns[checkout, n]) for n in (chosen.negatives, 0)
                )
                known, faster = old_none / old, many / old
            table.add_row(
                *(model, str(films), f"{many:,.0f}", f"{none:,.0f}", f"{none / many:.0f}"),
                *(f"{known:.0f}" if known else "", f"{faster:.1f}×" if faster else ""),
            )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="*", help=f"default {' '.join(MODELS)}")
    parser.add_argument("--libraries", nargs="*", default=[x.script for x in LIBRARIES])
    parser.add_argument(
        "--rows", type=int, help="training rows; default 200,000, of DIN and DIEN 40,000"
    )
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-size", type=int, help="default 1,024; with --negatives 128")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--environments", type=Path, default=ENVIRONMENTS)
    parser.add_argument("--json", type=Path, help="also write all figures to this file")
    parser.add_argument("--negatives", type=int, help="instead: steps with so many negatives")
    parser.add_argument("--films", nargs="*", type=int, default=[20, 50], help="of those steps")
    parser.add_argument("--before", nargs=1, type=Path, default=[], metavar="CHECKOUT")
    guard.add_options(parser)
    chosen = parser.parse_args()
    console = Console()
    if chosen.negatives:
        chosen.models = chosen.models or ["din"]
        console.print(with_negatives(chosen, chosen.batch_size or 128))
        return
    chosen.models = chosen.models or list(MODELS)
    chosen.batch_size = chosen.batch_size or 1024
    if unknown := set(chosen.models) - set(MODELS):
        parser.error(f"the peers have no {' '.join(sorted(unknown))}; ask for {' '.join(MODELS)}")
    libraries = [x for x in LIBRARIES if x.script in chosen.libraries]
    if (chosen.guard or chosen.record) and (libraries[0].script != "ours" or len(libraries) < 2):
        parser.error("a ratio needs 'ours' and a peer among --libraries")
    pythons = {x.script: environment(x, chosen.environments.absolute()) for x in libraries}
    everything = {}
    for model in chosen.models:
        rows = chosen.rows or (40_000 if model in SEQUENCE else 200_000)
        answers: dict[str, list[dict]] = {}
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            task = {
                "embed_dim": 16,
                "attention_dim": 16,
                "hidden": [128, 64],
                "batch_size": chosen.batch_size,
                "learning_rate": chosen.learning_rate,
                "epochs": chosen.epochs,
                "threads": chosen.threads,
                "seed": 0,
                "sizes": write_data(folder, rows, model in SEQUENCE),
            }
            (folder / "task.json").write_text(json.dumps(task))
            for _ in range(chosen.repeats):
                for library in libraries:
                    if model in library.models:
                        found = run(library, pythons[library.script], folder, model)
                        answers.setdefault(library.title, []).append(found)
        everything[model] = answers
        console.print(table_of(model, rows, chosen, answers))
    if chosen.json:
        chosen.json.write_text(json.dumps(everything, indent=1))
    if chosen.guard or chosen.record:
        best = {model: min(ratios_of(answers).values()) for model, answers in everything.items()}
        guard.settle(chosen, best)


def ratios_of(answers: dict[str, list[dict]]) -> dict[str, float]:
    """How many times as many samples a second recdemo trains as each peer: the median of the turns."""
    ours = answers["recdemo"]
    return {
        title: statistics.median(
            a["samples_per_second"] / b["samples_per_second"]
            for a, b in zip(ours, found, strict=True)
        )
        for title, found in answers.items()
        if title != "recdemo"
    }


def table_of(
    model: str, rows: int, chosen: argparse.Namespace, answers: dict[str, list[dict]]
) -> Table:
    """Medians over the repeats, and ratios turn by turn."""
    level = min(max(a["validation_auc"]) for found in answers.values() for a in found)
    ratios = ratios_of(answers) if "recdemo" in answers else {}
    title = (
        f"{model}: {rows:,} rows, {chosen.epochs} epochs, batch {chosen.batch_size:,}, {chosen.threads} thread(s), "
        f"median of {chosen.repeats}"
    )
    table = Table(
        *(
            "library",
            "samples/s",
            f"s to AUC {level:.3f}",
            "test AUC",
            "peak MB",
            "recdemo is faster by",
        ),
        title=title,
        title_justify="left",
    )

    def median(found: list[dict], figure: str) -> float:
        return statistics.median(answer[figure] for answer in found)

    for library, found in answers.items():
        ratio = f"{ratios[library]:.1f}×" if library in ratios else ""
        table.add_row(
            library,
            f"{median(found, 'samples_per_second'):,.0f}",
            f"{statistics.median(seconds_to(a, level) for a in found):.1f}",
            f"{median(found, 'test_auc'):.4f}",
            f"{median(found, 'peak_mb'):,.0f}",
            ratio,
        )
    return table


if __name__ == "__main__":
    os.environ["PYTHONWARNINGS"] = "ignore"
    main()
