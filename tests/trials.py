"""How often a test of random trials tries: seldom, so that the whole suite is run often; or, where asked, at length.

RECDEMO_LONG_TESTS=1 python -m pytest tests/test_borders.py
"""

from __future__ import annotations

import os
from typing import TypeVar

VARIABLE = "RECDEMO_LONG_TESTS"
Number = TypeVar("Number", int, float)


def trials(usual: Number, long: Number) -> Number:
    """How many inputs, kills or minutes: few as usual, or more where the variable is set."""
    return long if os.environ.get(VARIABLE, "") not in ("", "0") else usual
