"""recdemo: neural recommenders, side by side, explained.

import recdemo
session = recdemo.Session(gender="F", age=25, history=[recdemo.Watched(260, liked=True)])
model = recdemo.load("din", objective="next")
model.recommend(session, k=10)
model.explain(session, movie_id=1210)
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from recdemo.core.errors import CheckpointError, RequestError
from recdemo.core.session import Session, Watched
from recdemo.core.vocabulary import Objective

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from recdemo.answers.recommend import Recommender
    from recdemo.core.steps import Trace
    from recdemo.data.history import Brought

__version__ = "0.1.0"

# What pages answer, for `from recdemo import …`: modules by the name they are known by, imported when asked for.
_MODULES = {
    "aggregates": "data.summary",
    "compare": "answers.compare",
    "datasheet": "anatomy.datasheet",
    "embed": "answers.embeddings",
    "handout": "charts.report",
    "inside": "answers.attention",
    "lab": "anatomy.lab",
    "standings": "leaderboard.standings",
    "whatif": "answers.whatif",
}


def __getattr__(name: str) -> ModuleType:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{_MODULES[name]}")


def load(model: str, objective: Objective | None = None) -> Recommender:
    """A trained model, ready to answer.

    Args:
        model: key, e.g. ``din``; ``python -m recdemo models`` lists them.
        objective: ``next`` (what would they pick), ``like`` (would they like it if they saw it) or ``rating``
            (how many stars); None for ``next``, or ``rating`` where a model knows nothing else.

    Raises:
        RequestError: no such model or objective.
        CheckpointError: its checkpoint, or the catalogue, is missing or damaged.
    """
    from recdemo.answers.recommend import Recommender

    return Recommender.load(model, objective)


def trace(
    model: str | Recommender, session: Session, movie_id: int, objective: Objective | None = None
) -> Trace:
    """How a model's answer for one film is computed, step by step, as it was.

    Args:
        model: key, as of `load`; or what `load` gave.
        session: who asks. The model reads the latest films of the history, and so many are named.
        movie_id: any film of the catalogue; one of the history is asked about as if not yet watched.
        objective: as of `load`, where the model is a key.

    Returns:
        Steps with names, formulas, inputs, named axes and values; the last but one gives the logit, the last what
        `Recommender.recommend` shows. ``to_json()`` gives plain values.

    Raises:
        RequestError: no such model, objective or film.
        CheckpointError: its checkpoint, or the catalogue, is missing or damaged.
    """
    from recdemo.answers.trace import trace

    return trace(model, session, movie_id, objective)


def find_films(words: str, world: str = "") -> pd.DataFrame:
    """Films of a world, left out the first, by words of their titles, typed as people do, the likeliest first.

    Columns: ``movie_id, title, year, genres, ratings, likes``, and ``near``, true where no film has the words and these
    have others, each one letter off at most.

    Raises:
        CheckpointError: the catalogue is missing or damaged.
    """
    from recdemo.answers.films import find_films

    return find_films(words, world)[0]


def read_history(path: str | Path, *, person: str = "") -> Brought:
    """What somebody exported from Letterboxd, IMDb, Netflix, Trakt …, matched to the films that the models know.

    ``recdemo.read_history("letterboxd.zip").session()`` is a visitor with these films; see `recdemo.data.history`.

    Args:
        path: a CSV, JSON, text or zip file.
        person: whose lines to take where a file holds several people's; by default who has most.

    Raises:
        recdemo.data.DataError: it cannot be read, or nothing in it is understood.
    """
    from recdemo.data.history import read_history

    return read_history(path, person=person)


__all__ = [
    "CheckpointError",
    "Objective",
    "RequestError",
    "Session",
    "Watched",
    "__version__",
    "find_films",
    "load",
    "read_history",
    "trace",
]
