"""How well a visitor of few films is known: test users as strangers on their last n films.

    python benchmarks/few_films.py [--objective rating|like|next] [--users U] [--questions Q] [--models KEY ...] [--validation]

Of each of U users of MovieLens-1M, drawn at random, Q ratings of the test part at most are asked about, for `next` the film liked
first. What the models know of a user is whether the n films before the one asked about were liked, as they know it of a visitor
of the demo. Prints the RMSE of the stars, the AUC of likes, or NDCG@10 of the film picked next, by n and model, and of stars how
many films stand at exactly 5.00 in the full lists of 20 of these users with 7 films each. Popularity knows no visitor: no model
should be worse that has seen a film or two.
"""

from __future__ import annotations

import argparse
import sys
from functools import cache, partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from recdemo import checkpoints
from recdemo.core.vocabulary import Objective
from recdemo.data import TEST, VALIDATION, Dataset, split_ratings
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.training.metrics import ask, like_metrics, next_targets, rating_metrics, score_rows
from recdemo.training.opening import open_data

COUNTS = (1, 3, 5, 7, 20, 50)
MODELS = {
    "rating": ["popularity", "rating_mlp", "textcnn_history"],
    "next": ["popularity", "linear_next", "fm", "deepfm", "dcn_v2", "din", "sasrec", "hstu"],
    "like": ["popularity", "mf", "fm", "deepfm", "dcn_v2", "din", "dien", "bst"],
}
FIGURES = {"rating": "RMSE", "like": "AUC", "next": "NDCG@10"}
LISTS, FILMS = 20, 7  # visitors whose whole lists are looked at, and what each has watched
TOP = 4.995  # is shown as 5.00


def drawn(part: Tensor, user: Tensor, users: int, questions: int) -> Tensor:
    """Rows of a part [N]: of so many users, so many ratings of each at most."""
    draw = torch.Generator().manual_seed(0)
    rows = torch.nonzero(part).squeeze(1)
    rows = rows[torch.randperm(len(rows), generator=draw)]
    rows = rows[torch.argsort(user[rows], stable=True)]
    first = torch.searchsorted(user[rows].contiguous(), user[rows].contiguous())
    rows = rows[torch.arange(len(rows)) - first < questions]
    chosen = user[rows].unique()
    chosen = chosen[torch.randperm(len(chosen), generator=draw)[:users]]
    return rows[torch.isin(user[rows], chosen)].sort().values


def strangers(dataset: Dataset, schema: Schema, films: int) -> Ratings:
    """All ratings by users whom no model knows, who have watched so many films at most."""
    return Ratings(dataset, Schema(schema.movies, history_length=films), strangers=True)


def of_rows(model: torch.nn.Module, ratings: Ratings, rows: Tensor, objective: Objective) -> float:
    """The figure of `FIGURES`."""
    if objective == "next":
        return ask(model, ratings, rows, objective).metrics["ndcg@10"]
    scores = score_rows(model, ratings, rows)
    if objective == "rating":
        return rating_metrics(scores, ratings.stars[rows])["rmse"]
    return like_metrics(scores, ratings.liked[rows])["auc"]


def at_the_top(model: torch.nn.Module, ratings: Ratings, rows: Tensor) -> int:
    """The most films shown as 5.00 in one list."""
    films = torch.arange(1, ratings.schema.size + 1)
    with torch.inference_mode():
        lists = [model(ratings.batch(row.view(1), films.view(1, -1))) for row in rows]
    return max(int((stars >= TOP).sum()) for stars in lists)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--questions", type=int, default=2, help="ratings of each user at most")
    parser.add_argument("--objective", choices=MODELS, default="rating")
    parser.add_argument("--models", nargs="+")
    parser.add_argument("--validation", action="store_true", help="ask about the validation part")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    dataset, schema = open_data("ml-1m", checkpoints.root())
    part = torch.as_tensor(split_ratings(dataset.ratings, "order"))
    objective: Objective = chosen.objective
    keys = chosen.models or MODELS[objective]
    of = cache(partial(strangers, dataset, schema))
    everything = of(FILMS)
    asked = part == (VALIDATION if chosen.validation else TEST)
    if objective == "next":
        asked = torch.zeros_like(asked).index_fill(0, next_targets(everything, asked), True)
    rows = drawn(asked, everything.user, chosen.users, chosen.questions)
    name = "validation" if chosen.validation else "test"
    title = f"{FIGURES[objective]} of {len(rows):,} {name} ratings by strangers of n films"
    last = ["films at 5.00"] if objective == "rating" else []
    table = Table("model", *map(str, COUNTS), *last, title=title)
    visitors = rows[:: chosen.questions][:LISTS]
    for key in keys:
        checkpoint = checkpoints.load(key, objective)
        model, most = checkpoint.model, checkpoint.card.history_length
        figures = [of_rows(model, of(min(films, most)), rows, objective) for films in COUNTS]
        top = [str(at_the_top(model, everything, visitors))] if objective == "rating" else []
        table.add_row(key, *(f"{figure:.4f}" for figure in figures), *top)
    Console().print(table)


if __name__ == "__main__":
    main()
