"""Pieces of the What if page: the lists before and after a change, and what it takes to drop a film."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from recdemo.answers.counterfactual import (
    Change,
    RankChanges,
    in_words,
    rank_changes,
    what_moves,
    why_nothing_moves,
)
from recdemo.answers.drop import Drop, in_sentences, strongest_support, what_it_takes
from recdemo.answers.recommend import MAX_K, Recommender
from recdemo.charts import counterfactual as charts
from recdemo.core.session import Session
from recdemo.core.vocabulary import SCORE_NAMES
from recdemo.core.wording import shown_as
from recdemo.ui import change, engine, state
from recdemo.ui.chart import CHART, reason
from recdemo.ui.engine import plain
from recdemo.ui.visit import Visit
from recdemo.ui.why import ask, see_it_computed, sum_of_terms

CHOICE = 100  # films of the list that can be chosen to be dropped


def show_changes(
    model: Recommender, visit: Visit, logits: np.ndarray, changed: Session, k: int
) -> None:
    """Ranks before, which are of these logits, and after: finding, chart, table."""
    w = engine.words(visit.model)
    changes = rank_changes(model, visit.session, changed, k, logits_before=logits)
    titles = changes.films["movie_id"].map(engine.films(visit.model).labels)
    changes = replace(changes, films=changes.films.assign(title=titles))
    escaped = replace(changes, films=changes.films.assign(title=titles.map(plain)))
    st.subheader(what_moves(escaped, w))
    if changes.same_scores:
        why = why_nothing_moves(model, visit.session, changed, engine.card(visit.model).title)
        st.info(why, icon=":material/drag_handle:")
        if (changes.films["rank_before"] == changes.films["rank_after"]).fillna(False).all():
            return
    st.plotly_chart(
        charts.slopes(changes.films, k, model.words),
        key="what_if_slopes",
        config=CHART,
        alt=f"Slope chart of {len(changes.films)} {w.films}' ranks before and after the change",
    )
    st.caption(
        f"Each line is {w.a_film}: left its rank for the visitor as they are, right with the change. Numbers are ranks, "
        f"below the list too. {w.A_film} {w.watched} has no rank (–): lists leave it out."
    )
    with st.expander("Ranks and scores"):
        show_table(changes, visit)


def show_list(model: Recommender, visit: Visit, logits: np.ndarray, k: int) -> None:
    """The list, of these logits, that a change would move."""
    w, labels = engine.words(visit.model), engine.films(visit.model).labels
    listed = model.recommend(visit.session, k, logits=logits)
    if listed.empty:
        return
    st.subheader("The list as it is")
    st.table(
        pd.DataFrame(
            {
                plain("#"): [str(rank) for rank in listed["rank"]],
                w.Film: [plain(labels[movie]) for movie in listed["movie_id"]],
                SCORE_NAMES[visit.objective]: [
                    shown_as(s, visit.objective) for s in listed["score"]
                ],
            }
        ),
        alt=f"First {len(listed)} {w.films} of the list before any change",
        hide_index=True,
    )


def show_table(changes: RankChanges, visit: Visit) -> None:
    """Every film of the chart with rank and score."""
    w = engine.words(visit.model)
    stars = visit.objective == "rating"
    name, number = SCORE_NAMES[visit.objective], "%.2f" if stars else "%.2f%%"
    scores = ["score_before", "score_after"]
    table = changes.films.drop(columns="movie_id")
    table[scores] *= 1 if stars else 100
    labels = {"rank_before": "Rank before", "rank_after": "Rank after"}
    labels |= {"score_before": f"{name}, before", "score_after": "after"}
    st.dataframe(
        table,
        hide_index=True,
        placeholder="–",
        height=35 * min(len(table), 15) + 38,
        column_order=["title", *labels],
        column_config={
            "title": st.column_config.TextColumn(w.Film, width="medium"),
            **{
                column: st.column_config.NumberColumn(
                    label, format=number if column in scores else "localized"
                )
                for column, label in labels.items()
            },
        },
        alt=f"{w.Films} with rank and score before and after the change",
    )


@st.cache_data(show_spinner=False, max_entries=500)
def drop(
    _model: Recommender, weights: str, session: Session, _logits: np.ndarray, movie: int, k: int
) -> Drop:
    """What it takes to drop a film, kept by the weights asked."""
    return what_it_takes(_model, session, movie, k, logits=_logits)


def show_drop(model: Recommender, visit: Visit, logits: np.ndarray, k: int) -> None:
    """The fewest films without which a film is off the list."""
    w = engine.words(visit.model)
    films = engine.films(visit.model)
    listed = model.recommend(visit.session, min(len(films.ids), MAX_K), logits=logits)
    order = listed["movie_id"].tolist()
    if not order:
        return
    ranks = {movie: rank for rank, movie in enumerate(order, start=1)}
    movie = next((target for target in visit.targets if target in ranks), order[0])
    order = sorted({*order[:CHOICE], movie}, key=ranks.__getitem__)
    with reason():
        st.selectbox(
            f"{w.Film} to drop",
            order,
            format_func=lambda movie: f"{ranks[movie]} · {films.labels[movie]}",
            label_visibility="collapsed",
            **state.bound("what_if_target", movie, Visit.looking_at),
        )
        with st.spinner(f"Taking {w.films} away, one set after another…"):
            weights = model.checkpoint.card.weights_sha256
            found = drop(model, weights, visit.session, logits, movie, k)
        labels = {movie: plain(label) for movie, label in films.labels.items()}
        title = engine.card(visit.model).title
        answer, certainty = in_sentences(found, visit.session, labels, title, w)
        st.markdown(answer)
    with st.container(horizontal=True):
        if found.films:
            st.button(
                "Show this change above",
                key="what_if_show",
                icon=":material/arrow_upward:",
                on_click=lambda: change.try_out(Change(dropped=found.films)),
            )
        see_it_computed(movie, "what_if")
    why = st.expander("Why this and not another?", key="what_if_why", on_change="rerun")
    if why.open:
        with why:
            sum_of_terms(ask(model, visit, movie), visit, order[: k + 1])
    if found.alone:
        unit = "stars" if visit.objective == "rating" else "logits"
        st.markdown(strongest_support(found, labels, w))
        st.plotly_chart(
            charts.margins(found, films.labels, unit),
            key="what_if_margins",
            config=CHART,
            alt=f"Bar chart of the {w.film}'s lead without each {w.watched} {w.film}",
        )
        fewer = len(found.alone) < len(visit.session.history)
        st.caption(
            f"Its lead over rank {k + 1}, in {unit}, with all {w.films} (right dashed line) and without one of them; at "
            f"zero it leaves the list. Orange: the {w.film} holds it up."
            + f" The {len(found.alone)} {w.films} that count most."
            * fewer
        )
    if certainty:
        st.caption(certainty)


def keep() -> None:
    """The visitor changed becomes the visitor; films that the model does not know stay as they are."""
    visit, tried = state.current(), state.seen().change
    state.go(replace(visit, session=tried.of(visit.session), change=Change()))


def controls(visit: Visit, changed: Session) -> tuple[int, list[str]]:
    """Length of the lists, what to do with the change, and the change in words, piece by piece."""
    w = engine.words(visit.model)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="tools_made"):
        lengths = [5, 10, 20]
        k = st.segmented_control(
            "List length",
            lengths,
            required=True,
            label_visibility="collapsed",
            **state.shown("wn", "what_if_k", lengths, 10),
        )
        st.button(
            "Keep",
            key="what_if_keep",
            icon=":material/check:",
            help="The changed visitor becomes the visitor. Undo in the sidebar brings the present one back.",
            disabled=changed == visit.session,
            on_click=keep,
        )
        st.button(
            "Clear",
            key="what_if_clear",
            icon=":material/restart_alt:",
            disabled=visit.change == Change(),
            on_click=lambda: change.try_out(Change()),
        )
        words = in_words(visit.change, visit.session, engine.films(visit.model).labels, w)
        if words:
            st.markdown(f"**Tried out:** {plain('; '.join(words))}")
    return k, words
