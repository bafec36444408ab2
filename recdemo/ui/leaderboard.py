"""Pieces of the Leaderboard page: what is shown, the ranking, quality against speed, the table."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from recdemo.charts import leaderboard as charts
from recdemo.core.figures import MAIN, METRICS, SPLIT_NAMES, SPLITS
from recdemo.core.vocabulary import QUESTIONS, Objective
from recdemo.core.wording import counted
from recdemo.leaderboard import findings, intervals, published
from recdemo.leaderboard.published import Published
from recdemo.leaderboard.table import (
    Leaderboard,
    Row,
    as_frame,
    below,
    below_in_words,
    best_first,
    figure_of,
    is_baseline,
    seeds_in_words,
)
from recdemo.ui import engine, state
from recdemo.ui.chart import CHART, answer
from recdemo.ui.engine import plain
from recdemo.ui.leaderboard_row import FAITHFULNESS
from recdemo.ui.visit import Visit

NAMED = 6  # models listed in a sentence, at most
COSTS = {
    "parameters": ("parameters", "localized", "Numbers that training sets."),
    "kilobytes": ("kB", "localized", "Size of the weights' file."),
    "train_seconds": (
        "training s",
        "localized",
        "Seconds of training, on the machine that trained it.",
    ),
    "samples_per_second": (
        "samples/s",
        "localized",
        "Ratings, or picks, learned from in a second.",
    ),
    "milliseconds": (
        "ms",
        "%.1f",
        "Milliseconds to score all films for one visitor who watched 50, on one thread of the machine that made "
        "this table.",
    ),
}


def rows_to_show(board: Leaderboard, visit: Visit) -> tuple[list[Row], list[Row], str]:
    """The controls: rows of one question and split, those the filters leave, and the figure to rank by."""
    questions = [goal for goal in QUESTIONS if any(r.objective == goal for r in board.rows)]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        question: Objective = st.segmented_control(
            "Question",
            questions,
            format_func=QUESTIONS.__getitem__,
            required=True,
            label_visibility="collapsed",
            **state.shown("lq", "leaderboard_question", questions, _asked(visit, questions)),
        )
        splits = [
            how
            for how in SPLITS
            if any((r.objective, r.split) == (question, how) for r in board.rows)
        ]
        split = splits[0]
        if len(splits) > 1:
            split = st.segmented_control(
                "Test on",
                splits,
                format_func=SPLIT_NAMES.__getitem__,
                required=True,
                label_visibility="collapsed",
                help="  \n".join(f"**{SPLIT_NAMES[how]}**: {SPLITS[how]}" for how in splits),
                **state.shown(
                    "ls",
                    f"leaderboard_split_{question}",
                    splits,
                    "order" if "order" in splits else splits[0],
                ),
            )
        rows = [r for r in board.rows if (r.objective, r.split) == (question, split)]
        names = [name for name in METRICS if any(figure_of(row, name) for row in rows)]
        name = st.segmented_control(
            "Ranked by",
            names,
            format_func=lambda name: METRICS[name].title,
            required=True,
            label_visibility="collapsed",
            **state.shown("lf", f"leaderboard_figure_{question}", names, MAIN[question]),
        )
        with st.popover("Filter", icon=":material/tune:"):
            every = list(dict.fromkeys(row.family for row in board.rows))
            families = st.pills(
                "Families",
                every,
                selection_mode="multi",
                **state.shown_many("lg", "leaderboard_families", every),
            )
            words = st.text_input(
                "Search",
                placeholder="Name of a model",
                **state.shown_words("lw", "leaderboard_search"),
            )
    rows = best_first(rows, name)
    sought = words.casefold().strip()
    kept = [
        row
        for row in rows
        if (not families or row.family in families)
        and (sought in row.title.casefold() or sought in row.model)
    ]
    only = [*families, *([f"“{plain(words.strip())}”"] if sought else [])]
    models = counted(len(rows), "model")
    head = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    head.subheader(
        f"{QUESTIONS[question]} Tested on: {SPLIT_NAMES[split].lower()}", width="content"
    )
    head.caption(
        f"{models}, {seeds_in_words(rows)}." + (f" Only {', '.join(only)} below." if only else ""),
        help=f"{SPLITS[split]} Figures of different splits cannot be compared.  \n"
        + "  \n".join(f"**{METRICS[name].title}**: {METRICS[name].hint}" for name in names),
    )
    return rows, kept, name


def _asked(visit: Visit, questions: Sequence[Objective]) -> Objective:
    """The sidebar's question, where it is measured."""
    return visit.objective if visit.objective in questions else questions[0]


def show_ranking(rows: list[Row], kept: list[Row], name: str, chosen: str) -> None:
    metric = METRICS[name]
    floors = [floor for floor, _ in below(rows, name)]
    with answer():
        st.markdown(f"**{findings.leader(rows, name)}**")
    printed = printed_beside(rows[0], name)
    st.plotly_chart(
        charts.ranking(kept, name, floors, chosen, printed),
        key="leaderboard_ranking",
        config=CHART,
        alt=f"{metric.title} of {len(kept)} models, best first",
    )
    seeds = max(len(row.seeds) for row in kept)
    st.caption(
        f"{metric.hint} {SPLITS[rows[0].split]} The axis does not start at zero. "
        + ("Dashed lines and diamonds are baselines, which nobody trained. " if floors else "")
        + (
            "Whiskers are the deviation over seeds, where several were trained. "
            if seeds > 1
            else "One seed each, so far. "
        )
        + findings.leeway(rows, name)
    )
    for sentence in below_in_words(rows, name, most=NAMED):
        st.markdown(sentence)
    if printed:
        show_printed(printed)


def printed_beside(row: Row, name: str) -> tuple[Published, ...]:
    """What others have published of a figure for a row's question, split and data."""
    if row.data != published.DATA or row.simulated:
        return ()
    return published.beside(row.objective, row.split, name)


def show_printed(printed: Sequence[Published]) -> None:
    """The sources of what is drawn below the line."""
    st.caption(
        "Hollow, below the line: published figures for the same data and protocol. They are quoted, not measured here, and "
        "differ in preprocessing and in how long settings were searched for, so they have no rank."
    )
    with st.expander("Where these were published", icon=":material/menu_book:"):
        names = [name for name in METRICS if name in printed[0].figures]
        head = f"| model | {' | '.join(METRICS[name].title for name in names)} | source |"
        lines = [
            f"| {one.title} | {' | '.join(f'{one.figures[name]:.3f}' for name in names)} | [{one.source}]({one.url}) |"
            for one in printed
        ]
        st.markdown("\n".join([head, "|---" * (len(names) + 2) + "|", *lines]))


def show_speed(rows: list[Row], name: str, chosen: str, times: dict[str, float]) -> None:
    table = as_frame(rows)
    table["milliseconds"] = table["milliseconds"].fillna(table["model"].map(times))
    table = table.dropna(subset=["milliseconds", name]).reset_index(drop=True)
    if table.empty:
        st.info("None of these models has been timed.", icon=":material/timer_off:")
        return
    if len(table) == 1:
        st.info(
            "Only one model: there is nothing to compare its speed with.", icon=":material/speed:"
        )
        return
    better = METRICS[name].better
    front = intervals.pareto(table["milliseconds"].tolist(), table[name].tolist(), better)
    st.markdown(f"**{findings.speed(table, name, front)}**")
    st.plotly_chart(
        charts.speed(table, name, front, chosen),
        key="leaderboard_speed",
        config=CHART,
        alt=f"{METRICS[name].title} against milliseconds of {len(table)} models",
    )
    far = table[charts.out_of_picture(table, name)]
    below = [
        f"{t} ({v:.4f}, {ms:.1f} ms)" for t, v, ms in far[["title", name, "milliseconds"]].values
    ]
    st.caption(
        f"Of {len(table)} models {len(front)} {'is' if len(front) == 1 else 'are'} on the line: whatever is "
        "faster is worse, and whatever is better is slower. Diamonds are baselines; the model in detail below "
        "is orange." + (f" Far below the chart: {', '.join(below)}." if below else "")
    )


def choose_row(kept: list[Row], name: str, question: str, visit: Visit) -> Row:
    """The table; the row picked in it, else the visitor's model, else the first."""
    table = as_frame(kept)
    figures = [name for name in METRICS if name in table]
    baseline, simulated = " (baseline)", " (simulated)"
    faithful = ["faithfulness"] if "faithfulness" in table else []
    marked = table.round({"train_seconds": 0, "samples_per_second": 0}).assign(
        title=[row.title + baseline * is_baseline(row) + simulated * row.simulated for row in kept],
        split=SPLIT_NAMES[kept[0].split],
    )
    columns = {
        "title": st.column_config.TextColumn("Model", width=185, pinned=True),
        "family": st.column_config.TextColumn("Family", width=170),
        "seeds": st.column_config.TextColumn(
            "seeds", help="The runs that the figures are the mean of.", width=60
        ),
        "split": st.column_config.TextColumn("tested on", width=150),
        "faithfulness": st.column_config.NumberColumn(
            "attention tells", format="%.2f", help=FAITHFULNESS, width=115
        ),
    }
    for figure in figures:
        columns[figure] = st.column_config.NumberColumn(
            METRICS[figure].title, format="%.4f", help=METRICS[figure].hint, width=80
        )
        columns[f"± {figure}"] = st.column_config.NumberColumn(
            f"± {METRICS[figure].title}",
            format="%.4f",
            help="Sample deviation over the seeds.",
            width=85,
        )
    for cost, (label, shape, hint) in COSTS.items():
        columns[cost] = st.column_config.NumberColumn(label, format=shape, help=hint, width=85)
    others = [figure for figure in figures if figure != name]
    order = ["title", name, "seeds", *faithful, f"± {name}", "milliseconds"]
    order += [column for figure in others for column in (figure, f"± {figure}")]
    order += [cost for cost in COSTS if cost != "milliseconds"]
    order = [column for column in order if column in table]
    listed = [row.model for row in kept]
    event = st.dataframe(
        marked[[*order, "split", "family"]],
        key=f"leaderboard_table_{question}_{'-'.join(listed)}",
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        height=35 * min(len(table), 12) + 38,
        column_config=columns,
        placeholder="–",
        alt=f"Figures of {len(table)} models",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Download CSV",
            table.to_csv(index=False),
            file_name=f"leaderboard_{question}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.caption(
            "Click a column’s head to sort by it; pick a row to see it in detail. – means not measured: one seed has no "
            "deviation" + (", and not every model shows what it attends to." if faithful else ".")
        )
    picked = event["selection"]["rows"]
    if picked:
        return kept[picked[0]]
    return next((row for row in kept if row.model == engine.kind_of(visit.model)), kept[0])
