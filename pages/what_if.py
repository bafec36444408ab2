"""What if: the visitor changed beside the visitor as they are, and what it would take to move a film."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "What if",
    "🔀",
    "Change one thing about this visitor, and see which films rise, fall, come and go.",
)

from dataclasses import replace

import streamlit as st

from recdemo.answers.counterfactual import (
    STEPS,
    Change,
    Drop,
    RankChanges,
    enumerated,
    in_words,
    rank_changes,
    unread,
    what_it_takes,
)
from recdemo.answers.recommend import MAX_K, Recommender
from recdemo.charts import counterfactual as charts
from recdemo.core.session import Session
from recdemo.core.vocabulary import SCORE_NAMES
from recdemo.ui import change, engine, frame, state
from recdemo.ui.engine import plain
from recdemo.ui.visit import MAX_TARGETS, Visit
from recdemo.ui.why import CHART

CHOICE = 100  # films of the list that can be chosen to be dropped
PARTS = {"profile": "gender, age or occupation", "history": "films watched"}


def show_changes(model: Recommender, visit: Visit, changed: Session, k: int) -> None:
    """Ranks before and after: finding, chart, table."""
    changes = rank_changes(model, visit.session, changed, k)
    titles = changes.films["movie_id"].map(engine.films(visit.model).labels)
    changes = replace(changes, films=changes.films.assign(title=titles))
    st.subheader(finding(changes))
    if changes.same_scores:
        st.info(no_difference(model, visit, changed), icon=":material/drag_handle:")
        if (changes.films["rank_before"] == changes.films["rank_after"]).fillna(False).all():
            return
    st.plotly_chart(
        charts.slopes(changes.films, k),
        key="what_if_slopes",
        config=CHART,
        alt=f"Slope chart of {len(changes.films)} films' ranks before and after the change",
    )
    st.caption(
        "Each line is a film: left its rank for the visitor as they are, right with the change. Numbers are ranks, "
        "below the list too. A film watched has no rank (–): lists leave it out."
    )
    with st.expander("Ranks and scores"):
        show_table(changes, visit)


def finding(changes: RankChanges) -> str:
    """How many films stay, and the one that moves most."""
    films, k = changes.films, changes.k
    size = int((films["rank_before"] <= k).sum())
    stay = (
        f"All {size} films stay" if changes.stay == size else f"{changes.stay} of {size} films stay"
    )
    moves = (films["rank_before"] - films["rank_after"]).dropna()
    if moves.empty or not moves.any():
        return f"{stay}, each at its place"
    rises = moves.max() > 0
    row = films.loc[moves.idxmax() if rises else moves.idxmin()]
    return (
        f"{stay}; {plain(row['title'])} {'rises' if rises else 'falls'} most, from {row['rank_before']:,} to "
        f"{row['rank_after']:,}"
    )


def no_difference(model: Recommender, visit: Visit, changed: Session) -> str:
    """Why a change moves no score."""
    title = engine.card(visit.model).title
    touched = {
        "profile": replace(changed, history=()) != replace(visit.session, history=()),
        "history": changed.history != visit.session.history,
    }
    deaf = [part for part in unread(model, visit.session) if touched[part]]
    if deaf:
        said = " and no ".join(PARTS[part] for part in deaf)
        return f"{title} reads no {said}: this change moves no score, and no other like it would."
    length = model.checkpoint.schema.history_length
    return (
        f"No score moves: nothing that {title} reads of this visitor has changed. Of a history it reads the latest "
        f"{length} films."
    )


def show_table(changes: RankChanges, visit: Visit) -> None:
    """Every film of the chart with rank and score."""
    stars = visit.objective == "rating"
    name, number = SCORE_NAMES[visit.objective], "%.2f" if stars else "%.2f %%"
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
            "title": st.column_config.TextColumn("Film", width="medium"),
            **{
                column: st.column_config.NumberColumn(
                    label, format=number if column in scores else "localized"
                )
                for column, label in labels.items()
            },
        },
        alt="Films with rank and score before and after the change",
    )


@st.cache_data(show_spinner=False, max_entries=500)
def drop(_model: Recommender, weights: str, session: Session, movie: int, k: int) -> Drop:
    """What it takes to drop a film, kept by the weights asked."""
    return what_it_takes(_model, session, movie, k)


def show_drop(model: Recommender, visit: Visit, k: int) -> None:
    """The fewest films without which a film is off the list."""
    films = engine.films(visit.model)
    order = model.recommend(visit.session, min(len(films.ids), MAX_K))["movie_id"].tolist()
    if not order:
        return
    ranks = {movie: rank for rank, movie in enumerate(order, start=1)}
    movie = next((target for target in visit.targets if target in ranks), order[0])
    order = sorted({*order[:CHOICE], movie}, key=ranks.__getitem__)
    st.selectbox(
        "Film to drop",
        order,
        format_func=lambda movie: f"{ranks[movie]} · {films.labels[movie]}",
        help="The list in its order, for the visitor as they are.",
        **state.bound("what_if_target", movie, look_at),
    )
    with st.spinner("Taking films away, one set after another…"):
        weights = model.checkpoint.card.weights_sha256
        found = drop(model, weights, visit.session, movie, k)
    answer, certainty = in_sentences(found, visit, films.labels)
    st.markdown(answer)
    if found.films:
        st.button(
            "Show this change above",
            key="what_if_show",
            icon=":material/arrow_upward:",
            on_click=lambda: change.try_out(Change(dropped=found.films)),
        )
    if certainty:
        st.caption(certainty)
    if found.alone:
        unit = "stars" if visit.objective == "rating" else "logits"
        strongest, lead = found.alone[0]
        st.markdown(
            f"**{plain(films.labels[strongest])}** holds it up most: without it the lead falls from "
            f"{found.margin:+.2f} to {lead:+.2f}."
            if lead < found.margin
            else "No film watched holds it up: without any of them it leads by more."
        )
        st.plotly_chart(
            charts.margins(found, films.labels, unit),
            key="what_if_margins",
            config=CHART,
            alt="Bar chart of the film's lead without each watched film",
        )
        fewer = len(found.alone) < len(visit.session.history)
        st.caption(
            f"Its lead over rank {k + 1}, in {unit}, with all films (right dashed line) and without one of them; at "
            "zero it leaves the list. Orange: the film holds it up."
            + f" The {len(found.alone)} films that count most."
            * fewer
        )


def keep() -> None:
    """The visitor changed becomes the visitor; films that the model does not know stay as they are."""
    visit, tried = state.current(), state.seen().change
    state.go(replace(visit, session=tried.of(visit.session), change=Change()))


def look_at(visit: Visit, movie: int) -> Visit:
    """This film first among those looked at."""
    others = [target for target in visit.targets if target != movie]
    return replace(visit, targets=(movie, *others)[:MAX_TARGETS])


def in_sentences(found: Drop, visit: Visit, labels: dict[int, str]) -> tuple[str, str]:
    """The answer, and how far it is certain."""
    title, model = f"**{plain(labels[found.movie_id])}**", engine.card(visit.model).title
    size = len(visit.session.history)
    if found.rank is not None and found.rank > found.k:
        return f"{title} is not among the first {found.k}: it has rank {found.rank:,}.", ""
    if not size:
        return f"{title} is there without any history: no film holds it up.", ""
    if found.unread:
        return (
            f"Nothing would: with or without the history, {model} gives every film exactly the same score.",
            "",
        )
    smaller = max(len(found.films) - 1, 0) if found.smallest else found.tried
    none = f"no set of up to {smaller} films" if smaller > 1 else "no film alone"
    note = " Films taken away may themselves come back into the list; as rivals they do not count here."
    if found.rivals < len(labels) - size - 1:
        note += f" What fails was compared with the {found.rivals:,} films nearest by score."
    if found.films:
        names = enumerated([f"**{plain(labels[movie])}**" for movie in found.films], STEPS)
        answer = f"Without {names}, {title} falls from rank {found.rank} to {found.rank_after:,}."
        proof = f"This is the smallest set: {none} does it, all were tried."
        if len(found.films) == 1:
            proof = "One film is enough; the list was computed anew without it."
        elif not found.smallest:
            proof = (
                f"Found step by step: {none} does it, and every part of this set was tried, too."
            )
        return answer, proof + note
    if found.rank_bare is not None and found.rank_bare > found.k:
        bare = f"Without any history it has rank {found.rank_bare:,}, but no few films do it."
    else:
        bare = "Without any history it is still there."
    proof = f"{none.capitalize()} does it, nor do up to {STEPS} taken away step by step."
    if found.tried >= size:
        proof = "Every set of watched films was tried."
    return f"Nothing found that drops {title}. {bare}", proof + note


with frame.page() as visit:
    model = engine.recommender(visit.model, visit.objective, p_like=False)
    changed = visit.change.of(visit.session)
    change.choose(visit)
    with st.container(horizontal=True, vertical_alignment="center"):
        k = st.segmented_control(
            "List length",
            [5, 10, 20],
            default=10,
            required=True,
            key="what_if_k",
            persist_state="session",
            label_visibility="collapsed",
        )
        st.button(
            "Keep this change",
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
        words = in_words(visit.change, visit.session, engine.films(visit.model).labels)
        if words:
            st.markdown(f"**Tried out:** {plain('; '.join(words))}")
    if words:
        show_changes(model, visit, changed, k)
    elif visit.change != Change():
        st.info("This change leaves the visitor as they are.", icon=":material/drag_handle:")
    else:
        st.info(
            "Press one of the buttons above, or choose other changes.", icon=":material/touch_app:"
        )
    st.subheader("What would it take?")
    show_drop(model, visit, k)
