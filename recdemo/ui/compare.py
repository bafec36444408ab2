"""Pieces of the Compare page: who is compared, lists side by side, overlap, ranges of ranks, time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape

import numpy as np
import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from recdemo.answers.compare import (
    FEW,
    PERSISTENCE,
    Ranking,
    agreed_and_disputed,
    by_similarity,
    default_models,
    on_lists,
    overlaps,
    rank,
    side_by_side,
    where_they_part,
    who_agrees,
)
from recdemo.charts import compare as charts
from recdemo.charts.style import CATEGORIES
from recdemo.core.errors import CheckpointError
from recdemo.core.vocabulary import QUESTIONS, Objective
from recdemo.core.wording import FILM, Words
from recdemo.models import CARDS
from recdemo.ui import engine, owner, state
from recdemo.ui.chart import CHART, none_left
from recdemo.ui.engine import plain
from recdemo.ui.visit import Visit

MARKS = dict(enumerate("①②③④⑤", start=1))
SUFFIX: dict[Objective, str] = {"next": "next", "like": "like", "rating": "stars"}
KEPT = 4 * len(CARDS)  # answers kept for a visitor: a few visits through all models, 3 MB
ROWS = 30  # films of the matrix
FILMS = 6  # films in each chart of ranges
NAMED = 3  # models left out that are named
REDRAW = 0.6  # seconds between two drawings of lists that are still filling
STYLE = """
<style>
[class*="st-key-compare_lists"] :is(td, th) {font-size: 0.8rem; line-height: 1.25; padding: 0.2rem 0.35rem !important; min-width: 5.6rem;}
[class*="st-key-compare_lists"] :is(td, th):first-child {min-width: 0;}
[class*="st-key-compare_lists"] td p {display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden;}
[class*="st-key-compare_wide"] {overflow-x: auto;}
[class*="st-key-compare_wide"] [data-testid="stElementContainer"] {min-width: 45rem;}
</style>
"""


def choose(visit: Visit, menu: Mapping[str, Sequence[Objective]]) -> tuple[list[str], int]:
    """The models to compare and the length of their lists."""
    chosen = [key for key in visit.compared if key in menu]
    chosen = chosen or list(default_models(menu, visit.model))

    def compare(visit: Visit, keys: Sequence[str]) -> Visit:
        aside = [key for key in visit.compared if key not in menu]
        return replace(visit, compared=(*keys, *aside))

    lengths = [5, 10, 20]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.multiselect(
            "Models",
            list(menu),
            format_func=lambda key: engine.card(key).title,
            placeholder="Search models",
            wrap=False,
            label_visibility="collapsed",
            width="stretch",
            **state.bound("compare_models", chosen, compare),
        )
        k = st.segmented_control(
            "List length",
            lengths,
            format_func=lambda k: f"Top {k}",
            required=True,
            label_visibility="collapsed",
            **state.shown("cn", "compare_k", lengths, 10),
        )
        for name, icon, models in (
            (f"All {len(menu)}", ":material/select_all:", tuple(menu)),
            ("Defaults", ":material/restart_alt:", ()),
        ):
            st.button(
                name,
                key=f"compare_{'all' if models else 'defaults'}",
                icon=icon,
                on_click=lambda models=models: state.go(compare(state.current(), models)),
            )
    return chosen, k


def show_left_out(visit: Visit, menu: Mapping[str, Sequence[Objective]]) -> None:
    """Which models are not compared, as they know other films, and why."""
    w = engine.words(visit.model)
    others = [key for key in engine.menu() if key not in menu]
    if others:
        worlds = [world for key in others if (world := engine.world_of(key))]
        names = [f"the models of “{title}”" for title in dict.fromkeys(w.title for w in worlds)]
        own = [plain(engine.card(key).title) for key in others if not engine.world_of(key)]
        more = [f"{len(own) - NAMED} more"] if len(own) > NAMED else []
        count = len(engine.films(visit.model).ids)
        known = "films" if w == FILM else "titles"  # of another world they may be either
        st.caption(
            f":material/inventory_2: Compared: the models that know the same {count:,} {w.films} as "
            f"{plain(engine.card(visit.model).title)}. Not compared: {', '.join([*names, *own[:NAMED], *more])}. They know "
            f"other {known}, and ranks among different {known} say nothing about each other."
        )


def answer(visit: Visit, key: str, objective: Objective) -> Ranking:
    """A model's ranking, from those kept for this visitor where it is there.

    Raises:
        CheckpointError: the model cannot be loaded.
    """
    model = engine.recommender(key, objective, p_like=False)
    kept: dict[tuple, Ranking] = st.session_state.setdefault("compare_kept", {})
    asked = (visit.session, key, objective, model.checkpoint.card.weights_sha256)
    found = kept.pop(asked, None) or rank(model, visit.session, key)
    kept[asked] = found  # last, so that the oldest is first
    while len(kept) > KEPT:
        del kept[next(iter(kept))]
    return found


def side_table(rankings: Mapping[str, Ranking], k: int, labels: Mapping[int, str]) -> pd.DataFrame:
    """`side_by_side` with titles."""
    table = side_by_side(list(rankings.values()), k)
    table.insert(1, "title", table["movie_id"].map(labels))
    return table


def top_columns(table: pd.DataFrame, labels: Mapping[str, str], k: int) -> Styler:
    """Lists as columns; a film on several is marked with their number, and shaded by it."""
    ranks = range(1, k + 1)
    number = plain("#")
    cells, colours = {number: [str(rank) for rank in ranks]}, {number: [""] * k}
    for key, label in labels.items():
        cells[label], colours[label] = ["…"] * k, [""] * k
        if key not in table:  # not answered yet
            continue
        listed = table[table[key] <= k]
        places = listed[key].astype(int) - 1
        for place, title, lists in zip(places, listed["title"], listed["lists"], strict=True):
            cells[label][place] = plain(title)
            if lists > 1:
                cells[label][place] = f"{MARKS[lists]} {plain(title)}"
                shade = charts.shade(lists / len(labels))
                colours[label][place] = f"background-color: {shade}; color: {charts.TEXT}"
    styles = pd.DataFrame(colours)
    return pd.DataFrame(cells).style.apply(lambda _: styles, axis=None)


def show_lists(
    table: pd.DataFrame, labels: Mapping[str, str], k: int, w: Words, drawing: int | str = "last"
) -> None:
    """First films of all models: columns for a few, a matrix for many.

    Args:
        table: answers so far.
        labels: of all models that are asked.
        k: length of the lists.
        w: what the films are called.
        drawing: told apart from the others of a run by this.
    """
    size, alone = len(labels), int((table["lists"] == 1).sum())
    st.subheader(on_lists(table.assign(title=table["title"].map(plain)), labels, w))
    with st.container(key=f"compare_{'lists' if size <= FEW else 'wide'}_{drawing}"):
        if size <= FEW:
            st.table(
                top_columns(table, labels, k), alt=f"First {k} {w.films} of each of {size} models"
            )
        else:
            st.plotly_chart(
                charts.rank_matrix(table.head(ROWS), labels, k),
                key=f"compare_matrix_{drawing}",
                config=CHART,
                alt=f"Matrix of ranks, {min(len(table), ROWS)} {w.films} by {size} models",
            )
    hidden = max(len(table) - ROWS, 0)
    st.caption(
        (
            f"Each column is a model's first {k} {w.films}. {MARKS[2]} and shading: two models list the {w.film}; the "
            "more do, the darker."
            if size <= FEW
            else f"A number is the {w.film}'s rank in that model's first {k}; behind the title, and as shade, how many "
            "models list it."
        )
        + f" {alone} of {len(table)} {w.films} are on one model's list only."
        + (
            f" {hidden} {w.films}, on the fewest lists, are only in the download."
            * (size > FEW < hidden)
        )
    )


def show_overlap(rankings: Sequence[Ranking], labels: Sequence[str], w: Words) -> None:
    """Which models agree, two by two."""
    overlap = overlaps(rankings)
    st.subheader(who_agrees(overlap, labels))
    if len(labels) > 2:
        order = by_similarity(overlap)
        with st.container(key=f"compare_{'wide' if len(labels) >= charts.DENSE else 'overlap'}"):
            st.plotly_chart(
                charts.overlap_map(overlap[np.ix_(order, order)], [labels[i] for i in order]),
                key="compare_overlap_map",
                config=CHART,
                alt="Heat map of the overlap of every two models",
            )
    st.caption(
        f"Rank-biased overlap of two rankings: 1 for the same {w.films} in the same order, 0 for none in common. The top "
        f"counts most: the first ten {w.films} have 86% of the weight (p = {PERSISTENCE})."
        + (" Models that agree stand together." if len(labels) > 2 else "")
    )


def show_ranges(table: pd.DataFrame, labels: Mapping[str, str], size: int, w: Words) -> None:
    """Films agreed on and films disputed, each with its rank by every model.

    Args:
        table: films on a list.
        labels: of the models.
        size: number of films ranked.
    """
    few = len(labels) <= len(CATEGORIES)
    groups = {key: label if few else engine.card(key).family for key, label in labels.items()}
    agreed, disputed = agreed_and_disputed(table, FILMS)
    first, last = (part.assign(title=part["title"].map(plain)) for part in (agreed, disputed))
    headline, ranks = where_they_part(first, last, labels)
    st.subheader(headline)
    st.markdown(ranks)
    st.html(
        "".join(
            '<span style="display: inline-flex; align-items: center; gap: 0.4rem; margin-right: 1rem; '
            'font-size: 0.875rem">'
            f'<span style="width: 0.7rem; height: 0.7rem; border-radius: 50%; background: {colour}"></span>'
            f"{escape(name)}</span>"
            for name, colour in charts.colours_of(groups).items()
        )
    )
    st.plotly_chart(
        charts.rank_ranges(
            {"Agreed on most": agreed, "Disagreed on most": disputed}, labels, groups, size
        ),
        key="compare_ranges",
        config=CHART,
        alt=f"Ranks by each model of {len(agreed)} {w.films} agreed on and {len(disputed)} disputed",
    )
    st.caption(
        f"A dot is a model's rank of the {w.film}, the line runs from best to worst. Of the {w.films} on the lists above, "
        "these are the ones that two models place, on average, fewest and most ranks apart."
    )


def show_times(rankings: Mapping[str, Ranking], labels: Mapping[str, str], w: Words) -> None:
    """How long each model took."""
    times = {labels[key]: ranking.seconds for key, ranking in rankings.items()}
    st.subheader("Time each answer took")
    st.plotly_chart(
        charts.time_bars(times),
        key="compare_times",
        config=CHART,
        alt="Bar chart of milliseconds per model",
    )
    size = len(next(iter(rankings.values())).movie_ids)
    st.caption(
        f"Time to score and rank {size:,} {w.films} for this visitor, loading not counted: one run each on this server, when the list "
        "was made, so it varies with whatever else runs here. The leaderboard has the shortest of 17 runs."
    )
    st.button(
        "Measure again",
        key="compare_again",
        icon=":material/timer:",
        on_click=lambda: st.session_state.pop("compare_kept", None),
    )


def named(asked: Mapping[str, Objective], wanted: Objective) -> dict[str, str]:
    """What each model is called here: its title, and what it was asked where that is something else."""
    return {
        key: engine.card(key).title
        + (f" ({SUFFIX[goal]})" if goal != wanted or goal == "rating" else "")
        for key, goal in asked.items()
    }


def show_asked(asked: Mapping[str, Objective], wanted: Objective) -> None:
    """Which models were asked something else, as they are not trained for what is wanted."""
    other = [
        f"({SUFFIX[goal]}): not trained for “{QUESTIONS[wanted]}”, so asked "
        f"“{QUESTIONS[goal]}”" + (" and ranked by predicted stars." if goal == "rating" else ".")
        for goal in dict.fromkeys(asked.values())
        if goal != wanted
    ]
    if other:
        st.caption(" ".join(other))


def show_as_they_answer(
    visit: Visit, asked: Mapping[str, Objective], labels: dict[str, str], k: int
) -> tuple[dict[str, Ranking], pd.DataFrame]:
    """The lists, filling as models answer; a model that cannot be loaded is named, and leaves `labels`.

    Returns:
        The rankings by model, and the films on them side by side.
    """
    w = engine.words(visit.model)
    titles = engine.films(visit.model).labels
    broken, place, progress = st.container(), st.empty(), st.empty()
    rankings: dict[str, Ranking] = {}
    drawn = time.monotonic()
    for number, key in enumerate(asked, start=1):
        try:
            with progress:  # loading shows here, too
                rankings[key] = answer(visit, key, asked[key])
        except CheckpointError as error:
            del labels[key]
            broken.warning(
                f"{engine.card(key).title} is left out: {plain(owner.shown(str(error)))}",
                icon=":material/broken_image:",
            )
        shown = rankings and len(rankings[next(iter(rankings))].movie_ids)
        if shown and number < len(asked) and time.monotonic() - drawn > REDRAW:
            progress.progress(number / len(asked))
            with place.container():
                show_lists(side_table(rankings, k, titles), labels, k, w, number)
            drawn = time.monotonic()
    progress.empty()
    if not rankings:
        return rankings, pd.DataFrame()
    if not len(next(iter(rankings.values())).movie_ids):
        none_left(w, by="these models know")
    table = side_table(rankings, k, titles)
    with place.container():
        show_lists(table, labels, k, w)
    return rankings, table
