"""The command line: every page's answer from a shell.

Standard output holds the answer (with ``--json`` one JSON value and nothing else), standard error everything
else. Exit status 2: the request is wrong. Exit status 1: it could not be carried out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperCommand

from recdemo.contracts import (
    AGES,
    GENDERS,
    OCCUPATIONS,
    CheckpointError,
    Objective,
    RequestError,
    Session,
    Watched,
)

if TYPE_CHECKING:
    from recdemo.checkpoints import CheckpointCard
    from recdemo.explain import Explanation

DATA_NAMES = ("ml-1m", "ml-100k", "simulated")
DATA_PAGES = {
    "ml-1m": "https://grouplens.org/datasets/movielens/1m/",
    "ml-100k": "https://grouplens.org/datasets/movielens/100k/",
}

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Neural recommenders, side by side, explained. Films are named by MovieLens-1M id; "
    "'python -m recdemo films matrix' finds one.",
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(no_args_is_help=True, help="Where ratings come from, and what is in them.")
app.add_typer(data_app, name="data")

out = Console()
err = Console(stderr=True)


class InOrder(TyperCommand):
    """Keeps the order in which --like, --dislike and --watched were typed among each other."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        ctx.meta["recdemo.order"] = [parameter.name for parameter in order]
        rest: list[str] = super().parse_args(ctx, args)
        return rest


Model = Annotated[str, typer.Option("--model", "-m", help="Model key; see 'models'.")]
ModelArgument = Annotated[str, typer.Argument(help="Model key; see 'models'.")]
ObjectiveOption = Annotated[
    Objective,
    typer.Option(
        help="[b]next[/]: what would they pick next (a ranking). "
        "[b]like[/]: would they like it if they saw it (a probability)."
    ),
]
GenderOption = Annotated[str | None, typer.Option(help="F or M; left out: unknown.")]
AgeOption = Annotated[
    int | None, typer.Option(help=f"First year of an age group: {' '.join(map(str, AGES))}.")
]
OccupationOption = Annotated[
    int | None, typer.Option(help="0 to 20, as in MovieLens-1M; 'models --codes' lists them.")
]
Films = Annotated[list[int] | None, typer.Option(metavar="FILM", help="Film id, may be repeated.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]
DataOption = Annotated[
    str,
    typer.Option(
        "--data", help="ml-1m, ml-100k (looked for in $RECDEMO_DATA), simulated, or a path."
    ),
]
SeedOption = Annotated[int, typer.Option(min=0, help="Same seed, same weights.")]


@app.command()
def models(
    as_json: Json = False,
    codes: Annotated[bool, typer.Option(help="List occupation and age codes instead.")] = False,
) -> None:
    """List every model: key, idea's source, objectives that have a checkpoint, what it can show."""
    from recdemo import checkpoints
    from recdemo.models import CARDS

    if codes:
        lists: dict[str, dict[Any, str]] = {
            "gender": GENDERS,
            "age": AGES,
            "occupation": OCCUPATIONS,
        }
        if as_json:
            _print_json({name: {str(k): v for k, v in c.items()} for name, c in lists.items()})
            return
        for name, entries in lists.items():
            _print_table(name.capitalize(), ["code", "meaning"], entries.items())
        return
    ready = checkpoints.available()
    rows = [
        {
            "key": card.key,
            "title": card.title,
            "family": card.family,
            "source": card.source,
            "objectives": [objective for key, objective in ready if key == card.key],
            "explains": list(card.shows),
        }
        for card in CARDS.values()
    ]
    if as_json:
        _print_json(rows)
        return
    shown = (
        [r["key"], r["title"], r["family"], ", ".join(r["objectives"]), ", ".join(r["explains"])]
        for r in rows
    )
    _print_table("Models", ["key", "title", "family", "objectives", "shows"], shown)


@app.command()
def films(
    words: Annotated[list[str], typer.Argument(help="Words of the title.")],
    as_json: Json = False,
) -> None:
    """Find films by words of their titles, most rated first."""
    from recdemo import checkpoints
    from recdemo.catalogue import read_catalogue

    catalogue = read_catalogue(checkpoints.root() / checkpoints.CATALOGUE)
    titles = catalogue["title"].str.casefold()
    for word in words:
        catalogue = catalogue[titles.str.contains(word.casefold(), regex=False)]
        titles = titles[catalogue.index]
    found = catalogue.sort_values("ratings", ascending=False, kind="stable").to_dict("records")
    if as_json:
        _print_json(found)
        return
    if not found:
        raise RequestError(f"no title holds {' '.join(words)!r}; try fewer or shorter words")
    shown = ([f["movie_id"], f["title"], f["year"], ", ".join(f["genres"])] for f in found)
    _print_table(f"{len(found)} films", ["id", "title", "year", "genres"], shown)


@app.command(cls=InOrder)
def recommend(
    context: typer.Context,
    model: Model = "din",
    objective: ObjectiveOption = "next",
    gender: GenderOption = None,
    age: AgeOption = None,
    occupation: OccupationOption = None,
    like: Films = None,
    dislike: Films = None,
    watched: Films = None,
    k: Annotated[int, typer.Option("-k", help="Length of the list.")] = 10,
    genre: Annotated[
        list[str] | None, typer.Option(help="Keep films of this genre; may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Rank the catalogue for a visitor.

    Give the films in the order watched, with --like, --dislike and --watched mixed freely, e.g.
    recommend --gender F --age 25 --like 260 --like 2571 --dislike 1721 --watched 1196
    """
    import recdemo

    session = _session(context, gender, age, occupation, like, dislike, watched)
    recommender = recdemo.load(model, objective)
    table = recommender.recommend(session, k, genres=genre or ()).drop(columns="ratings")
    if recommender.problem:
        err.print(f"p_like is unknown: {recommender.problem}", markup=False, soft_wrap=True)
    if as_json:
        records = table.to_dict("records")
        for record in records:
            record["genres"] = list(record["genres"])
            record["p_like"] = _finite_or_none(record["p_like"])
        _print_json(records)
        return
    rows = (
        [
            r.rank,
            r.movie_id,
            r.title,
            r.year,
            ", ".join(r.genres),
            _percent(r.score),
            _percent(r.p_like),
        ]
        for r in table.itertuples()
    )
    score = "chance of being next" if objective == "next" else "chance of liking"
    _print_table(
        f"{model}, {objective}", ["#", "id", "title", "year", "genres", score, "would like"], rows
    )


@app.command(cls=InOrder)
def explain(
    context: typer.Context,
    movie: Annotated[int, typer.Option(help="Film to explain.")],
    model: Model = "din",
    objective: ObjectiveOption = "next",
    gender: GenderOption = None,
    age: AgeOption = None,
    occupation: OccupationOption = None,
    like: Films = None,
    dislike: Films = None,
    watched: Films = None,
    as_json: Json = False,
) -> None:
    """Say why a film scores what it scores: terms that add up to the logit, weights, and removals."""
    import recdemo

    session = _session(context, gender, age, occupation, like, dislike, watched)
    explanation = recdemo.load(model, objective).explain(session, movie)
    if as_json:
        _print_json(explanation.as_dict())
    else:
        _print_explanation(explanation)


@app.command()
def train(
    model: ModelArgument,
    objective: ObjectiveOption = "next",
    data: DataOption = "ml-1m",
    seed: SeedOption = 0,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="At most; default: the model's.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=2, help="Users per step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0, help="Of AdamW.")] = None,
    weight_decay: Annotated[float | None, typer.Option(min=0, help="Of AdamW.")] = None,
    negatives: Annotated[
        int | None, typer.Option(min=1, help="Random films per target, 'next' only.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--out", help="Folder of checkpoints to write to; default: the shipped one."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a checkpoint trained on other data.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a model, stopping early on the validation part; measure it on the test part; save it."""
    from recdemo import checkpoints
    from recdemo.training.run import settings_for
    from recdemo.training.run import train as run

    changes = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "negatives": negatives,
    }
    settings = settings_for(model, objective, seed=seed, **changes)
    base = output or checkpoints.root()
    folder = checkpoints.folder_of(model, objective, base)
    if not force and (folder / checkpoints.CARD).exists():
        there = checkpoints.read_card(folder).data
        if data in DATA_NAMES and there.name != data:
            raise RequestError(
                f"{folder} holds a model trained on {there.title}; choose another folder with --out, or "
                "replace it with --force"
            )
    command = f"python -m recdemo train {model} --objective {objective} --data {data} --seed {seed}"
    for name, value in changes.items():
        if value is not None:
            command += f" --{name.replace('_', '-')} {value}"
    with _Progress() as progress:
        card = run(
            model,
            objective,
            data,
            settings,
            base=base,
            command=command,
            on_start=lambda dataset: err.print(
                f"{dataset.title}: {len(dataset.ratings):,} ratings by {len(dataset.users):,} users"
            ),
            on_step=progress.step,
            on_epoch=progress.epoch,
        )
    _print_metrics(card, as_json)


@app.command()
def evaluate(
    model: ModelArgument,
    objective: ObjectiveOption = "next",
    data: DataOption = "ml-1m",
    as_json: Json = False,
) -> None:
    """Measure a checkpoint on the test part of a data set, beside what its card states."""
    import torch

    from recdemo import checkpoints
    from recdemo.data import TEST, load_dataset, split_by_order
    from recdemo.features import Ratings
    from recdemo.models import card_of
    from recdemo.training.loop import evaluate as measure

    card_of(model)
    loaded = checkpoints.load(model, objective)
    dataset = load_dataset(data, loaded.schema.movies)
    ratings = Ratings(dataset, loaded.schema)
    part = torch.from_numpy(split_by_order(dataset.ratings))
    metrics = measure(loaded.model, ratings, part == TEST, objective)
    stated = loaded.card.metrics.test
    if as_json:
        _print_json(
            {"data": dataset.name, "simulated": dataset.simulated, "test": metrics, "card": stated}
        )
        return
    rows = ([name, f"{value:.4f}", f"{stated[name]:.4f}"] for name, value in metrics.items())
    card_column = f"card ({loaded.card.data.title})"
    _print_table(f"{model}, {objective}, test part", ["metric", dataset.title, card_column], rows)


@data_app.command()
def info(
    data: Annotated[str, typer.Argument(help="ml-1m, ml-100k, simulated, or a path.")] = "ml-1m",
    as_json: Json = False,
) -> None:
    """Read a data set whole, and say what is in it."""
    from recdemo import checkpoints
    from recdemo.catalogue import read_catalogue
    from recdemo.data import load_dataset

    dataset = load_dataset(data, read_catalogue(checkpoints.root() / checkpoints.CATALOGUE))
    figures: dict[str, Any] = {
        "name": dataset.name,
        "title": dataset.title,
        "simulated": dataset.simulated,
        "users": len(dataset.users),
        "films": len(dataset.movies),
        "films_rated": int(dataset.ratings["movie_id"].nunique()),
        "ratings": len(dataset.ratings),
        "mean_rating": float(dataset.ratings["rating"].mean()),
        "notes": list(dataset.notes),
    }
    if as_json:
        _print_json(figures)
        return
    notes = figures.pop("notes")
    _print_table(dataset.title, ["", ""], ([k.replace("_", " "), v] for k, v in figures.items()))
    for note in notes:
        out.print(note)


@data_app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="ml-1m or ml-100k.")],
    folder: Annotated[Path, typer.Option("--to", help="Where to put the zip.")] = Path("data"),
) -> None:
    """Download a MovieLens zip from GroupLens, check its MD5, and say how to use it."""
    from recdemo.data.download import fetch_zip

    err.print(
        f"MovieLens is for research, not for redistribution; its terms: {DATA_PAGES.get(name, '')}"
    )
    with _Progress("Download", "MB") as progress:
        path = fetch_zip(
            name, folder, on_bytes=lambda n, total: progress.step(n >> 20, total >> 20)
        )
    out.print(f"{path}\nUse it with RECDEMO_DATA={folder.resolve()}, or --data {path}")


def main() -> NoReturn:
    """Run, turning every expected failure into one line on standard error and an exit status."""
    from recdemo.data.dataset import DataError

    try:
        app(standalone_mode=True)
    except RequestError as error:
        _fail(str(error), 2)
    except (CheckpointError, DataError) as error:
        _fail(str(error), 1)
    except OSError as error:
        _fail(f"{error.filename or ''} {error.strerror or error}".strip(), 1)
    raise SystemExit(0)


def _fail(message: str, status: int) -> NoReturn:
    err.print(f"Error: {message}", style="red", markup=False, highlight=False, soft_wrap=True)
    raise SystemExit(status)


def _session(
    context: typer.Context,
    gender: str | None,
    age: int | None,
    occupation: int | None,
    like: list[int] | None,
    dislike: list[int] | None,
    watched: list[int] | None,
) -> Session:
    given: dict[str, tuple[bool | None, Iterator[int]]] = {
        "like": (True, iter(like or ())),
        "dislike": (False, iter(dislike or ())),
        "watched": (None, iter(watched or ())),
    }
    history = []
    for name in context.meta["recdemo.order"]:
        if name in given:
            liked, ids = given[name]
            history.append(Watched(next(ids), liked))
    return Session(gender=gender, age=age, occupation=occupation, history=history)  # type: ignore[arg-type]


def _print_explanation(explanation: Explanation) -> None:
    terms = explanation.terms_frame()
    shown = terms.head(20)
    rows = [[row.label, f"{row.value:+.4f}"] for row in shown.itertuples()]
    if len(terms) > len(shown):
        rest = terms["value"][len(shown) :].sum()
        rows.append([f"{len(terms) - len(shown)} smaller terms", f"{rest:+.4f}"])
    rows.append(["Sum = logit", f"{explanation.total:+.4f}"])
    _print_table(f"{explanation.title} by {explanation.model}", ["term", "adds"], rows)
    weights = explanation.weights
    if weights is None:
        return
    order = sorted(range(len(weights.labels)), key=lambda i: -abs(weights.weights[i]))[:15]
    rows = [
        [weights.labels[i], f"{weights.weights[i]:+.4f}", f"{weights.removal[i]:+.4f}"]
        for i in order
    ]
    _print_table(
        f"Weight of each {weights.axis}", [weights.axis, "weight", "logit lost without it"], rows
    )
    if weights.faithfulness is not None:
        out.print(
            f"Faithfulness (rank correlation of the two columns' sizes): {weights.faithfulness:+.2f}"
        )


def _print_metrics(card: CheckpointCard, as_json: bool) -> None:
    if as_json:
        _print_json(card.model_dump(mode="json", exclude={"epochs"}))
        return
    label = card.data.title + (" (simulated)" if card.data.simulated else "")
    validation, test = card.metrics.validation, card.metrics.test
    rows = ([name, f"{validation[name]:.4f}", f"{test[name]:.4f}"] for name in test)
    _print_table(f"{card.model}, {card.objective}, {label}", ["metric", "validation", "test"], rows)
    out.print(f"{card.parameters:,} parameters, {card.seconds:.0f} s of training")


def _print_table(title: str, columns: list[str], rows: Any) -> None:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    out.print(table)


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")


def _finite_or_none(value: float) -> float | None:
    return None if value != value else value


def _percent(value: float) -> str:
    return "–" if value != value else f"{100 * value:.1f} %"


class _Progress:
    """A bar on standard error and a line per epoch; without a terminal, only the lines."""

    def __init__(self, label: str = "Epoch", unit: str = "steps") -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress("{task.description}", *columns, console=err, transient=True)
        self._label, self._unit, self._number = label, unit, 1
        self._task = self._bar.add_task(label, total=None)

    def __enter__(self) -> _Progress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def step(self, done: int, total: int) -> None:
        self._bar.update(self._task, completed=done, total=total)

    def epoch(self, epoch: Any) -> None:
        metrics = "  ".join(f"{name} {value:.4f}" for name, value in epoch.metrics.items())
        self._bar.console.print(
            f"epoch {epoch.epoch}  loss {epoch.loss:.4f}  {metrics}  "
            f"{epoch.samples_per_second:,.0f} samples/s  {epoch.seconds:.0f} s",
            highlight=False,
        )
        self._bar.update(self._task, completed=0)
