"""What names the next film, beside other libraries: EASE and SASRec of RecTools, SASRec of RecBole, ALS of implicit, numpy's own solvers.

    python benchmarks/next_peers.py [--models ease linear_next ials sasrec] [--repeats 3] [--epochs 3] [--films 200]
        [--prefixes 64] [--seconds S]

All learn from the same films of MovieLens-1M, the first eight tenths of each user's, without what was thought of them, by one thread;
then each user's next film is looked for among all not watched. EASE has a row per user and all weights, iALS 64 numbers and ten
rounds, SASRec two layers of two heads, width 64, and a softmax over the whole catalogue. Each library trains in a process of its own, in turn
with the others, and what is read beforehand is not counted. Prints seconds (medians over repeats; of SASRec, an epoch's), NDCG@10, and
how many times as long the peer takes, the median of the turns.

RecBole reads a history again for each film of it, so an epoch takes hours. Its SASRec stops in the first, after `--seconds`, by default as
long as ours trained in the same turn: ≈ stands before the seconds that an epoch would take, worked out from its steps.

`numpy` is not asked to learn: it solves as large a system as EASE and `linear_next` do, in the same turn. Needs MovieLens-1M, see the
README. `--record` writes each model's ratio to its fastest peer to `ratios.json`, `--guard` exits with 1 where one is less than three quarters
of it.
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
from rich.console import Console
from rich.table import Table

from benchmarks import guard
from benchmarks.peers.libraries import ENVIRONMENTS, PEERS, RECBOLE, Library, environment
from recdemo import checkpoints
from recdemo.data.split import TRAIN, split_ratings
from recdemo.training.opening import open_data

MODELS = ("ease", "linear_next", "ials", "sasrec")
OURS = Library("recdemo", "ours_next", models=MODELS)
PACKAGES = (
    "rectools==0.19.0 pm-implicit==0.7.3 numpy==1.26.4 pandas==2.3.3 scipy==1.14.1 pydantic==2.11.7 pydantic-core==2.33.2",
    "typeguard==4.4.4 typing-inspection annotated-types pytz pytorch-lightning==2.5.2 lightning-utilities torchmetrics==1.8.2",
)
STOPPED = Library("RecBole", "recbole_next", RECBOLE, models=("sasrec",), shares="recbole")
LIBRARIES = (
    OURS,
    Library("RecTools", "rectools", PACKAGES, models=("ease", "sasrec")),
    Library("implicit", "rectools", PACKAGES, models=("ials",)),
    Library("implicit, exact", "rectools", PACKAGES, models=("ials",)),
    STOPPED,
)


def write_data(folder: Path) -> tuple[int, int]:
    """What trains and what comes next, numbered from 0; returns how many users and films there are."""
    dataset, schema = open_data("ml-1m", checkpoints.root())
    ratings = dataset.ratings
    user = np.searchsorted(dataset.users["user_id"].to_numpy(), ratings["user_id"].to_numpy())
    movie = np.searchsorted(schema.movie_ids, ratings["movie_id"].to_numpy())
    trains = split_ratings(ratings, "order") == TRAIN
    np.savez(folder / "train.npz", user=user[trains], movie=movie[trains])
    _, first = np.unique(user[~trains], return_index=True)
    np.save(folder / "next.npy", movie[~trains][first])
    return len(dataset.users), schema.size


def run(
    python: str, library: Library, folder: Path, model: str, seconds: float
) -> dict[str, list[float]]:
    """Seconds and NDCG@10 after each epoch, or, of `STOPPED`, of an epoch and after `seconds`."""
    command = [python, str(PEERS / f"{library.script}.py"), str(folder), model]
    command += ["--how", library.title, "--seconds", str(seconds)]
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    place = folder if library.packages else None  # pytorch-lightning writes where it is started
    done = subprocess.run(
        command, cwd=place, env=os.environ | one, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{library.title} failed on {model}:\n{done.stderr[-3000:]}")
    answer: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return answer


def numpy_solves(films: int, model: str) -> float:
    """Seconds that numpy takes to invert, or solve for as many right-hand sides as there are films."""
    code = (
        "import numpy as np, time; r = np.random.default_rng(0); "
        f"a = r.random(({films}, {films}), np.float32); a = a @ a.T + {films} * np.eye({films}, dtype=np.float32); "
        "b = a.copy(); t = time.perf_counter(); "
        + ("np.linalg.inv(a)" if model == "ease" else "np.linalg.solve(a, b)")
        + "; print(time.perf_counter() - t)"
    )
    one = {"OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | one,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="*", choices=MODELS, default=list(MODELS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3, help="of SASRec")
    parser.add_argument("--films", type=int, default=200, help="of a history that SASRec reads")
    parser.add_argument("--prefixes", type=int, default=64, help="of a step of RecBole's SASRec")
    parser.add_argument("--seconds", type=float, help="for RecBole's SASRec; else as long as ours")
    parser.add_argument("--environments", type=Path, default=ENVIRONMENTS)
    guard.add_options(parser)
    chosen = parser.parse_args()
    asked = [x for x in LIBRARIES if set(x.models) & set(chosen.models)]
    pythons = {x.script: environment(x, chosen.environments.absolute()) for x in asked}
    title = f"1 thread, median of {chosen.repeats}"
    table = Table("model", "library", "s", "NDCG@10", "recdemo is faster by", title=title)
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        users, films = write_data(folder)
        task = {
            "users": users,
            "films": films,
            "embed_dim": 64,
            "length": chosen.films,
            "batch_size": 64,
        }
        task |= {"learning_rate": 2e-3, "epochs": chosen.epochs, "threads": 1, "seed": 0}
        task |= {"prefixes": chosen.prefixes}
        (folder / "task.json").write_text(json.dumps(task))
        for model in chosen.models:
            libraries = [x for x in LIBRARIES if model in x.models]  # ours first
            turns: dict[str, list[float]] = {}
            reached: dict[str, str] = {}
            for _ in range(chosen.repeats):
                budget = chosen.seconds or 0.0
                for library in libraries:
                    found = run(pythons[library.script], library, folder, model, budget)
                    budget = budget or sum(found["seconds"])
                    turns.setdefault(library.title, []).append(statistics.median(found["seconds"]))
                    reached[library.title] = " ".join(f"{value:.4f}" for value in found["ndcg"])
                    if library is STOPPED:
                        reached[library.title] += f" after {budget:.0f} s"
                if model in ("ease", "linear_next"):
                    turns.setdefault("numpy", []).append(numpy_solves(films, model))
            ratios = {
                name: statistics.median(b / a for a, b in zip(turns[OURS.title], s, strict=True))
                for name, s in turns.items()
                if name != OURS.title
            }
            best[model] = min(ratios.values())
            for name, seconds in turns.items():
                shown = "≈{:,.0f}" if name == STOPPED.title else "{:.2f}"
                faster = f"{shown.format(ratios[name])}×" if name in ratios else ""
                median = shown.format(statistics.median(seconds))
                table.add_row(model, name, median, reached.get(name, ""), faster)
    Console().print(table)
    guard.settle(chosen, best)


if __name__ == "__main__":
    main()
