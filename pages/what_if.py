"""What if: the visitor changed beside the visitor as they are, and what it would take to move a film."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "What if",
    "🔀",
    "Change one thing about this visitor, and see which films rise, fall, come and go.",
)

from dataclasses import replace
from typing import Any

import streamlit as st

from recdemo.catalogue import shorten
from recdemo.charts import whatif as charts
from recdemo.contracts import AGES, GENDERS, OCCUPATIONS, SCORE_NAMES, Session, Watched
from recdemo.recommend import Recommender
from recdemo.ui import engine, frame, state
from recdemo.ui.engine import plain
from recdemo.ui.sidebar import REACTIONS
from recdemo.ui.visit import MAX_TARGETS, Visit
from recdemo.ui.why import CHART
from recdemo.whatif import (
    STEPS,
    UNKNOWN,
    Change,
    Drop,
    RankChanges,
    enumerated,
    in_words,
    rank_changes,
    unread,
    what_it_takes,
)

REACTION_NAMES = {liked: name for name, (liked, _) in REACTIONS.items()}
VALUES: dict[str, dict[Any, str]] = {
    "Gender": {**GENDERS},
    "Age": {**AGES},
    "Occupation": {**OCCUPATIONS},
}
CHOICE = 100  # films of the list that can be chosen to be dropped
PARTS = {"profile": "gender, age or occupation", "history": "films watched"}


def try_out(change: Change) -> None:
    """Make this the change tried out."""
    state.go(replace(state.current(), change=change))


def experiments(session: Session) -> dict[str, Change | None]:
    """One-click changes by name; None for one that this visitor leaves no room for."""
    flipped: dict[str | None, Change] = {"F": Change(gender="M"), "M": Change(gender="F")}
    known = (session.gender, session.age, session.occupation) != (None, None, None)
    latest = session.movie_ids[-1:]
    return {
        "Flip gender": flipped.get(session.gender),
        "Age 56+": Change(age=56) if session.age != 56 else None,
        "Profile unknown": Change(UNKNOWN, UNKNOWN, UNKNOWN) if known else None,
        "Without the latest film": Change(dropped=tuple(latest)) if latest else None,
        "Without history": Change(dropped=tuple(session.movie_ids))
        if len(session.history) > 1
        else None,
    }


def choose_change(visit: Visit) -> None:
    """Buttons for whole experiments, and a box for any other change."""
    with st.container(horizontal=True, gap="small"):
        for name, change in experiments(visit.session).items():
            st.button(
                name,
                key=f"what_if_{name}",
                type="primary" if change and change == visit.change else "secondary",
                disabled=change is None,
                on_click=lambda change=change: try_out(change),
            )
        with st.popover("Other changes", icon=":material/tune:", key="what_if_other"):
            for label in VALUES:
                choose_value(visit, label)
            choose_films(visit)


def choose_value(visit: Visit, label: str) -> None:
    """A box with the value of one part of the profile, changed or as it is."""
    field = label.lower()
    own = getattr(visit.session, field)
    own = UNKNOWN if own is None else own
    names: dict[Any, str] = {**VALUES[label], UNKNOWN: "Unknown"}
    changed = getattr(visit.change, field)

    def change(visit: Visit, value: Any) -> Visit:
        values: dict[str, Any] = {field: None if value == own else value}
        return replace(visit, change=replace(visit.change, **values))

    st.selectbox(
        label,
        list(names),
        format_func=lambda value: names[value] + (" · as is" if value == own else ""),
        **state.bound(f"what_if_{field}", own if changed is None else changed, change),
    )


def choose_films(visit: Visit) -> None:
    """Films to leave out, and one to add."""
    films = engine.films()
    watched, added = visit.session.movie_ids[::-1], visit.change.added
    st.multiselect(
        "Leave out",
        watched,
        format_func=lambda movie: shorten(films.labels[movie], 30),
        placeholder="Films of the history" if watched else "Nothing watched yet",
        disabled=not watched,
        **state.bound(
            "what_if_dropped",
            [movie for movie in watched if movie in visit.change.dropped],
            lambda v, chosen: replace(v, change=replace(v.change, dropped=tuple(chosen))),
        ),
    )
    st.selectbox(
        "Add a film",
        films.ids,
        format_func=films.labels.__getitem__,
        placeholder=f"Search {len(films.ids):,} films…",
        index=None,
        help="As watched last. A film already in the history moves there.",
        **state.bound("what_if_added", added.movie_id if added else None, add),
    )
    liked = added.liked if added else REACTIONS[reaction()][0]
    st.segmented_control(
        "It counts as",
        list(REACTIONS),
        required=True,
        label_visibility="collapsed",
        width="stretch",
        **state.bound("what_if_reaction", REACTION_NAMES[liked], react),
    )


def reaction() -> str:
    """What an added film counts as."""
    return st.session_state.get("what_if_reaction", "Liked")


def add(visit: Visit, movie: int | None) -> Visit:
    """The film added is this one, or none."""
    film = None if movie is None else Watched(movie, REACTIONS[reaction()][0])
    return replace(visit, change=replace(visit.change, added=film))


def react(visit: Visit, name: str) -> Visit:
    """The film added, if there is one, counts as this."""
    added = visit.change.added
    film = replace(added, liked=REACTIONS[name][0]) if added else None
    return replace(visit, change=replace(visit.change, added=film))


def show_changes(model: Recommender, visit: Visit, changed: Session, k: int) -> None:
    """Ranks before and after: finding, chart, table."""
    changes = rank_changes(model, visit.session, changed, k)
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
            "title": st.column_config.TextColumn("Film", width="large"),
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
    films = engine.films()
    order = model.recommend(visit.session, len(films.ids))["movie_id"].tolist()
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
            on_click=lambda: try_out(Change(dropped=found.films)),
        )
    if certainty:
        st.caption(certainty)
    if found.alone:
        strongest, lead = found.alone[0]
        st.markdown(
            f"**{plain(films.labels[strongest])}** holds it up most: without it the lead falls from "
            f"{found.margin:+.2f} to {lead:+.2f}."
            if lead < found.margin
            else "No film watched holds it up: without any of them it leads by more."
        )
        st.plotly_chart(
            charts.margins(found, films.labels),
            key="what_if_margins",
            config=CHART,
            alt="Bar chart of the film's lead without each watched film",
        )
        st.caption(
            f"Its logit minus that of rank {k + 1}, with all films (dashed, right) and without one; at zero it leaves "
            "the list. Orange: the film holds it up."
            + (
                f" The {len(found.alone)} films that count most."
                * (len(found.alone) < len(visit.session.history))
            )
        )


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
    rivals = (
        ""
        if found.rivals >= len(labels) - size - 1
        else (f" Sets that fail were compared with the {found.rivals:,} films nearest by score.")
    )
    counted = (
        "Films taken away may themselves come back into the list; as rivals they do not count here."
    )
    up_to = (
        "No film alone does it"
        if found.tried == 1
        else f"No set of up to {found.tried} films does it"
    )
    if not found.films:
        if found.tried >= size:
            proof = "Every set of watched films was tried."
        else:
            proof = f"{up_to}, nor does taking away up to {STEPS} step by step."
        bare = (
            f"Even without any history it has rank {found.rank_bare:,} among the films not watched."
            if found.rank_bare is not None and found.rank_bare <= found.k
            else f"Only without most of the history it falls; without any it has rank {found.rank_bare:,}."
        )
        return f"Nothing found that drops {title}. {bare}", f"{proof} {counted}{rivals}"
    names = [f"**{plain(labels[movie])}**" for movie in found.films]
    answer = f"Without {enumerated(names, STEPS)}, {title} falls from rank {found.rank} to {found.rank_after:,}."
    smaller = len(found.films) - 1
    if not smaller:
        proof = "One film is enough. The list was computed anew without it."
    elif found.smallest:
        proof = (
            f"This is the smallest set: {'no film alone does it' if smaller == 1 else f'no set of up to {smaller} films does it'}, "
            "all were tried."
        )
    else:
        proof = f"Found step by step. {up_to}; every part of this set was checked to fail."
    return answer, f"{proof} {counted}{rivals}"


with frame.page() as visit:
    model = engine.recommender(visit.model, visit.objective, p_like=False)
    changed = visit.change.of(visit.session)
    choose_change(visit)
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
            on_click=lambda: state.go(replace(visit, session=changed, change=Change())),
        )
        st.button(
            "Clear",
            key="what_if_clear",
            icon=":material/restart_alt:",
            disabled=visit.change == Change(),
            on_click=lambda: try_out(Change()),
        )
        words = in_words(visit.change, visit.session, engine.films().labels)
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
