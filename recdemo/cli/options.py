"""What several commands take: options, and what is made of them."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Callable, Sequence
from functools import partial, wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from recdemo.core.errors import RequestError
from recdemo.core.session import MAX_SESSION_FILMS, Session, Watched
from recdemo.core.vocabulary import AGES, Objective, Split
from recdemo.core.worlds import WORLDS, split_key
from recdemo.data.choices import FEWEST, ROLES, SCALES, Choices, Scale
from recdemo.training.settings import OFFERED, TYPES

OPINIONS = {"like": True, "dislike": False, "watched": None}


class InOrder(TyperCommand):
    """Keeps the order in which --like, --dislike and --watched were typed among each other."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        ctx.meta["recdemo.order"] = [parameter.name for parameter in order]
        rest: list[str] = super().parse_args(ctx, args)
        return rest


def _length(k: int) -> int:
    if k < 1:
        raise RequestError(f"k must be a whole number, 1 or more, not {k}")
    return k


def _world(key: str) -> str:
    if key not in WORLDS:
        raise RequestError(
            f"there is no world {key!r}; use {' or '.join(filter(None, WORLDS))}, or leave it out"
        )
    return key


Model = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        help="Model key; see 'models'. With @2018 after it, of the world of films to 2018.",
    ),
]
ModelArgument = Annotated[str, typer.Argument(help="Model key; see 'models'.")]
ObjectiveOption = Annotated[
    Objective | None,
    typer.Option(
        help="[b]next[/]: what would they pick next (a ranking). "
        "[b]like[/]: would they like it if they saw it (a probability). [b]rating[/]: how many stars. "
        "Left out: next, or rating where a model knows nothing else."
    ),
]
Length = Annotated[int, typer.Option("-k", callback=_length, help="Length of the list.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]
DataOption = Annotated[
    str,
    typer.Option(
        "--data",
        help="ml-1m, ml-100k, ml-latest-small, ml-32m (looked for in $RECDEMO_DATA), simulated, simulated-news, or a path: "
        "of such a set, of MIND's news.tsv and behaviors.tsv as a folder or zip, of your own table (CSV, JSON, "
        "Parquet …), or of a folder of parts to stream ('train' only).",
    ),
]
WorldOption = Annotated[
    str,
    typer.Option(
        callback=_world,
        help="2018: films to 2018, by MovieLens Latest Small; left out: films to 2000.",
    ),
]
SplitOption = Annotated[
    Split,
    typer.Option(
        help="order: each user's last tenth is the test. last: their last film, leave-one-out. "
        "random: a tenth of all ratings."
    ),
]
SeedOption = Annotated[int, typer.Option(min=0, help="Same seed, same weights.")]


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """A command with an option for each setting on offer, which gets what was typed of them as its `changes`."""
    options = [
        _option(
            name,
            TYPES[name] | None,
            None,
            typer.Option(min=about.least, max=about.most, help=about.meaning),
        )
        for name, about in OFFERED.items()
    ]
    return _with(command, "changes", options, dict)


def with_choices(command: Callable[..., None]) -> Callable[..., None]:
    """A command with an option for each choice about a file of one's own, which gets them as its `choices`."""
    panel = "How your own file is read"
    say = partial(typer.Option, rich_help_panel=panel)
    options = [
        _option(
            "columns", list[str] | None, None,
            say("--map", metavar="ROLE=COLUMN", help=f"What a column holds, e.g. title=Name; may be repeated. ROLE: {', '.join(ROLES)}."),
        ),
        _option("scale", Scale | None, None, say(help=f"How ratings are written. {'; '.join(f'{key}: {what}' for key, what in SCALES.items())}.")),
        _option("ids", Literal["ml-1m"] | None, None, say(help="The film ids are MovieLens-1M's.")),
        _option("own_films", bool, False, say("--own-films", help="The films of the file are the catalogue; train with --out FOLDER.")),
        _option("leave_out", bool, False, say("--leave-out", help="Leave out rows with problems.")),
        _option("fewest", int, FEWEST, say(min=1, help="Leave out people with fewer ratings.")),
    ]  # fmt: skip

    def gather(given: dict[str, Any]) -> Choices:
        columns = {}
        for text in given["columns"] or ():
            role, equals, column = text.partition("=")
            if not equals or role not in ROLES:
                raise RequestError(
                    f"--map {text!r} is not ROLE=COLUMN, where ROLE is one of {', '.join(ROLES)}"
                )
            columns[role] = column
        return Choices(**given | {"columns": columns, "ids": given["ids"] or ""})

    return _with(command, "choices", options, gather)


Visitor = Callable[[str], Session]  # as a model of this key knows them


def with_visitor(command: Callable[..., None]) -> Callable[..., None]:
    """A command with options for a profile and a history, which gets who they tell of as its `visitor`."""
    films = typer.Option(metavar="FILM", help="Film id, may be repeated.")
    options = [
        Parameter("context", Parameter.KEYWORD_ONLY, annotation=typer.Context),
        _option("gender", str | None, None, typer.Option(help="F or M; left out: unknown.")),
        _option("age", int | None, None, typer.Option(help=f"First year of an age group: {' '.join(map(str, AGES))}.")),
        _option("occupation", int | None, None, typer.Option(help="0 to 20, as in MovieLens-1M; 'models --codes' lists them.")),
        *(_option(name, list[int] | None, None, films) for name in OPINIONS),
        _option(
            "history", Path | None, None,
            typer.Option(metavar="FILE", help="What you exported from Letterboxd, IMDb, Netflix, Trakt, Douban, Goodreads …, or a "
                         "list of lines 'Title (Year)'. Films given by id come after it."),
        ),
        _option("person", str, "", typer.Option(help="Whose lines to take from a --history FILE that holds several people's.")),
    ]  # fmt: skip
    return _with(command, "visitor", options, lambda given: partial(_session, given))


def _option(name: str, kind: Any, default: Any, about: Any) -> Parameter:
    return Parameter(
        name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, about]
    )


def _with(
    command: Callable[..., None],
    name: str,
    options: Sequence[Parameter],
    gather: Callable[[dict[str, Any]], Any],
) -> Callable[..., None]:
    """A command with options in place of one parameter, which gets what `gather` makes of them."""

    @wraps(command)
    def with_options(**given: Any) -> None:
        found = gather({option.name: given.pop(option.name) for option in options})
        command(**given, **{name: found})

    taken = [
        option
        for each in signature(command, eval_str=True).parameters.values()
        for option in (
            options if each.name == name else [each.replace(kind=Parameter.KEYWORD_ONLY)]
        )
    ]
    with_options.__signature__ = Signature(taken)  # type: ignore[attr-defined]
    with_options.__annotations__ = {each.name: each.annotation for each in taken}
    return with_options


def _session(given: dict[str, Any], model: str) -> Session:
    """The visitor that a command asks a model about. What of a file is not found is said on standard error."""
    by_hand = {name: iter(given[name] or ()) for name in OPINIONS}
    history = given["history"]
    films = [] if history is None else _brought(history, given["person"], split_key(model)[1])
    for name in given["context"].meta["recdemo.order"]:
        if name in by_hand:
            film = Watched(next(by_hand[name]), OPINIONS[name])
            if history is not None:  # by hand goes before the file
                films = [one for one in films if one.movie_id != film.movie_id]
            films.append(film)
    if history is not None:
        films = films[-MAX_SESSION_FILMS:]
    return Session(given["gender"], given["age"], given["occupation"], films)


def _brought(path: Path, person: str, world: str) -> list[Watched]:
    """The films of an exported history."""
    from recdemo.cli.tables import err
    from recdemo.data.history import read_history

    found = read_history(path, person=person, world=world)
    for sentence in (*found.export.notes, *found.sentences()):
        err.print(sentence, markup=False, highlight=False, soft_wrap=True)
    return list(found.history())


def years_of(text: str | None) -> tuple[int, int] | None:
    """FROM-TO as two years of release."""
    if text is None:
        return None
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
        raise RequestError(f"--years {text!r} is not FROM-TO, e.g. 1990-1999")
    return int(first), int(last)


MAX_NUMBER = 1_000_000_000  # of a setting or an argument


def named(given: Sequence[str], option: str) -> dict[str, Any]:
    """NAME=VALUE as a dict; a value that is not JSON is a word.

    Raises:
        RequestError: it is not of that form, or has a number that no setting or argument can be.
    """
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise RequestError(f"{option} {text!r} is not NAME=VALUE, e.g. cell=lstm")
        try:
            found[name] = json.loads(value)
        except json.JSONDecodeError:
            found[name] = value
        except (ValueError, RecursionError):  # thousands of digits, or of brackets
            found[name] = math.inf
        values = found[name] if isinstance(found[name], list) else [found[name]]
        if any(isinstance(one, int | float) and not abs(one) <= MAX_NUMBER for one in values):
            raise RequestError(
                f"{option} {text[:60]!r} has a number beyond {MAX_NUMBER:,}; give a smaller one"
            )
    return found


def today() -> str:
    """The date, for what is written down."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
