"""What people install and run elsewhere: the package, the requirements of hosts, the image."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import zlib
from importlib import import_module
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml
from hatchling.build import build_wheel
from shell import answer

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
IGNORED = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line]


def _requirements(path: Path) -> set[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


def test_hosts_that_read_only_requirements_txt_install_the_same() -> None:
    assert _requirements(ROOT / "requirements.txt") == set(PYPROJECT["project"]["dependencies"])


def test_the_licence_of_every_dependency_is_told() -> None:
    told = (ROOT / "docs" / "security.md").read_text(encoding="utf-8").partition("## Licences")[2]
    extras = PYPROJECT["project"]["optional-dependencies"]
    lines = [*PYPROJECT["project"]["dependencies"], *(line for some in extras.values() for line in some)]  # fmt: skip
    rows = {name.strip(" |") for row in told.splitlines() for name in row.split("|")[1:2]}
    names = {name for row in rows for name in row.partition(" (")[0].split(", ")}
    assert {re.split(r"[\[=<>;]", line)[0] for line in lines} - {"recdemo"} <= names


def test_every_dependency_is_bounded() -> None:
    extras = PYPROJECT["project"]["optional-dependencies"]
    for line in [
        *PYPROJECT["project"]["dependencies"],
        *(one for e in extras.values() for one in e),
    ]:
        assert "==" in line or "<" in line or line.startswith("recdemo["), line


def test_a_commit_is_checked_by_the_linter_of_the_checks() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    pins = {
        pin
        for repo in hooks["repos"]
        for hook in repo["hooks"]
        for pin in hook.get("additional_dependencies", [])
    }
    assert pins <= set(PYPROJECT["project"]["optional-dependencies"]["dev"])


def test_the_version_is_one() -> None:
    version = import_module("recdemo").__version__
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == version
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_an_installed_package_answers_without_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    with monkeypatch.context() as patch:
        patch.setattr(zlib, "Z_DEFAULT_COMPRESSION", 0)  # weights take long to compress
        wheel = build_wheel(str(tmp_path))
    installed, elsewhere = tmp_path / "installed", tmp_path / "elsewhere"
    with ZipFile(tmp_path / wheel) as archive:
        assert "recdemo/py.typed" in archive.namelist()
        archive.extractall(installed)
    elsewhere.mkdir()
    module, name = PYPROJECT["project"]["scripts"]["recdemo"].split(":")
    asked = "recommend --model fm --like 260 -k 3 --json"
    code = f"import sys; from {module} import {name}; sys.argv = ['recdemo', *{asked.split()}]; {name}()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=elsewhere,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == answer(asked)


def test_the_image_copies_and_runs_what_there_is_as_nobody_special() -> None:
    steps = [line.split() for line in (ROOT / "Dockerfile").read_text().splitlines()]
    users = [words[1] for words in steps if words[:1] == ["USER"]]
    assert users
    assert "root" not in users
    for words in steps:
        for word in words[1:]:
            script = word.strip('[]",')
            if script.startswith("docker/"):
                assert os.access(ROOT / script, os.X_OK), f"{script} cannot be run"


@pytest.mark.slow
def test_the_image_s_app_starts_from_what_it_holds_and_answers(tmp_path: Path) -> None:
    app, home = tmp_path / "app", tmp_path / "home"
    shutil.copytree(ROOT, app, ignore=lambda folder, names: set(names) & _left_out(folder))
    home.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = os.environ | {"VENV": sys.prefix, "PORT": port, "HOME": str(home)}
    server = subprocess.Popen([str(app / "docker/start")], env=environment, cwd=home)
    try:
        healthy = [str(app / "docker/healthy")]
        assert subprocess.run(
            healthy, env=environment | {"PORT": "1"}, check=False, stderr=-3
        ).returncode
        ends = time.monotonic() + 60
        while subprocess.run(healthy, env=environment, check=False, stderr=-3).returncode:
            assert server.poll() is None, "the app ended"
            assert time.monotonic() < ends, "the app does not answer"
            time.sleep(0.5)
    finally:
        server.terminate()
        server.wait(20)


def _left_out(folder: str) -> set[str]:
    """Names that .dockerignore keeps out of the image, in this folder."""
    here = Path(folder)
    out = {"__pycache__", *(name.name for name in here.glob(".*_cache"))}
    return out | {Path(line).name for line in IGNORED if (ROOT / line).parent == here}
