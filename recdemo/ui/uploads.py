"""What visitors may have uploaded at a time.

Streamlit holds each file in memory until its session ends or its uploader lets go of it, and takes as many as come, whether or not
a page has asked for one; how large a single file may be is `server.maxUploadSize`.
"""

from __future__ import annotations

from typing import Any

import streamlit as st
from starlette.exceptions import HTTPException
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from recdemo.jobs.control import allowed

MOST_FILES = 20  # of a session
MOST_BYTES = 100_000_000  # of a session: two of the largest files
MOST_WHERE_OFF = 10_000_000  # where nothing is trained: histories and saved sessions only
MOST_OF_ALL = 500_000_000  # of all sessions


@st.cache_resource(show_spinner=False)
def limit_uploads() -> None:
    """From now on, refuse more than that."""
    context = get_script_run_ctx()
    manager: Any = context.uploaded_file_mgr if context else None
    if not isinstance(manager, MemoryUploadedFileManager):
        return
    add = manager.add_file

    def add_bounded(session_id: str, file: UploadedFileRec) -> None:
        check(manager, session_id, file)
        add(session_id, file)

    manager.add_file = add_bounded  # type: ignore[method-assign]


def check(manager: MemoryUploadedFileManager, session: str, file: UploadedFileRec) -> None:
    """Refuse a file where there are enough.

    Raises:
        HTTPException: there are; the uploader shows it.
    """
    sizes = {
        name: [len(each.data) for each in files.values() if each.file_id != file.file_id]
        for name, files in manager.file_storage.items()
    }
    own, new = sizes.get(session, []), len(file.data)
    most = MOST_WHERE_OFF if allowed() == "off" else MOST_BYTES
    if len(own) >= MOST_FILES or sum(own) + new > most:
        raise HTTPException(
            413, f"this session holds {len(own)} files of {sum(own):,} bytes; open the page again"
        )
    if sum(map(sum, sizes.values())) + new > MOST_OF_ALL:
        raise HTTPException(413, "the files of all visitors fill the server; try again later")
