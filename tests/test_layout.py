"""Imports go down the floors of the package only; streamlit stays on top, torch out of the doorway."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PACKAGE = PROJECT / "recdemo"

# From the ground up. What stands on one floor may import its neighbours.
FLOORS = (
    (
        "contracts",
        "memory",
    ),
    ("data",),
    ("features", "catalogue", "aggregates"),
    ("text",),
    ("blocks",),
    ("models",),
    ("training", "checkpoints", "standings", "published", "faithfulness"),
    (
        "recommend",
        "explain",
        "inside",
        "embed",
        "maps",
        "compare",
        "drift",
        "whatif",
        "diagram",
        "datasheet",
        "lab",
        "museum",
        "retrieval",
    ),
    ("charts",),
    ("handout",),
    ("cli", "printing"),
    ("ui",),
)
LEVEL = {name: level for level, floor in enumerate(FLOORS) for name in floor}
EXEMPT = {"__init__.py", "__main__.py"}  # of the package itself
AT_THE_DOOR = {"__version__": "contracts", "load": "recommend"}  # names of `recdemo` itself
MODULES = sorted(PACKAGE.rglob("*.py"))


def _imports(path: Path, package: Path) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything imported in a file, inside functions too."""
    parents = [package.name, *path.relative_to(package).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            start = parents[: len(parents) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def _floor_of(path: Path, package: Path) -> str:
    return path.relative_to(package).parts[0].removesuffix(".py")


def _offences(package: Path = PACKAGE) -> list[str]:
    """Every import of a higher floor, in words."""
    found = []
    for path in sorted(package.rglob("*.py")):
        if path.parent == package and path.name in EXEMPT:
            continue
        own = _floor_of(path, package)
        for line, name in _imports(path, package):
            top, *rest = name.split(".")
            if top != "recdemo":
                continue
            other = rest[0] if rest else "load"  # `import recdemo` gives all that load gives
            other = other if other in LEVEL else AT_THE_DOOR.get(other, "contracts")
            if LEVEL[other] > LEVEL[own]:
                found.append(f"{path.relative_to(package)}:{line} imports {name}, a floor above")
    return found


def _importers(paths: list[Path], package: str, root: Path) -> list[str]:
    return [
        f"{path.relative_to(root)}:{line}"
        for path in paths
        for line, name in _imports(path, root)
        if name.split(".")[0] == package
    ]


def test_every_module_has_a_floor() -> None:
    inside = [p for p in MODULES if not (p.parent == PACKAGE and p.name in EXEMPT)]
    floors = {_floor_of(path, PACKAGE) for path in inside}
    assert floors <= set(LEVEL)
    assert {"contracts", "data", "blocks", "models", "training"} <= floors


def test_imports_go_down_only() -> None:
    assert _offences() == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("blocks/mlp.py", "from recdemo.models.fm import FM"),
        ("blocks/mlp.py", "import recdemo.training.loop"),
        ("blocks/mlp.py", "from recdemo import training"),
        ("blocks/mlp.py", "from ..models import card"),
        ("blocks/mlp.py", "from .. import checkpoints"),
        ("contracts.py", "from . import features"),
        ("contracts.py", "from .data import Dataset"),
        ("data/archive.py", "def late():\n    from recdemo.features import Schema"),
        ("models/fm.py", "import recdemo"),
        ("models/fm.py", "from recdemo import load"),
        ("models/__init__.py", "from recdemo.checkpoints import load"),
        ("charts.py", "import recdemo.ui.sidebar as s"),
    ],
)
def test_an_import_of_a_higher_floor_is_seen(module: str, line: str, tmp_path: Path) -> None:
    path = tmp_path / "recdemo" / module
    path.parent.mkdir(parents=True)
    path.write_text(line)
    assert len(_offences(tmp_path / "recdemo")) == 1


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("models/fm.py", "from recdemo.blocks import mlp"),
        ("models/fm.py", "from .card import Card"),
        ("models/fm.py", "from ..contracts import Batch"),
        ("models/fm.py", "from recdemo import Session, __version__"),
        ("training/loop.py", "from recdemo.checkpoints import save"),
        ("ui/frame.py", "import recdemo"),
        ("__main__.py", "from recdemo.cli import app"),
        ("data/archive.py", "import pandas"),
    ],
)
def test_an_import_of_a_lower_floor_is_let_pass(module: str, line: str, tmp_path: Path) -> None:
    path = tmp_path / "recdemo" / module
    path.parent.mkdir(parents=True)
    path.write_text(line)
    assert _offences(tmp_path / "recdemo") == []


def test_only_the_interface_imports_streamlit() -> None:
    scripts = [path for path in PROJECT.glob("*.py") if path.name != "streamlit_app.py"]
    below = [path for path in MODULES if PACKAGE / "ui" not in path.parents]
    assert _importers([*scripts, *below], "streamlit", PROJECT) == []


def test_streamlit_would_be_seen(tmp_path: Path) -> None:
    path = tmp_path / "charts.py"
    path.write_text("def f():\n    import streamlit as st\n")
    assert _importers([path], "streamlit", tmp_path) == ["charts.py:2"]


@pytest.mark.parametrize("module", ["recdemo", "recdemo.contracts"])
def test_the_doorway_does_not_import_torch(module: str) -> None:
    code = f"import sys, {module}; print(sorted({{'torch', 'pandas', 'streamlit'}} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


HOME = """
import sys
from streamlit.testing.v1 import AppTest
from recdemo.ui import engine
engine.warm_up = lambda: None
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
import importlib, threading
from recdemo.ui import engine
imported = []
importlib.import_module = lambda name: imported.append(name) or int("fails")
engine.WARM_UP_AFTER = engine.TIDY_EVERY = 0.05
tidied = []
engine.give_back = lambda: tidied.append(1)
before = set(threading.enumerate())
engine.warm_up()
engine.warm_up()
started = set(threading.enumerate()) - before
assert len(started) == 1 and all(thread.daemon for thread in started)
for thread in started:
    thread.join(2)
    assert thread.is_alive() and len(tidied) > 1  # it goes on tidying up
print(imported)
"""


def test_the_warm_up_runs_once_never_raises_and_tidies_up() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WARM_UP], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['recdemo.recommend']"
    assert "Traceback" not in done.stderr
