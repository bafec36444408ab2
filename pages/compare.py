"""Compare: one visitor through several models, side by side."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "Compare",
    "⚖️",
    "The same visitor through several models: where their lists agree, and where they part.",
)

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
    by_similarity,
    default_models,
    overlaps,
    question,
    rank,
    side_by_side,
)
from recdemo.charts import compare as charts
from recdemo.charts.style import CATEGORIES
from recdemo.core.errors import CheckpointError
from recdemo.core.vocabulary import QUESTIONS, Objective
from recdemo.models import CARDS
from recdemo.ui import engine, frame, state
from recdemo.ui.engine import plain
from recdemo.ui.visit import Visit
from recdemo.ui.why import CHART

MARKS = dict(enumerate("①②③④⑤", start=1))
SUFFIX: dict[Objective, str] = {"next": "next", "like": "like", "rating": "stars"}
KEPT = 4 * len(CARDS)  # answers kept for a visitor: a few visits through all models, 3 MB
ROWS = 30  # films of the matrix
FILMS = 6  # films in each chart of ranges
NAMED = 3  # models left out that are named
REDRAW = 0.6  # seconds between two drawings of lists that are still filling

_STYLE = """
<style>
[class*="st-key-compare_lists"] td {min-width: 8.5rem; font-size: 0.875rem;}
[class*="st-key-compare_lists"] td:first-child {min-width: 0;}
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

    st.multiselect(
        "Models",
        list(menu),
        format_func=lambda key: engine.card(key).title,
        placeholder="Search models",
        wrap=False,
        help="Two or more. Each is asked the question of the sidebar if it is trained for that. Left empty, it is a "
        "handful of different kinds.",
        **state.bound("compare_models", chosen, compare),
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        k = st.segmented_control(
            "List length",
            [5, 10, 20],
            format_func=lambda k: f"Top {k}",
            default=10,
            required=True,
            key="compare_k",
            persist_state="session",
            label_visibility="collapsed",
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
    show_left_out(visit, menu)
    return chosen, k


def show_left_out(visit: Visit, menu: Mapping[str, Sequence[Objective]]) -> None:
    """Which models are not compared, as they know other films, and why."""
    others = [key for key in engine.menu() if key not in menu]
    if others:
        names = [plain(engine.card(key).title) for key in others[:NAMED]]
        more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
        count = len(engine.films(visit.model).ids)
        st.caption(
            f":material/inventory_2: Compared are the models that know the same {count:,} films as "
            f"{plain(engine.card(visit.model).title)}. Not compared: {', '.join(names)}{more}. They know other films, "
            "and ranks among different films say nothing about each other."
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
    table: pd.DataFrame, labels: Mapping[str, str], k: int, drawing: int | str = "last"
) -> None:
    """First films of all models: columns for a few, a matrix for many.

    Args:
        table: answers so far.
        labels: of all models that are asked.
        k: length of the lists.
        drawing: told apart from the others of a run by this.
    """
    size, answered = len(labels), sum(key in table for key in labels)
    most, alone = int(table["lists"].iloc[0]), int((table["lists"] == 1).sum())
    everywhere = int((table["lists"] == size).sum())
    if answered < size:
        st.subheader(f"{answered} of {size} models have answered")
    elif size == 1:
        st.subheader(f"{next(iter(labels.values()))} alone")
    elif everywhere > 1:
        st.subheader(f"{everywhere} films are on all {size} lists")
    elif most > 1:
        st.subheader(f"{plain(table['title'].iloc[0])} is on most lists, {most} of {size}")
    else:
        st.subheader("No film is on two lists")
    with st.container(key=f"compare_{'lists' if size <= FEW else 'wide'}_{drawing}"):
        if size <= FEW:
            st.table(top_columns(table, labels, k), alt=f"First {k} films of each of {size} models")
        else:
            st.plotly_chart(
                charts.rank_matrix(table.head(ROWS), labels, k),
                key=f"compare_matrix_{drawing}",
                config=CHART,
                alt=f"Matrix of ranks, {min(len(table), ROWS)} films by {size} models",
            )
    hidden = max(len(table) - ROWS, 0)
    st.caption(
        (
            f"Each column is a model's first {k} films. {MARKS[2]} and shading: two models list the film; the "
            "more do, the darker."
            if size <= FEW
            else f"A number is the film's rank in that model's first {k}; behind the title, and as shade, how many "
            "models list it."
        )
        + f" {alone} of {len(table)} films are one model's alone."
        + (
            f" {hidden} films, on the fewest lists, are only in the download."
            * (size > FEW < hidden)
        )
    )


def show_overlap(rankings: Sequence[Ranking], labels: Sequence[str]) -> None:
    """Which models agree, two by two."""
    overlap = overlaps(rankings)
    pairs = [(overlap[i, j], i, j) for i in range(len(labels)) for j in range(i)]
    (high, a, b), (low, c, d) = max(pairs), min(pairs)
    if len(pairs) == 1:
        st.subheader(f"{labels[b]} and {labels[a]} overlap by {high:.2f}")
    else:
        st.subheader(
            f"{labels[b]} and {labels[a]} agree most ({high:.2f}), "
            f"{labels[d]} and {labels[c]} least ({low:.2f})"
        )
        order = by_similarity(overlap)
        with st.container(key=f"compare_{'wide' if len(labels) >= charts.DENSE else 'overlap'}"):
            st.plotly_chart(
                charts.overlap_map(overlap[np.ix_(order, order)], [labels[i] for i in order]),
                key="compare_overlap_map",
                config=CHART,
                alt="Heat map of the overlap of every two models",
            )
    st.caption(
        "Rank-biased overlap of two rankings: 1 for the same films in the same order, 0 for none in common. The top "
        f"counts most: the first ten films have 86 % of the weight (p = {PERSISTENCE})."
        + (" Models that agree stand together." if len(pairs) > 1 else "")
    )


def show_ranges(table: pd.DataFrame, labels: Mapping[str, str], size: int) -> None:
    """Films agreed on and films disputed, each with its rank by every model.

    Args:
        table: films on a list.
        labels: of the models.
        size: number of films ranked.
    """
    few = len(labels) <= len(CATEGORIES)
    groups = {key: label if few else engine.card(key).family for key, label in labels.items()}
    count = min(FILMS, (len(table) + 1) // 2)
    agreed = table.sort_values(["apart", "best"], kind="stable").head(count)
    disputed = table.sort_values(["apart", "best"], ascending=[False, True], kind="stable")
    disputed = disputed.head(count)
    first, last = agreed.iloc[0], disputed.iloc[0]
    ranks = last[list(labels)].astype(int)
    agree, part = (plain(film["title"]) for film in (first, last))
    st.subheader(f"They agree most on {agree} and least on {part}")
    st.markdown(
        f"**{agree}** has rank {first['best']:,} to {first['worst']:,}; **{part}** rank {last['best']:,} with "
        f"{labels[str(ranks.idxmin())]} and {last['worst']:,} with {labels[str(ranks.idxmax())]}."
    )
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
        alt=f"Ranks by each model of {count} films agreed on and {count} disputed",
    )
    st.caption(
        "A dot is a model's rank of the film, the line runs from best to worst. Out of the films on the lists above, "
        "those that two of the models place fewest, and most, ranks apart on average."
    )


def show_times(rankings: Mapping[str, Ranking], labels: Mapping[str, str]) -> None:
    """How long each model took."""
    times = {labels[key]: ranking.seconds for key, ranking in rankings.items()}
    slow, fast = max(times, key=times.__getitem__), min(times, key=times.__getitem__)
    st.subheader(
        f"{slow} takes longest, {1000 * times[slow]:.0f} ms, {fast} {1000 * times[fast]:.0f} ms"
    )
    st.plotly_chart(
        charts.time_bars(times),
        key="compare_times",
        config=CHART,
        alt="Bar chart of milliseconds per model",
    )
    size = len(next(iter(rankings.values())).movie_ids)
    st.caption(
        f"Time to score and rank {size:,} films for this visitor, loading not counted: one run each on this server, "
        "when the list was made. It varies with whatever else runs here."
    )
    st.button(
        "Measure again",
        key="compare_again",
        icon=":material/timer:",
        on_click=lambda: st.session_state.pop("compare_kept", None),
    )


with frame.page() as visit:
    st.html(_STYLE)
    menu, titles = engine.peers(visit.model), engine.films(visit.model).labels
    chosen, k = choose(visit, menu)
    asked = {key: question(menu[key], visit.objective) for key in chosen}
    labels = {
        key: engine.card(key).title
        + (f" ({SUFFIX[goal]})" if goal != visit.objective or goal == "rating" else "")
        for key, goal in asked.items()
    }
    other = [
        f"({SUFFIX[goal]}): not trained for “{QUESTIONS[visit.objective]}”, so asked "
        f"“{QUESTIONS[goal]}”" + (" and ranked by predicted stars." if goal == "rating" else ".")
        for goal in dict.fromkeys(asked.values())
        if goal != visit.objective
    ]
    if other:
        st.caption(" ".join(other))
    broken, place, progress = st.container(), st.empty(), st.empty()
    rankings: dict[str, Ranking] = {}
    drawn = time.monotonic()
    for number, key in enumerate(chosen, start=1):
        try:
            with progress:  # loading shows here, too
                rankings[key] = answer(visit, key, asked[key])
        except CheckpointError as error:
            del labels[key]
            broken.warning(
                f"{engine.card(key).title} is left out: {plain(str(error))}",
                icon=":material/broken_image:",
            )
        shown = rankings and len(rankings[next(iter(rankings))].movie_ids)
        if shown and number < len(chosen) and time.monotonic() - drawn > REDRAW:
            progress.progress(number / len(chosen))
            with place.container():
                show_lists(side_table(rankings, k, titles), labels, k, number)
            drawn = time.monotonic()
    progress.empty()
    if rankings and not len(next(iter(rankings.values())).movie_ids):
        st.info("Every film that these models know has been watched.", icon=":material/done_all:")
        st.stop()
    if rankings:
        table = side_table(rankings, k, titles)
        with place.container():
            show_lists(table, labels, k)
    if len(rankings) < 2:
        st.info(
            "Choose another model to compare with."
            if len(menu) > 1
            else "No other model knows these films. Train another one on the same data, and keep it, to compare.",
            icon=":material/compare_arrows:",
        )
        st.stop()

    st.download_button(
        "Download CSV",
        table.to_csv(index=False),
        file_name=f"recdemo_compare_{visit.objective}.csv",
        mime="text/csv",
        icon=":material/download:",
        help="Every film on a list, with its rank by each model",
        on_click="ignore",
    )
    show_overlap(list(rankings.values()), list(labels.values()))
    show_ranges(table, labels, len(next(iter(rankings.values())).movie_ids))
    show_times(rankings, labels)
