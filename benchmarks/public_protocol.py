"""The `next` figures of the cards, measured by somebody who has the public Python interface and the raw files only.

    python benchmarks/public_protocol.py [--models fm din …] [--users N] [--seed N] [--data PLACE]

Each user of MovieLens-1M (or a sample) becomes a `recdemo.Session`: profile, and the films rated before the target with
what was thought of them. The target is the first film of the user's test part (the last tenth of their ratings, in the order
of time; equal times in the file's order) that got four stars or more. `recommend(session, k=all)` ranks the catalogue; films
rated before are no answer, and a film of the same score as the target counts as better. Prints HR@10 and NDCG@10 with their
standard errors beside the card's, and by how many standard errors they differ. It imports nothing of `recdemo.training` or
`recdemo.data`, so that a mistake there would show.

Where the two may differ though nothing is wrong: a card is measured over all users, a sample is some of them. A session holds
500 films at most; films rated before these are left out of the list here. Models that know users by id have learned the vectors
of these very users; a session is a stranger to them and is folded in, so that they differ by more than noise.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd
import torch
from rich.console import Console
from rich.table import Table

import recdemo

MODELS = ("fm", "din", "bst", "rnn_joint", "sasrec")
LIKED, MOST, TOP = 4, 500, 10  # stars; films of a session; places that count
ALL = 5000  # the longest list there is: longer than the catalogue
COLUMNS = {
    "users.dat": ["user", "gender", "age", "occupation", "zip"],
    "ratings.dat": ["user", "film", "stars", "time"],
}


@dataclass(frozen=True)
class Question:
    """One test user: what is told of them, and the film to be found."""

    session: recdemo.Session
    before: frozenset[int]  # all films rated before, more than a session may hold
    target: int


def read(place: Path, name: str) -> pd.DataFrame:
    """A file of MovieLens-1M, from its zip or its folder."""
    if place.suffix == ".zip":
        with zipfile.ZipFile(place) as archive:
            text = archive.read(next(n for n in archive.namelist() if n.endswith(name)))
    else:
        text = (place / name).read_bytes()
    return pd.read_csv(
        io.BytesIO(text), sep="::", engine="python", names=COLUMNS[name], encoding="latin-1"
    )


def questions(place: Path, count: int | None, seed: int) -> list[Question]:
    """The test users who liked a film of their test part, or some of them drawn at random."""
    ratings = read(place, "ratings.dat").sort_values(["user", "time"], kind="stable")
    users = read(place, "users.dat").set_index("user")
    found = []
    for user, own in ratings.groupby("user"):
        films, stars = own["film"].to_numpy(), own["stars"].to_numpy()
        start = len(own) - len(own) // 10  # of the test part
        liked = np.flatnonzero(stars[start:] >= LIKED)
        if not len(liked):
            continue
        place_of_target = start + int(liked[0])
        first = max(0, place_of_target - MOST)
        history = [
            recdemo.Watched(int(film), liked=bool(given >= LIKED))
            for film, given in zip(
                films[first:place_of_target], stars[first:place_of_target], strict=True
            )
        ]
        who = users.loc[user]
        session = recdemo.Session(who.gender, int(who.age), int(who.occupation), history)
        before = frozenset(films[:place_of_target].tolist())
        found.append(Question(session, before, int(films[place_of_target])))
    if count is None or count >= len(found):
        return found
    chosen = np.random.default_rng(seed).permutation(len(found))[:count]
    return [found[number] for number in chosen]


def rank_of(model: recdemo.answers.recommend.Recommender, question: Question) -> int:
    """Place of the target among all films not rated before it, 1 the best."""
    ranking = model.recommend(question.session, k=ALL)
    ranking = ranking[~ranking["movie_id"].isin(question.before)]
    score = ranking.loc[ranking["movie_id"] == question.target, "score"].item()
    return int((ranking["score"] >= score).sum())


def figures(ranks: np.ndarray) -> dict[str, tuple[float, float]]:
    """HR@10 and NDCG@10 of some ranks, each with its standard error."""
    hit = ranks <= TOP
    each = {f"hr@{TOP}": hit.astype(float), f"ndcg@{TOP}": hit / np.log2(ranks + 1)}
    return {
        name: (float(x.mean()), float(x.std(ddof=1) / np.sqrt(len(x)))) for name, x in each.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="*", help=f"default {' '.join(MODELS)}")
    parser.add_argument("--users", type=int, default=1000, help="drawn at random; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    default = Path(os.environ.get("RECDEMO_DATA", "data")) / "ml-1m.zip"
    parser.add_argument("--data", type=Path, default=default, help="ml-1m.zip, or its folder")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    asked = questions(chosen.data, chosen.users or None, chosen.seed)
    table = Table(
        *("model", "figure", "here", "± one s.e.", "card", "apart by s.e."),
        title=f"{len(asked)} test users, seed {chosen.seed}",
        title_justify="left",
    )
    for key in chosen.models or MODELS:
        try:
            model = recdemo.load(key, objective="next")
        except (recdemo.CheckpointError, recdemo.RequestError) as error:
            if chosen.models:
                raise
            print(f"{key} is left out: {error}", file=sys.stderr)
            continue
        ranks = np.array([rank_of(model, question) for question in asked])
        card = model.checkpoint.card.metrics.test
        for name, (value, error_of) in figures(ranks).items():
            apart = (value - card[name]) / error_of if error_of else 0.0
            table.add_row(
                *(key, name, f"{value:.4f}", f"{error_of:.4f}"),
                *(f"{card[name]:.4f}", f"{apart:+.1f}"),
            )
    Console().print(table)


if __name__ == "__main__":
    main()
