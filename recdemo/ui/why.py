"""Pieces that explain one film, shared by the pages."""

from __future__ import annotations

import streamlit as st

from recdemo.answers.explanation import Explanation, Weights
from recdemo.charts.attention import weight_against_removal
from recdemo.charts.terms import waterfall
from recdemo.core.wording import counted
from recdemo.ui import engine
from recdemo.ui.chart import CHART
from recdemo.ui.engine import plain


def sum_of_terms(explanation: Explanation) -> None:
    """The logit as the sum of its terms: finding, chart, how to read it."""
    terms, unit = explanation.terms_frame(), explanation.unit
    named = terms[~terms["visitor_only"] & (terms["kind"] != "base")]
    card = engine.card(explanation.model)
    moving = named[named["value"].abs() > 1e-6]
    if len(moving):
        top = moving.iloc[0]
        verb = "raises" if top["value"] > 0 else "lowers"
        st.markdown(
            f"Of what speaks for or against this film, **{plain(top['label'])}** {verb} the {unit} most "
            f"({top['value']:+.2f})."
        )
    elif not (card.reads_history or card.reads_profile):
        st.markdown("The visitor plays no part in this score.")
    else:
        st.markdown("No film watched moves this score: it rests on the profile and the film alone.")
    st.plotly_chart(
        waterfall(explanation),
        key=f"terms_{explanation.model}_{explanation.movie_id}",
        config=CHART,
        alt=f"Terms that add up to the {unit} {explanation.logit:.3f} of {explanation.title}",
    )
    score = explanation.score
    end = {
        "like": f"the sigmoid of it is the chance of liking, {score:.1%}",
        "next": f"the softmax over all films not watched makes it a chance of {score:.2%} to be the next "
        "film liked",
        "rating": f"cut to 1 to 5 it is the prediction, {score:.2f} stars",
    }[explanation.objective]
    how = (
        "Each bar is what a field, or a pair of fields, adds; those that read only the visitor, and so "
        "speak for no film in particular, are one bar."
        if explanation.fields
        else f"The first bar is what the film has without any history, its share of all that was picked; each film's bar is "
        f"exactly what it adds: this model's {unit} is a sum over the films watched."
        if explanation.exact
        else f"The first bar is the model's {unit} without any history; each film's bar is what adding that "
        "film changes, averaged over several orders of adding, the model asked again each time."
    )
    st.caption(
        f"{how} Sum of all terms {explanation.total:.4f}; the model's {unit} {explanation.logit:.4f}; {end}."
    )


def faithfulness(weights: Weights) -> None:
    """How far the weights may be trusted as a reason."""
    value = weights.faithfulness
    item = weights.axis
    with st.container(border=True):
        if value is None:
            st.markdown(f"**Faithfulness** · not defined for {counted(len(weights.labels), item)}")
            st.caption(
                f"A rank correlation needs at least three {item}s whose weights and effects differ."
            )
            return
        verdict, advice = _verdict(value, item)
        st.markdown(f"**Faithfulness {value:+.2f}** · {verdict}")
        st.progress(max(0.0, min(1.0, value)))
        st.caption(
            f"{advice} Measured just now: rank correlation between the size of each {item}'s weight and how "
            f"far the score moves when that {item} is taken away ({len(weights.labels)} {item}s)."
        )
        if len(weights.labels) > 2:
            with st.expander("Every weight beside its effect"):
                st.plotly_chart(
                    weight_against_removal(weights),
                    config=CHART,
                    key=f"faith_{item}_{hash(weights)}",
                    alt="Scatter of weights against removal effects",
                )


def _verdict(value: float, item: str) -> tuple[str, str]:
    if value >= 0.7:
        return (
            "the weights tell what mattered",
            f"The {item}s with large weights are the ones that count.",
        )
    if value >= 0.4:
        return "a fair guide", f"Large weights mostly mark {item}s that count, with exceptions."
    if value >= 0.1:
        return (
            "a weak guide",
            f"Do not read the weights as reasons: many {item}s with large weights hardly count.",
        )
    if value > -0.1:
        return "not a reason", "Here the weights say nothing about what moved the score."
    return (
        "a wrong guide",
        f"Here the {item}s with small weights moved the score more than those with large ones.",
    )
