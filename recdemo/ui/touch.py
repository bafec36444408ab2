"""Touch the cause on Recommend: films of the history left out, one press each, and what becomes of the list.

What is left out is the change that the page What if tries out (`Visit.change`): the same in the link, kept by the same button.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from recdemo.answers.counterfactual import (
    Change,
    RankChanges,
    enumerated,
    in_words,
    what_moves,
    why_nothing_moves,
)
from recdemo.answers.reasons import Reasons, gives_films, reasons, what_mattered
from recdemo.answers.recommend import Recommender
from recdemo.core.session import Session
from recdemo.data.catalogue import shorten
from recdemo.ui import change, engine, state
from recdemo.ui.engine import plain
from recdemo.ui.visit import Visit
from recdemo.ui.what_if import keep

FIRST = 8  # films that are offered at once
OF_LIST = 10  # first films of a list by which it is told what mattered
KEEP_HELP = "You go on without these films. Undo in the sidebar brings them back."


@st.cache_data(show_spinner=False, max_entries=300)
def shared_reasons(
    _model: Recommender,
    weights: str,
    session: Session,
    listed: tuple[int, ...],
    _logits: np.ndarray,
) -> Reasons | None:
    """What speaks for each film of a list, kept by the weights asked; None where a model's terms are no films."""
    return reasons(_model, session, listed, _logits) if gives_films(_model) else None


@st.cache_data(show_spinner=False, max_entries=300)
def _mattered(
    _model: Recommender, weights: str, session: Session, listed: tuple[int, ...]
) -> list[int]:
    return what_mattered(_model, session, listed)


def titles_in(visit: Visit) -> dict[int, str]:
    """Titles of the films of the history, without their years."""
    films = engine.films(visit.model).table
    films = films[films["movie_id"].isin(visit.session.movie_ids)]
    return dict(zip(films["movie_id"].tolist(), films["title"], strict=True))


def places_before(changes: RankChanges) -> dict[int, int]:
    """Where the films of the list before the change stood on it."""
    films = changes.films[(changes.films["rank_before"] <= changes.k).fillna(False)]
    return dict(zip(films["movie_id"].tolist(), films["rank_before"].astype(int), strict=True))


def to_leave_out(
    model: Recommender, visit: Visit, listed: Sequence[int], *, changed: bool
) -> dict[str, Any] | None:
    """The switches: films that the model reads, those first that mattered to the list of the visitor as they are."""
    w, labels = engine.words(visit.model), engine.films(visit.model).labels
    titles, off = titles_in(visit), set(visit.change.dropped)
    weights = model.checkpoint.card.weights_sha256
    order = _mattered(model, weights, visit.session, tuple(listed[:OF_LIST]))
    order += [movie for movie in visit.session.movie_ids if movie in off and movie not in order]
    if not (order or changed):
        return None
    back = {"event": "back", "label": "Put all back", "help": f"The visitor as they are, with all {w.films}."}  # fmt: skip
    kept = {"event": "keep", "label": "Keep", "help": w(KEEP_HELP)}
    return {
        "label": "Leave out" if order else "Tried out",
        "first": FIRST,
        "films": [
            {
                "id": movie,
                "name": titles[movie],
                "title": f"{labels[movie]}: the list {'with' if movie in off else 'without'} it",
                "off": movie in off,
            }
            for movie in order
        ],
        "acts": [back, kept] if changed else [],
    }


def show_finding(changes: RankChanges, visit: Visit) -> None:
    """What a change does to the list, in a line: a longer one would move what was just pressed."""
    films, w = changes.films, engine.words(visit.model)
    named = films["movie_id"].map(engine.films(visit.model).labels).map(_briefly)
    st.subheader(what_moves(replace(changes, films=films.assign(title=named)), w))


def show_change(model: Recommender, changes: RankChanges, visit: Visit, tried: Session) -> None:
    """What is tried out, and which films it takes off the list."""
    w, labels = engine.words(visit.model), engine.films(visit.model).labels
    words = plain("; ".join(in_words(visit.change, visit.session, labels, w)))
    on = (changes.films[["rank_before", "rank_after"]] <= changes.k).fillna(False)
    gone = changes.films[on["rank_before"] & ~on["rank_after"]]
    off = [
        f"{plain(labels[movie])} (now {rank:,})"
        for movie, rank in zip(gone["movie_id"], gone["rank_after"], strict=True)
    ]
    said = [f"**Tried out:** {words}.", f"**Off the list:** {enumerated(off)}." if off else ""]
    if changes.same_scores:
        title = engine.card(visit.model).title
        said.append(why_nothing_moves(model, visit.session, tried, title))
    st.caption(" ".join(filter(None, said)))


def _briefly(label: str) -> str:
    return plain(shorten(label.rpartition(" (")[0] or label, 24))


def leave_out(movie: int) -> None:
    """A film is left out, or counts again."""
    tried = state.current().change
    dropped = [one for one in tried.dropped if one != movie]
    if len(dropped) == len(tried.dropped):
        dropped.append(movie)
    change.try_out(replace(tried, dropped=tuple(dropped)))


def told(visit: Visit) -> dict[str, Any]:
    """What to do with what is pressed, and what it may be about."""
    return {
        "off": (leave_out, visit.session.movie_ids),
        "back": (lambda _: change.try_out(Change()), (0,)),
        "keep": (lambda _: keep(), (0,)),
    }
