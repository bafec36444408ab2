"""The command that trains again: read back, it asks for the very same."""

from __future__ import annotations

import shlex

import pytest

from recdemo.cli.options import named
from recdemo.core.errors import RequestError
from recdemo.training.command import train_words, typed

ARGUMENTS = {
    "cell": "lstm",
    "hidden": [8, 4],
    "softmax": True,
    "word": "true",
    "number": "5",
    "rate": 0.5,
}


def test_arguments_are_read_back_as_they_were() -> None:
    words = shlex.split(typed(train_words("rnn", "like", "ml-1m", arguments=ARGUMENTS)))
    given = [words[place + 1] for place, word in enumerate(words) if word == "--argument"]
    assert named(given, "--argument") == ARGUMENTS


def test_what_is_as_always_is_not_said() -> None:
    plain = typed(train_words("fm", "next", "ml-1m", settings={"epochs": None}))
    assert plain == "python -m recdemo train fm --objective next --data ml-1m --seed 0"
    other = typed(
        train_words("fm", "next", "-odd", seed=2, split="last", settings={"batch_size": 8})
    )
    assert (
        other
        == "python -m recdemo train fm --objective next --data=-odd --seed 2 --split last --batch-size 8"
    )


@pytest.mark.parametrize("value", ["9" * 20, "9" * 5000, "[8, 1e999]", "NaN", "[" * 100_000])
def test_a_number_that_nothing_can_be_is_refused(value: str) -> None:
    with pytest.raises(RequestError, match=r"--argument 'hidden=.* beyond 1,000,000,000; give"):
        named([f"hidden={value}"], "--argument")
