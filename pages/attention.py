"""Attention: what a model weighs, term by term, and how far its weights may be trusted."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "Attention",
    "👁️",
    "What the model weighs when it scores a film, and whether that is the reason.",
)

from dataclasses import replace

import streamlit as st

from recdemo.core.vocabulary import SCORE_NAMES
from recdemo.data.catalogue import shorten
from recdemo.ui import engine, frame, state
from recdemo.ui.attention import show_fields, show_films, show_history, show_streams
from recdemo.ui.engine import plain
from recdemo.ui.visit import MAX_TARGETS
from recdemo.ui.why import sum_of_terms

with frame.page() as visit:
    shows = engine.card(visit.model).shows
    films = engine.films(visit.model)
    model = engine.recommender(visit.model, visit.objective)
    if not shows:
        st.info(
            f"{engine.card(visit.model).title} has no inside to show. Choose a model that weighs what it reads:",
            icon=":material/visibility_off:",
        )
        with st.container(horizontal=True):
            for key, objectives in engine.menu().items():
                if engine.card(key).shows:
                    st.button(
                        engine.card(key).title,
                        key=f"attention_use_{key}",
                        on_click=lambda key=key, objectives=objectives: state.go(
                            state.current().with_model(key, objectives)
                        ),
                    )
        st.stop()

    targets = list(visit.targets) or model.recommend(visit.session, 3)["movie_id"].tolist()
    if not targets:
        st.info("Every film that this model knows has been watched.", icon=":material/done_all:")
        st.stop()
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
    elif "streams" in shows:
        show_streams(model, visit, explanation)
    elif "films" in shows:
        show_films(model, visit, targets, explanation)
    else:
        show_history(model, visit, targets, explanation)
