"""Pieces of the Lab: activations as curves, and five ways to weigh a history."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from recdemo.anatomy import lab
from recdemo.anatomy.lab import ACTIVATIONS, FORMULAS, Slopes
from recdemo.answers.explain import history_weights
from recdemo.answers.recommend import Recommender
from recdemo.blocks.attention import Basic
from recdemo.charts import lab as charts
from recdemo.core.figures import METRICS
from recdemo.core.wording import counted
from recdemo.core.worlds import FIRST
from recdemo.ui import engine, state
from recdemo.ui.chart import CHART, answer, reason
from recdemo.ui.engine import plain
from recdemo.ui.visit import DEFAULT_MODEL, DEFAULT_OBJECTIVE, Visit

EXPERIMENTS = {"activations": "Activations", "attention": "Ways to attend"}


TARGETS = 3  # columns that a map has room for


FILMS = 12  # rows shown at first


def slider(
    name: str, key: str, label: str, low: float, high: float, value: float, help: str
) -> float:
    bound = state.shown_number(name, f"lab_{key}", low, high, value)
    chosen: float = st.slider(label, low, high, step=0.01, help=help, **bound)
    return chosen


def knobs(names: list[str]) -> Slopes:
    """Sliders of the activations chosen; the others keep their defaults."""
    slopes = Slopes()
    if "LeakyReLU" in names:
        hint = "Chosen by hand, and never changed."
        slope = slider("xl", "leaky", "LeakyReLU: slope", -0.5, 1.0, slopes.leaky, hint)
        slopes = replace(slopes, leaky=slope)
    if "PReLU" in names:
        hint = "Training would learn it; here you choose it."
        slope = slider("xp", "learned", "PReLU: a", -0.5, 1.0, slopes.learned, hint)
        slopes = replace(slopes, learned=slope)
    if "RReLU" in names:
        low, high = st.slider(
            "RReLU: range of slopes",
            0.0,
            1.0,
            step=0.01,
            help="In training each number gets a slope drawn from this range; in use it is the middle.",
            **state.shown_range("xr", "lab_range", 0.0, 1.0, (slopes.lower, slopes.upper)),
        )
        slopes = replace(slopes, lower=low, upper=high)
    if "Dice" in names:
        slopes = replace(
            slopes,
            dice=slider(
                "xd", "dice", "Dice: a", -0.5, 1.0, slopes.dice, "Learned, one per channel."
            ),
            mean=slider("xm", "mean", "Dice: mean of its inputs", -2.0, 2.0, slopes.mean, "E(x)."),
            deviation=slider(
                "xv", "deviation", "Dice: their deviation", 0.1, 3.0, slopes.deviation, "√Var(x)."
            ),
        )
    return slopes


def choose_curves() -> list[str]:
    chosen: list[str] = st.pills(
        "Curves",
        ACTIVATIONS,
        selection_mode="multi",
        label_visibility="collapsed",
        **state.shown_many("xc", "lab_curves", ACTIVATIONS, ACTIVATIONS),
    )
    return chosen


def show_activations(names: list[str]) -> None:
    if not names:
        st.info("Choose a curve above.", icon=":material/show_chart:")
        return
    names = [name for name in ACTIVATIONS if name in names]
    left, right = st.columns([2, 1], gap="large")
    with right, reason():
        slopes = knobs(names)
    table = lab.activation_curves(names, slopes)
    with left:
        with answer():
            st.markdown(lab.what_curves_say(table, slopes))
            st.plotly_chart(
                charts.curves(table),
                key="lab_activations",
                config=CHART,
                alt=f"Curves and slopes of {', '.join(names)}",
            )
        st.caption(
            "Above, what comes out for an input x; below, how fast that changes, which is what gradients are "
            "multiplied by. Computed by the blocks that the models use, the slopes by torch’s own "
            "differentiation. Below zero PReLU is ax, and Dice is p(x)·x + (1 − p(x))·a·x with p(x) = σ((x − E)/√Var): a "
            "soft switch between x and ax. RReLU’s band is what it draws from in training. In the textbook behind "
            "*recbyhand*: fig. 3-22, eq. 3-20 to 3-25."
        )


def choose_films(visit: Visit) -> list[int]:
    """Films asked about: the visit's, else the first three of the model's list."""
    films = engine.films()
    targets = list(visit.targets[:TARGETS])
    if not targets:
        asked = replace(visit, model=DEFAULT_MODEL, objective=DEFAULT_OBJECTIVE)
        if engine.world_of(visit.model) == FIRST:
            asked = visit
        model = engine.recommender(asked.model, asked.objective, p_like=False)
        targets = model.recommend(visit.session, TARGETS)["movie_id"].tolist()
    st.multiselect(
        "Films asked about",
        films.ids,
        format_func=films.labels.__getitem__,
        max_selections=TARGETS,
        placeholder="The model’s first three; search to choose others",
        **state.bound("lab_targets", targets, lambda v, chosen: replace(v, targets=tuple(chosen))),
    )
    return targets


def show_attention(visit: Visit) -> None:
    models = engine.small_dins()
    missing = [kind for kind in FORMULAS if kind not in models]
    if missing:
        st.info(
            f"{len(missing)} of {len(FORMULAS)} small models are not trained yet: "
            f"{', '.join(FORMULAS[kind].title for kind in missing)}. This trains what is missing, in a few minutes:",
            icon=":material/hourglass_empty:",
        )
        st.code("python -m recdemo lab", language="bash")
    if not models:
        return
    if engine.world_of(visit.model) != FIRST:
        st.caption(
            f":material/inventory_2: The small models of this page know the films to 2000, not those of "
            f"{plain(engine.card(visit.model).title)}: the films to 2000 of your history count here."
        )
        visit = state.seen(engine.films())
    targets = choose_films(visit)
    if not visit.session.history or set(visit.session.movie_ids) <= set(targets):
        st.info(
            "There is nothing to weigh yet: add films in the sidebar.", icon=":material/history:"
        )
        return
    labels = engine.films().labels
    changes = {
        kind: lab.change_with_target(m.checkpoint, visit.session) for kind, m in models.items()
    }
    st.markdown(lab.who_looks(changes))
    tables = {
        kind: history_weights(model, visit.session, targets) for kind, model in models.items()
    }
    read = len(next(iter(tables.values())))
    rows = read
    if read > FILMS:
        named = {"latest": f"Latest {FILMS}", "all": f"All {read} read"}
        shown = st.segmented_control(
            "Films shown",
            list(named),
            format_func=named.__getitem__,
            required=True,
            **state.shown("xn", f"lab_rows_{read}", named, "latest"),
        )
        rows = FILMS if shown == "latest" else read
    most = max(float(table[targets].max().max()) for table in tables.values())
    asked = {movie: labels[movie] for movie in targets}
    kinds = list(models)
    for first in range(0, len(kinds) + 1, 2):
        for place, number in zip(st.columns(2, gap="medium"), (first, first + 1), strict=True):
            with place.container(border=number <= len(kinds)):
                if number < len(kinds):
                    kind = kinds[number]
                    show_formula(kind, tables[kind], rows, asked, most)
                elif number == len(kinds):
                    show_side_by_side(models, changes, tables, targets[0], asked[targets[0]])
    st.caption(
        "Rows are the films watched, latest first, columns the films asked about; a column adds up to 100% over all "
        f"{counted(read, 'film')} read, and one scale of colours holds for all maps. Five small DINs, "
        "alike but for the formula, each trained once on a quarter of the ratings per epoch: a thousandth of AUC "
        "between two of them may be chance."
    )


def show_formula(
    kind: Basic,
    table: pd.DataFrame,
    rows: int,
    targets: dict[int, str],
    most: float,
) -> None:
    formula = FORMULAS[kind]
    st.markdown(f"**{formula.title}** · {formula.idea}")
    st.latex(formula.formula)
    st.plotly_chart(
        charts.weights(table.tail(rows), targets, most),
        key=f"lab_weights_{kind}",
        config=CHART,
        alt=f"Weights of the films watched by {formula.title}",
    )
    st.caption(f"In the textbook behind *recbyhand*: {formula.source}.")


def show_side_by_side(
    models: dict[Basic, Recommender],
    changes: dict[Basic, float],
    tables: dict[Basic, pd.DataFrame],
    target: int,
    title: str,
) -> None:
    """What the formulas are worth, and how they differ, in one table."""
    aucs = {kind: model.checkpoint.card.metrics.test["auc"] for kind, model in models.items()}
    st.markdown(f"**Side by side** · {lab.who_does_best(aucs)}")
    rows = [
        (
            FORMULAS[kind].title,
            aucs[kind],
            100 * changes[kind],
            lab.films_that_count(tables[kind][target].dropna()),
        )
        for kind in models
    ]
    st.dataframe(
        pd.DataFrame(rows, columns=["way", "auc", "change", "spread"]),
        hide_index=True,
        column_config={
            "way": st.column_config.TextColumn("Way", width=125),
            "auc": st.column_config.NumberColumn("AUC", format="%.4f", help=METRICS["auc"].hint),
            "change": st.column_config.NumberColumn(
                "Moves",
                format="%.0f",
                help="The most by which a weight changes with the film asked about.",
            ),
            "spread": st.column_config.NumberColumn(
                "Spread",
                format="%.1f",
                help="How many films of equal weight would be spread as far.",
            ),
        },
        alt="Each way to attend: test AUC, how far its weights move, how far they are spread",
    )
    st.caption(
        f"AUC is the small DIN’s, on the test part. Moves is in percentage points. Spread, for {plain(title)}, is how "
        "many films of equal weight would be spread as far."
    )
