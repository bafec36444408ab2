"""Pieces of the Attention page: whom and what to look at, pairs of fields, and streams over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from recdemo.answers import attention as inside
from recdemo.answers.explain import field_values
from recdemo.answers.explanation import FIELD_NAMES, Explanation
from recdemo.answers.recommend import Recommender
from recdemo.charts import attention as charts
from recdemo.core.vocabulary import SCORE_NAMES
from recdemo.core.wording import Words, counted
from recdemo.data.catalogue import shorten
from recdemo.ui import engine, film_box, state
from recdemo.ui.attention_films import MEAN
from recdemo.ui.chart import CHART, answer, none_left, reason
from recdemo.ui.engine import plain
from recdemo.ui.visit import MAX_TARGETS, Visit
from recdemo.ui.why import faithfulness, see_it_computed, sum_of_terms


def show_fields(model: Recommender, visit: Visit, explanation: Explanation) -> None:
    """Pairs of fields: map, ledger, faithfulness; or, of a model with crosses, layer by layer."""
    w = engine.words(visit.model)
    if "crosses" in engine.card(visit.model).shows:
        found = inside.crosses(model, visit.session, explanation.movie_id)
        layers = range(len(found.layers))
        layer = st.segmented_control(
            "Crosses",
            [MEAN, *layers],
            format_func=lambda i: "All layers" if i == MEAN else f"Layer {i + 1}",
            required=True,
            label_visibility="collapsed",
            **state.shown("ac", "cross_layer", [MEAN, *layers], MEAN),
        )
        if layer != MEAN:
            _crosses(found, layer, explanation, w)
            return
    attention = explanation.weights
    held = field_values(model, visit.session, explanation.movie_id)
    left, right = st.columns([6, 5], gap="medium")
    with left, answer():
        view = "What each pair adds"
        if attention:
            views = ["Attention", view]
            view = st.segmented_control(
                "Map",
                views,
                required=True,
                label_visibility="collapsed",
                **state.shown("av", "attention_view", views, "Attention"),
            )
        if view == "Attention" and attention:
            signed, unit = False, "attention"
            values = dict(zip(attention.labels, attention.weights, strict=True))
        else:
            signed, unit = True, "adds"
            values = {term.label: term.value for term in explanation.terms if term.kind == "pair"}
        st.markdown(inside.strongest_pair(values, held, shares=not signed, w=w))
        st.plotly_chart(
            charts.pair_map(explanation.fields, values, signed=signed, unit=unit, w=w),
            key=f"pairs_{unit}",
            config=CHART,
            alt=f"Heat map of {unit} over pairs of fields",
        )
        st.caption(
            f"A cell is the pair of its row and its column. It is empty where one of them is an empty list, such as "
            f"“{w.Films} disliked” for a visitor who disliked none. What is unknown about a visitor has a vector of its "
            "own, learned by hiding what is known, and so takes part."
        )
        names = [w(FIELD_NAMES[name]) for name in held]
        with st.expander("What each field holds"):
            st.dataframe(
                pd.DataFrame({"field": names, "holds": list(held.values())}),
                hide_index=True,
                alt="Contents of each field",
            )
    with right, reason():
        show_ledger(explanation, w, short=attention is not None)
        if attention:
            faithfulness(model, visit, explanation)


def _crosses(found: inside.Crosses, layer: int, explanation: Explanation, w: Words) -> None:
    """One layer of crosses: map, and what all parts of the model add."""
    left, right = st.columns([3, 2], gap="large")
    adds = found.layers[layer]
    with left, answer():
        st.markdown(inside.strongest_cross(found, layer, w))
        st.plotly_chart(
            charts.cross_map(found.fields, adds, found.held, w),
            key=f"crosses_{layer}",
            config=CHART,
            alt=f"Heat map of what each pair of fields adds in layer {layer + 1}",
        )
        st.caption(
            "The vector of the row's field is multiplied by what the layer reads of the column's. "
            + (
                "The first layer reads the fields as they are, so a cell and its mirror image are about the same two fields."
                if layer == 0
                else "Here the column's field has been through the layers before, and carries what it was "
                "multiplied by there: a cell is about more than two fields."
            )
            + " A row or column without cells is a field that holds nothing."
        )
    with right, reason():
        parts_of_logit(found.parts, explanation)


def parts_of_logit(parts: pd.DataFrame, explanation: Explanation) -> None:
    """A few numbers that add up to the logit."""
    st.markdown("**What adds up to the logit**")
    st.dataframe(
        parts,
        hide_index=True,
        column_config={
            "part": st.column_config.TextColumn("Part", width=230),
            "value": st.column_config.NumberColumn("adds", format="%+.4f", width=75),
        },
        alt="Parts of the logit",
    )
    st.caption(
        f"Together **{parts['value'].sum():+.4f}**; the model's logit is **{explanation.logit:+.4f}**."
    )


def show_streams(
    model: Recommender, visit: Visit, targets: Sequence[int], explanation: Explanation
) -> None:
    """Two streams: their gates by field, what each and their product adds, and what each film watched changes."""
    w = engine.words(visit.model)
    found = inside.streams(model, visit.session, explanation.movie_id)
    left, right = st.columns([3, 2], gap="large")
    with left, answer():
        st.markdown(inside.widest_gates(found.gates, plain(explanation.title)))
        st.plotly_chart(
            charts.gate_map(found.gates, w),
            key="gates",
            config=CHART,
            alt="Heat map of how much of each field each stream reads",
        )
        st.caption(
            "A gate multiplies a field before a stream reads it: 1 leaves it as it is, 0 closes it, 2 doubles it. Each number "
            "of a field's vector has a gate of its own; their mean is shown. One stream's gates depend on the visitor alone, "
            f"the other's on the {w.film} alone. The gate does not tell what a stream makes of a field it reads."
        )
    with right, reason():
        parts_of_logit(found.parts, explanation)
    sum_of_terms(explanation, visit, targets)


def show_ledger(explanation: Explanation, w: Words, *, short: bool = False) -> None:
    """Every term of the logit, with subtotals that add up to it."""
    attention = explanation.weights
    weights = dict(zip(attention.labels, attention.weights, strict=True)) if attention else {}
    ledger = explanation.contrast_frame()
    other = (
        "average"
        if explanation.contrast.movie_id is None
        else shorten(explanation.contrast.title, 30)
    )
    ledger["weight"] = ledger["label"].map(weights).where(ledger["kind"] == "pair")
    ledger["pair_value"] = ledger["value"] / ledger["weight"]
    subtotal = ledger.groupby("kind")["value"].sum()
    names = {"bias": "bias", "linear": "linear terms", "pair": "pairs", "deep": "neural network"}
    parts = " + ".join(f"{names[kind]} {subtotal[kind]:+.4f}" for kind in names if kind in subtotal)
    st.markdown(
        f"**Ledger** · {parts} = **{explanation.total:+.4f}**; the model's logit is **{explanation.logit:+.4f}**."
    )
    st.dataframe(
        ledger,
        hide_index=True,
        height=213 if short else 388,
        column_order=["label", "more", "value", *(["weight", "pair_value"] if weights else [])],
        placeholder="",
        column_config={
            "label": st.column_config.TextColumn("Term", width=170 if short else 220),
            "more": st.column_config.NumberColumn(
                f"more than {plain(other)}",
                format="%+.4f",
                help=f"What sets the {w.films} apart. Terms that read only the visitor are the same for every {w.film}, and move none.",
                width=105,
            ),
            "value": st.column_config.NumberColumn("adds", format="%+.4f", width=75),
            "weight": st.column_config.NumberColumn("= attention", format="%.4f", width=90),
            "pair_value": st.column_config.NumberColumn(
                "× pᵀ(vᵢ⊙vⱼ)",
                format="%+.4f",
                help="What the pair says, before attention",
                width=110,
            ),
        },
        alt="All terms of the logit",
    )


def offer_others(visit: Visit) -> None:
    """Models that have an inside, for one that has none."""
    st.info(
        f"{engine.card(visit.model).title} shows nothing that it weighs. Choose a model that does:",
        icon=":material/visibility_off:",
    )
    with st.container(horizontal=True):
        for key, objectives in engine.peers(visit.model).items():
            if engine.card(key).shows:
                st.button(
                    engine.card(key).title,
                    key=f"attention_use_{key}",
                    on_click=lambda key=key, objectives=objectives: state.go(
                        state.current().with_model(key, objectives)
                    ),
                )


def choose_films(model: Recommender, visit: Visit) -> tuple[list[int], int]:
    """The films to explain, and the one to look closer at."""
    w = engine.words(visit.model)
    films = engine.films(visit.model)
    targets = list(visit.targets) or model.recommend(visit.session, 3)["movie_id"].tolist()
    if not targets:
        none_left(w)
    film_box.draw(
        f"{w.Films} to explain",
        "attention_targets",
        visit.model,
        lambda movie: _aim([*(one for one in targets if one != movie), movie]),
        drop=lambda movie: _aim([one for one in targets if one != movie]),
        chips=targets,
        most=MAX_TARGETS,
        help=f"Up to {MAX_TARGETS}. By default, the first three of the model's list.",
    )
    movie = targets[0]
    if len(targets) > 1:
        movie = st.segmented_control(
            "Look closer at",
            targets,
            format_func=lambda movie: plain(shorten(films.labels[movie], 40)),
            required=True,
            label_visibility="collapsed",
            **state.shown(
                "al", f"attention_focus_{'-'.join(map(str, targets))}", targets, targets[0]
            ),
        )
    return targets, movie


def _aim(targets: Sequence[int]) -> None:
    """Explain these films."""
    state.go(replace(state.current(), targets=tuple(targets)))


def show_facts(visit: Visit, explanation: Explanation) -> None:
    """The score as people read it; the logit and how many films are read as its detail."""
    w = engine.words(visit.model)
    if explanation.movie_id in visit.session.movie_ids:
        st.caption(
            f"{plain(explanation.title)} is in the history; it is explained as if it were not yet {w.watched}."
        )
    stars = explanation.objective == "rating"
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.metric(
            SCORE_NAMES[visit.objective],
            f"{explanation.score:.2f} ★" if stars else f"{explanation.score:.2%}",
            width="content",
        )
        read = counted(explanation.films_read, engine.words(visit.model).film)
        with st.container(gap="xxsmall", width="content"):
            st.caption(f"{explanation.unit} {explanation.logit:+.4f}, from {read} read")
            see_it_computed(explanation.movie_id, "attention")
