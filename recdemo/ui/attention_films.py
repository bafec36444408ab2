"""Views of the Attention page of films watched, in every way a model attends to them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from recdemo.answers import attention as inside
from recdemo.answers.explain import film_terms, history_weights, titles_of
from recdemo.answers.explanation import Explanation
from recdemo.answers.recommend import Recommender
from recdemo.answers.removal import rank_correlation
from recdemo.charts import attention as charts
from recdemo.ui import engine, state
from recdemo.ui.chart import CHART, answer, reason
from recdemo.ui.engine import plain
from recdemo.ui.visit import Visit
from recdemo.ui.why import faithfulness, sum_of_terms

MEAN = "mean"  # of the heads
ROLLOUT = -1  # instead of a layer


def show_films(
    model: Recommender, visit: Visit, targets: list[int], explanation: Explanation
) -> None:
    """What each watched film adds for several targets, and for one beside what taking it away does."""
    w = engine.words(visit.model)
    if not explanation.removal:
        nothing_watched(visit, f"no {w.film} adds to its own score")
        sum_of_terms(explanation, visit, targets)
        return
    labels = engine.films(visit.model).labels
    table = film_terms(model, visit.session, targets)
    films = [term for term in explanation.terms if term.kind == "film"]
    most = max(films, key=lambda term: abs(term.value))
    left, right = st.columns([3, 2], gap="large")
    with left, answer():
        st.markdown(
            f"For **{plain(explanation.title)}**, **{plain(most.label)}** adds most: {most.value:+.3f} of a logit of "
            f"{explanation.logit:+.3f}."
        )
        st.plotly_chart(
            charts.history_map(table, {movie: labels[movie] for movie in targets}, unit="adds"),
            key="film_terms",
            config=CHART,
            alt=f"Heat map of what each {w.watched} {w.film} adds to the logit of each target",
        )
        unread = len(visit.session.history) - explanation.films_read
        st.caption(
            f"Rows are the {w.films} {w.watched}, latest first; columns the {w.films} being scored. These are exact parts, not weights that one "
            f"has to trust: with the {w.film}'s own first term, a column adds up to its logit."
            + (
                f" Only the latest {explanation.films_read} {w.films} are {w.read}."
                if unread > 1
                else ""
            )
        )
    with right, reason():
        removal = dict(explanation.removal)
        st.dataframe(
            pd.DataFrame(
                {
                    "film": [term.label for term in films],
                    "adds": [term.value for term in films],
                    "without": [removal[term.movie_id] for term in films if term.movie_id],
                }
            )[::-1],
            hide_index=True,
            column_config={
                "film": st.column_config.TextColumn(f"{w.Film} {w.watched}", width=200),
                "adds": st.column_config.NumberColumn("adds", format="%+.3f", width=75),
                "without": st.column_config.NumberColumn(
                    "lost without it", format="%+.3f", width=110
                ),
            },
            alt=f"What each {w.film} {w.watched} adds, and what is lost without it",
        )
        st.caption(
            f"Lost without it: how far the logit falls when the model is asked again without the {w.film}. It is a different number, "
            f"since the {w.films} before it then come closer to the present and count more."
        )
    sum_of_terms(explanation, visit, targets)


def show_history(
    model: Recommender, visit: Visit, targets: list[int], explanation: Explanation
) -> None:
    """Weights of the watched films for several targets; then one target in full."""
    w = engine.words(visit.model)
    shows = engine.card(visit.model).shows
    if not explanation.weights or not explanation.weights.labels:
        nothing_watched(visit, f"{w.a_film} does not attend to itself")
        sum_of_terms(explanation, visit, targets)
        return
    left, right = st.columns([3, 2], gap="large")
    with left, answer():
        views = {"Weights": _weights}
        views |= {name: draw for kind, (name, draw) in _MORE.items() if kind in shows}
        view = "Weights"
        if len(views) > 1:
            view = st.segmented_control(
                "View",
                list(views),
                required=True,
                label_visibility="collapsed",
                **state.shown("ah", f"history_view_{'_'.join(shows)}", views, view),
            )
        views[view](model, visit, targets, explanation)
    with right, reason():
        faithfulness(model, visit, explanation)
    sum_of_terms(explanation, visit, targets)


def nothing_watched(visit: Visit, why: str) -> None:
    w = engine.words(visit.model)
    st.info(
        f"The {w.film} explained is the only one {w.watched}: {why}. Add another in the sidebar."
        if visit.session.history
        else f"There is nothing to attend to yet: add {w.films} in the sidebar.",
        icon=":material/history:",
    )


def _weights(
    model: Recommender, visit: Visit, targets: Sequence[int], explanation: Explanation
) -> None:
    w = engine.words(visit.model)
    attention = explanation.weights
    assert attention
    labels = engine.films(visit.model).labels
    table = history_weights(model, visit.session, targets)
    st.markdown(
        f"For **{plain(explanation.title)}**, {engine.card(visit.model).title} gives the largest weight "
        f"to **{plain(max(zip(map(abs, attention.weights), attention.labels, strict=True))[1])}**."
    )
    st.plotly_chart(
        charts.history_map(table, {movie: labels[movie] for movie in targets}),
        key="history_map",
        config=CHART,
        alt=f"Heat map of the weight of each {w.watched} {w.film} for each target",
    )
    unread = len(visit.session.history) - explanation.films_read
    same = len(targets) > 1 and table[targets].dropna().nunique(axis=1).eq(1).all()
    st.caption(
        f"Rows are the {w.films} {w.watched}, latest first; columns the {w.films} being scored. "
        + (
            "The weights of a column add up to one."
            if attention.sums_to_one
            else f"The rest, up to one, is the scored {w.film}'s attention to itself."
            if attention.rest_to_target
            else "A weight is not a share: as in the paper, weights are not normalised. Compare sizes "
            "within a column; the sign means nothing by itself, since the network above may read a "
            "negative weight as well as a positive one."
        )
        + (f" This model weighs the history alike for every {w.film}." if same else "")
        + (
            f" Only the latest {explanation.films_read} {w.films} are {w.read}."
            if unread > 1
            else ""
        )
    )


def _heads(
    model: Recommender, visit: Visit, targets: Sequence[int], explanation: Explanation
) -> None:
    w = engine.words(visit.model)
    table = inside.head_weights(model, visit.session, explanation.movie_id)
    heads = [name for name in table if name not in ("movie_id", "title")]
    trust = inside.most_faithful_head(
        {head: table[head].to_numpy()[:-1] for head in heads}, explanation.removal
    )
    itself = {head: table[head].iloc[-1] for head in heads}
    most = max(itself, key=itself.__getitem__)
    st.markdown(
        trust
        or f"Head {most} looks most at the {w.film} itself, with {itself[most]:.0%} of its attention."
    )
    st.plotly_chart(
        charts.head_map(table, w),
        key="head_map",
        config=CHART,
        alt=f"Heat map of where {explanation.title} looks, head by head",
    )
    st.caption(
        f"A column is one head: how it shares the attention of {plain(explanation.title)} among the {w.films} {w.watched}, "
        f"latest first, and the {w.film} itself. Heads are free to look for different things; the model joins them."
    )


def _layers(
    model: Recommender, visit: Visit, targets: Sequence[int], explanation: Explanation
) -> None:
    w = engine.words(visit.model)
    films, weights = inside.layer_weights(model, visit.session)
    layers, heads = weights.shape[:2]
    flow = inside.rollout(weights)
    layer = 0
    if layers > 1:
        choice = [*range(layers), *([ROLLOUT] if flow is not None else [])]
        layer = st.selectbox(
            "Layer",
            choice,
            format_func=lambda i: (
                "All, multiplied through (rollout)" if i == ROLLOUT else str(i + 1)
            ),
            **state.shown("ay", "look_layer", choice, layers - 1),
        )
    if flow is not None and layer == ROLLOUT:
        shown = flow
    else:
        head = st.segmented_control(
            "Head",
            [MEAN, *range(heads)],
            format_func=lambda i: "Mean" if i == MEAN else f"Head {i + 1}",
            required=True,
            label_visibility="collapsed",
            **state.shown("ad", "look_head", [MEAN, *range(heads)], MEAN),
        )
        shown = weights[layer].mean(0) if head == MEAN else weights[layer, head]
    titles = titles_of(model, films)
    shares = bool(np.allclose(weights.sum(-1), 1, atol=1e-3))
    trust = ""
    if layer == layers - 1 and explanation.movie_id not in visit.session.movie_ids:
        of_head = {i + 1: np.abs(weights[-1, i, -1]) for i in range(heads)}
        trust = inside.most_faithful_head(of_head, explanation.removal)
    if (
        layer == ROLLOUT
        and flow is not None
        and explanation.movie_id not in visit.session.movie_ids
    ):
        effects = np.abs([effect for _, effect in explanation.removal])
        whole, last = (
            rank_correlation(row, effects) for row in (flow[-1], weights[-1, :, -1].mean(0))
        )
        if whole is not None and last is not None:
            trust = f"Its faithfulness is {whole:+.2f}, that of the last layer alone {last:+.2f}."
    st.markdown(
        f"{inside.most_looked_at(shown, [*map(plain, titles)], shares=shares, w=w)} {trust}"
    )
    st.plotly_chart(
        charts.look_map(shown, titles, shares=shares),
        key="look_map",
        config=CHART,
        alt=f"Heat map of which {w.watched} {w.film} looks at which",
    )
    backwards = len(films) > 1 and not weights[..., *np.triu_indices(len(films), 1)].any()
    whom = f"itself and those {w.watched} before it" if backwards else "all of them"
    st.caption(
        (
            f"A row is {w.a_film} {w.watched} and how it shares its attention among {whom}; rows add up to one. "
            if shares
            else f"A row is {w.a_film} {w.watched} and what it takes of {whom}. These weights are not shares: there is no softmax, a "
            f"{w.film} that has more to say adds more, and what has a negative weight is taken away. "
        )
        + (
            f"Each layer's mean attention times the one before, with half of every {w.film}'s own vector passed on each time: how much of "
            f"each {w.film} has reached each place (Abnar and Zuidema, 2020). "
            if layer == ROLLOUT
            else ""
        )
        + f"The answer is read off the latest {w.film}'s row, the top one, whatever {w.film} is being scored."
    )


def _evolution(
    model: Recommender, visit: Visit, targets: Sequence[int], explanation: Explanation
) -> None:
    w = engine.words(visit.model)
    labels = engine.films(visit.model).labels
    table = inside.evolution(model, visit.session, targets)
    mine = table[table["target"] == explanation.movie_id]
    moved = mine.loc[mine["gate"].idxmax()]
    st.markdown(
        f"On the way to **{plain(explanation.title)}**, **{plain(moved['title'])}** moves the interest most: by "
        f"{moved['gate']:.0%} of the way to something new."
    )
    st.plotly_chart(
        charts.evolution_lines(table, {m: labels[m] for m in targets}, explanation.movie_id, w),
        key="evolution",
        config=CHART,
        alt=f"Logit and update gate after each {w.watched} {w.film} for {explanation.title}",
    )
    st.caption(
        f"Above: the logit if the interest had stopped evolving after that {w.film}, with the attention that the whole "
        "history gives; the last point is the model's answer. Below: the "
        f"update gate times the attention, which is how far the {w.film} pulls the interest away from what it was."
    )


_MORE = {
    "heads": ("Head by head", _heads),
    "layers": ("Who looks at whom", _layers),
    "evolution": ("Interest over time", _evolution),
}
