"""Does it help to be asked about the right films? Held-out users on the grid of Home, up to five answers each.

    python benchmarks/taste.py [--data ml-1m] [--users N] [--tiles 12] [--taps 5]

A fifth of all users is held out; `ials` (next) and `mf` (like) learn from the others, and only they are counted in the catalogue. Half of
a held-out user's films, drawn by lot, is what they have seen when they come: on each grid they say of one film of these what they
thought, drawn by lot, and pass the whole grid over where there is none. The other half is what is to be found. The grid is the page's rule
(`recdemo.answers.taste`, with the film vectors of `ials`, and without vectors), the most popular films, or films by lot. Prints the
grids looked at, NDCG@10 of the films liked in the other half by `ials`, and the AUC of that half by `mf`, means over users; behind ± the
standard error of the difference to the most popular films, user by user.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd
import torch
from rich.console import Console
from rich.table import Table
from sklearn.metrics import roc_auc_score
from torch import nn

from recdemo import Session, Watched, checkpoints
from recdemo.answers.spaces import spaces
from recdemo.answers.taste import to_ask
from recdemo.core.vocabulary import LIKED_FROM, Objective
from recdemo.core.worlds import world_of_data
from recdemo.data import Dataset
from recdemo.data.catalogue import catalogue_of
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema
from recdemo.training.loop import fit
from recdemo.training.opening import open_data, source_of
from recdemo.training.pipeline import build
from recdemo.training.settings import settings_for

HELD_OUT, FEWEST, MOST_GRIDS = 5, 20, 60
TOP = 10
CHUNK = 32  # people scored at once
# (answered, passed over, shown) → the next grid
Grid = Callable[[Sequence[int], Sequence[int], Sequence[int]], list[int]]


@dataclass(frozen=True)
class Person:
    """A held-out user: what they thought of what they have seen, and of what is to be found."""

    seen: dict[int, bool]
    other: dict[int, bool]


def of_users(dataset: Dataset, chosen: np.ndarray) -> Dataset:
    """The same data of some users."""
    users, ratings = dataset.users, dataset.ratings
    return replace(
        dataset,
        users=users[users["user_id"].isin(chosen)].reset_index(drop=True),
        ratings=ratings[ratings["user_id"].isin(chosen)].reset_index(drop=True),
    )


def people(dataset: Dataset, most: int) -> list[Person]:
    """Users of enough films, each with their films parted by lot."""
    draw, found = np.random.default_rng(1), []
    for _, own in dataset.ratings.groupby("user_id", sort=False):
        if len(own) >= FEWEST and len(found) < most:
            own = own.iloc[draw.permutation(len(own))]
            liked = own["rating"] >= LIKED_FROM
            thought = list(zip(own["movie_id"].tolist(), liked.tolist(), strict=True))
            half = len(thought) // 2
            found.append(Person(dict(thought[:half]), dict(thought[half:])))
    return found


def learned(
    model: str, objective: Objective, dataset: Dataset, schema: Schema
) -> tuple[nn.Module, Schema]:
    """A model that has seen these users only, and the schema it reads."""
    settings = settings_for(model, objective, data=dataset.name, start_from="")
    schema = schema.of_length(settings.history_length)
    torch.manual_seed(settings.seed)
    network, _ = build(model, objective, dataset, schema, {})
    fit(network, source_of(dataset, schema, "order"), objective, settings)
    return network.eval(), schema


def answered(
    person: Person, grid: Grid, taps: int, draw: np.random.Generator
) -> tuple[Session, int]:
    """What somebody says on the grids they are shown, and how many these are."""
    said: list[Watched] = []
    passed: list[int] = []
    shown: list[int] = []
    grids = 0
    while len(said) < taps and grids < MOST_GRIDS:
        shown = grid([film.movie_id for film in said], passed, shown)
        grids += 1
        known = [movie for movie in shown if movie in person.seen]
        if known:
            movie = known[int(draw.integers(len(known)))]
            said.append(Watched(movie, person.seen[movie]))
        else:
            passed += shown
    return Session(history=said), grids


def figures(
    model: nn.Module,
    schema: Schema,
    ids: np.ndarray,
    asked: list[tuple[Person, Session]],
    objective: Objective,
) -> np.ndarray:
    """[people] NDCG@10 of `next`, AUC of `like`; NaN where it is not defined."""
    place, found = {movie: row for row, movie in enumerate(ids.tolist())}, []
    every = torch.arange(1, len(ids) + 1)
    sessions = [session for _, session in asked]
    with torch.inference_mode():
        parts = [sessions[start : start + CHUNK] for start in range(0, len(sessions), CHUNK)]
        scores = [model(encode(schema, part, every)).view(len(part), -1).numpy() for part in parts]
    for (person, _), logits in zip(asked, np.concatenate(scores), strict=True):
        truth = np.array(list(person.other.values()))
        if objective == "like":
            rows = [place[movie] for movie in person.other]
            found.append(
                roc_auc_score(truth, logits[rows]) if 0 < truth.sum() < len(truth) else np.nan
            )
            continue
        logits[[place[movie] for movie in person.seen]] = -np.inf
        first = ids[np.argsort(-logits, kind="stable")[:TOP]].tolist()
        gains = 1 / np.log2(np.arange(TOP) + 2)
        best = gains[: truth.sum()].sum()
        hits = np.array([person.other.get(movie, False) for movie in first])
        found.append(float(gains @ hits / best) if best else np.nan)
    return np.array(found)


def grids_of(films: pd.DataFrame, vectors: np.ndarray, tiles: int) -> dict[str, Grid]:
    """The ways to choose a grid, by name."""
    by_viewers = films.sort_values("ratings", ascending=False, kind="stable")["movie_id"].tolist()
    draw = np.random.default_rng(2)

    def first_of(order: list[int], said: Sequence[int], passed: Sequence[int]) -> list[int]:
        gone = {*said, *passed}
        return [movie for movie in order if movie not in gone][:tiles]

    def rule(vectors: np.ndarray | None) -> Grid:
        begins = to_ask(films, tiles)
        return lambda said, passed, shown: (
            begins
            if not said and not passed
            else to_ask(films, tiles, said=said, shown=shown, passed=passed, vectors=vectors)
        )

    return {
        "most popular": lambda said, passed, shown: first_of(by_viewers, said, passed),
        "the rule": rule(vectors),
        "the rule, no vectors": rule(None),
        "by lot": lambda said, passed, shown: first_of(
            draw.permutation(by_viewers).tolist(), said, passed
        ),
    }


def report(dataset: Dataset, models: dict[Objective, tuple[nn.Module, Schema]], films: pd.DataFrame,
           asked: list[Person], grids: dict[str, Grid], taps: int) -> Table:  # fmt: skip
    """The figures of every way, beside those of the most popular films."""
    ids = films["movie_id"].to_numpy()
    table = Table(
        "grid", "grids", "NDCG@10, ials", "AUC, mf",
        title=f"{len(asked):,} held-out users of {dataset.title}, {taps} answers",
    )  # fmt: skip
    ways: dict[str, Grid | None] = {"nothing said": None, **grids}
    beside: dict[Objective, np.ndarray] = {}
    rows: dict[str, tuple[float, dict[Objective, np.ndarray]]] = {}
    for name, grid in ways.items():
        draw = np.random.default_rng(3)
        done = [answered(person, grid, taps, draw) if grid else (Session(), 0) for person in asked]
        sessions = list(zip(asked, (session for session, _ in done), strict=True))
        found = {
            goal: figures(model, schema, ids, sessions, goal)
            for goal, (model, schema) in models.items()
        }
        rows[name] = float(np.mean([count for _, count in done])), found
    beside = rows["most popular"][1]
    for name, (count, found) in rows.items():
        cells = []
        for goal, values in found.items():
            apart = (values - beside[goal])[~np.isnan(values)]
            error = apart.std(ddof=1) / len(apart) ** 0.5
            cells.append(f"{np.nanmean(values):.4f} ± {error:.4f}")
        table.add_row(name, f"{count:.1f}", *cells)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="ml-1m")
    parser.add_argument("--users", type=int, default=10_000, help="held-out users, at most")
    parser.add_argument("--tiles", type=int, default=12)
    parser.add_argument("--taps", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    dataset, schema = open_data(given.data, checkpoints.root(world_of_data(given.data).key))
    users = np.random.default_rng(0).permutation(dataset.users["user_id"].to_numpy())
    held, rest = np.split(users, [len(users) // HELD_OUT])
    known = of_users(dataset, rest)
    counts = catalogue_of(replace(known, movies=schema.movies))
    goals: dict[Objective, str] = {"next": "ials", "like": "mf"}
    models = {goal: learned(model, goal, known, schema) for goal, model in goals.items()}
    vectors = spaces(models["next"][0])["film"].vectors()
    grids = grids_of(counts, vectors, given.tiles)
    asked = people(of_users(dataset, held), given.users)
    Console().print(report(dataset, models, counts, asked, grids, given.taps))


if __name__ == "__main__":
    main()
