"""The command line, run in this process."""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from unittest import mock

import pytest

from recdemo import Session, Watched
from recdemo.cli import main, tables

VISITOR = "--gender F --age 25 --occupation 12 --like 260 --like 2571 --dislike 1721 --watched 1196"


SESSION = Session(
    "F", 25, 12, [Watched(260, True), Watched(2571, True), Watched(1721, False), Watched(1196)]
)


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


def run(arguments: str, **environment: str) -> Done:
    """Run in this process: a new one would spend seconds on imports."""
    out, err = io.StringIO(), io.StringIO()
    # A console reads its width once, which may have been in another test.
    columns = int(environment.get("COLUMNS", 80))
    with (
        mock.patch.object(tables.out, "_width", columns),
        mock.patch.object(sys, "argv", ["recdemo", *arguments.split()]),
        mock.patch.dict(os.environ, environment),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as left,
    ):
        main()
    return Done(int(left.value.code or 0), out.getvalue(), err.getvalue())


def answer(arguments: str, **environment: str):
    done = run(arguments, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
