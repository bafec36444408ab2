"""Commands that train and measure, and make what is shipped beside the models."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from recdemo.cli.options import (
    DataOption,
    Json,
    ModelArgument,
    ObjectiveOption,
    SeedOption,
    SplitOption,
    WorldOption,
    named,
    today,
    with_choices,
    with_settings,
)
from recdemo.cli.places import base_for, check_replaces
from recdemo.cli.tables import Progress, err, out, print_json, print_metrics, print_table
from recdemo.core.errors import RequestError
from recdemo.core.files import write_whole
from recdemo.core.places import IN_CHECKOUT, PROJECT
from recdemo.core.worlds import world_of_data
from recdemo.data.choices import Choices

app = typer.Typer()


@app.command()
@with_choices
@with_settings
def train(
    model: ModelArgument,
    changes: dict[str, Any],
    choices: Choices,
    objective: ObjectiveOption = None,
    data: DataOption = "ml-1m",
    seed: SeedOption = 0,
    split: SplitOption = "order",
    argument: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A constructor argument, e.g. cell=lstm; JSON."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Folder of checkpoints to write to; default: the shipped one, or checkpoints-NAME here for data with films "
            "of their own, such as MIND.",
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Replace a checkpoint of other data, another split or another seed."
        ),
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
    from recdemo.jobs.worker import RunProcess
    from recdemo.models import objective_of
    from recdemo.training.distributed import ranks_here
    from recdemo.training.settings import settings_for

    ranks = ranks_here()
    if run and not ranks.alone:
        raise RequestError(
            "a run is one process: leave --run out under torchrun, or start it without torchrun"
        )
    process = RunProcess(run) if run else None
    watch: RunProcess | Progress = process or Progress(shown=ranks.first)
    # A run has waited for its turn when this is entered, and torch is imported only then.
    with watch, ranks.together():
        from recdemo import checkpoints
        from recdemo.training.command import train_words, typed
        from recdemo.training.pipeline import train as fit_and_save

        objective = objective_of(model, objective)
        world = world_of_data(data).key
        settings = settings_for(model, objective, data=data, seed=seed, **changes)
        shipped = checkpoints.root(world)
        base = process.base if process else output or base_for(data, choices, shipped)
        if not force:
            check_replaces(checkpoints.folder_of(model, objective, base), data, split, seed)
        # A path may be private, and the result of a run can be passed on.
        source = Path(data).name if process else data
        given = named(argument or (), "--argument")
        command = typed(
            train_words(
                *(model, objective, source),
                seed=seed,
                split=split,
                settings=changes,
                arguments=given,
                choices=choices,
            )
        )
        command = ranks.command(command)
        card = fit_and_save(
            model,
            objective,
            data,
            settings,
            base=base,
            choices=choices,
            split=split,
            arguments=given,
            command=command,
            state=process.state if process else None,
            ranks=ranks,
            observer=watch,
        )
    if ranks.first:
        print_metrics(card, as_json)
        if not process and not as_json and base != shipped:
            out.print(
                f"Saved in {base}; RECDEMO_CHECKPOINTS={base} answers from there", soft_wrap=True
            )


@app.command()
@with_choices
def search(
    model: ModelArgument,
    choices: Choices,
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
    trials: Annotated[int, typer.Option(min=1, help="How many trials at most.")] = 8,
    seed: SeedOption = 0,
    split: SplitOption = "order",
    record: Annotated[
        Path | None,
        typer.Option(help="Markdown file to add the trials to, such as docs/searches.md."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Try settings drawn from a space, on the validation part; nothing is saved and the test part is not read."""
    from dataclasses import asdict

    from recdemo.models import objective_of
    from recdemo.training import search as trying
    from recdemo.training.opening import open_data
    from recdemo.training.settings import ABOUT, settings_for

    objective = objective_of(model, objective)
    space, fixed = named(vary, "--vary"), named(settle or (), "--set")
    for name, values in space.items():
        if not isinstance(values, list) or not values:
            raise RequestError(f"--vary {name} needs a list, e.g. learning_rate=[0.001,0.003]")
    unknown = sorted(set(fixed) - set(ABOUT))
    if unknown:
        raise RequestError(f"there is no setting {unknown[0]!r}; use one of {', '.join(ABOUT)}")
    settings = settings_for(model, objective, data=data, seed=seed, **fixed)
    dataset, schema = open_data(data, None, choices)
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
        words += choices.words()
        title = f"{model}, {objective}, split {split}, {today()}"
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


@app.command()
@with_choices
def evaluate(
    model: ModelArgument,
    choices: Choices,
    objective: ObjectiveOption = None,
    data: DataOption = "",
    as_json: Json = False,
) -> None:
    """Measure a checkpoint on the test part of a data set, its world's if none is named, beside what its card states."""
    from recdemo import checkpoints
    from recdemo.models import objective_of
    from recdemo.training.faithfulness import measure_faithfulness
    from recdemo.training.metrics import evaluate as measure
    from recdemo.training.opening import open_test_part

    model, base = checkpoints.place_of(model)
    objective = objective_of(model, objective)
    data = data or checkpoints.world_at(base).data
    loaded = checkpoints.load(model, objective, base_for(data, choices, base))
    dataset, ratings, test = open_test_part(loaded, data, choices)
    metrics = measure(loaded.model, ratings, test, objective)
    stated = loaded.card.metrics.test
    told = (loaded.card.report or {}).get("faithfulness") or {}
    # How far attention tells what mattered, by kind; measured only where the card states it.
    faithful = measure_faithfulness(loaded.model, ratings, test) if told else {}
    if as_json:
        found: dict[str, object] = {"data": dataset.name, "simulated": dataset.simulated}
        found |= {"test": metrics, "card": stated}
        print_json(found | {"faithfulness": {k: one.mean for k, one in faithful.items()}})
        return
    rows = [
        [name, f"{value:.4f}", f"{stated[name]:.4f}" if name in stated else "–"]  # a newer metric
        for name, value in metrics.items()
    ]
    card_column = f"card ({loaded.card.data.title})"
    attention = (
        [f"attention tells: {kind}", f"{one.mean:.4f}", f"{told[kind]['mean']:.4f}"]
        for kind, one in faithful.items()
        if kind in told
    )
    columns = ["metric", dataset.title, card_column]
    print_table(f"{model}, {objective}, test part", columns, [*rows, *attention])


@app.command()
def leaderboard(
    data: DataOption = "ml-1m",
    train_missing: Annotated[
        bool, typer.Option("--train", help="Train what has no card yet; the whole zoo takes hours.")
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="Train these only; may be repeated.")
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option(help="Seeds to train with; may be repeated. Default: 0.")
    ] = None,
    split: SplitOption = "order",
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Models trained at a time, a gigabyte each. Default: one per core, at most 4.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--out", help="Folder of checkpoints; default: the shipped one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Gather the figures of every model into checkpoints/leaderboard.json and docs/leaderboard.md.

    The weights of seed 0 and split 'order' are kept; of other runs only the card, as evidence.
    """
    from recdemo import checkpoints
    from recdemo.leaderboard import build as board
    from recdemo.leaderboard import table
    from recdemo.models import CARDS
    from recdemo.training import train_all

    world = world_of_data(data).key
    base = output or checkpoints.root(world)
    if train_missing:
        lacking = train_all.missing(base, models=only or CARDS, seeds=seed or [0], split=split)
        train_all.train_all(
            lacking,
            base,
            data,
            jobs=jobs,
            on_done=lambda what: err.print(what, markup=False, highlight=False, soft_wrap=True),
        )
    board.measure_missing(base, data, on_start=err.print)
    found = board.assemble(board.cards_of(base), base, today())
    write_whole(base / table.FILE, found.model_dump_json(indent=1) + "\n")
    document = board.markdown(found)
    if IN_CHECKOUT and base == checkpoints.root(world):
        name = "-".join(filter(None, ["leaderboard", world]))
        write_whole(PROJECT / "docs" / f"{name}.md", document)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        out.print(document, markup=False, highlight=False, soft_wrap=True)


@app.command()
def maps(
    models: Annotated[
        list[str] | None, typer.Argument(help="Model keys; left out: all.", show_default=False)
    ] = None,
    world: WorldOption = "",
    as_json: Json = False,
) -> None:
    """Make the maps of films (t-SNE and UMAP) that are missing or older than the weights beside them.

    Needs the extra "maps". One objective per model, the one it is asked by default.
    """
    from recdemo import checkpoints
    from recdemo.answers.maps import make_missing
    from recdemo.models import card_of

    keys = [card_of(key).key for key in models or ()]
    made = make_missing(
        checkpoints.root(world),
        models=keys,
        on_done=lambda key, seconds: err.print(f"{key}: {seconds:.0f} s"),
    )
    if as_json:
        print_json(made)
    else:
        out.print(f"Maps made: {', '.join(made) or 'none, all are up to date'}")


@app.command()
def lab(data: DataOption = "ml-1m") -> None:
    """Train the five small DINs of the Lab page that are missing, each with its own way to weigh a history."""
    from recdemo.anatomy.lab import train_missing

    train_missing(data, on_start=lambda command: err.print(command, soft_wrap=True, markup=False))
