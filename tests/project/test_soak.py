"""Some seconds, or with RECDEMO_LONG_TESTS=1 minutes, of `benchmarks/soak.py`, which strangers and faults fill for an hour."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from trials import trials

ROOT = Path(__file__).resolve().parents[2]
MINUTES = trials(0.2, 2.0)
EVERY = 1  # second between two faults: as many in so short a time as there would be in a minute


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="faults are thrown as Linux does")
def test_nobody_sees_an_error_or_another_ones_list_while_things_break() -> None:
    command = [sys.executable, "benchmarks/soak.py", "--visitors", "3"]
    command += ["--minutes", str(MINUTES), "--every", str(EVERY), "--seed", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "list " in done.stdout
    assert "disk full " in done.stdout  # soon, with this seed
    assert "problems: 0" in done.stdout
