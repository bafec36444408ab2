"""Commands that look further into one visitor's lists: several models, another visitor, a page to print."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recdemo.cli.options import InOrder, Json, Length, Model, ObjectiveOption, Visitor, with_visitor
from recdemo.cli.tables import finite_or_none, out, percent, print_json, print_table
from recdemo.core.errors import RequestError
from recdemo.core.session import Session, Watched
from recdemo.core.vocabulary import Objective

if TYPE_CHECKING:
    from recdemo.answers.counterfactual import Change
    from recdemo.answers.drop import Drop
    from recdemo.answers.recommend import Recommender

NEW = "Another one, or - for unknown."
SIDES = ("before", "after")

app = typer.Typer()


@app.command(cls=InOrder)
@with_visitor
def compare(
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="Model key; give two or more. Left out: five kinds."),
    ] = None,
    objective: ObjectiveOption = None,
    *,
    visitor: Visitor,
    k: Length = 10,
    as_json: Json = False,
) -> None:
    """Ask several models for one visitor: their lists side by side, and how far they agree.

    A model that is not trained for the objective is asked its own. Overlap is rank-biased: 1 where the first
    hundred films of two models are the same, 0 where none are; the top counts most.
    """
    from recdemo import checkpoints
    from recdemo.answers.compare import default_models, overlaps, rank, side_by_side
    from recdemo.answers.explain import titles_of

    session = visitor((model or [""])[0])
    if not model:
        menu = dict.fromkeys(key for key, _ in checkpoints.available())
        model = list(default_models(menu, "din"))
    if len(set(model)) < max(2, len(model)):
        raise RequestError(f"--model {' '.join(model)}: name two models or more, each once")
    recommenders = _loaded(model, objective)
    rankings = [rank(recommender, session) for recommender in recommenders]
    table, overlap = side_by_side(rankings, k), overlaps(rankings)
    titles = titles_of(recommenders[0], table["movie_id"].tolist())
    if as_json:
        table.insert(1, "title", titles)
        print_json(
            {
                "models": [{"model": r.model, "objective": r.objective} for r in rankings],
                "films": table.to_dict("records"),
                "overlap": overlap.tolist(),
            }
        )
        return
    names = dict(zip(table["movie_id"], titles, strict=True))
    lists = [[names[movie] for movie in ranking.movie_ids[:k]] for ranking in rankings]
    heads = [f"{ranking.model}, {ranking.objective}" for ranking in rankings]
    rows = ([place, *films] for place, films in enumerate(zip(*lists, strict=True), start=1))
    print_table("Lists side by side", ["#", *heads], rows)
    shares = (
        [key, *(f"{share:.2f}" for share in row)] for key, row in zip(model, overlap, strict=True)
    )
    print_table("Rank-biased overlap", ["", *model], shares)


@app.command("what-if", cls=InOrder)
@with_visitor
def what_if(
    model: Model = "din",
    objective: ObjectiveOption = None,
    *,
    visitor: Visitor,
    to_gender: Annotated[str | None, typer.Option(help=NEW)] = None,
    to_age: Annotated[str | None, typer.Option(help=NEW)] = None,
    to_occupation: Annotated[str | None, typer.Option(help=NEW)] = None,
    drop: Annotated[
        list[int] | None,
        typer.Option(metavar="FILM", help="A film not watched after all; may be repeated."),
    ] = None,
    add_like: Annotated[
        int | None, typer.Option(metavar="FILM", help="A film watched last, and liked.")
    ] = None,
    add_dislike: Annotated[
        int | None, typer.Option(metavar="FILM", help="A film watched last, and disliked.")
    ] = None,
    add_watched: Annotated[
        int | None, typer.Option(metavar="FILM", help="A film watched last, without an opinion.")
    ] = None,
    movie: Annotated[
        int | None,
        typer.Option(
            help="Instead of a change: a film to drop from the list by taking away films watched."
        ),
    ] = None,
    k: Length = 10,
    as_json: Json = False,
) -> None:
    """Change a visitor, and see which films move; or, with --movie, find what it takes to drop a film.

    what-if --gender F --like 260 --like 2571 --to-gender M --drop 260 --add-dislike 1721
    what-if --gender F --like 260 --like 2571 --movie 1196
    """
    import recdemo
    from recdemo.answers.counterfactual import Change, rank_changes, what_moves
    from recdemo.answers.drop import what_it_takes

    session = visitor(model)
    added = [
        Watched(film, liked)
        for film, liked in ((add_like, True), (add_dislike, False), (add_watched, None))
        if film is not None
    ]
    if len(added) > 1:
        ids = ", ".join(str(film.movie_id) for film in added)
        raise RequestError(f"only one film can be watched last, not {ids}; add one")
    for film in drop or ():
        if film not in session.movie_ids:
            watched_films = " ".join(map(str, session.movie_ids)) or "none"
            raise RequestError(f"film {film} to drop is not in the history: {watched_films}")
    change = Change(
        gender=to_gender,  # type: ignore[arg-type]
        age=_code(to_age, "--to-age"),
        occupation=_code(to_occupation, "--to-occupation"),
        dropped=tuple(drop or ()),
        added=added[0] if added else None,
    )
    if (movie is None) == (change == Change()):
        asked = (
            "nothing was asked"
            if movie is None
            else f"--movie {movie} cannot be combined with a change"
        )
        raise RequestError(f"{asked}; give --movie alone, or --to-…, --drop or --add-…")
    after = change.of(session)
    recommender = recdemo.load(model, objective)
    if movie is not None:
        _print_drop(recommender, session, what_it_takes(recommender, session, movie, k), as_json)
        return
    changes = rank_changes(recommender, session, after, k)
    records = changes.films.to_dict("records")
    for record in records:
        for name in SIDES:
            rank, score = f"rank_{name}", f"score_{name}"
            record[score] = finite_or_none(record[score])
            record[rank] = None if record[score] is None else int(record[rank])
    if as_json:
        print_json({"stay": changes.stay, "same_scores": changes.same_scores, "films": records})
        return
    _print_changes(recommender, session, change, records)
    out.print(f"{what_moves(changes, recommender.words)}.", highlight=False)
    if changes.same_scores:
        out.print(f"No score moves: nothing that the model {recommender.words.reads} has changed.")


@app.command(cls=InOrder)
@with_visitor
def report(
    output: Annotated[
        Path, typer.Option("--out", help="HTML file to write, or a .png; one there is replaced.")
    ],
    model: Model = "din",
    objective: ObjectiveOption = None,
    *,
    visitor: Visitor,
    movie: Annotated[
        list[int] | None,
        typer.Option(help="Film to explain, may be repeated; left out: the first of the list."),
    ] = None,
    beside: Annotated[
        list[str] | None, typer.Option(help="Model key to compare with; may be repeated.")
    ] = None,
    k: Length = 10,
    as_json: Json = False,
) -> None:
    """Write a visitor's answers as one HTML page to print, with all that is behind them; or the list and its reason as a PNG."""
    import recdemo
    from recdemo.charts.picture import picture
    from recdemo.charts.report import handout
    from recdemo.models import card_of

    session = visitor(model)
    recommender = recdemo.load(model, objective)
    keys = [key for key in dict.fromkeys(beside or ()) if key != model]
    loaded = _loaded(keys, recommender.objective)
    others = {card_of(key).title: other for key, other in zip(keys, loaded, strict=True)}
    drawn = output.suffix.lower() == ".png"
    page = "" if drawn else handout(recommender, session, others=others, targets=movie or (), k=k)
    output.write_bytes(picture(recommender, session) if drawn else page.encode())
    if as_json:
        print_json({"file": str(output)})
    else:
        out.print(str(output), highlight=False, markup=False, soft_wrap=True)


def _loaded(keys: list[str], objective: Objective | None) -> list[Recommender]:
    """Models, each asked what is wanted if it is trained for that."""
    import recdemo
    from recdemo import checkpoints
    from recdemo.answers.compare import question
    from recdemo.models import card_of

    places = {key: checkpoints.place_of(key) for key in keys}
    if len({base for _, base in places.values()}) > 1:
        raise RequestError(
            f"{' '.join(keys)} know different films, whose ranks say nothing about each other; name models of one world"
        )
    wanted = objective or "next"
    found = []
    for key, (model, base) in places.items():
        trained = [goal for one, goal in checkpoints.available(base) if one == model]
        found.append(recdemo.load(key, question(trained or card_of(model).objectives, wanted)))
    return found


def _code(text: str | None, option: str) -> Any:
    """A code of `Change`: a number, or `-` for unknown."""
    if text is None or text == "-":
        return text
    try:
        return int(text)
    except ValueError:
        raise RequestError(
            f"{option} {text!r} is not a code; 'models --codes' lists them, - is unknown"
        ) from None


def _print_changes(
    recommender: Recommender, session: Session, change: Change, records: list[dict[str, Any]]
) -> None:
    from recdemo.answers.counterfactual import in_words
    from recdemo.answers.explain import titles_of

    films = [*session.movie_ids, *([change.added.movie_id] if change.added else [])]
    titles = dict(zip(films, titles_of(recommender, films), strict=True))
    shown = "{:.2f}".format if recommender.objective == "rating" else percent
    rows = (
        [
            record["title"],
            *("–" if record[f"rank_{n}"] is None else record[f"rank_{n}"] for n in SIDES),
            *("–" if record[f"score_{n}"] is None else shown(record[f"score_{n}"]) for n in SIDES),
        ]
        for record in records
    )
    words = recommender.words
    told = "; ".join(in_words(change, session, titles, words)) or "nothing changes"
    columns = [words.film, "# before", "# after", "score before", "after"]
    print_table(f"{recommender.checkpoint.card.model}: {told}", columns, rows)


def _print_drop(recommender: Recommender, session: Session, found: Drop, as_json: bool) -> None:
    """What it takes, and how far that is certain."""
    from recdemo.answers.counterfactual import enumerated
    from recdemo.answers.explain import titles_of

    if as_json:
        value = asdict(found) | {"smallest": found.smallest, "margin": finite_or_none(found.margin)}
        value["alone"] = [[film, finite_or_none(margin)] for film, margin in found.alone]
        print_json(value)
        return
    films = [found.movie_id, *session.movie_ids]
    titles = dict(zip(films, titles_of(recommender, films), strict=True))
    title, words = titles[found.movie_id], recommender.words
    if found.rank is None:
        said = f"{title} has been {words.watched}, so it is on no list."
    elif found.rank > found.k:
        said = f"{title} is not among the first {found.k}: it has rank {found.rank:,}."
    elif found.films:
        gone = enumerated([titles[film] for film in found.films], len(found.films))
        said = f"Without {gone}, {title} falls from rank {found.rank} to {found.rank_after:,}."
        if len(found.films) > 1:
            said += (
                " No smaller set does it: all were tried."
                if found.smallest
                else f" No set of up to {found.tried} does it, nor any part of this one."
            )
    elif not session.history:
        said = f"{title} has rank {found.rank} without any history: no {words.film} holds it up."
    elif found.unread:
        said = (
            f"{title} has rank {found.rank} whatever was {words.watched}: no score depends on it."
        )
    else:
        said = (
            f"Nothing found that drops {title} from rank {found.rank}: no set of up to {found.tried} "
            f"{words.films} does it. Without any history it has rank {found.rank_bare:,}."
        )
    out.print(said, highlight=False, markup=False, soft_wrap=True)
    if found.alone:
        rows = ([titles[film], f"{margin:+.3f}"] for film, margin in found.alone)
        lead = f"Its lead over the first {words.film} off the list: {found.margin:+.3f} with all {words.films}"
        print_table(lead, ["without", "lead"], rows)
