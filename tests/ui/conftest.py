"""What Streamlit's AppTest stands for: a browser at this machine, in an environment that stays as it is."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

import pytest
import streamlit as st
from app import ROOT
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime import context
from streamlit.testing.v1 import local_script_runner
from streamlit.testing.v1.local_script_runner import LocalScriptRunner

from recdemo import checkpoints

# AppTest's stand-in for a browser has no address; who runs a test sits at the machine.
context._get_client_context = lambda: None

# Each AppTest reads what all installed packages say of themselves, in search of components. They do not change meanwhile.
manifest_scanner.scan_component_manifests = functools.cache(
    manifest_scanner.scan_component_manifests
)


def _wait(runner: LocalScriptRunner, timeout: float) -> None:
    """Sleep until the page's script has ended. AppTest itself looks a thousand times a second, and holds it up by that."""
    thread = runner._script_thread
    assert thread is not None
    thread.join(timeout)
    if thread.is_alive():
        runner.request_stop()
        pytest.fail(f"the page was not drawn within {timeout} seconds")


local_script_runner.require_widgets_deltas = _wait


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the films and nothing else."""
    shutil.copy(ROOT / "checkpoints" / checkpoints.CATALOGUE, tmp_path)
    monkeypatch.setenv(checkpoints.ROOT_VARIABLE, str(tmp_path))
    st.cache_resource.clear()
    return tmp_path
