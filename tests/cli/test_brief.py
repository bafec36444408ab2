"""Commands that are over in a second do not look for garbage; those that take long do."""

from __future__ import annotations

import gc
import sys

import pytest

from recdemo import cli


@pytest.mark.parametrize(
    ("command", "looks"),
    [("recommend", False), ("what-if", False), ("train", True), ("runs", True)],
)
def test_only_what_takes_long_looks_for_garbage(
    command: str, looks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    monkeypatch.setattr(sys, "argv", ["recdemo", command])
    monkeypatch.setattr(cli, "app", lambda **given: found.append(gc.isenabled()))
    try:
        with pytest.raises(SystemExit):
            cli.main()
    finally:
        gc.enable()
    assert found == [looks]
