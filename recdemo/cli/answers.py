"""Commands that ask the shipped models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from recdemo.cli.options import (
    InOrder,
    Json,
    Length,
    Model,
    ModelArgument,
    ObjectiveOption,
    Visitor,
    WorldOption,
    with_visitor,
    years_of,
)
from recdemo.cli.tables import (
    err,
    finite_or_none,
    out,
    percent,
    print_explanation,
    print_json,
    print_table,
    print_trace,
)
from recdemo.core.errors import RequestError
from recdemo.core.vocabulary import GROUPS, SCORE_NAMES
from recdemo.core.wording import Words, counted
from recdemo.core.worlds import join_key

if TYPE_CHECKING:
    import pandas as pd

SpaceOption = Annotated[
    str, typer.Option(help="Which of the model's tables of films; 'film' is the candidates'.")
]

app = typer.Typer()


@app.command()
def models(
    as_json: Json = False,
    codes: Annotated[bool, typer.Option(help="List occupation and age codes instead.")] = False,
    markdown: Annotated[bool, typer.Option(help="Print the README's table instead.")] = False,
    world: WorldOption = "",
) -> None:
    """List every model: key, idea's source, objectives that have a checkpoint, what it can show."""
    from recdemo import checkpoints
    from recdemo.models.cards import CARDS, as_markdown

    if markdown:
        typer.echo(as_markdown())
        return
    if codes:
        if as_json:
            print_json(GROUPS)
            return
        for name, entries in GROUPS.items():
            print_table(name.capitalize(), ["code", "meaning"], entries.items())
        return
    ready = checkpoints.available(checkpoints.root(world))
    rows = [
        {
            "key": join_key(card.key, world),
            "title": card.title,
            "family": card.family,
            "source": card.source,
            "objectives": [objective for key, objective in ready if key == card.key],
            "explains": list(card.shows),
        }
        for card in CARDS.values()
        if not world or any(key == card.key for key, _ in ready)
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
def glossary(
    words: Annotated[list[str] | None, typer.Argument(help="A term, or words of one.")] = None,
    markdown: Annotated[bool, typer.Option(help="Print docs/glossary.md instead.")] = False,
    as_json: Json = False,
) -> None:
    """Say what the words of pages and commands mean: all of them, or those that hold what is asked."""
    from recdemo.core.glossary import as_markdown, look_up

    if markdown:
        typer.echo(as_markdown(), nl=False)
        return
    asked = " ".join(words or ())
    found = look_up(asked)
    if not found:
        raise RequestError(
            f"the glossary does not have {asked!r}; 'glossary' alone lists all terms"
        )
    if as_json:
        print_json([term._asdict() for term in found])
        return
    for term in found:
        out.print(
            f"{term.name}: {term.short} {term.more}", markup=False, highlight=False, soft_wrap=True
        )


@app.command()
def films(
    words: Annotated[list[str], typer.Argument(help="Words of the title.")],
    world: WorldOption = "",
    as_json: Json = False,
) -> None:
    """Find films by words of their titles, as people type them, the likeliest first.

    Accents, articles and punctuation do not count, a year narrows: hamlet 1996, miserables, godfather 2
    """
    from recdemo.answers.films import find_films

    table, missing = find_films(" ".join(words), world)
    if missing and (as_json or len(table)):
        err.print(missing, markup=False, highlight=False, soft_wrap=True)
    found = table.to_dict("records")
    if as_json:
        print_json(found)
        return
    if not found:
        raise RequestError(missing or f"{' '.join(words)!r} has no word; try one of the title")
    shown = ([f["movie_id"], f["title"], f["year"] or "–", ", ".join(f["genres"])] for f in found)
    title = f"{counted(len(found), 'film')}{', near what was typed' if missing else ''}"
    print_table(title, ["id", "title", "year", "genres"], shown)


@app.command(cls=InOrder)
@with_visitor
def recommend(
    model: Model = "din",
    objective: ObjectiveOption = None,
    *,
    visitor: Visitor,
    k: Length = 10,
    genre: Annotated[
        list[str] | None, typer.Option(help="Keep only films of this genre; may be repeated.")
    ] = None,
    years: Annotated[
        str | None,
        typer.Option(metavar="FROM-TO", help="Keep only films of these years, e.g. 1990-1999."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Rank the catalogue for a visitor.

    Give the films in the order watched, with --like, --dislike and --watched mixed freely, e.g.
    recommend --gender F --age 25 --like 260 --like 2571 --dislike 1721 --watched 1196
    """
    import recdemo

    session = visitor(model)
    span = years_of(years)
    recommender = recdemo.load(model, objective)
    table = recommender.recommend(session, k, genres=genre or (), years=span)
    table = table.drop(columns="ratings")
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
            r.year or "–",
            ", ".join(r.genres),
            f"{r.score:.2f}" if rating else percent(r.score),
            percent(r.p_like),
        ]
        for r in table.itertuples()
    )
    score = SCORE_NAMES[recommender.objective].lower()
    print_table(
        f"{model}, {recommender.objective}",
        ["#", "id", "title", "year", recommender.words.genres, score, "would like"],
        rows,
    )


@app.command(cls=InOrder)
@with_visitor
def explain(
    movie: Annotated[int, typer.Option(help="Film to explain.")],
    against: Annotated[
        int | None,
        typer.Option(
            help="Film to set it beside: why this, and not that? Left out: the average of all films not watched."
        ),
    ] = None,
    model: Model = "din",
    objective: ObjectiveOption = None,
    *,
    visitor: Visitor,
    as_json: Json = False,
) -> None:
    """Say why a film scores what it scores: terms that add up to the logit, what lifts it over another film, weights,
    and removals."""
    import recdemo

    session = visitor(model)
    recommender = recdemo.load(model, objective)
    explanation = recommender.explain(session, movie, against=against)
    if as_json:
        print_json(explanation.as_dict())
    else:
        print_explanation(explanation, recommender.words)


@app.command(cls=InOrder)
@with_visitor
def trace(
    model: ModelArgument,
    movie: Annotated[int, typer.Option(help="Film whose answer is followed.")],
    objective: ObjectiveOption = None,
    *,
    visitor: Visitor,
    as_json: Json = False,
) -> None:
    """Follow one answer step by step, from what goes in to the figure on the list."""
    import recdemo

    session = visitor(model)
    recommender = recdemo.load(model, objective)
    found = recdemo.trace(recommender, session, movie)
    if as_json:
        print_json(found.to_json())
    else:
        print_trace(found, recommender.words)


@app.command()
def neighbours(
    movie: Annotated[int, typer.Option(help="Film whose neighbours are asked for.")],
    model: Model = "din",
    objective: ObjectiveOption = None,
    space: SpaceOption = "film",
    k: Length = 10,
    as_json: Json = False,
) -> None:
    """List the films that a model holds to be most like one: cosines of its vectors."""
    import recdemo
    from recdemo.answers.embeddings import neighbours as nearest_films

    recommender = recdemo.load(model, objective)
    table = nearest_films(recommender, movie, k, space=space)
    words = recommender.words
    _print_nearest(f"{model}, {words(space)}", table, words, as_json)


@app.command()
def analogy(
    a: Annotated[int, typer.Argument(help="Film that is to B …", metavar="A")],
    b: Annotated[int, typer.Argument(help="… this one,", metavar="B")],
    c: Annotated[int, typer.Argument(help="as the films listed are to this one.", metavar="C")],
    model: Model = "din",
    objective: ObjectiveOption = None,
    space: SpaceOption = "film",
    k: Length = 10,
    as_json: Json = False,
) -> None:
    """List the films nearest to A − B + C of a model's vectors: A is to B as what is to C?

    Aliens is to Alien as what is to The Terminator: analogy 1200 1214 1240
    """
    import recdemo
    from recdemo.answers.embeddings import film_analogy

    recommender = recdemo.load(model, objective)
    table, words = film_analogy(recommender, a, b, c, k, space=space), recommender.words
    _print_nearest(f"{model}, {words(space)}: {a} − {b} + {c}", table, words, as_json)


def _print_nearest(title: str, table: pd.DataFrame, words: Words, as_json: bool) -> None:
    """Films with cosines, and of an analogy their places among the neighbours of C alone."""
    if as_json:
        records = table.to_dict("records")
        print_json([record | {"genres": list(record["genres"])} for record in records])
        return
    last = {"alone": "# for C alone"} if "alone" in table else {}
    rows = (
        [
            *(r.rank, r.movie_id, r.title, r.year or "–", ", ".join(r.genres), f"{r.cosine:.3f}"),
            *(getattr(r, name) for name in last),
        ]
        for r in table.itertuples()
    )
    columns = ["#", "id", "title", "year", words.genres, "cosine", *last.values()]
    print_table(title, columns, rows)
