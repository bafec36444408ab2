"""Pieces of the Inside page: one answer of a model as it is computed, drawn from its trace.

The picture is the scripts beside this file: they draw any trace, and know operations and axes, no model. The step shown is told to the
server, so that the link opens at it.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

import recdemo
from recdemo.answers.recommend import Recommender
from recdemo.charts.mathml import mathml
from recdemo.charts.steps import in_words, largest
from recdemo.core.steps import Trace
from recdemo.core.wording import Words, shown_as
from recdemo.ui import engine, film_box, state
from recdemo.ui.chart import none_left
from recdemo.ui.engine import plain
from recdemo.ui.lessons import lesson_of, told
from recdemo.ui.visit import Visit

KEY = "inside_view"
# Of the answer shown: its key, the step sent with it, and the step shown since.
_SENT = "inside_sent"


def _part(kind: str) -> str:
    """Of its files those of one kind; the scripts have a subject each, and are one text to the browser."""
    files = sorted(Path(__file__).parent.glob(f"inside*.{kind}"))
    return "\n".join(file.read_text("utf-8") for file in files)


_VIEW = st.components.v2.component("inside", html=_part("html"), css=_part("css"), js=_part("js"))


def choose_film(model: Recommender, visit: Visit) -> int:
    """The film whose answer is computed: the first one looked at, else the first of the list."""
    w = engine.words(visit.model)
    first = model.recommend(visit.session, 1)["movie_id"].tolist()
    targets = [*visit.targets, *first]
    if not targets:
        none_left(w)
    film_box.draw(
        f"{w.Film} to compute",
        "inside_film",
        visit.model,
        lambda movie: state.go(state.current().looking_at(movie)),
        chosen=targets[0],
        bare=True,
        help=f"The {w.film} whose answer is computed. By default, the first of the model's list.",
    )
    return targets[0]


def data_of(trace: Trace, kind: str, w: Words) -> dict[str, Any]:
    """What the script draws: the trace, formulas that a browser draws by itself, and the lesson.

    Args:
        trace: of one answer.
        kind: the model of the zoo that it is of.
        w: what the films are called.
    """
    drawn, objective = trace.to_json(), trace.objective
    for told_step, step in zip(drawn["steps"], trace.steps, strict=True):
        told_step["math"] = mathml(step.formula, block=True)
        told_step["sign"] = mathml(step.symbol)
        told_step["alt"] = in_words(step)
    shown = shown_as(trace.score, objective)
    if objective == "next" and trace.score > 0:
        own, all_films = math.exp(trace.logit), math.exp(trace.logit) / trace.score
        drawn["steps"][-1]["says"] += (
            f" Here e to the power of z is {_size(own)}, and {_size(all_films)} for all {w.films} together."
        )
    lesson = lesson_of(kind)
    return {
        "trace": drawn,
        "shown": shown,
        "item": w.film,
        "as": f"{trace.score_name}, as on Recommend",
        "lesson": told(lesson, trace, shown, w) if lesson else None,
    }


def _size(value: float) -> str:
    return f"{value:,.0f}" if 100 <= value < 1e7 else f"{value:.3g}"


def show(trace: Trace, visit: Visit) -> None:
    """The picture. The step of the link is the first shown, where there is such a step."""
    w = engine.words(visit.model)
    if visit.step and visit.step not in [step.id for step in trace.steps]:
        st.caption(
            f"{engine.card(visit.model).title} has no step `{visit.step}` here, so its first is shown."
        )
    data = data_of(trace, engine.kind_of(visit.model), w)
    _draw(data | {"key": str(hash(json.dumps(data)))})


@st.fragment
def _draw(data: dict[str, Any]) -> None:
    """In a fragment: a step costs a message, not the page, and as long as the browser leads, what it was sent stays as it is."""
    step = state.current().step
    key, sent, said = st.session_state.get(_SENT, ("", {"turn": 0}, ""))
    if key != data["key"] or step != said:
        sent = {"step": step, "turn": sent["turn"] + 1}
    told_step = _VIEW(key=KEY, data=data | sent, on_step_change=lambda: None).step
    # A browser may send anything: only a step that there is counts.
    if told_step in [one["id"] for one in data["trace"]["steps"]]:
        step = told_step
        state.go(replace(state.current(), step=step))
        state.write_link()
    st.session_state[_SENT] = data["key"], sent, step


def show_below(trace: Trace, visit: Visit) -> None:
    """How to read it, all steps as a table, and the same from Python."""
    w = engine.words(visit.model)
    st.caption(
        "Blue is above zero, orange below; the stronger the colour, the farther from zero. Point at a number (or tap it, or go there with Tab and the "
        f"arrow keys) to see the sum behind it; point at {w.a_film} to find it in every step. ← and → step, space plays."
    )
    with st.expander("All steps as a table, and as data"):
        # A plain table: screen readers and printers read it, and it costs no library of the browser's.
        st.table(
            pd.DataFrame(
                [
                    (plain(step.name), plain(step.says), largest(step).removeprefix("Largest: "))
                    for step in trace.steps
                    if not step.parent
                ],
                columns=["Step", "What it says", "Largest values"],
            ).set_index("Step")
        )
        st.download_button(
            "Download the trace (JSON)",
            json.dumps(trace.to_json()),
            file_name=f"recdemo_trace_{visit.model}_{trace.movie_id}.json",
            mime="application/json",
            icon=":material/download:",
            on_click="ignore",
        )
        st.markdown(f'In Python: `recdemo.trace("{visit.model}", session, {trace.movie_id})`')


def compute(model: Recommender, visit: Visit, movie: int) -> Trace:
    """The answer's trace."""
    return recdemo.trace(model, visit.session, movie)


def lead(trace: Trace, visit: Visit) -> None:
    """Who computes what."""
    w = engine.words(visit.model)
    stars = " stars" if trace.objective == "rating" else ""
    watched = (
        f" as if it were not yet {w.watched}" if trace.movie_id in visit.session.movie_ids else ""
    )
    st.markdown(
        f"**{plain(engine.card(visit.model).title)}** gives it **{shown_as(trace.score, trace.objective)}{stars}**{watched}, in "
        f"{sum(not step.parent for step in trace.steps)} steps."
    )
