"""Who a visitor is to the server: on their own machine its person, elsewhere whoever has the keys that their browser keeps.

There are no accounts: a key is a random secret, in a cookie and in the visitor's saved sessions once they have made something.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from recdemo.core.errors import RequestError
from recdemo.jobs import owner
from recdemo.jobs.control import allowed
from recdemo.jobs.owner import ADMIN_VARIABLE, HOST, MOST_KEYS, NOBODY, Visitor, visitor_of

COOKIE = "recdemo_keys"
PROBLEM = "owner_problem"  # what the last click could not do
_KEYS, _MADE, _ADMIN = "owner_keys", "owner_made", "owner_admin"
_KEY = re.compile(r"[\w-]{20,60}", re.ASCII)
_PATH = re.compile(r"(?<![\w./:])(?:/[^\s/'\":;,()]+)+/(?=[^\s/])")  # all of one but its last part
_FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_KEEP = st.components.v2.component(
    "owner_keys", js=Path(__file__).with_suffix(".js").read_text("utf-8")
)


def visitor() -> Visitor:
    """Who the page is drawn for: nobody outside the run of a page, the machine's own person where no server runs."""
    if get_script_run_ctx() is None:
        return NOBODY if runtime.exists() else HOST
    if on_own_machine():
        return HOST
    return visitor_of(_keys(), admin=st.session_state.get(_ADMIN, False))


def on_own_machine() -> bool:
    """Whether the visitor sits at the machine that runs this: nothing is restricted, and no proxy stands between."""
    headers = st.context.headers
    host = urlsplit(f"//{headers.get('Host', 'localhost')}").hostname
    return (
        allowed() == "on"
        and ADMIN_VARIABLE not in os.environ
        and st.context.ip_address is None
        and host in _LOOPBACK
        and not any(name in headers for name in _FORWARDED)
    )


def keys_to_save() -> list[str]:
    """What a saved session takes along; nothing where nothing was made."""
    return list(_keys()) if st.session_state.get(_MADE) else []


def take(keys: Sequence[str]) -> None:
    """Add the keys of a saved session to the visitor's own, which stay the first."""
    if keys:
        _keep((*_keys(), *filter(_KEY.fullmatch, keys)))


def keep_keys() -> None:
    """From now on the browser keeps this visitor's keys."""
    if not on_own_machine():
        _keep(_keys())


def draw() -> None:
    """What makes the browser keep the keys; nothing to be seen."""
    if st.session_state.get(_MADE):
        _KEEP(key="owner_keep", data={"name": COOKIE, "keys": list(_keys()), "most": MOST_KEYS})


def explain() -> None:
    """Draw who owns what, on a host that others use too; and a place for its own person's secret."""
    if on_own_machine():
        return
    st.caption(
        ":material/key: What you train or bring in is yours: others neither see nor change it until you let them look. A cookie in this "
        "browser identifies you; “Save session” lets you take its key to another browser."
    )
    if os.environ.get(ADMIN_VARIABLE) and not st.session_state.get(_ADMIN):
        with st.popover("I run this host", icon=":material/admin_panel_settings:"):
            st.text_input(
                "Secret",
                type="password",
                key="owner_secret",
                on_change=_unlock,
                help=ADMIN_VARIABLE,
            )


def shown(text: str) -> str:
    """A text of the server's, such as an error or a log; of its paths only the last part, but on the visitor's own machine."""
    return text if on_own_machine() else _PATH.sub("", text)


def _unlock() -> None:
    try:
        right = owner.unlocks(st.session_state.pop("owner_secret"))
    except RequestError as error:
        st.session_state[PROBLEM] = str(error)
        return
    st.session_state[_ADMIN] = right
    if not right:
        st.session_state[PROBLEM] = f"this is not the secret that {ADMIN_VARIABLE} holds"


def _keys() -> tuple[str, ...]:
    """Of this visitor; the first is the one that they make things with."""
    if _KEYS not in st.session_state:
        kept = st.context.cookies.get(COOKIE, "").split(".")
        found = tuple(filter(_KEY.fullmatch, kept))[:MOST_KEYS]
        st.session_state[_KEYS] = found or (secrets.token_urlsafe(24),)
        st.session_state[_MADE] = bool(found)
    keys: tuple[str, ...] = st.session_state[_KEYS]
    return keys


def _keep(keys: tuple[str, ...]) -> None:
    st.session_state[_KEYS] = tuple(dict.fromkeys(keys))[:MOST_KEYS]
    st.session_state[_MADE] = True
