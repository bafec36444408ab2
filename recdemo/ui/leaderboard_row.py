"""One row of the leaderboard in detail: its facts, how far its chances and weights can be trusted, and for whom it does well."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from recdemo.charts import leaderboard as charts
from recdemo.core.figures import MAIN, METRICS
from recdemo.core.worlds import join_key
from recdemo.leaderboard import findings, intervals
from recdemo.leaderboard.table import Leaderboard, Row, faithfulness_of, figure_of
from recdemo.ui import engine, state
from recdemo.ui.chart import CHART
from recdemo.ui.visit import Visit

FIELDS = {"gender": "Gender", "age": "Age", "occupation": "Occupation"}
FAITHFULNESS = (
    "Rank correlation between the weights that the model shows and what removing each item does to its score: 1 where "
    "weights tell what mattered, 0 where they tell nothing."
)


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
    st.markdown("To reproduce this row from the ratings:")
    st.code(row.command, language="bash", wrap_lines=True)
    if further := [f"`--seed {seed}`" for seed in row.seeds[1:]]:
        st.caption(
            f"The figures are the mean over this run and the same with {' and '.join(further)}."
        )
    data = f"{row.data}{' (simulated)' if row.simulated else ''}"
    seeds = f"seed{'s' if len(row.seeds) > 1 else ''} {', '.join(map(str, row.seeds))}"
    versions = ", ".join(f"{name} {version}" for name, version in board.versions.items())
    st.caption(
        f"Trained on {data}, {row.date}, {seeds}, in {row.train_seconds:,.0f} s; {row.parameters:,} parameters. "
        f"Table of {board.date}, with {versions}."
    )
    key = join_key(row.model, engine.world_or_first(visit.model).key)
    can_answer = row.objective in engine.menu().get(key, [])
    if can_answer and (key, row.objective) != (visit.model, visit.objective):
        st.button(
            f"Ask {row.title}",
            key=f"leaderboard_ask_{row.model}_{row.objective}",
            icon=":material/forum:",
            help="Choose this model and question in the sidebar.",
            on_click=lambda: state.go(replace(state.current(), model=key, objective=row.objective)),
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
    if whole.deletion is not None and whole.insertion is not None:
        tests = (
            f"When what it weighs is taken away, heaviest first, the logit moves {whole.deletion:+.2f} farther than in random order; "
            f"when it is put in, heaviest first, the logit comes {whole.insertion:+.2f} nearer."
        )
        if whole.shuffled is not None:
            tests += f" With the model's weights shuffled, what it shows correlates at {whole.shuffled:+.2f} with this."
        st.markdown(tests)
    others = [f"{kind} {one.mean:.2f}" for kind, one in found.items() if one is not whole]
    st.caption(f"{FAITHFULNESS} " + (f"Each by itself: {', '.join(others)}." if others else ""))


def show_calibration(row: Row, rows: list[Row]) -> None:
    bins = {
        r.model: r.report.calibration for r in rows if r.report is not None and r.report.calibration
    }
    titles = {r.model: r.title for r in rows}
    if row.model not in bins:
        return
    first = dict.fromkeys(key for key in (row.model, rows[0].model, "popularity") if key in bins)
    models = st.multiselect(
        "Calibration of",
        list(bins),
        format_func=titles.__getitem__,
        max_selections=6,
        **state.shown_many("lc", f"leaderboard_calibration_{row.model}", bins, first),
    )
    if not models:
        st.info("Choose a model to see whether its chances come true.")
        return
    models = sorted(models, key=lambda key: key != row.model)
    errors = {titles[key]: intervals.calibration_error(bins[key]) for key in models}
    st.markdown(f"**{findings.calibration(errors)}**")
    st.plotly_chart(
        charts.calibration({titles[key]: bins[key] for key in models}),
        key="leaderboard_calibration",
        config=CHART,
        alt="Share of films liked against the chance the model gave, ten groups of predictions each",
    )
    count = min(part.count for part in bins[models[0]])
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
        required=True,
        **state.shown("lu", "leaderboard_field", FIELDS, "gender"),
    )
    table = intervals.slices(row, field, name)
    if table.empty:
        st.info(f"{row.title} has not been measured by {FIELDS[field].lower()}.")
        return
    metric = METRICS[name]
    st.markdown(f"**{findings.groups(table, row.title, name)}**")
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
            " With other users of the same group the figure would stay within its whiskers 95 times in 100, or more"
            + (", if ratings were independent." if row.objective == "like" else ".")
            if table["margin"].notna().any()
            else ""
        )
    )
