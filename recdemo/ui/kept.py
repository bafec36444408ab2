"""Models kept on the Retrain page: keep one under a name, rename, download, delete, bring one in."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from recdemo.core.errors import CheckpointError, RequestError
from recdemo.core.vocabulary import QUESTIONS
from recdemo.jobs import kept, kept_zip
from recdemo.jobs.control import allowed
from recdemo.jobs.owner import Visitor, read_mark, share
from recdemo.jobs.store import Run
from recdemo.models import CARDS
from recdemo.ui import engine, owner
from recdemo.ui.engine import plain
from recdemo.ui.owner import PROBLEM


def keep_it(run: Run) -> None:
    with st.container(border=True):
        st.markdown("**Keep it** under a name, and it can be chosen as a model on every page.")
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        name = left.text_input("Name", max_chars=kept.MAX_NAME, key=f"retrain_name_{run.id}")
        right.button("Keep", key=f"retrain_keep_{run.id}", width="stretch", disabled=not name.strip(),
                     on_click=attempt, args=(_keep_as, run.id, name.strip()))  # fmt: skip
        said = st.session_state.pop("retrain_kept", "")
        if said:
            st.success(f"Kept as “{plain(said)}”: choose it under Model in the sidebar.")


def _keep_as(id: str, name: str, by: Visitor) -> None:
    """Keep a run's model; before the page is drawn again, so that its sidebar has the model already."""
    st.session_state["retrain_kept"] = kept.keep(id, name, by).name


def kept_models() -> None:
    """Models kept: rename, download, delete; and bring one in."""
    st.subheader("Kept models")
    by = owner.visitor()
    found = kept.all_kept(by)
    for model in found:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            if model.card is None:
                st.markdown(f":material/broken_image: {plain(owner.shown(model.problem))}")
            else:
                simulated = ", simulated" if model.card.simulated else ""
                st.markdown(
                    f"**{plain(model.name)}** · {CARDS[model.card.model].title}, "
                    f"{QUESTIONS[model.card.objective]} · {plain(model.card.data)}{simulated}, {model.card.date}"
                )
                st.download_button(
                    "Download", partial(kept_zip.export, model.slug, by), file_name=f"{model.slug}.zip",
                    mime="application/zip", key=f"kept_download_{model.slug}", on_click="ignore",
                    icon=":material/download:",
                )  # fmt: skip
            if not by.may_change(model.base):
                continue
            if model.card is not None:
                share_toggle(f"kept_share_{model.slug}", model.base, f"the kept model {model.name}")
                with st.popover("Rename", key=f"kept_rename_{model.slug}"):
                    name = st.text_input("New name", model.name, key=f"kept_name_{model.slug}")
                    st.button("Rename", key=f"kept_do_rename_{model.slug}",
                              on_click=attempt, args=(kept.rename, model.slug, name.strip()))  # fmt: skip
            delete_button(f"kept_delete_{model.slug}", "It is gone for everybody, and cannot be brought back except from a download.",
                    kept.delete, model.slug)  # fmt: skip
    if not found:
        st.caption("None yet.")
    if allowed() != "off":
        st.file_uploader(
            "Bring in a kept model", type="zip", key="kept_bring_in", on_change=_bring_in,
            help="A zip that was downloaded here or elsewhere. It is checked before anything is written.",
        )  # fmt: skip


def delete_button(key: str, consequence: str, act: Callable[[str], object], name: str) -> None:
    """A button that says what will be lost, and asks once more."""
    with st.popover("Delete", icon=":material/delete:", key=f"{key}_ask"):
        st.markdown(consequence)
        st.button("Delete it", key=key, type="primary", on_click=attempt, args=(act, name))


def _bring_in() -> None:
    file = st.session_state["kept_bring_in"]
    if file is not None:
        attempt(partial(kept_zip.bring_in, file.getvalue()))


def attempt(act: Callable[..., object], *given: object) -> None:
    """Do something as this visitor; where it cannot be done, say so on the next run of the page."""
    try:
        act(*given, by=owner.visitor())
    except (RequestError, CheckpointError) as error:
        st.session_state[PROBLEM] = str(error)
    else:
        owner.keep_keys()
        engine.release()


def problem() -> None:
    """What the last click could not do."""
    said = st.session_state.pop(PROBLEM, "")
    if said:
        st.error(plain(owner.shown(said)), icon=":material/block:")


def share_toggle(key: str, folder: Path, name: str) -> None:
    """Whether others may look at a run or a kept model of the visitor's."""
    if owner.on_own_machine():
        return
    st.session_state[key] = read_mark(folder).shared
    st.toggle(
        "Everybody may look",
        key=key,
        help="Others see it, and cannot change it.",
        on_change=lambda: attempt(partial(share, folder, st.session_state[key], name=name)),
    )
