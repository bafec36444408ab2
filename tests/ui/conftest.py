"""What Streamlit's AppTest stands for: a browser at this machine, in an environment that stays as it is."""

from __future__ import annotations

import functools

from streamlit.components.v2 import manifest_scanner
from streamlit.runtime import context

# AppTest's stand-in for a browser has no address; who runs a test sits at the machine.
context._get_client_context = lambda: None

# Each AppTest reads what all installed packages say of themselves, in search of components. They do not change meanwhile.
manifest_scanner.scan_component_manifests = functools.cache(
    manifest_scanner.scan_component_manifests
)
