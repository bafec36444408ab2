"""The Retrain page's pieces: ask for a run, with one button or with settings of one's own."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import streamlit as st

from recdemo.core.durations import duration
from recdemo.core.errors import RequestError
from recdemo.core.vocabulary import QUESTIONS, Objective
from recdemo.core.worlds import FIRST, join_key, world_of_data
from recdemo.data.grouplens import SOURCES
from recdemo.data.sources import SIMULATED, find_data
from recdemo.jobs import control
from recdemo.jobs.control import allowed
from recdemo.jobs.store import Request
from recdemo.models import CARDS
from recdemo.training.settings import OFFERED, TYPES, settings_for
from recdemo.ui import engine, owner, sources
from recdemo.ui.engine import plain
from recdemo.ui.retrain import CHOSEN
from recdemo.ui.visit import Visit

QUICK_DATA = "ml-latest-small"
QUICK_SECONDS = 60


def start(request: Request) -> None:
    """Start a run and look at it; say why where it cannot be started."""
    try:
        st.session_state[CHOSEN] = control.start(request, owner.visitor()).id
    except RequestError as error:
        st.error(plain(owner.shown(str(error))), icon=":material/block:")
    else:
        owner.keep_keys()
        st.rerun()


def quick_start(visit: Visit) -> None:
    """One button: the model chosen on real ratings, or a small one on simulated ones where no others are allowed."""
    if allowed() == "simulated" or not find_data(QUICK_DATA):
        request = control.ask("fm", "like", SIMULATED, epochs=2)
        said = (
            "**In a minute.** A factorisation machine learns from made-up viewers: watch its curve, then compare it "
            "with the shipped one. Its figures are simulated and say nothing about people."
        )
    else:
        request, said = _quick_request(engine.kind_of(visit.model), visit.objective)
    with st.container(border=True):
        text, button = st.columns([4, 1], vertical_alignment="center")
        text.markdown(said)
        if button.button(
            "Train now",
            key="retrain_quick",
            type="primary",
            icon=":material/bolt:",
            width="stretch",
            disabled=allowed() == "off",
        ):
            start(request)


def _quick_request(model: str, objective: Objective) -> tuple[Request, str]:
    """As many epochs on the ratings that are shipped as fit into a minute, one at least, and what to say of them."""
    data = SOURCES[QUICK_DATA]
    epochs = settings_for(model, objective, data=QUICK_DATA).epochs
    request = control.ask(model, objective, QUICK_DATA)
    seconds = control.estimate(request, data.ratings)
    cut = ""
    if seconds and seconds > QUICK_SECONDS:
        fewer = max(1, int(epochs * QUICK_SECONDS / seconds))
        if fewer < epochs:
            request = control.ask(model, objective, QUICK_DATA, epochs=fewer)
            seconds, cut = seconds * fewer / epochs, f" ({fewer} of its {epochs} epochs)"
    takes = (
        "at once, as it is counted or solved"
        if seconds is None and CARDS[model].baseline
        else "in a time nobody has measured yet"
        if seconds is None
        else f"in about {duration(max(seconds, 1))}{cut}, and then some time to measure it"
    )
    return request, (
        f"**{CARDS[model].title}** learns “{QUESTIONS[objective]}” from {data.ratings:,} real ratings, {data.title}, "
        f"{takes}. Watch its curve, then compare it with the one shipped."
    )


def new_run(visit: Visit) -> None:
    """Everything else that can be trained."""
    with st.expander("Choose data, model and settings", icon=":material/tune:"):
        chosen = sources.choose()
        left, right = st.columns(2)
        model = left.selectbox(
            "Model",
            list(CARDS),
            index=list(CARDS).index(engine.kind_of(visit.model)),
            format_func=lambda key: CARDS[key].title,
            key="retrain_model",
        )
        clicks = chosen is not None and chosen.impressions
        asked = [it for it in CARDS[model].objectives if it == "like" or not clicks]
        if not asked:
            st.caption(
                f"{CARDS[model].title} learns stars, and these data hold clicks; choose another model, such as "
                f"{CARDS['din'].title}."
            )
            return
        objective: Objective = right.segmented_control(
            "Question",
            asked,
            format_func=QUESTIONS.__getitem__,
            default="like" if clicks else CARDS[model].default_objective,
            required=True,
            key=f"retrain_objective_{model}{'_clicks' if clicks else ''}",
        )
        changes = _settings(model, objective, chosen.source if chosen else FIRST.data)
        if chosen is None:
            st.caption("Choose data first.")
            return
        request = control.ask(model, objective, chosen.source, **changes)
        seconds = control.estimate(request, chosen.ratings) if chosen.ratings else None
        unknown = (
            "nothing like it has been trained yet"
            if chosen.ratings
            else "the ratings are not counted yet"
        )
        st.caption(
            f"How long it takes is not known: {unknown}."
            if seconds is None
            else f"About {duration(seconds)} at most, going by how fast the shipped model was trained, and then some "
            "time to measure it. On a busy or slower machine it takes longer."
        )
        words = owner.shown(f"python {' '.join(control.command(request))}")
        st.code(words, language=None, wrap_lines=True)
        if st.button("Start", key="retrain_start", type="primary", icon=":material/play_arrow:"):
            start(request)


def _settings(model: str, objective: Objective, source: str) -> dict[str, Any]:
    """What the visitor changes of the model's own settings for some data."""
    own, world = settings_for(model, objective, data=source), world_of_data(source).key
    found: dict[str, Any] = {}
    boxes = cycle(st.columns(3))
    for name, about in OFFERED.items():
        if about.title and about.only in (None, objective):
            kind = TYPES[name]  # whole numbers, or not
            bounds = (None if end is None else kind(end) for end in (about.least, about.most))
            found[name] = next(boxes).number_input(
                *(about.title, *bounds, getattr(own, name), about.step),  # type: ignore[call-overload]
                format="%.4f" if (about.step or 1) < 0.01 else None,
                key=f"retrain_{join_key(model, world)}_{objective}_{name}",
                help=about.meaning,
            )
    return {name: value for name, value in found.items() if value != getattr(own, name)}
