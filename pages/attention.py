"""Attention: what a model weighs, term by term, and how far its weights may be trusted."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "Attention",
    "👁️",
    "What the model weighs when it scores a film, and whether that is the reason.",
)

from dataclasses import replace

import pandas as pd
import streamlit as st

from recdemo.catalogue import shorten
from recdemo.charts import attention as charts
from recdemo.explain import FIELD_NAMES, Explanation, field_values, history_weights
from recdemo.models import CARDS
from recdemo.recommend import Recommender
from recdemo.ui import engine, frame, state
from recdemo.ui.engine import plain
from recdemo.ui.visit import MAX_TARGETS, Visit
from recdemo.ui.why import CHART, SCORE_NAMES, faithfulness, sum_of_terms


def show_fields(model: Recommender, visit: Visit, explanation: Explanation) -> None:
    """Pairs of fields: map, ledger, faithfulness."""
    attention = explanation.weights
    left, right = st.columns([3, 2], gap="large")
    with left:
        view = "What each pair adds"
        if attention:
            view = st.segmented_control(
                "Map",
                ["Attention", view],
                default="Attention",
                required=True,
                key="attention_view",
                label_visibility="collapsed",
            )
        if view == "Attention" and attention:
            signed, unit = False, "attention"
            values = dict(zip(attention.labels, attention.weights, strict=True))
            strongest = max(values, key=values.__getitem__)
            st.markdown(
                f"**{strongest}** gets most attention, {values[strongest]:.1%}; an even share of "
                f"{len(values)} pairs would be {1 / len(values):.1%}."
            )
        else:
            signed, unit = True, "adds"
            values = {term.label: term.value for term in explanation.terms if term.kind == "pair"}
            strongest = max(values, key=lambda label: abs(values[label]))
            st.markdown(f"**{strongest}** moves the logit most, {values[strongest]:+.3f}.")
        st.plotly_chart(
            charts.pair_map(explanation.fields, values, signed=signed, unit=unit),
            key=f"pairs_{unit}",
            config=CHART,
            alt=f"Heat map of {unit} over pairs of fields",
        )
        st.caption(
            "A cell is the pair of its row and its column. It is empty where one of them holds nothing, "
            "such as “Films disliked” of a visitor who disliked none."
        )
        held = field_values(model, visit.session, explanation.movie_id)
        names = [FIELD_NAMES[name] for name in held]
        with st.expander("What each field holds"):
            st.dataframe(
                pd.DataFrame({"field": names, "holds": list(held.values())}),
                hide_index=True,
                alt="Contents of each field",
            )
    with right:
        if attention:
            faithfulness(attention)
        show_ledger(explanation)


def show_ledger(explanation: Explanation) -> None:
    """Every term of the logit, with subtotals that add up to it."""
    attention = explanation.weights
    weights = dict(zip(attention.labels, attention.weights, strict=True)) if attention else {}
    ledger = explanation.terms_frame()
    ledger["weight"] = ledger["label"].map(weights).where(ledger["kind"] == "pair")
    ledger["pair_value"] = ledger["value"] / ledger["weight"]
    subtotal = ledger.groupby("kind")["value"].sum()
    names = {"bias": "bias", "linear": "linear terms", "pair": "pairs", "deep": "neural network"}
    parts = " + ".join(f"{names[kind]} {subtotal[kind]:+.4f}" for kind in names if kind in subtotal)
    st.markdown("**Ledger**")
    st.dataframe(
        ledger,
        hide_index=True,
        height=388,
        column_order=["label", "weight", "pair_value", "value"] if weights else ["label", "value"],
        column_config={
            "label": st.column_config.TextColumn("Term", width="medium"),
            "weight": st.column_config.NumberColumn("attention", format="%.4f"),
            "pair_value": st.column_config.NumberColumn(
                "× pᵀ(vᵢ⊙vⱼ)", format="%+.4f", help="What the pair says, before attention"
            ),
            "value": st.column_config.NumberColumn("= adds", format="%+.4f"),
        },
        alt="All terms of the logit",
    )
    st.caption(
        f"{parts} = **{explanation.total:+.4f}**; the model's logit is **{explanation.logit:+.4f}**."
    )


def show_history(
    model: Recommender, visit: Visit, targets: list[int], explanation: Explanation
) -> None:
    """Weights of the watched films for several targets; then one target in full."""
    if not explanation.weights or not explanation.weights.labels:
        st.info(
            "There is nothing to attend to yet: add films in the sidebar.",
            icon=":material/history:",
        )
        sum_of_terms(explanation)
        return
    labels = engine.films().labels
    table = history_weights(model, visit.session, targets)
    titles = {movie: labels[movie] for movie in targets}
    attention = explanation.weights
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown(
            f"For **{plain(explanation.title)}**, {CARDS[visit.model].title} gives the largest weight "
            f"to **{plain(max(zip(map(abs, attention.weights), attention.labels, strict=True))[1])}**."
        )
        st.plotly_chart(
            charts.history_map(table, titles),
            key="history_map",
            config=CHART,
            alt="Heat map of the weight of each watched film for each target",
        )
        unread = len(visit.session.history) - explanation.films_read
        st.caption(
            "Rows are the films watched, latest first; columns the films being scored. "
            + (
                "The weights of a column add up to one."
                if attention.sums_to_one
                else "What is missing to one in a column is the scored film's attention to itself."
                if attention.rest_to_target
                else "A weight is not a share: as in the paper, weights are not normalised. Compare sizes "
                "within a column; the sign means nothing by itself, since the network above may read a "
                "negative weight as well as a positive one."
            )
            + (f" Only the latest {explanation.films_read} films are read." if unread > 1 else "")
        )
    with right:
        faithfulness(attention)
        sum_of_terms(explanation)


with frame.page() as visit:
    shows = CARDS[visit.model].shows
    films = engine.films()
    model = engine.recommender(visit.model, visit.objective)
    if not shows:
        st.info(
            f"{CARDS[visit.model].title} has no inside to show. Choose a model that weighs what it reads:",
            icon=":material/visibility_off:",
        )
        with st.container(horizontal=True):
            for key, objectives in engine.menu().items():
                if CARDS[key].shows:
                    st.button(
                        CARDS[key].title,
                        key=f"attention_use_{key}",
                        on_click=lambda key=key, objectives=objectives: state.go(
                            state.current().with_model(key, objectives)
                        ),
                    )
        st.stop()

    targets = list(visit.targets) or model.recommend(visit.session, 3)["movie_id"].tolist()
    st.multiselect(
        "Films to explain",
        films.ids,
        format_func=films.labels.__getitem__,
        max_selections=MAX_TARGETS,
        placeholder="The model's first three; search to choose others",
        help=f"Up to {MAX_TARGETS}. Left alone, these are the first three of the model's list.",
        **state.bound(
            "attention_targets", targets, lambda v, chosen: replace(v, targets=tuple(chosen))
        ),
    )
    movie = targets[0]
    if len(targets) > 1:
        movie = st.segmented_control(
            "Look closer at",
            targets,
            format_func=lambda movie: plain(shorten(films.labels[movie], 40)),
            default=targets[0],
            required=True,
            key=f"attention_focus_{'-'.join(map(str, targets))}",
        )
    explanation = model.explain(visit.session, movie)
    if movie in visit.session.movie_ids:
        st.caption(
            f"{plain(explanation.title)} is in the history; it is explained as if it were not yet watched."
        )
    facts = st.columns(3)
    facts[0].metric("Model's logit", f"{explanation.logit:+.4f}")
    facts[1].metric(SCORE_NAMES[visit.objective], f"{explanation.score:.2%}")
    facts[2].metric("Films read", f"{explanation.films_read}")
    if "fields" in shows:
        show_fields(model, visit, explanation)
        with st.expander("The sum as steps"):
            sum_of_terms(explanation)
    else:
        show_history(model, visit, targets, explanation)
