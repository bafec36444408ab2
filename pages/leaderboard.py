"""Leaderboard: how all models stand, what they cost, how far they can be trusted, and how to make a row again."""

from __future__ import annotations

from recdemo.leaderboard import intervals
from recdemo.leaderboard.table import (
    Leaderboard,
    as_frame,
    below,
    below_in_words,
    best_first,
    faithfulness_of,
    is_baseline,
    read_leaderboard,
    seeds_in_words,
)
from recdemo.ui import opening

opening.show(
    "Leaderboard",
    "🏆",
    "Which model is best at which question, by how much, at what price, and for whom.",
)

import math
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from recdemo import checkpoints
from recdemo.charts import leaderboard as charts
from recdemo.core.errors import CheckpointError
from recdemo.core.figures import MAIN, METRICS, SPLIT_NAMES, SPLITS
from recdemo.core.vocabulary import QUESTIONS, Objective
from recdemo.core.wording import counted
from recdemo.leaderboard import published
from recdemo.leaderboard.published import Published
from recdemo.leaderboard.table import Figure, Row, figure_of
from recdemo.ui import engine, frame, state
from recdemo.ui.engine import plain
from recdemo.ui.visit import Visit
from recdemo.ui.why import CHART

NAMED = 6  # models listed in a sentence, at most
FIELDS = {"gender": "Gender", "age": "Age", "occupation": "Occupation"}
FAITHFULNESS = (
    "Rank correlation between the weights that the model shows and what removing each item does to its score: 1 where "
    "weights tell what mattered, 0 where they tell nothing."
)
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
    with st.container(horizontal=True, vertical_alignment="bottom"):
        question: Objective = st.segmented_control(
            "Question",
            questions,
            format_func=QUESTIONS.__getitem__,
            default=visit.objective if visit.objective in questions else questions[0],
            required=True,
            key="leaderboard_question",
            persist_state="session",
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
                default="order" if "order" in splits else splits[0],
                required=True,
                help="What a model has not seen when it is measured; figures of two splits do not compare.  \n"
                + "  \n".join(f"**{SPLIT_NAMES[how]}**: {SPLITS[how]}" for how in splits),
                key=f"leaderboard_split_{question}",
                persist_state="session",
            )
        rows = [r for r in board.rows if (r.objective, r.split) == (question, split)]
        names = [name for name in METRICS if any(figure_of(row, name) for row in rows)]
        name = st.segmented_control(
            "Ranked by",
            names,
            format_func=lambda name: METRICS[name].title,
            default=MAIN[question],
            required=True,
            help="  \n".join(f"**{METRICS[name].title}**: {METRICS[name].hint}" for name in names),
            key=f"leaderboard_figure_{question}",
            persist_state="session",
        )
        with st.popover("Filter", icon=":material/tune:"):
            families = st.pills(
                "Families",
                list(dict.fromkeys(row.family for row in board.rows)),
                selection_mode="multi",
                key="leaderboard_families",
                persist_state="session",
            )
            words = st.text_input(
                "Search",
                placeholder="Name of a model",
                key="leaderboard_search",
                persist_state="session",
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
    st.subheader(f"{QUESTIONS[question]} Tested on: {SPLIT_NAMES[split].lower()}")
    st.caption(
        f"{models}, {seeds_in_words(rows)}. {SPLITS[split]}"
        + (f" Only {', '.join(only)} below." if only else "")
    )
    return rows, kept, name


def show_ranking(rows: list[Row], kept: list[Row], name: str, chosen: str) -> None:
    best, metric = rows[0], METRICS[name]
    floors = [floor for floor, _ in below(rows, name)]
    leader = figure_of(best, name)
    assert leader is not None  # a figure is offered only where a row has it
    st.markdown(
        f"**{best.title}, the only one measured so, reaches {metric.title} {leader.mean:.4f}**"
        if len(rows) == 1
        else f"**{best.title} leads with {metric.title} {leader.mean:.4f}"
        + (", and is a baseline: nobody trained it**" if is_baseline(best) else "**")
    )
    for sentence in below_in_words(rows, name, most=NAMED):
        st.markdown(sentence)
    printed = printed_beside(best, name)
    st.plotly_chart(
        charts.ranking(kept, name, floors, chosen, printed),
        key="leaderboard_ranking",
        config=CHART,
        alt=f"{metric.title} of {len(kept)} models, best first",
    )
    margin = intervals.margin_of(best, name)
    near = [row.title for row in rows[1:] if margin and _distance(row, leader, name) <= margin]
    level = f", which leaves it level with {', '.join(near)}" if near else ""
    seeds = max(len(row.seeds) for row in kept)
    st.caption(
        f"{metric.hint} The axis does not start at zero. "
        + ("Dashed lines and diamonds are baselines, which nobody trained. " if floors else "")
        + (
            "Whiskers are the deviation over seeds, where several were trained. "
            if seeds > 1
            else "One seed each, so far. "
        )
        + (
            f"Other test users alone could move the leader’s figure by up to ±{margin:.4f}{level}."
            if margin
            else ""
        )
    )
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
        "Hollow, below the line: figures in print for the same data and protocol. They are quoted, not measured here, and "
        "differ in preprocessing and in how long settings were searched for, so they have no rank."
    )
    with st.expander("Where these are printed", icon=":material/menu_book:"):
        names = [name for name in METRICS if name in printed[0].figures]
        head = f"| model | {' | '.join(METRICS[name].title for name in names)} | source |"
        lines = [
            f"| {one.title} | {' | '.join(f'{one.figures[name]:.3f}' for name in names)} | [{one.source}]({one.url}) |"
            for one in printed
        ]
        st.markdown("\n".join([head, "|---" * (len(names) + 2) + "|", *lines]))


def _distance(row: Row, leader: Figure, name: str) -> float:
    figure = figure_of(row, name)
    return math.inf if figure is None else abs(leader.mean - figure.mean)


def show_speed(rows: list[Row], name: str, chosen: str, times: dict[str, float]) -> None:
    table = as_frame(rows)
    table["milliseconds"] = table["milliseconds"].fillna(table["model"].map(times))
    table = table.dropna(subset=["milliseconds", name]).reset_index(drop=True)
    if table.empty:
        st.info("None of these models has been timed.", icon=":material/timer_off:")
        return
    if len(table) == 1:
        st.info(
            "One model alone: there is no other to weigh its speed against.",
            icon=":material/speed:",
        )
        return
    better = METRICS[name].better
    front = intervals.pareto(table["milliseconds"].tolist(), table[name].tolist(), better)
    best = table.loc[front[-1]]
    # Half of the time at least: a smaller lead may be noise. Popularity answers everybody alike.
    fast = table.loc[front]
    fast = fast[
        (2 * fast["milliseconds"] <= best["milliseconds"]) & (fast["model"] != "popularity")
    ]
    if len(fast):
        near = fast.iloc[-1]
        said = (
            f"{near['title']} is {abs(best[name] - near[name]):.4f} behind the best of these, in "
            f"{near['milliseconds']:.1f} instead of {best['milliseconds']:.1f} ms"
        )
    elif len(front) == 1:
        said = f"{best['title']} is both the best of these and the fastest"
    else:
        said = f"{best['title']} is the best of these; no model that knows the visitor is twice as fast"
    st.markdown(f"**{said}**")
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
        "is orange." + (f" Far below the picture: {', '.join(below)}." if below else "")
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
            "seeds", help="Runs whose mean the figures are.", width=60
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
            "Click a column’s head to sort by it; pick a row to see it in detail. – is not measured: one seed has no "
            "deviation" + (", and not every model shows what it attends to." if faithful else ".")
        )
    picked = event["selection"]["rows"]
    if picked:
        return kept[picked[0]]
    return next((row for row in kept if row.model == visit.model), kept[0])


def show_facts(row: Row, board: Leaderboard, visit: Visit) -> None:
    figures = [(METRICS[name], figure) for name in METRICS if (figure := figure_of(row, name))]
    st.markdown(
        " · ".join(
            f"{metric.title} **{figure.mean:.4f}**"
            + ("" if figure.deviation is None else f" ± {figure.deviation:.4f}")
            for metric, figure in figures
        )
    )
    show_faithfulness(row)
    st.markdown("Make this row again, from the ratings, with")
    st.code(row.command, language="bash", wrap_lines=True)
    if further := [f"`--seed {seed}`" for seed in row.seeds[1:]]:
        st.caption(f"The figures are the mean over this and the same with {' and '.join(further)}.")
    data = f"{row.data}{' (simulated)' if row.simulated else ''}"
    seeds = f"seed{'s' if len(row.seeds) > 1 else ''} {', '.join(map(str, row.seeds))}"
    versions = ", ".join(f"{name} {version}" for name, version in board.versions.items())
    st.caption(
        f"Trained on {data}, {row.date}, {seeds}, in {row.train_seconds:,.0f} s; {row.parameters:,} parameters. "
        f"Table of {board.date}, with {versions}."
    )
    asked = (row.model, row.objective)
    can_answer = row.objective in engine.menu().get(row.model, [])
    if can_answer and asked != (visit.model, visit.objective):
        st.button(
            f"Ask {row.title}",
            key=f"leaderboard_ask_{row.model}_{row.objective}",
            icon=":material/forum:",
            help="Choose this model and question in the sidebar.",
            on_click=lambda: state.go(
                replace(state.current(), model=row.model, objective=row.objective)
            ),
        )


def show_faithfulness(row: Row) -> None:
    """How far each attention of the model tells what mattered."""
    found = (row.report and row.report.faithfulness) or {}
    if not found:
        return
    whole = faithfulness_of(row)
    assert whole is not None
    st.markdown(
        f"Attention tells what mattered: **{whole.mean:.2f}**, mean over {whole.users} test users"
        + ("" if whole.deviation is None else f", ±{whole.deviation:.2f} from one to another")
    )
    others = [f"{kind} {one.mean:.2f}" for kind, one in found.items() if one is not whole]
    st.caption(f"{FAITHFULNESS} " + (f"Each by itself: {', '.join(others)}." if others else ""))


def show_calibration(row: Row, rows: list[Row]) -> None:
    bins = {
        r.model: r.report.calibration for r in rows if r.report is not None and r.report.calibration
    }
    titles = {r.model: r.title for r in rows}
    if row.model not in bins:
        return
    models = st.multiselect(
        "Calibration of",
        list(bins),
        default=list(
            dict.fromkeys(key for key in (row.model, rows[0].model, "popularity") if key in bins)
        ),
        format_func=titles.__getitem__,
        max_selections=6,
        key=f"leaderboard_calibration_{row.model}",
    )
    if not models:
        st.info("Choose a model to see how far its chances can be taken at their word.")
        return
    errors = {key: intervals.calibration_error(bins[key]) for key in models}
    first, *others = models
    beside = ", ".join(f"{titles[key]}’s by {100 * errors[key]:.1f}" for key in others)
    st.markdown(
        f"**{titles[first]}’s chances are off by {100 * errors[first]:.1f} points on average"
        + (f", {beside}**" if beside else "**")
    )
    st.plotly_chart(
        charts.calibration({titles[key]: bins[key] for key in models}),
        key="leaderboard_calibration",
        config=CHART,
        alt="Share of films liked against the chance the model gave, ten groups of predictions each",
    )
    count = min(part.count for part in bins[first])
    st.caption(
        f"Each point is a tenth of the test ratings, {count:,} or more, by rising chance. Below the diagonal the "
        "model promises too much, above it too little."
    )


def show_groups(row: Row, rows: list[Row], name: str) -> None:
    if name == "coverage":
        name = MAIN[row.objective]
    field = st.segmented_control(
        "Groups of users by",
        list(FIELDS),
        format_func=FIELDS.__getitem__,
        default="gender",
        required=True,
        key="leaderboard_field",
        persist_state="session",
    )
    table = intervals.slices(row, field, name)
    if table.empty:
        st.info(f"{row.title} has not been measured by {FIELDS[field].lower()}.")
        return
    metric = METRICS[name]
    best, worst, chance = intervals.extremes(table, metric.better)
    gap = abs(best["value"] - worst["value"])
    verdict = ""
    if chance is not None:
        verdict = (
            ", more than chance would make" if gap > chance else ", which chance may have made"
        )
    st.markdown(
        f"**{row.title} does best for “{best['group']}”, worst for “{worst['group']}”: {metric.title} "
        f"{best['value']:.3f} and {worst['value']:.3f}{verdict}**"
        if len(table) > 1
        else f"**{metric.title} {best['value']:.3f} for “{best['group']}”, the only group large enough**"
    )
    popular = next((r for r in rows if r.model == "popularity" and r is not row), None)
    other = intervals.slices(popular, field, name) if popular else None
    st.plotly_chart(
        charts.groups(table, name, row.title, other, popular.title if popular else ""),
        key="leaderboard_groups",
        config=CHART,
        alt=f"{metric.title} of {row.title} for each group of users by {FIELDS[field].lower()}",
    )
    counted = "users" if row.objective == "next" else "test ratings"
    st.caption(
        f"Beside each group its {counted}; groups of fewer than 50 are left out, and small ones stand out by "
        "chance."
        + (
            " With others of the same group the figure would stay within its whiskers 95 times in 100, or more"
            + (", if ratings were independent." if row.objective == "like" else ".")
            if chance is not None
            else ""
        )
    )


with frame.page() as visit:
    try:
        board = read_leaderboard(checkpoints.root())
    except CheckpointError as error:
        st.error(plain(str(error)), icon=":material/error:")
        st.markdown("From the folder of the project, this makes the table anew:")
        st.code("python -m recdemo leaderboard", language="bash")
        st.stop()
    if not board.rows:
        st.info("No model has been measured yet. Train one, then gather the figures:")
        st.code("python -m recdemo train fm\npython -m recdemo leaderboard", language="bash")
        st.stop()
    rows, kept, name = rows_to_show(board, visit)
    if any(row.simulated for row in rows):
        st.warning("Rows marked “simulated” come from made-up ratings.", icon=":material/science:")
    if not kept:
        st.info("No model passes these filters. Choose more families or clear the search.")
        st.stop()
    question = rows[0].objective
    overview = st.container()
    row = choose_row(kept, name, question, visit)
    times = {
        r.model: r.milliseconds for r in board.rows if r.objective == question and r.milliseconds
    }
    with overview:
        left, right = st.columns(2, gap="large")
        with left:
            show_ranking(rows, kept, name, row.model)
        with right:
            show_speed(kept, name, row.model, times)
    st.subheader(f"{row.title}, “{QUESTIONS[question]}”")
    if question == "like":
        show_facts(row, board, visit)
        left, right = st.columns(2, gap="large")
        with left:
            show_calibration(row, rows)
    else:
        left, right = st.columns(2, gap="large")
        with left:
            show_facts(row, board, visit)
    with right:
        show_groups(row, rows, name)
