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

from recdemo import checkpoints

# AppTest's stand-in for a browser has no address; who runs a test sits at the machine.
context._get_client_context = lambda: None

# Each AppTest reads what all installed packages say of themselves, in search of components. They do not change meanwhile.
manifest_scanner.scan_component_manifests = functools.cache(
    manifest_scanner.scan_component_manifests
)


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the films and nothing else."""
    shutil.copy(ROOT / "checkpoints" / checkpoints.CATALOGUE, tmp_path)
    monkeypatch.setenv(checkpoints.ROOT_VARIABLE, str(tmp_path))
    st.cache_resource.clear()
    return tmp_path
