"""Views of the Attention page: pairs of fields and streams over them, and films watched, in every way a model attends to
them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from recdemo.answers import attention as inside
from recdemo.answers.explain import (
    FIELD_NAMES,
    NONE_YET,
    UNKNOWN,
    Explanation,
    field_values,
    film_terms,
    history_weights,
    rank_correlation,
    titles_of,
)
from recdemo.answers.recommend import Recommender
from recdemo.charts import attention as charts
from recdemo.ui import engine
from recdemo.ui.engine import plain
from recdemo.ui.visit import Visit
from recdemo.ui.why import CHART, faithfulness, sum_of_terms

_MEAN = "mean"  # of the heads


def show_fields(model: Recommender, visit: Visit, explanation: Explanation) -> None:
    """Pairs of fields: map, ledger, faithfulness; or, of a model with crosses, layer by layer."""
    if "crosses" in engine.card(visit.model).shows:
        found = inside.crosses(model, visit.session, explanation.movie_id)
        layers = range(len(found.layers))
        layer = st.segmented_control(
            "Crosses",
            [_MEAN, *layers],
            format_func=lambda i: "All layers" if i == _MEAN else f"Layer {i + 1}",
            default=_MEAN,
            required=True,
            key="cross_layer",
            label_visibility="collapsed",
        )
        if layer != _MEAN:
            _crosses(found, layer, explanation)
            return
    attention = explanation.weights
    held = field_values(model, visit.session, explanation.movie_id)
    left, right = st.columns([3, 2], gap="large")
    with left:
        view = "What each pair adds"
        if attention:
            view = st.segmented_control(
                "Map",
                ["Attention", view],
                default="Attention",
                required=True,
                key="attention_view",
                label_visibility="collapsed",
            )
        if view == "Attention" and attention:
            signed, unit = False, "attention"
            values = dict(zip(attention.labels, attention.weights, strict=True))
            strongest = max(values, key=values.__getitem__)
            st.markdown(
                f"**{strongest}** gets most attention, {values[strongest]:.1%}{_unknown(strongest, held)}; an even share of "
                f"{len(values)} pairs would be {1 / len(values):.1%}."
            )
        else:
            signed, unit = True, "adds"
            values = {term.label: term.value for term in explanation.terms if term.kind == "pair"}
            strongest = max(values, key=lambda label: abs(values[label]))
            st.markdown(
                f"**{strongest}** moves the logit most, {values[strongest]:+.3f}{_unknown(strongest, held)}."
            )
        st.plotly_chart(
            charts.pair_map(explanation.fields, values, signed=signed, unit=unit),
            key=f"pairs_{unit}",
            config=CHART,
            alt=f"Heat map of {unit} over pairs of fields",
        )
        st.caption(
            "A cell is the pair of its row and its column. It is empty where one of them is a list of no films, "
            "such as “Films disliked” of a visitor who disliked none. What is unknown of a visitor has a vector of its "
            "own, learned by hiding what is known, and so takes part."
        )
        names = [FIELD_NAMES[name] for name in held]
        with st.expander("What each field holds"):
            st.dataframe(
                pd.DataFrame({"field": names, "holds": list(held.values())}),
                hide_index=True,
                alt="Contents of each field",
            )
    with right:
        if attention:
            faithfulness(attention)
        else:
            show_ledger(explanation)
    if attention:  # of four columns
        show_ledger(explanation)


def _crosses(found: inside.Crosses, layer: int, explanation: Explanation) -> None:
    """One layer of crosses: map, and what all parts of the model add."""
    left, right = st.columns([3, 2], gap="large")
    adds = found.layers[layer]
    with left:
        row, column = np.unravel_index(np.abs(adds).argmax(), adds.shape)
        names = [FIELD_NAMES[name] for name in found.fields]
        st.markdown(
            f"Layer {layer + 1} adds **{adds.sum():+.3f}**, most of all **{names[row]}** times what it reads of "
            f"**{names[column]}** ({adds[row, column]:+.3f})."
        )
        st.plotly_chart(
            charts.cross_map(found.fields, adds, found.held),
            key=f"crosses_{layer}",
            config=CHART,
            alt=f"Heat map of what each pair of fields adds in layer {layer + 1}",
        )
        st.caption(
            "The vector of the row's field is multiplied with what the layer reads of the column's. "
            + (
                "The first layer reads the fields as they are, so a cell and its mirror image tell of the same two fields."
                if layer == 0
                else "Here the column's field has been through the layers before, and carries what it was "
                "multiplied with there: a cell is about more than two fields."
            )
            + " A row or column without cells is a field that holds nothing."
        )
    with right:
        _parts(found.parts, explanation)


def _parts(parts: pd.DataFrame, explanation: Explanation) -> None:
    """A few numbers that add up to the logit."""
    st.markdown("**What adds up to the logit**")
    st.dataframe(
        parts,
        hide_index=True,
        column_config={
            "part": st.column_config.TextColumn("Part", width=230),
            "value": st.column_config.NumberColumn("adds", format="%+.4f", width=75),
        },
        alt="Parts of the logit",
    )
    st.caption(
        f"Together **{parts['value'].sum():+.4f}**; the model's logit is **{explanation.logit:+.4f}**."
    )


def show_streams(model: Recommender, visit: Visit, explanation: Explanation) -> None:
    """Two streams: their gates by field, what each and their product adds, and what each film watched changes."""
    found = inside.streams(model, visit.session, explanation.movie_id)
    left, right = st.columns([3, 2], gap="large")
    with left:
        gates = found.gates.set_index("field")
        by_film = gates["film"]
        st.markdown(
            f"**{plain(explanation.title)}** opens the gate of its stream widest for **{by_film.idxmax()}** "
            f"({by_film.max():.2f}), and closes it furthest for **{by_film.idxmin()}** ({by_film.min():.2f})."
        )
        st.plotly_chart(
            charts.gate_map(found.gates),
            key="gates",
            config=CHART,
            alt="Heat map of how much of each field each stream reads",
        )
        st.caption(
            "A gate multiplies a field before a stream reads it: 1 leaves it as it is, 0 closes it, 2 doubles it. Each number "
            "of a field's vector has a gate of its own; shown is their mean. One stream's gates depend on the visitor alone, "
            "the other's on the film alone. What a stream makes of a field it reads is not told by the gate."
        )
    with right:
        _parts(found.parts, explanation)
    sum_of_terms(explanation)


def show_ledger(explanation: Explanation) -> None:
    """Every term of the logit, with subtotals that add up to it."""
    attention = explanation.weights
    weights = dict(zip(attention.labels, attention.weights, strict=True)) if attention else {}
    ledger = explanation.terms_frame()
    ledger["weight"] = ledger["label"].map(weights).where(ledger["kind"] == "pair")
    ledger["pair_value"] = ledger["value"] / ledger["weight"]
    subtotal = ledger.groupby("kind")["value"].sum()
    names = {"bias": "bias", "linear": "linear terms", "pair": "pairs", "deep": "neural network"}
    parts = " + ".join(f"{names[kind]} {subtotal[kind]:+.4f}" for kind in names if kind in subtotal)
    st.markdown("**Ledger**")
    st.dataframe(
        ledger,
        hide_index=True,
        height=388,
        column_order=["label", "value", "weight", "pair_value"] if weights else ["label", "value"],
        placeholder="",
        column_config={
            "label": st.column_config.TextColumn("Term", width=220),
            "value": st.column_config.NumberColumn("adds", format="%+.4f", width=75),
            "weight": st.column_config.NumberColumn("= attention", format="%.4f", width=90),
            "pair_value": st.column_config.NumberColumn(
                "× pᵀ(vᵢ⊙vⱼ)",
                format="%+.4f",
                help="What the pair says, before attention",
                width=110,
            ),
        },
        alt="All terms of the logit",
    )
    st.caption(
        f"{parts} = **{explanation.total:+.4f}**; the model's logit is **{explanation.logit:+.4f}**."
    )


def show_films(
    model: Recommender, visit: Visit, targets: list[int], explanation: Explanation
) -> None:
    """What each watched film adds for several targets, and for one beside what taking it away does."""
    if not explanation.removal:
        _nothing_watched(visit, "no film adds to its own score")
        sum_of_terms(explanation)
        return
    labels = engine.films(visit.model).labels
    table = film_terms(model, visit.session, targets)
    films = [term for term in explanation.terms if term.kind == "film"]
    most = max(films, key=lambda term: abs(term.value))
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown(
            f"For **{plain(explanation.title)}**, **{plain(most.label)}** adds most: {most.value:+.3f} of a logit of "
            f"{explanation.logit:+.3f}."
        )
        st.plotly_chart(
            charts.history_map(table, {movie: labels[movie] for movie in targets}, unit="adds"),
            key="film_terms",
            config=CHART,
            alt="Heat map of what each watched film adds to the logit of each target",
        )
        unread = len(visit.session.history) - explanation.films_read
        st.caption(
            "Rows are the films watched, latest first; columns the films being scored. These are no weights to be trusted or "
            "not: with the film's own first term, a column adds up to its logit."
            + (f" Only the latest {explanation.films_read} films are read." if unread > 1 else "")
        )
    with right:
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
                "film": st.column_config.TextColumn("Film watched", width=200),
                "adds": st.column_config.NumberColumn("adds", format="%+.3f", width=75),
                "without": st.column_config.NumberColumn(
                    "lost without it", format="%+.3f", width=110
                ),
            },
            alt="What each film watched adds, and what is lost without it",
        )
        st.caption(
            "Lost without it: how far the logit falls when the model is asked again without the film. It is another number, for "
            "the films before it then come closer to the present and count more."
        )
    sum_of_terms(explanation)


def show_history(
    model: Recommender, visit: Visit, targets: list[int], explanation: Explanation
) -> None:
    """Weights of the watched films for several targets; then one target in full."""
    shows = engine.card(visit.model).shows
    if not explanation.weights or not explanation.weights.labels:
        _nothing_watched(visit, "a film does not attend to itself")
        sum_of_terms(explanation)
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        views = {"Weights": _weights}
        views |= {name: draw for kind, (name, draw) in _MORE.items() if kind in shows}
        view = "Weights"
        if len(views) > 1:
            view = st.segmented_control(
                "View",
                list(views),
                default=view,
                required=True,
                key=f"history_view_{'_'.join(shows)}",
                label_visibility="collapsed",
            )
        views[view](model, visit, targets, explanation)
    with right:
        faithfulness(explanation.weights)
    sum_of_terms(explanation)


def _nothing_watched(visit: Visit, why: str) -> None:
    st.info(
        f"The film explained is the only one watched: {why}. Add another in the sidebar."
        if visit.session.history
        else "There is nothing to attend to yet: add films in the sidebar.",
        icon=":material/history:",
    )


def _weights(
    model: Recommender, visit: Visit, targets: Sequence[int], explanation: Explanation
) -> None:
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
        alt="Heat map of the weight of each watched film for each target",
    )
    unread = len(visit.session.history) - explanation.films_read
    same = len(targets) > 1 and table[targets].dropna().nunique(axis=1).eq(1).all()
    st.caption(
        "Rows are the films watched, latest first; columns the films being scored. "
        + (
            "The weights of a column add up to one."
            if attention.sums_to_one
            else "What is missing to one in a column is the scored film's attention to itself."
            if attention.rest_to_target
            else "A weight is not a share: as in the paper, weights are not normalised. Compare sizes "
            "within a column; the sign means nothing by itself, since the network above may read a "
            "negative weight as well as a positive one."
        )
        + (" This model weighs the history alike for every film." if same else "")
        + (f" Only the latest {explanation.films_read} films are read." if unread > 1 else "")
    )


def _heads(
    model: Recommender, visit: Visit, targets: Sequence[int], explanation: Explanation
) -> None:
    table = inside.head_weights(model, visit.session, explanation.movie_id)
    heads = [name for name in table if name not in ("movie_id", "title")]
    trust = _trust({head: table[head].to_numpy()[:-1] for head in heads}, explanation)
    itself = {head: table[head].iloc[-1] for head in heads}
    most = max(itself, key=itself.__getitem__)
    st.markdown(
        trust
        or f"Head {most} looks most at the film itself, with {itself[most]:.0%} of its attention."
    )
    st.plotly_chart(
        charts.head_map(table),
        key="head_map",
        config=CHART,
        alt=f"Heat map of where {explanation.title} looks, head by head",
    )
    st.caption(
        f"A column is one head: how it shares the attention of {plain(explanation.title)} among the films watched, "
        "latest first, and the film itself. Heads are free to look for different things; the model joins them."
    )


def _layers(
    model: Recommender, visit: Visit, targets: Sequence[int], explanation: Explanation
) -> None:
    films, weights = inside.layer_weights(model, visit.session)
    layers, heads = weights.shape[:2]
    layer = 0
    if layers > 1:
        layer = st.selectbox("Layer", range(layers), layers - 1, format_func=lambda i: str(i + 1))
    head = st.segmented_control(
        "Head",
        [_MEAN, *range(heads)],
        format_func=lambda i: "Mean" if i == _MEAN else f"Head {i + 1}",
        default=_MEAN,
        required=True,
        key="look_head",
        label_visibility="collapsed",
    )
    shown = weights[layer].mean(0) if head == _MEAN else weights[layer, head]
    titles = titles_of(model, films)
    shares = bool(np.allclose(weights.sum(-1), 1, atol=1e-3))
    looks = np.abs(shown[-1]).argmax()
    most = (
        f"looks most at **{plain(titles[looks])}** ({shown[-1, looks]:.0%}); an even share of {len(films)} would be "
        f"{1 / len(films):.0%}"
        if shares
        else f"takes most of **{plain(titles[looks])}** ({shown[-1, looks]:+.4f})"
    )
    st.markdown(
        f"The latest film, **{plain(titles[-1])}**, {most}. "
        + (
            _trust({i + 1: np.abs(weights[-1, i, -1]) for i in range(heads)}, explanation)
            if layer == layers - 1 and explanation.movie_id not in visit.session.movie_ids
            else ""
        )
    )
    st.plotly_chart(
        charts.look_map(shown, titles, shares=shares),
        key="look_map",
        config=CHART,
        alt="Heat map of which watched film looks at which",
    )
    backwards = len(films) > 1 and not weights[..., *np.triu_indices(len(films), 1)].any()
    whom = "itself and those watched before it" if backwards else "all of them"
    st.caption(
        (
            f"A row is a film watched and how it shares its attention among {whom}; rows add up to one. "
            if shares
            else f"A row is a film watched and what it takes of {whom}. These weights are no shares: there is no softmax, a "
            "film that has more to say adds more, and what has a negative weight is taken away. "
        )
        + "The answer is read off the latest film's row, the top one, whatever film is being scored."
    )


def _evolution(
    model: Recommender, visit: Visit, targets: Sequence[int], explanation: Explanation
) -> None:
    labels = engine.films(visit.model).labels
    table = inside.evolution(model, visit.session, targets)
    mine = table[table["target"] == explanation.movie_id]
    moved = mine.loc[mine["gate"].idxmax()]
    st.markdown(
        f"On the way to **{plain(explanation.title)}**, **{plain(moved['title'])}** moves the interest most: by "
        f"{moved['gate']:.0%} of the way to something new."
    )
    st.plotly_chart(
        charts.evolution_lines(table, {m: labels[m] for m in targets}, explanation.movie_id),
        key="evolution",
        config=CHART,
        alt=f"Logit and update gate after each watched film for {explanation.title}",
    )
    st.caption(
        "Above: the logit if the interest had stopped evolving after that film, with the attention that the whole "
        "history gives; the last point is the model's answer. Below: the "
        "update gate times the attention, which is how far the film pulls the interest away from what it was."
    )


_MORE = {
    "heads": ("Head by head", _heads),
    "layers": ("Who looks at whom", _layers),
    "evolution": ("Interest over time", _evolution),
}


def _unknown(pair: str, held: Mapping[str, str]) -> str:
    """Which fields of a pair hold nothing of this visitor's, in brackets."""
    lacking = {
        FIELD_NAMES[name]: value for name, value in held.items() if value in (UNKNOWN, NONE_YET)
    }
    said = [f"{name.lower()} {lacking[name]}" for name in pair.split(" × ") if name in lacking]
    return f" ({', '.join(said)})" if said else ""


def _trust(weights: Mapping[int, np.ndarray], explanation: Explanation) -> str:
    """Which head's weights tell most, and least, of what removing a film does."""
    effects = [abs(effect) for _, effect in explanation.removal]
    found = {head: rank_correlation(values, effects) for head, values in weights.items()}
    known = {head: value for head, value in found.items() if value is not None}
    if len(known) < 2:
        return ""
    best, worst = max(known, key=known.__getitem__), min(known, key=known.__getitem__)
    return (
        f"Head {best} is the most faithful ({known[best]:+.2f}), head {worst} the least "
        f"({known[worst]:+.2f})."
    )
