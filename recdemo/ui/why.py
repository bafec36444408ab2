"""Pieces that explain one film, shared by the pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from recdemo.answers.explanation import Explanation
from recdemo.answers.reasons import Reasons
from recdemo.answers.recommend import Recommender
from recdemo.answers.trust import Trust, trust
from recdemo.charts.attention import removal_curves, weight_against_removal
from recdemo.charts.terms import SAME, waterfall
from recdemo.core.wording import Words, counted
from recdemo.ui import engine, state
from recdemo.ui.chart import CHART
from recdemo.ui.engine import plain
from recdemo.ui.visit import Visit

ALIKE = 0.7  # rank correlation from which on a shuffled model shows the same
NOTHING, AVERAGE = 0, -1  # instead of the id of a film to be set beside


def ask(
    model: Recommender,
    visit: Visit,
    movie: int,
    logits: np.ndarray | None = None,
    shared: Reasons | None = None,
) -> Explanation:
    """Why a film scores what it scores, beside the film that the visit says where that one is a candidate."""
    other = visit.against
    beside = other if other and other != movie and other not in visit.session.movie_ids else None
    return model.explain(visit.session, movie, against=beside, logits=logits, shared=shared)


def sum_of_terms(explanation: Explanation, visit: Visit, films: Sequence[int]) -> None:
    """What lifts the film over another one, or the whole sum: a choice of these, finding, chart, how to read it.

    Args:
        explanation: as `ask` gives it.
        visit: the visit.
        films: what the film may be set beside.
    """
    w = engine.words(visit.model)
    whole = _choose_other(explanation, visit, films)
    st.markdown(_whole_finding(explanation, w) if whole else _finding(explanation))
    st.plotly_chart(
        waterfall(explanation, whole=whole),
        key=f"terms_{explanation.model}_{explanation.movie_id}",
        config=CHART,
        alt=f"Terms that add up to the {explanation.unit} {explanation.logit:.3f} of {explanation.title}",
    )
    st.caption(
        f"{_how_the_whole_is_read(explanation, w) if whole else _how_read(explanation, w)} {_end(explanation, w)}."
    )


def _choose_other(explanation: Explanation, visit: Visit, films: Sequence[int]) -> bool:
    """What the film is set beside; true if nothing, so that the whole sum is asked for."""
    w = engine.words(visit.model)
    labels, beside = engine.films(visit.model).labels, explanation.contrast.movie_id
    chosen = NOTHING if visit.against == NOTHING else beside or AVERAGE
    others = [
        film for film in dict.fromkeys([*films, beside]) if film not in (None, explanation.movie_id)
    ]
    names = {AVERAGE: f"The average {w.film}", NOTHING: "Nothing: the whole sum"}
    st.selectbox(
        "Why this and not …",
        [AVERAGE, *others, NOTHING],
        format_func=lambda film: names.get(film) or labels[film],
        help=f"What is the same for all {w.films} says nothing about their order. Beside another {w.film}, only what "
        "sets the two apart is left.",
        width=400,
        **state.bound(
            "why_against",
            chosen,
            lambda v, film: replace(v, against=None if film == AVERAGE else film),
        ),
    )
    return chosen == NOTHING


def _finding(explanation: Explanation) -> str:
    """What most sets the film apart from the one beside it."""
    terms, other = explanation.contrast_frame(), explanation.contrast
    differ = terms[terms["more"].abs() > SAME]
    if differ.empty:
        return f"To this model, {plain(explanation.title)} and {plain(other.title)} are the same."
    top = differ.iloc[0]
    gap = explanation.logit - other.logit
    return (
        f"{plain(explanation.title)} has a {explanation.unit} {abs(gap):.2f} {'higher' if gap >= 0 else 'lower'} than {plain(other.title)}; "
        f"**{plain(top['label'])}** {'speaks for' if top['more'] > 0 else 'speaks against'} it most ({top['more']:+.2f})."
    )


def _whole_finding(explanation: Explanation, w: Words) -> str:
    """What moves the score most."""
    terms, unit = explanation.terms_frame(), explanation.unit
    named = terms[~terms["visitor_only"] & (terms["kind"] != "base")]
    card = engine.card(explanation.model)
    moving = named[named["value"].abs() > SAME]
    if len(moving):
        top = moving.iloc[0]
        verb = "raises" if top["value"] > 0 else "lowers"
        return (
            f"Of what speaks for or against this {w.film}, **{plain(top['label'])}** {verb} the {unit} most "
            f"({top['value']:+.2f})."
        )
    if not (card.reads_history or card.reads_profile):
        return "The visitor plays no part in this score."
    return (
        f"No {w.film} {w.watched} moves this score: it rests on the profile and the {w.film} alone."
    )


def _how_read(explanation: Explanation, w: Words) -> str:
    """What the bars are that lead from another film's logit to this one's."""
    other, unit = explanation.contrast, explanation.unit
    grey = f"The grey bar is the {unit} of {plain(other.title)}"
    if other.movie_id is None and explanation.exact:
        grey += f", the mean of all {counted(other.films, w.film)} not {w.watched}"
    elif other.movie_id is None:
        grey += (
            f", the mean of {counted(other.films, w.film)} spread evenly over the model's ranking"
        )
    bars = (
        "how much more a field, or a pair of fields, adds here than there"
        if explanation.fields
        else f"how much more {w.a_film} {w.watched} adds here than there, since this model's {unit} is a sum over the {w.films} {w.watched}"
        if explanation.exact
        else f"how much more adding {w.a_film} to the history changes here than there, averaged over several orders of adding"
    )
    return f"{grey}; each other bar is {bars}. What is the same for both cancels out."


def _how_the_whole_is_read(explanation: Explanation, w: Words) -> str:
    if explanation.fields:
        return (
            "Each bar is what a field, or a pair of fields, adds; those that read only the visitor, and so "
            f"speak for no {w.film} in particular, are one bar."
        )
    if explanation.exact:
        return (
            f"The first bar is what the {w.film} has without any history, its share of all that was picked; each {w.film}'s bar is "
            f"exactly what it adds: this model's {explanation.unit} is a sum over the {w.films} {w.watched}."
        )
    return (
        f"The first bar is the model's {explanation.unit} without any history; each {w.film}'s bar is what adding that "
        f"{w.film} changes, averaged over several orders of adding, the model asked again each time."
    )


def _end(explanation: Explanation, w: Words) -> str:
    """Where the bars end, and what becomes of it."""
    score = explanation.score
    end = {
        "like": f"the sigmoid of it is the chance of liking, {score:.1%}",
        "next": f"the softmax over all {w.films} not {w.watched} turns it into a chance of {score:.2%} of being the next "
        f"{w.film} liked",
        "rating": f"clipped to 1 to 5 it is the prediction, {score:.2f} stars",
    }[explanation.objective]
    return f"Sum of all terms {explanation.total:.4f}; the model's {explanation.unit} {explanation.logit:.4f}; {end}"


def faithfulness(model: Recommender, visit: Visit, explanation: Explanation) -> None:
    """How far the weights may be trusted as a reason."""
    weights = explanation.weights
    assert weights is not None
    value, item = weights.faithfulness, engine.words(visit.model)(weights.axis)
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
            advice,
            help=f"Measured just now: rank correlation between the size of each {item}'s weight and how "
            f"far the score moves when that {item} is taken away ({len(weights.labels)} {item}s).",
        )
        if len(weights.labels) > 2:
            tests = st.expander("Two more tests", key="trust_tests", on_change="rerun")
            if tests.open:
                with tests:
                    _two_tests(trust(model, visit.session, explanation.movie_id), item)
            with st.popover("Every weight beside its effect", type="tertiary", width="stretch"):
                st.plotly_chart(
                    weight_against_removal(weights),
                    config=CHART,
                    key=f"faith_{item}_{hash(weights)}",
                    alt="Scatter of weights against removal effects",
                )


def _two_tests(found: Trust, item: str) -> None:
    """Deletion and insertion, and what is left of the weights in a model that has forgotten everything."""
    curves = found.curves
    if curves is not None:
        st.markdown(
            f"With the heaviest {item}s taken away first, the logit is on average **{curves.deletion:+.2f}** farther off than in random order; "
            f"with them put in first, **{curves.insertion:+.2f}** nearer."
        )
        st.plotly_chart(
            removal_curves(curves, item),
            key="trust_curves",
            config=CHART,
            alt=f"How far the logit is from the full one while {item}s are taken away, and put in",
        )
        st.caption(
            "Both are positive where the weights tell what the score rests on. Deletion and insertion: Petsiuk et al., 2018."
        )
    if found.shuffled is not None:
        verdict = (
            "They tell little about what was learned"
            if found.shuffled > ALIKE
            else "They are learned"
        )
        st.markdown(
            f"**{verdict}**: with all weights of the model shuffled, what it shows correlates at {found.shuffled:+.2f} with this."
        )
        st.caption(
            "Near 1, a model that knows nothing would show the same. Sanity check: Adebayo et al., 2018. Attention need "
            "not be the only explanation to be one: Wiegreffe and Pinter, 2019."
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


def see_it_computed(movie: int, page: str) -> None:
    """A way to the page Inside, to see the film's answer made.

    Args:
        movie: the film.
        page: where the button is.
    """
    if st.button("See it computed", key=f"{page}_inside", icon=":material/biotech:"):
        state.go(state.current().looking_at(movie))
        st.switch_page("pages/inside.py")
