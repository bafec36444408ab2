"""The Retrain page's pieces: ask for a run, watch it, weigh its result against the shipped model, keep it."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from recdemo import checkpoints
from recdemo.charts.counterfactual import slopes
from recdemo.charts.training import curves
from recdemo.checkpoints import CheckpointCard
from recdemo.core.durations import duration
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.core.figures import MAIN, METRICS
from recdemo.core.session import Session
from recdemo.core.vocabulary import QUESTIONS, Objective
from recdemo.core.wording import counted
from recdemo.data.catalogue import label_of
from recdemo.jobs import control, store
from recdemo.jobs.control import allowed
from recdemo.jobs.store import Request, Run
from recdemo.models import CARDS
from recdemo.training.settings import OFFERED, TYPES, settings_for
from recdemo.ui import engine, sources, state
from recdemo.ui.chart import CHART
from recdemo.ui.engine import plain
from recdemo.ui.kept import PROBLEM, delete_button, keep_it, tell
from recdemo.ui.visit import Visit

if TYPE_CHECKING:
    from recdemo.answers.recommend import Recommender

QUICK: dict[str, Any] = {"model": "fm", "objective": "like", "source": "simulated", "epochs": 2}
STATES = {
    "queued": (":material/schedule:", "Waiting"),
    "running": (":material/play_circle:", "Running"),
    "done": (":material/check_circle:", "Done"),
    "failed": (":material/error:", "Failed"),
    "cancelled": (":material/cancel:", "Cancelled"),
    "interrupted": (":material/power_off:", "Interrupted"),
}
_CHOSEN = "retrain_run"  # id of the run looked at
K = 10


def started(request: Request) -> None:
    """Start a run and look at it; say why where it cannot be started."""
    try:
        st.session_state[_CHOSEN] = control.start(request).id
    except RequestError as error:
        st.error(plain(str(error)), icon=":material/block:")
    else:
        st.rerun()


def quick_start() -> None:
    """One button: a small model on simulated data, done in a minute."""
    with st.container(border=True):
        text, button = st.columns([4, 1], vertical_alignment="center")
        text.markdown(
            "**In a minute.** A factorisation machine learns from made-up viewers: watch its curve, then compare it "
            "with the shipped one. Its figures are simulated and say nothing about people."
        )
        if button.button(
            "Train now",
            key="retrain_quick",
            type="primary",
            icon=":material/bolt:",
            width="stretch",
            disabled=allowed() == "off",
        ):
            started(control.ask(**QUICK))


def new_run(visit: Visit) -> None:
    """Everything else that can be trained."""
    with st.expander("Choose data, model and settings", icon=":material/tune:"):
        chosen = sources.choose()
        left, right = st.columns(2)
        model = left.selectbox(
            "Model",
            list(CARDS),
            index=list(CARDS).index(engine.kind_of(visit.model)),
            format_func=lambda key: CARDS[key].title,
            key="retrain_model",
        )
        objective: Objective = right.segmented_control(
            "Question",
            CARDS[model].objectives,
            format_func=QUESTIONS.__getitem__,
            default=CARDS[model].default_objective,
            required=True,
            key=f"retrain_objective_{model}",
        )
        changes = _settings(model, objective)
        if chosen is None:
            st.caption("Choose data first.")
            return
        request = control.ask(model, objective, chosen.source, **changes)
        seconds = control.estimate(request, chosen.ratings) if chosen.ratings else None
        unknown = (
            "nothing like it was trained yet"
            if chosen.ratings
            else "the ratings are not counted yet"
        )
        st.caption(
            f"How long it takes is not known: {unknown}."
            if seconds is None
            else f"About {duration(seconds)} at most, going by how fast the shipped model was trained, and then some "
            "time to measure it. On a busy or slower machine it takes longer."
        )
        st.code(f"python {' '.join(control.command(request))}", language=None, wrap_lines=True)
        if st.button("Start", key="retrain_start", type="primary", icon=":material/play_arrow:"):
            started(request)


def _settings(model: str, objective: Objective) -> dict[str, Any]:
    """What the visitor changes of the model's own settings."""
    own = settings_for(model, objective)
    found: dict[str, Any] = {}
    boxes = cycle(st.columns(3))
    for name, about in OFFERED.items():
        if about.title and about.only in (None, objective):
            kind = TYPES[name]  # whole numbers, or not
            bounds = (None if end is None else kind(end) for end in (about.least, about.most))
            found[name] = next(boxes).number_input(
                *(about.title, *bounds, getattr(own, name), about.step),  # type: ignore[call-overload]
                format="%.4f" if (about.step or 1) < 0.01 else None,
                key=f"retrain_{model}_{objective}_{name}",
                help=about.meaning,
            )
    return {name: value for name, value in found.items() if value != getattr(own, name)}


def all_runs() -> None:
    """The runs, newest first, and the one looked at."""
    found = store.all_runs()[::-1]
    if not found:
        st.info("No run yet. Press “Train now” to see one.", icon=":material/model_training:")
        return
    ids = [run.id for run in found]
    if st.session_state.get(_CHOSEN) not in ids:
        st.session_state[_CHOSEN] = ids[0]
    by_id = {run.id: run for run in found}
    # Without the state: what is shown of the one chosen would stay as it was when it was chosen.
    chosen = st.selectbox("Run", ids, format_func=lambda id: by_id[id].title, key=_CHOSEN)
    run = by_id[chosen]

    @st.fragment(run_every=None if run.ended else 1)
    def watched() -> None:
        try:
            now = store.find(run.id)
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
    simulated = "simulated data" if run.request.source == "simulated" else ""
    status = run.status
    said = run.progress.removesuffix(status.note).removesuffix(", ")
    st.markdown(" · ".join(filter(None, [f"{icon} **{name}**", simulated, plain(said)])))
    if status.note:
        st.warning(plain(status.note), icon=":material/warning:")
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
                else " The shipped model learned from other data: no level is drawn."
            )
        )
    with st.container(horizontal=True):
        if not run.ended:
            st.button("Cancel", key=f"retrain_cancel_{run.id}", icon=":material/stop_circle:",
                      on_click=tell, args=(control.cancel, run.id))  # fmt: skip
        if run.state in ("failed", "cancelled", "interrupted"):
            st.button("Resume", key=f"retrain_resume_{run.id}", icon=":material/resume:",
                      help="From the last whole epoch.", on_click=tell, args=(control.resume, run.id))  # fmt: skip
        if run.ended:
            delete_button(f"retrain_delete_{run.id}", "Its curves and its model go. Models kept from it stay.",
                    control.delete, run.id)  # fmt: skip
    if run.log():
        with st.expander("Log"):
            st.code(run.log(4000), language=None)


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
                "The new figures are of simulated viewers: they cannot be compared with the shipped model's.",
                icon=":material/casino:",
            )
        _figures(card, shipped)
        old = engine.recommender(model, objective, p_like=False)
        if old.checkpoint.schema.hash == new.checkpoint.schema.hash:
            _lists(old, new, session)
        else:
            _own_list(new, session)
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
        f"**{both} of {K} films of this visitor's list {'is' if both == 1 else 'are'} on both.**"
    )
    st.plotly_chart(
        slopes(changes, K),
        key="retrain_slopes",
        config=CHART,
        alt="This visitor's list by the shipped and by the new model",
    )
    st.caption("Left: the shipped model's list. Right: the new one's. Each line is a film.")
    share = neighbours_kept(old, new)
    if share is not None:
        st.markdown(
            f"Films have moved: of a film's ten nearest neighbours, **{share:.0%}** are the same in both models."
        )


def _own_list(new: Recommender, session: Session) -> None:
    """The list of a model that knows other films than the shipped one."""
    table = new.recommend(session, K)
    st.markdown(
        f"**The new model knows {len(new.catalogue):,} films of its own**, so its list cannot be set beside the shipped one's. "
        "It puts first:"
    )
    st.markdown(
        "\n".join(
            f"{row.rank}. {plain(label_of(row.title, row.year))}" for row in table.itertuples()
        )
        or "Nothing: every film that it knows has been watched."
    )
    read = counted(len(session.history), "film")
    st.caption(f"For this visitor, of whose history it knows {read}.")


def _shipped(run: Run) -> CheckpointCard | None:
    folder = checkpoints.folder_of(run.request.model, run.request.objective)
    try:
        return checkpoints.read_card(folder)
    except CheckpointError:
        return None
