"""Pieces of the Models page: a model as its card, its running blocks, its known traps, and how it was made."""

from __future__ import annotations

import pandas as pd
import streamlit as st
import torch

from recdemo.anatomy import datasheet
from recdemo.anatomy.diagram import layers_of, parts_of, trace, unused_parts, where_parameters_are
from recdemo.anatomy.trap_demos import demonstrate
from recdemo.anatomy.traps import Trap, traps_of
from recdemo.answers.recommend import Recommender
from recdemo.charts.diagram import dot
from recdemo.core.figures import METRICS
from recdemo.core.vocabulary import QUESTIONS
from recdemo.encoding.encode import encode
from recdemo.ui import engine, state
from recdemo.ui.chart import reason
from recdemo.ui.engine import plain
from recdemo.ui.visit import Visit, encode_visit

# Text in the colour of the page, light or dark; a wide picture or formula scrolls within its place.
STYLE = """
<style>
[data-testid="stGraphVizChart"] {overflow-x: auto;}
[data-testid="stGraphVizChart"] svg {max-width: 100%; max-height: 22rem;}
[data-testid="stGraphVizChart"] svg text {fill: currentColor;}
[data-testid="stGraphVizChart"] .node text:first-of-type {font-weight: 600;}
.katex-display {font-size: 0.85em; overflow: visible !important;}
@media (max-width: 640px) {.katex-display {overflow-x: auto !important; overflow-y: hidden !important;}}
</style>
"""


ASKED = 3  # films that a trap is shown on


def choose(visit: Visit) -> None:
    """The models in their families; the choice is the visit's own, as in the sidebar."""
    menu = engine.peers(visit.model)
    families: dict[str, list[str]] = {}
    for key in menu:
        families.setdefault(engine.card(key).family, []).append(key)
    here = engine.card(visit.model).family
    families.setdefault(here, [visit.model])

    def with_model(visit: Visit, key: str | None) -> Visit:
        return visit if key is None else visit.with_model(key, menu[key])

    st.pills(
        "Family",
        list(families),
        label_visibility="collapsed",
        **state.bound("models_family", here, lambda v, f: with_model(v, f and families[f][0])),
    )
    st.pills(
        "Model",
        families[here],
        format_func=lambda key: engine.card(key).title,
        label_visibility="collapsed",
        **state.bound("models_model", visit.model, with_model),
    )


def show_card(model: Recommender, visit: Visit) -> None:
    """Idea, formula, and the figures of its checkpoints."""
    w = engine.words(visit.model)
    card = engine.card(visit.model)
    st.subheader(card.title)
    st.markdown(w(card.idea))
    st.latex(card.formula)
    figures = model.checkpoint.card.metrics.test
    with st.container(horizontal=True, gap="medium"):
        for name, value in figures.items():
            metric = METRICS[name]
            st.metric(metric.title, f"{value:.4f}", help=w(metric.hint), width="content")
        st.metric("Parameters", f"{model.checkpoint.card.parameters:,}", width="content")


def show_source(model: Recommender, visit: Visit) -> None:
    """Where the model is from, what its figures are of, and where else it is shown."""
    card = engine.card(visit.model)
    w = engine.words(visit.model)
    st.caption(f"{card.source}.{f' {aside}' if (aside := card.aside(w)) else ''}")
    others = [goal for goal in engine.menu().get(visit.model, []) if goal != visit.objective]
    asked = f"Trained for “{QUESTIONS[visit.objective]}”"
    if others:
        also = " and ".join(f"“{QUESTIONS[goal]}”" for goal in others)
        asked += f", and apart from that for {also}: change the question in the sidebar"
    data = model.checkpoint.card.data
    simulated = ", simulated" if data.simulated else ""
    st.caption(f"{asked}. Figures of the test part of {plain(data.title)}{simulated}.")
    links = {
        "pages/attention.py": ("See what it attends to", ":material/visibility:", bool(card.shows)),
        "pages/lab.py": (
            "Its attention, and others, in the Lab",
            ":material/science:",
            card.key == "din",
        ),
        "pages/leaderboard.py": ("All models side by side", ":material/leaderboard:", True),
    }
    with st.container(horizontal=True):
        for page, (label, icon, fits) in links.items():
            if fits:
                st.page_link(
                    page, label=label, icon=icon, query_params=encode_visit(state.current())
                )


def show_diagram(model: Recommender, visit: Visit) -> None:
    """The model at work for this visitor, and where its parameters are."""
    w = engine.words(visit.model)
    checkpoint = model.checkpoint
    schema = checkpoint.schema
    every = f"All {schema.size:,} {w.films}"
    st.subheader("At work for this visitor")
    asked = {"all": every, "one": f"One {w.film}"}
    scored = st.segmented_control(
        "Score",
        list(asked),
        format_func=asked.__getitem__,
        required=True,
        label_visibility="collapsed",
        help="What the model is asked about: the shapes below change with it.",
        **state.shown("ms", "models_scored", asked, "all"),
    )
    films = torch.arange(1, schema.size + 1 if scored == "all" else 2)
    batch = encode(schema, [visit.session], films)
    drawn = trace(checkpoint.model, batch)
    st.markdown(f"**{where_parameters_are(drawn)}**")
    with reason():
        st.graphviz_chart(
            w(dot(drawn)),
            alt=f"Boxes and arrows: how {engine.card(visit.model).title} answers this visitor",
        )
    unused = unused_parts(drawn)
    dashed = any(edge.weights for edge in drawn.edges)
    letters = datasheet.letters(checkpoint, batch).items()
    st.caption(
        "Drawn from this visitor’s answer as it was computed: an arrow is a tensor, with its shape as it left the "
        "box. Products, sums and masks happen on the way between boxes. A wide picture scrolls sideways."
        + (
            " Dashed: a new visitor’s vector is fitted through the weights of other parts."
            if dashed
            else ""
        )
        + (f" Not needed to answer: {', '.join(unused)}." if unused else "")
        + f"  \nIn the code’s letters: {' · '.join(f'**{name}** {w(said)}' for name, said in letters)}."
    )
    with st.expander("Parameters of each part", icon=":material/donut_small:"):
        st.dataframe(
            parts_of(drawn),
            hide_index=True,
            column_config={
                "part": st.column_config.TextColumn("Part", width=140),
                "what": st.column_config.TextColumn("What it is", width=240),
                "share": st.column_config.ProgressColumn(
                    "Share", format="percent", min_value=0.0, max_value=1.0, width=140
                ),
                "parameters": st.column_config.NumberColumn("Parameters", format="localized"),
            },
            alt="Parameters of each part",
        )
        st.caption(f"Together {drawn.parameters:,} learned numbers.")
    if not drawn.layers:
        return
    with st.expander("Every layer", icon=":material/layers:"):
        st.dataframe(
            layers_of(drawn),
            hide_index=True,
            column_config={
                "parameters": st.column_config.NumberColumn(format="localized"),
                "calls": st.column_config.NumberColumn(
                    help=f"0: its weights are read directly, as tables of all {w.films} are."
                ),
            },
            alt="Every layer with the shapes it read and gave",
        )


def show_traps(model: Recommender, visit: Visit) -> None:
    traps = traps_of(visit.model)
    if not traps:
        return
    st.subheader("A known trap" if len(traps) == 1 else "Known traps")
    trap = traps[0]
    if len(traps) > 1:
        named = {trap.key: trap for trap in traps}
        chosen = st.pills(
            "Trap",
            list(named),
            format_func=lambda key: named[key].title,
            required=True,
            label_visibility="collapsed",
            **state.shown("mt", f"models_trap_{visit.model}", named, trap.key),
        )
        trap = named[chosen]
    show_trap(trap, model, visit)


def show_trap(trap: Trap, model: Recommender, visit: Visit) -> None:
    """What goes wrong, what is right, and what it would do to this visitor."""
    w = engine.words(visit.model)
    with st.spinner("Trying it on this visitor…"):
        asked = model.recommend(visit.session, ASKED)["movie_id"].tolist()
        shown = demonstrate(trap.key, model, visit.session, asked)
    if shown:
        st.markdown(f"**{plain(shown.finding)}**")
    left, right = st.columns(2, gap="medium")
    for place, name, words, code in (
        (left, ":material/warning: As printed", trap.printed, trap.printed_code),
        (right, ":material/check_circle: Done right", trap.right, trap.right_code),
    ):
        place.markdown(f"{name}  \n{words}")
        place.code(code, language="python", wrap_lines=True)
    if shown:
        rows = [[plain(cell) for cell in row] for row in shown.rows]
        table = pd.DataFrame(rows, columns=["For this visitor", "As printed", "Done right"])
        st.table(table.set_index("For this visitor"))
        st.caption(
            f"{plain(shown.note)} "
            "Both columns are computed now, from this model’s own weights and this visitor. “Printed” is the teaching "
            "code of the source document, rewritten in our own lines; the app runs the right one."
        )
    elif not visit.session.history:
        st.info(f"Add {w.films} in the sidebar to see it on numbers.", icon=":material/history:")
    if trap.also:
        st.caption(f"In the same listing: {' '.join(trap.also)}")


def show_making(model: Recommender) -> None:
    """Arguments, training settings, code."""
    checkpoint = model.checkpoint
    card = checkpoint.card
    st.subheader("How it is made")
    with st.expander("Arguments", icon=":material/tune:"):
        st.dataframe(
            datasheet.arguments(checkpoint), hide_index=True, alt="Arguments of the constructor"
        )
    with st.expander("Training", icon=":material/model_training:"):
        st.code(card.command, language="bash", wrap_lines=True)
        st.dataframe(
            datasheet.training(checkpoint), hide_index=True, alt="Settings of the training"
        )
        best = f", the best was number {card.best_epoch}" if card.epochs else ""
        st.caption(
            f"{card.date}, {card.seconds:,.0f} s on {plain(card.data.title)}; {len(card.epochs)} epochs{best}. “default” is "
            "the training loop’s value, “used” the one that this checkpoint was trained with."
        )
    with st.expander("Code", icon=":material/code:"):
        sources = datasheet.code(checkpoint)
        path = st.selectbox(
            "File",
            list(sources),
            help="The model’s own file first, then the blocks it is made of.",
            **state.shown("mf", f"models_file_{card.model}", sources, next(iter(sources))),
        )
        st.code(sources[path], language="python", line_numbers=True, height=480)
