"""What becomes of a visit: a file to keep, a page to print, a link to pass on; and a file opened again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import streamlit as st

from recdemo.core.errors import RequestError
from recdemo.core.vocabulary import Objective
from recdemo.core.wording import counted
from recdemo.ui import engine, owner, state
from recdemo.ui.engine import plain
from recdemo.ui.saved import FILE_NAME, keys_in, open_visit, save_visit
from recdemo.ui.visit import Visit, encode_visit


def draw(visit: Visit) -> None:
    link = f"{st.context.url or ''}?{urlencode(encode_visit(visit))}"
    # Now: what a button makes later is made outside any run, which has no state.
    seen, labels, keys = state.seen(), engine.all_labels(), owner.keys_to_save()
    peers = engine.peers(visit.model)
    st.download_button(
        "Save session",
        lambda: save_visit(visit, labels, keys),
        file_name=FILE_NAME,
        mime="application/json",
        icon=":material/save:",
        on_click="ignore",
        width="stretch",
        key="side_save",
        help="Whoever has the file also owns what you trained here." if keys else None,
    )
    st.download_button(
        "Download report",
        lambda: _report(seen, link, peers),
        file_name=f"recdemo-{visit.model}.html",
        mime="text/html",
        icon=":material/print:",
        on_click="ignore",
        width="stretch",
        key="side_report",
        help="This session as one page to print: the list, why, the models compared, and where the numbers come "
        "from. It needs no network.",
    )
    st.download_button(
        "Picture to share",
        lambda: _picture(seen),
        file_name=f"recdemo-{visit.model}.png",
        mime="image/png",
        icon=":material/image:",
        on_click="ignore",
        width="stretch",
        key="side_picture",
        help="The first five of the list, and why the first is there, as a PNG.",
    )
    st.file_uploader(
        "Open a saved session", type="json", key="side_open", on_change=_open, max_upload_size=1
    )
    st.caption("Link to this page, as it is")
    st.code(link, language=None, wrap_lines=True)


def _report(visit: Visit, link: str, peers: Mapping[str, Sequence[Objective]]) -> str:
    """The page to print. It is made when asked for, outside the run of a page."""
    from recdemo.answers.compare import default_models, question
    from recdemo.charts.report import handout

    compared = visit.compared or default_models(list(peers), visit.model)
    others = {
        engine.card(key).title: engine.recommender(key, question(peers[key], visit.objective))
        for key in compared
        if key in peers and key != visit.model
    }
    return handout(
        engine.recommender(visit.model, visit.objective),
        visit.session,
        title=engine.card(visit.model).title,
        others=others,
        targets=visit.targets,
        link=link,
    )


def _picture(visit: Visit) -> bytes:
    """Made when asked for, outside the run of a page."""
    from recdemo.charts.picture import picture

    recommender = engine.recommender(visit.model, visit.objective, p_like=False)
    return picture(recommender, visit.session, title=engine.card(visit.model).title)


def _open() -> None:
    file = st.session_state["side_open"]
    if file is None:
        return
    try:
        content = file.getvalue()
        owner.take(keys_in(content))
        visit, problems = open_visit(content, models=engine.menu(), films=engine.all_labels())
    except RequestError as error:
        state.go(
            state.current(), [f"{plain(file.name)}: {plain(str(error))}. Nothing was changed."]
        )
    else:
        state.go(visit, [f"{problem} The rest of the file is kept." for problem in problems])
        films = counted(len(visit.session.history), engine.words(visit.model).film)
        st.toast(f"Opened {plain(file.name)}: a visitor of {films}", icon=":material/folder_open:")
