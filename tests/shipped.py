"""The shipped models, each loaded once: a loaded model is shared by all visitors, and so by all tests."""

from __future__ import annotations

from functools import cache

import recdemo

load = cache(recdemo.load)
