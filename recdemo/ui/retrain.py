"""The Retrain page's pieces: watch a run, weigh its result against the shipped model, keep it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from recdemo import checkpoints
from recdemo.charts.counterfactual import slopes
from recdemo.charts.training import curves
from recdemo.checkpoints import CheckpointCard
from recdemo.core.durations import duration
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.core.figures import MAIN, METRICS
from recdemo.core.session import Session
from recdemo.core.wording import counted
from recdemo.core.worlds import join_key, world_of_data
from recdemo.data.catalogue import label_of
from recdemo.data.sources import MADE_UP
from recdemo.jobs import control, store
from recdemo.jobs.store import Run
from recdemo.models import CARDS
from recdemo.ui import engine, owner, state
from recdemo.ui.chart import CHART
from recdemo.ui.engine import plain
from recdemo.ui.kept import attempt, delete_button, keep_it, share_toggle
from recdemo.ui.owner import PROBLEM

if TYPE_CHECKING:
    from recdemo.answers.recommend import Recommender

STATES = {
    "queued": (":material/schedule:", "Waiting"),
    "running": (":material/play_circle:", "Running"),
    "done": (":material/check_circle:", "Done"),
    "failed": (":material/error:", "Failed"),
    "cancelled": (":material/cancel:", "Cancelled"),
    "interrupted": (":material/power_off:", "Interrupted"),
}
CHOSEN = "retrain_run"  # id of the run looked at
K = 10


def all_runs() -> None:
    """The runs, newest first, and the one looked at."""
    found = store.all_runs(owner.visitor())[::-1]
    if not found:
        st.info("No run yet. Press “Train now” to see one.", icon=":material/model_training:")
        return
    ids = [run.id for run in found]
    if st.session_state.get(CHOSEN) not in ids:
        st.session_state[CHOSEN] = ids[0]
    by_id = {run.id: run for run in found}
    # Without the state: what is shown of the one chosen would stay as it was when it was chosen.
    chosen = st.selectbox("Run", ids, format_func=lambda id: by_id[id].title, key=CHOSEN)
    run = by_id[chosen]

    @st.fragment(run_every=None if run.ended else 1)
    def watched() -> None:
        try:
            now = store.find(run.id, owner.visitor())
        except RequestError:  # deleted just now: a click in here draws nothing but this fragment
            st.rerun()
        if now.state != run.state or PROBLEM in st.session_state:
            st.rerun()
        watch(now)

    watched()
    if run.state == "done":
        result(run)


def watch(run: Run) -> None:
    """How far a run is: state, curves, speed, and what can be done with it."""
    icon, name = STATES[run.state]
    simulated = "simulated data" if run.request.source in MADE_UP else ""
    status = run.status
    progress = plain(owner.shown(run.progress))
    st.markdown(" · ".join(filter(None, [f"{icon} **{name}**", simulated, progress])))
    if status.note:
        st.warning(plain(owner.shown(status.note)), icon=":material/warning:")
    epochs, now = run.epochs, None
    if run.state == "running" and status.steps and status.epochs:
        done = max(status.epoch - 1, 0) + status.step / status.steps
        said = f"{status.samples_per_second:,.0f} ratings/s" if status.samples_per_second else ""
        if status.loss is not None and len(epochs) < status.epoch:  # not told of yet as a whole
            now = (done, status.loss)
            said = f"{said} · loss {status.loss:.4f} in this epoch so far".removeprefix(" · ")
        st.progress(min(max(done / status.epochs, 0.0), 1.0), said or "Training…")
    if epochs or now:
        figure = MAIN[run.request.objective]
        label = f"{METRICS[figure].title} on validation"
        shipped = _shipped(run)
        source = Path(run.request.source)  # a name, or where the set of that name lies
        named = source.stem if source.suffix in ("", ".zip") else source.name
        comparable = shipped is not None and named == shipped.data.name
        level = shipped.metrics.validation.get(figure) if shipped and comparable else None
        st.plotly_chart(
            curves(epochs, figure, label, level, now),
            key=f"retrain_curves_{run.id}",
            config=CHART,
            alt=f"Loss and {label} after each epoch",
        )
        st.caption(
            "Left: what training makes smaller"
            + ("; the open circle is the epoch in progress, so far" if now else "")
            + ". Right: the figure that decides which epoch is kept, on ratings that training does not see."
            + (
                ""
                if level is not None
                else " The shipped model learned from other data, so its level is not drawn."
            )
        )
    own = owner.visitor().may_change(run.folder)
    with st.container(horizontal=True):
        if own:
            share_toggle(f"retrain_share_{run.id}", run.folder, f"the run {run.title}")
        if own and not run.ended:
            st.button("Cancel", key=f"retrain_cancel_{run.id}", icon=":material/stop_circle:",
                      on_click=attempt, args=(control.cancel, run.id))  # fmt: skip
        if own and run.state in ("failed", "cancelled", "interrupted"):
            st.button("Resume", key=f"retrain_resume_{run.id}", icon=":material/resume:",
                      help="From the last whole epoch.", on_click=attempt, args=(control.resume, run.id))  # fmt: skip
        if own and run.ended:
            delete_button(f"retrain_delete_{run.id}", "Its curves and its model go. Models kept from it stay.",
                    control.delete, run.id)  # fmt: skip
    if run.log():
        with st.expander("Log"):
            st.code(owner.shown(run.log(4000)), language=None)


def result(run: Run) -> None:
    """The new model against the shipped one: figures, this visitor's list, how far films moved; and keeping it."""
    model, objective = run.request.model, run.request.objective
    st.subheader("Old against new")
    new = engine.recommender_at(model, objective, run.base)
    session = state.current().within(new.checkpoint.schema.index).session
    card = new.checkpoint.card
    shipped = _shipped(run)
    if shipped is None:
        st.info(
            f"No {CARDS[model].title} is shipped for this question, so there is nothing to compare with."
        )
    else:
        if card.data.simulated:
            st.warning(
                f"The new figures are of simulated {new.words.viewers}: they cannot be compared with the shipped model's.",
                icon=":material/casino:",
            )
        _figures(card, shipped)
        key = join_key(model, world_of_data(run.request.source).key)
        old = engine.recommender(key, objective, p_like=False)
        if old.checkpoint.schema.same_films(new.checkpoint.schema):
            _lists(old, new, session)
        else:
            _own_list(new, session)
    if owner.visitor().may_change(run.folder):
        keep_it(run)


def _figures(new: CheckpointCard, old: CheckpointCard) -> None:
    boxes = st.columns(len(new.metrics.test))
    comparable = new.data.name == old.data.name and new.split == old.split
    for box, (name, value) in zip(boxes, new.metrics.test.items(), strict=True):
        before = old.metrics.test.get(name)
        box.metric(
            f"{METRICS[name].title}, test",
            f"{value:.4f}",
            f"{value - before:+.4f} against shipped" if comparable and before is not None else None,
            delta_color="normal" if METRICS[name].better > 0 else "inverse",
        )
    st.caption(
        f"New: {plain(new.data.title)}, {new.data.ratings:,} ratings, {duration(new.seconds)}. Shipped: "
        f"{plain(old.data.title)}, {old.data.ratings:,} ratings, {duration(old.seconds)}."
    )


def _lists(old: Recommender, new: Recommender, session: Session) -> None:
    from recdemo.answers.old_and_new import list_changes, neighbours_kept

    changes = list_changes(old, new, session, K)
    both = int(((changes["rank_before"] <= K) & (changes["rank_after"] <= K)).sum())
    st.markdown(
        f"**{both} of {K} {new.words.films} of this visitor's list {'is' if both == 1 else 'are'} on both.**"
    )
    st.plotly_chart(
        slopes(changes, K, new.words),
        key="retrain_slopes",
        config=CHART,
        alt="This visitor's list by the shipped and by the new model",
    )
    st.caption(
        f"Left: the shipped model's list. Right: the new one's. Each line is {new.words.a_film}."
    )
    share = neighbours_kept(old, new)
    if share is not None:
        st.markdown(
            f"{new.words.films.capitalize()} have moved: of {new.words.a_film}'s ten nearest neighbours, **{share:.0%}** are the same in both models."
        )


def _own_list(new: Recommender, session: Session) -> None:
    """The list of a model that knows other films than the shipped one."""
    table = new.recommend(session, K)
    st.markdown(
        f"**The new model knows {len(new.catalogue):,} {new.words.films} of its own**, so its list cannot be set beside the shipped one's. "
        "It puts first:"
    )
    st.markdown(
        "\n".join(
            f"{row.rank}. {plain(label_of(row.title, row.year))}" for row in table.itertuples()
        )
        or f"Nothing: every {new.words.film} that it knows has been {new.words.watched}."
    )
    read = counted(len(session.history), new.words.film)
    st.caption(f"For this visitor, of whose history it knows {read}.")


def _shipped(run: Run) -> CheckpointCard | None:
    base = checkpoints.root(world_of_data(run.request.source).key)
    folder = checkpoints.folder_of(run.request.model, run.request.objective, base)
    try:
        return checkpoints.read_card(folder)
    except CheckpointError:
        return None
