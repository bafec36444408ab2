"""Commands on data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recdemo.cli.options import Json, today, with_choices
from recdemo.cli.tables import Progress, err, out, print_json, print_table
from recdemo.core.files import write_whole
from recdemo.core.vocabulary import LIKED_FROM
from recdemo.core.worlds import world_of_data
from recdemo.data.choices import Choices

if TYPE_CHECKING:
    from recdemo.data import Dataset

app = typer.Typer(no_args_is_help=True, help="Where ratings come from, and what is in them.")


@app.command()
@with_choices
def info(
    choices: Choices,
    data: Annotated[
        str, typer.Argument(help="ml-1m, ml-100k, simulated, simulated-news, or a path.")
    ] = "ml-1m",
    as_json: Json = False,
) -> None:
    """Read a data set whole, and say what is in it."""
    from recdemo import checkpoints
    from recdemo.data import load_dataset
    from recdemo.data.catalogue import read_catalogue

    base = checkpoints.root(world_of_data(data).key)
    dataset = load_dataset(data, read_catalogue(base / checkpoints.CATALOGUE), choices)
    figures: dict[str, Any] = {
        "name": dataset.name,
        "title": dataset.title,
        "simulated": dataset.simulated,
        "users": len(dataset.users),
        "films": len(dataset.movies),
        "films_rated": int(dataset.ratings["movie_id"].nunique()),
        "ratings": len(dataset.ratings),
        "mean_rating": float(dataset.ratings["rating"].mean()),
        **_impressions(dataset),
        "notes": list(dataset.notes),
    }
    if as_json:
        print_json(figures)
        return
    notes = figures.pop("notes")
    named = {k.replace("film", dataset.item).replace("_", " "): v for k, v in figures.items()}
    print_table(dataset.title, ["", ""], ([k, v] for k, v in named.items()))
    for note in notes:
        out.print(note)


def _impressions(dataset: Dataset) -> dict[str, int]:
    """How many lists were shown, where the data say so, and how often something in one was clicked."""
    if "impression" not in dataset.ratings:
        return {}
    shown = dataset.ratings[dataset.ratings["impression"] > 0]
    return {
        "impressions": int(shown["impression"].nunique()),
        "shown": len(shown),
        "clicked": int((shown["rating"] >= LIKED_FROM).sum()),
    }


@app.command()
def aggregates(
    data: Annotated[str, typer.Argument(help="ml-1m, ml-100k, simulated, or a path.")] = "ml-1m",
    output: Annotated[
        Path | None, typer.Option("--out", help="Folder to write to; default: the shipped one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Count what the page Data shows into checkpoints/aggregates.json: groups of users, never one user."""
    from recdemo import checkpoints
    from recdemo.data import load_dataset
    from recdemo.data.catalogue import read_catalogue
    from recdemo.data.summary import FILE, aggregates_of

    base = checkpoints.root(world_of_data(data).key)
    dataset = load_dataset(data, read_catalogue(base / checkpoints.CATALOGUE))
    found = aggregates_of(dataset, today())
    path = (output or base) / FILE
    write_whole(path, found.model_dump_json(indent=1) + "\n")
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        out.print(
            f"{path}: {found.title}, {found.ratings:,} ratings by {found.users:,} users",
            soft_wrap=True,
        )


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="ml-1m, ml-100k, ml-latest-small or ml-32m.")],
    folder: Annotated[Path, typer.Option("--to", help="Where to put the zip.")] = Path("data"),
) -> None:
    """Download a MovieLens zip from GroupLens, check it, and say how to use it; an interrupted download goes on where it broke off."""
    from recdemo.data.download import fetch_zip
    from recdemo.data.grouplens import licence

    for sentence in licence(name):
        err.print(sentence, markup=False, highlight=False, soft_wrap=True)
    with Progress("Download") as progress:
        path = fetch_zip(
            name, folder, on_bytes=lambda n, total: progress.step(n >> 20, total >> 20)
        )
    out.print(f"{path}\nUse it with RECDEMO_DATA={folder.resolve()}, or --data {path}")
