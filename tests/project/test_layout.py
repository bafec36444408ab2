"""Files one can read at a sitting, and a doorway without torch. What may import what, `lint-imports` checks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from faults import FAULTS

PROJECT = Path(__file__).resolve().parents[2]
PACKAGE = PROJECT / "recdemo"

LONGEST = 350  # lines of a file that one person reads at a sitting


def test_the_package_itself_holds_few_modules() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= 6


def test_no_file_is_too_long_to_read() -> None:
    files = [
        *PROJECT.glob("*.py"),
        *(
            path
            for folder in ("recdemo", "pages", "tests", "benchmarks")
            for path in (PROJECT / folder).rglob("*")
            if path.suffix in (".py", ".js", ".css") and ".environments" not in path.parts
        ),
    ]
    assert [
        str(path.relative_to(PROJECT))
        for path in files
        if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST
    ] == []


def test_every_planted_fault_breaks_code_that_stands_once() -> None:
    for fault in FAULTS:
        text = (PACKAGE / fault.file).read_text(encoding="utf-8")
        assert text.count(fault.right) == 1, fault.what
        for name in fault.tests.split():
            assert (PROJECT / "tests" / name).exists(), fault.what


@pytest.mark.parametrize(
    "module", ["recdemo", "recdemo.core.session", "recdemo.core.protocols", "recdemo.checkpoints"]
)
def test_the_doorway_does_not_import_torch(module: str) -> None:
    code = f"import sys, {module}; print(sorted({{'torch', 'pandas', 'streamlit'}} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


HOME = """
import sys
from streamlit.testing.v1 import AppTest
from recdemo.ui import warm_up
warm_up.warm_up = lambda: None
home = AppTest.from_file("streamlit_app.py", default_timeout=60).run()
assert not home.exception and not home.error
assert any("trained models" in text.value for text in home.markdown)
print(sorted({"torch", "sklearn"} & set(sys.modules)))
"""


def test_home_is_drawn_without_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HOME], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr


WARM_UP = """
import gc, importlib, threading
import streamlit as st
from recdemo.ui import opening, warm_up
opening.show("Page", "🍿", "A sentence.")
assert not gc.isenabled()
imported = []
importlib.import_module = lambda name: imported.append(name) or int("fails")
warm_up.WARM_UP_AFTER = warm_up.TIDY_EVERY = 0.05
tidied = []
warm_up.give_back = lambda: tidied.append(1)
before = set(threading.enumerate())
warm_up.warm_up()
st.cache_resource.clear()
warm_up.warm_up()
started = set(threading.enumerate()) - before
assert len(started) == 1 and all(thread.daemon for thread in started)
for thread in started:
    thread.join(2)
    assert thread.is_alive() and len(tidied) > 1  # it goes on tidying up
opening.show("Page", "🍿", "A sentence.")
assert gc.isenabled()
print(imported)
"""


def test_the_warm_up_runs_once_never_raises_and_tidies_up() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WARM_UP], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['recdemo.answers.recommend']"
    assert "Traceback" not in done.stderr
