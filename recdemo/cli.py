"""The command line: every page's answer from a shell.

Standard output holds the answer (with ``--json`` one JSON value and nothing else), standard error everything
else. Exit status 2: the request is wrong. Exit status 1: it could not be carried out.
"""

from __future__ import annotations

import datetime
import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand

from recdemo.contracts import (
    AGES,
    GENDERS,
    OCCUPATIONS,
    CheckpointError,
    Objective,
    Optimizer,
    RequestError,
    Session,
    Split,
    Watched,
)
from recdemo.printing import (
    Progress,
    err,
    finite_or_none,
    out,
    percent,
    print_explanation,
    print_json,
    print_metrics,
    print_table,
)

if TYPE_CHECKING:
    from recdemo.training.runs import Run

DATA_NAMES = ("ml-1m", "ml-100k", "ml-latest-small", "ml-32m", "simulated")

SCORE_COLUMNS = {"next": "chance of being next", "like": "chance of liking", "rating": "stars"}

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
runs_app = typer.Typer(
    help="Training runs that go on by themselves, as the page Retrain starts them."
)
app.add_typer(runs_app, name="runs")


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
    Objective | None,
    typer.Option(
        help="[b]next[/]: what would they pick next (a ranking). "
        "[b]like[/]: would they like it if they saw it (a probability). [b]rating[/]: how many stars. "
        "Left out: next, or rating where a model knows nothing else."
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
        "--data",
        help="ml-1m, ml-100k, ml-latest-small, ml-32m (looked for in $RECDEMO_DATA), simulated, or a path: "
        "of such a set, of a CSV or Parquet file of one's own, or of a folder of parts to stream ('train' only).",
    ),
]
SplitOption = Annotated[
    Split,
    typer.Option(
        help="order: each user's last tenth is the test. last: their last film, leave-one-out. "
        "random: a tenth of all ratings."
    ),
]
RunArgument = Annotated[str, typer.Argument(help="Id of the run; 'runs' lists them.")]
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
            print_json({name: {str(k): v for k, v in c.items()} for name, c in lists.items()})
            return
        for name, entries in lists.items():
            print_table(name.capitalize(), ["code", "meaning"], entries.items())
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
        print_json(rows)
        return
    shown = (
        [r["key"], r["title"], r["family"], ", ".join(r["objectives"]), ", ".join(r["explains"])]
        for r in rows
    )
    print_table("Models", ["key", "title", "family", "objectives", "shows"], shown)


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
        print_json(found)
        return
    if not found:
        raise RequestError(f"no title holds {' '.join(words)!r}; try fewer or shorter words")
    shown = ([f["movie_id"], f["title"], f["year"], ", ".join(f["genres"])] for f in found)
    print_table(f"{len(found)} films", ["id", "title", "year", "genres"], shown)


@app.command(cls=InOrder)
def recommend(
    context: typer.Context,
    model: Model = "din",
    objective: ObjectiveOption = None,
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
            record["p_like"] = finite_or_none(record["p_like"])
        print_json(records)
        return
    rating = recommender.objective == "rating"
    rows = (
        [
            r.rank,
            r.movie_id,
            r.title,
            r.year,
            ", ".join(r.genres),
            f"{r.score:.2f}" if rating else percent(r.score),
            percent(r.p_like),
        ]
        for r in table.itertuples()
    )
    score = SCORE_COLUMNS[recommender.objective]
    print_table(
        f"{model}, {recommender.objective}",
        ["#", "id", "title", "year", "genres", score, "would like"],
        rows,
    )


@app.command(cls=InOrder)
def explain(
    context: typer.Context,
    movie: Annotated[int, typer.Option(help="Film to explain.")],
    model: Model = "din",
    objective: ObjectiveOption = None,
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
        print_json(explanation.as_dict())
    else:
        print_explanation(explanation)


@app.command()
def train(
    model: ModelArgument,
    objective: ObjectiveOption = None,
    data: DataOption = "ml-1m",
    seed: SeedOption = 0,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="At most; default: the model's.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=2, help="Users per step.")] = None,
    optimizer: Annotated[
        Optimizer | None, typer.Option(help="adamw, adam, or sgd with momentum 0.9.")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0, help="At the first step.")] = None,
    weight_decay: Annotated[float | None, typer.Option(min=0, help="Of the optimizer.")] = None,
    negatives: Annotated[
        int | None, typer.Option(min=1, help="Random films per target, 'next' only.")
    ] = None,
    share: Annotated[
        float | None, typer.Option(min=0.001, max=1, help="Of the training rows, drawn each epoch.")
    ] = None,
    split: SplitOption = "order",
    argument: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A constructor argument, e.g. cell=lstm; JSON."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--out", help="Folder of checkpoints to write to; default: the shipped one."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a checkpoint trained on other data.")
    ] = False,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run",
            help="Folder of a queued run, as the page Retrain makes it: wait for its turn there, "
            "write progress and result there, and go on from its last whole epoch.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a model, stopping early on the validation part; measure it on the test part; save it.

    Several processes train one model when torchrun starts them: torchrun --nproc-per-node 2 -m recdemo train fm
    """
    from recdemo.models import objective_of
    from recdemo.training.ranks import ranks_here
    from recdemo.training.settings import settings_for
    from recdemo.training.trainer import Trainer

    ranks = ranks_here()
    if run and not ranks.alone:
        raise RequestError(
            "a run is one process: leave --run out under torchrun, or start it without torchrun"
        )
    changes = {
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "negatives": negatives,
        "share": share,
    }
    trainer = Trainer(run) if run else None
    watch: Trainer | Progress = trainer or Progress(shown=ranks.first)
    # A run has waited for its turn when this is entered, and torch is imported only then.
    with watch, ranks.together():
        from recdemo import checkpoints
        from recdemo.training.run import command_of
        from recdemo.training.run import train as fit_and_save

        objective = objective_of(model, objective)
        settings = settings_for(model, objective, seed=seed, **changes)
        base = trainer.base if trainer else output or checkpoints.root()
        if not force:
            _check_same_data(checkpoints.folder_of(model, objective, base), data)
        # A path may be nobody's business: the result of a run can be passed on.
        command = command_of(model, objective, Path(data).name if trainer else data, seed, split)
        for name, value in changes.items():
            if value is not None:
                command += f" --{name.replace('_', '-')} {value}"
        for text in argument or ():
            command += f" --argument {shlex.quote(text)}"
        command = ranks.command(command)
        watch.on_read()
        card = fit_and_save(
            model,
            objective,
            data,
            settings,
            base=base,
            split=split,
            arguments=_named(argument or (), "--argument"),
            command=command,
            state=trainer.state if trainer else None,
            ranks=ranks,
            on_start=watch.on_start,
            on_step=watch.on_step,
            on_epoch=watch.on_epoch,
            on_measure=watch.on_measure,
            on_problem=watch.on_problem,
        )
    if ranks.first:
        print_metrics(card, as_json)


@app.command()
def search(
    model: ModelArgument,
    vary: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=[VALUE,VALUE]",
            help="Values to try of a setting or a constructor argument; JSON; may be repeated.",
        ),
    ],
    objective: ObjectiveOption = None,
    data: DataOption = "ml-1m",
    settle: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting of every trial."),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="At most.")] = 8,
    seed: SeedOption = 0,
    split: SplitOption = "order",
    record: Annotated[
        Path | None, typer.Option(help="Markdown file to add the trials to, as docs/searches.md.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Try settings drawn from a space, on the validation part; nothing is saved and the test part is not read."""
    from dataclasses import asdict

    from recdemo import checkpoints
    from recdemo.models import objective_of
    from recdemo.training import search as trying
    from recdemo.training.run import open_data
    from recdemo.training.settings import settings_for

    objective = objective_of(model, objective)
    space, fixed = _named(vary, "--vary"), _named(settle or (), "--set")
    for name, values in space.items():
        if not isinstance(values, list) or not values:
            raise RequestError(f"--vary {name} needs a list, e.g. learning_rate=[0.001,0.003]")
    unknown = sorted(set(fixed) - set(trying.FIELDS))
    if unknown:
        raise RequestError(
            f"there is no setting {unknown[0]!r}; use one of {', '.join(trying.FIELDS)}"
        )
    settings = settings_for(model, objective, seed=seed, **fixed)
    dataset, schema = open_data(data, checkpoints.root())
    found = trying.search(
        *(model, objective, dataset, schema, settings, space),
        trials=trials,
        split=split,
        on_trial=lambda trial: err.print(str(trial.values), trial.figure, highlight=False),
    )
    if record:
        words = ["python", "-m", "recdemo", "search", model, "--objective", objective]
        words += ["--data", data, "--split", split, "--seed", str(seed), "--trials", str(trials)]
        words += [word for text in vary for word in ("--vary", text)]
        words += [word for text in settle or () for word in ("--set", text)]
        title = f"{model}, {objective}, split {split}, {_today()}"
        with record.open("a", encoding="utf-8") as file:
            file.write("\n" + trying.markdown(title, shlex.join(words), found))
    if as_json:
        print_json([asdict(trial) for trial in found])
        return
    rows = (
        [*trial.values.values(), "diverged" if trial.figure is None else f"{trial.figure:.4f}"]
        for trial in found
    )
    print_table(f"{model}, {objective}", [*space, f"validation {found[0].metric}"], rows)


@runs_app.callback(invoke_without_command=True)
def list_runs(context: typer.Context, as_json: Json = False) -> None:
    """List the runs, oldest first: how far each is, and why one has failed."""
    from recdemo.training import runs

    if context.invoked_subcommand:
        return
    found = runs.all_runs()
    if as_json:
        print_json([run.as_dict() for run in found])
        return
    rows = [[run.id, run.title, run.state, run.progress] for run in found]
    print_table(f"{len(rows)} runs in {runs.root()}", ["id", "run", "state", "progress"], rows)


@runs_app.command("cancel")
def cancel_run(run: RunArgument) -> None:
    """End a run; what it has learned until its last whole epoch stays for 'resume'."""
    from recdemo.training import launch

    _print_run(launch.cancel(run))


@runs_app.command("resume")
def resume_run(run: RunArgument) -> None:
    """Go on with a run that was cancelled, was interrupted or has failed, from its last whole epoch."""
    from recdemo.training import launch

    _print_run(launch.resume(run))


@runs_app.command("delete")
def delete_run(run: RunArgument) -> None:
    """Remove a run that has ended, and all that came of it; models kept from it stay."""
    from recdemo.training import launch

    launch.delete(run)


@app.command()
def evaluate(
    model: ModelArgument,
    objective: ObjectiveOption = None,
    data: DataOption = "ml-1m",
    as_json: Json = False,
) -> None:
    """Measure a checkpoint on the test part of a data set, beside what its card states."""
    from recdemo import checkpoints
    from recdemo.models import objective_of
    from recdemo.training.loop import evaluate as measure
    from recdemo.training.run import open_test_part

    objective = objective_of(model, objective)
    loaded = checkpoints.load(model, objective)
    dataset, ratings, test = open_test_part(loaded, data)
    metrics = measure(loaded.model, ratings, test, objective)
    stated = loaded.card.metrics.test
    if as_json:
        print_json(
            {"data": dataset.name, "simulated": dataset.simulated, "test": metrics, "card": stated}
        )
        return
    rows = ([name, f"{value:.4f}", f"{stated[name]:.4f}"] for name, value in metrics.items())
    card_column = f"card ({loaded.card.data.title})"
    print_table(f"{model}, {objective}, test part", ["metric", dataset.title, card_column], rows)


@app.command()
def leaderboard(
    data: DataOption = "ml-1m",
    train_missing: Annotated[
        bool, typer.Option("--train", help="Train what has no card yet, hours for the whole zoo.")
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="Train these only; may be repeated.")
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option(help="Seeds to train with; may be repeated. Default: 0.")
    ] = None,
    split: SplitOption = "order",
    output: Annotated[
        Path | None, typer.Option("--out", help="Folder of checkpoints; default: the shipped one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Gather the figures of every model into checkpoints/leaderboard.json and docs/leaderboard.md.

    The weights of seed 0 and split 'order' are kept; of other runs only the card, as evidence.
    """
    from recdemo import checkpoints, standings
    from recdemo.models import CARDS
    from recdemo.training import leaderboard as board

    base = output or checkpoints.root()
    if train_missing:
        board.train_missing(
            base, data, models=only or CARDS, seeds=seed or [0], split=split, on_start=err.print
        )
    board.measure_missing(base, data, on_start=err.print)
    found = board.assemble(board.cards_of(base), base, _today())
    (base / standings.FILE).write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
    document = board.markdown(found)
    if base == checkpoints.root():
        (Path(__file__).resolve().parents[1] / "docs" / "leaderboard.md").write_text(
            document, encoding="utf-8"
        )
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        out.print(document, markup=False, highlight=False, soft_wrap=True)


@app.command()
def neighbours(
    movie: Annotated[int, typer.Option(help="Film whose neighbours are asked for.")],
    model: Model = "din",
    objective: ObjectiveOption = None,
    space: Annotated[
        str, typer.Option(help="Which of the model's tables of films; 'film' is the candidates'.")
    ] = "film",
    k: Annotated[int, typer.Option("-k", min=1, help="Length of the list.")] = 10,
    as_json: Json = False,
) -> None:
    """List the films that a model holds to be most like one: cosines of its vectors."""
    import recdemo
    from recdemo.embed import neighbours as nearest_films

    table = nearest_films(recdemo.load(model, objective), movie, k, space=space)
    if as_json:
        records = table.to_dict("records")
        print_json([record | {"genres": list(record["genres"])} for record in records])
        return
    rows = (
        [r.rank, r.movie_id, r.title, r.year, ", ".join(r.genres), f"{r.cosine:.3f}"]
        for r in table.itertuples()
    )
    print_table(f"{model}, {space}", ["#", "id", "title", "year", "genres", "cosine"], rows)


@app.command()
def maps(
    models: Annotated[
        list[str] | None, typer.Argument(help="Model keys; left out: all.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Make the maps of films (t-SNE and UMAP) that are missing or older than the weights beside them.

    Needs requirements-maps.txt. One objective per model, the one it is asked by default.
    """
    from recdemo.maps import make_missing
    from recdemo.models import card_of

    keys = [card_of(key).key for key in models or ()]
    made = make_missing(
        models=keys, on_done=lambda key, seconds: err.print(f"{key}: {seconds:.0f} s")
    )
    if as_json:
        print_json(made)
    else:
        out.print(f"Maps made: {', '.join(made) or 'none, all are up to date'}")


@app.command()
def lab(data: DataOption = "ml-1m") -> None:
    """Train the five small DINs of the Lab page that are missing, each with its own way to weigh a history."""
    from recdemo.lab import train_missing

    train_missing(data, on_start=lambda command: err.print(command, soft_wrap=True, markup=False))


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
        print_json(figures)
        return
    notes = figures.pop("notes")
    print_table(dataset.title, ["", ""], ([k.replace("_", " "), v] for k, v in figures.items()))
    for note in notes:
        out.print(note)


@data_app.command()
def aggregates(
    data: Annotated[str, typer.Argument(help="ml-1m, ml-100k, simulated, or a path.")] = "ml-1m",
    output: Annotated[
        Path | None, typer.Option("--out", help="Folder to write to; default: the shipped one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Count what the page Data shows into checkpoints/aggregates.json: groups of users, never one user."""
    from recdemo import checkpoints
    from recdemo.aggregates import FILE, aggregates_of
    from recdemo.catalogue import read_catalogue
    from recdemo.data import load_dataset

    dataset = load_dataset(data, read_catalogue(checkpoints.root() / checkpoints.CATALOGUE))
    found = aggregates_of(dataset, _today())
    path = (output or checkpoints.root()) / FILE
    path.write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        out.print(
            f"{path}: {found.title}, {found.ratings:,} ratings by {found.users:,} users",
            soft_wrap=True,
        )


@data_app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="ml-1m, ml-100k, ml-latest-small or ml-32m.")],
    folder: Annotated[Path, typer.Option("--to", help="Where to put the zip.")] = Path("data"),
) -> None:
    """Download a MovieLens zip from GroupLens, check it, and say how to use it; go on where it broke off."""
    from recdemo.data.download import fetch_zip, licence

    for sentence in licence(name):
        err.print(sentence, markup=False, highlight=False, soft_wrap=True)
    with Progress("Download", "MB") as progress:
        path = fetch_zip(
            name, folder, on_bytes=lambda n, total: progress.step(n >> 20, total >> 20)
        )
    out.print(f"{path}\nUse it with RECDEMO_DATA={folder.resolve()}, or --data {path}")


def main() -> NoReturn:
    """Run, turning every expected failure into one line on standard error and an exit status."""
    try:
        app(standalone_mode=True)
    except RequestError as error:
        _fail(str(error), 2)
    except OSError as error:
        _fail(f"{error.filename or ''} {error.strerror or error}".strip(), 1)
    except Exception as error:
        from recdemo.data.dataset import DataError  # with pandas: not for a run that only waits

        if not isinstance(error, CheckpointError | DataError):
            raise
        _fail(str(error), 1)
    raise SystemExit(0)


def _check_same_data(folder: Path, data: str) -> None:
    """Refuse to replace a checkpoint by one trained on other data."""
    from recdemo import checkpoints

    if not (folder / checkpoints.CARD).exists():
        return
    there = checkpoints.read_card(folder).data
    if data in DATA_NAMES and there.name != data:
        raise RequestError(
            f"{folder} holds a model trained on {there.title}; choose another folder with --out, or "
            "replace it with --force"
        )


def _print_run(run: Run) -> None:
    out.print(f"{run.id}  {run.title}: {run.state}", highlight=False, markup=False, soft_wrap=True)


def _today() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")


def _fail(message: str, status: int) -> NoReturn:
    err.print(f"Error: {message}", style="red", markup=False, highlight=False, soft_wrap=True)
    raise SystemExit(status)


def _named(given: Sequence[str], option: str) -> dict[str, Any]:
    """NAME=VALUE as a dict; a value that is not JSON is a word."""
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise RequestError(f"{option} {text!r} is not NAME=VALUE, e.g. cell=lstm")
        try:
            found[name] = json.loads(value)
        except json.JSONDecodeError:
            found[name] = value
    return found


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
