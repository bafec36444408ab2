"""A visit as a small file: saved, and opened again with everything in it checked."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from recdemo.core.errors import RequestError
from recdemo.core.session import MAX_SESSION_FILMS, Watched
from recdemo.core.vocabulary import Objective
from recdemo.core.wording import cut
from recdemo.jobs.owner import MOST_KEYS
from recdemo.ui.visit import MAX_TARGETS, Visit, decode_visit, film_code

MAX_BYTES = 200_000
FILE_NAME = "recdemo-session.json"
_FILM_CODE = re.compile(r"(`\d+)[ldw](?=`)")  # of a link, which a file does not have
NOT_OURS, WAY_OUT = "this is not a session saved by recdemo", "save one with “Save session”"


class SavedFilm(BaseModel):
    """One film of a history; the title is for whoever reads the file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    movie_id: int = Field(ge=1)
    liked: bool | None = None
    title: str = ""


class SavedVisit(BaseModel):
    """The file: the visitor, what is asked of which model, and the keys to what they made."""

    model_config = ConfigDict(extra="forbid", strict=True)

    recdemo: Literal[1]
    gender: str | None = None
    age: int | None = None
    occupation: int | None = None
    history: list[SavedFilm] = Field(default=[], max_length=MAX_SESSION_FILMS)
    model: str = ""
    objective: str = ""
    targets: list[int] = Field(default=[], max_length=MAX_TARGETS)
    compared: list[str] = Field(default=[], max_length=100)
    keys: list[str] = Field(default=[], max_length=MOST_KEYS)  # to what the visitor made


def save_visit(visit: Visit, titles: Mapping[int, str], keys: Sequence[str] = ()) -> str:
    """The visit as JSON, with the keys to what the visitor made; a story or a change tried out is not part of it."""
    session = visit.session
    saved = SavedVisit(
        recdemo=1,
        gender=session.gender,
        age=session.age,
        occupation=session.occupation,
        history=[
            SavedFilm(movie_id=film.movie_id, liked=film.liked, title=titles.get(film.movie_id, ""))
            for film in session.history
        ],
        model=visit.model,
        objective=visit.objective,
        targets=list(visit.targets),
        compared=list(visit.compared),
        keys=list(keys),
    )
    return saved.model_dump_json(indent=1) + "\n"


def open_visit(
    content: bytes, *, models: Mapping[str, Sequence[Objective]], films: Collection[int]
) -> tuple[Visit, list[str]]:
    """The visit of a file; `models` and `films` are those that exist, as in `decode_visit`.

    Returns:
        The visit, and one sentence for each thing that does not exist here and was left out.

    Raises:
        RequestError: it is not such a file.
    """
    saved = _read(content)
    link = {
        "m": saved.model,
        "obj": saved.objective,
        "g": saved.gender or "",
        "a": "" if saved.age is None else str(saved.age),
        "o": "" if saved.occupation is None else str(saved.occupation),
        "h": "-".join(film_code(Watched(film.movie_id, film.liked)) for film in saved.history),
        "t": "-".join(map(str, saved.targets)),
        "c": ".".join(saved.compared),
    }
    visit, problems = decode_visit(link, models=models, films=films)
    said = [_FILM_CODE.sub(r"\1", problem.replace("The link", "The file")) for problem in problems]
    return visit, said


def keys_in(content: bytes) -> list[str]:
    """The keys in a file.

    Raises:
        RequestError: it is not such a file.
    """
    return _read(content).keys


def _read(content: bytes) -> SavedVisit:
    if len(content) > MAX_BYTES:
        raise RequestError(
            f"a file of {len(content):,} bytes is too large for a session; the limit is {MAX_BYTES:,}"
        )
    try:
        # Pydantic's own reader takes no half of a character, which no page could show.
        return SavedVisit.model_validate_json(content)
    except ValidationError as error:
        raise RequestError(f"{NOT_OURS}: {_problem(error.errors()[0])}; {WAY_OUT}") from None


def _problem(error: ErrorDetails) -> str:
    """The first thing wrong with a file, in words for whoever has it."""
    if error["type"] == "json_invalid":
        return "it is not JSON"
    match list(error["loc"]):
        case []:
            return "the JSON is not an object"
        case ["recdemo"]:
            if error["type"] == "missing":
                return "“recdemo”, the version of its layout, is missing"
            return f"its layout is of version {_shown(error['input'])}, and only 1 is known here"
        case ["history", int(place), str(name)]:
            what = f"“{name}” of film {place + 1} of the history"
        case ["history", int(place)]:
            what = f"film {place + 1} of the history"
        case [str(name), int(place)]:
            what = f"entry {place + 1} of “{name}”"
        case [str(name), *_]:
            what = f"“{name}”"
        case _:
            what = "an entry"
    match error["type"]:
        case "missing":
            return f"{what} is missing"
        case "extra_forbidden":
            return f"{what} is not known"
        case "too_long":
            return (
                f"{what} has {len(error['input'])} entries, more than {error['ctx']['max_length']}"
            )
    wanted = _WANTED.get(error["type"], "something else")
    return f"{what} is {_shown(error['input'])}, not {wanted}"


_WANTED = {
    "bool_type": "true, false or null",
    "int_type": "a whole number",
    "greater_than_equal": "1 or more",
    "string_type": "a text",
    "list_type": "a list",
    "model_type": "a film",
}


def _shown(value: object) -> str:
    return cut(json.dumps(value, ensure_ascii=False))
