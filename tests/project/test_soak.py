"""Some seconds of `benchmarks/soak.py`, which strangers and faults fill for an hour."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="faults are thrown as Linux does")
def test_nobody_sees_an_error_or_another_ones_list_while_things_break() -> None:
    command = [sys.executable, "benchmarks/soak.py", "--minutes", "0.4", "--visitors", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "list " in done.stdout
    assert "problems: 0" in done.stdout
