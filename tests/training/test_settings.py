"""A setting stands in one place: whoever may change it is offered it everywhere, within the same bounds."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from recdemo import cli
from recdemo.core.errors import RequestError
from recdemo.jobs import control
from recdemo.jobs.store import Changes
from recdemo.training.settings import ABOUT, OFFERED, TYPES, Settings, options, settings_for

NUMBERS = [name for name in OFFERED if TYPES[name] in (int, float)]


def test_all_settings_are_told_of_and_offered_alike() -> None:
    assert list(ABOUT) == list(asdict(Settings()))
    assert all(about.meaning.endswith(".") for about in ABOUT.values())
    assert {"epochs", "optimizer", "history_length"} < set(OFFERED) < set(ABOUT)
    assert set(Changes.model_fields) == set(OFFERED)
    taken = {parameter.name for parameter in get_command(cli.app).commands["train"].params}  # type: ignore[attr-defined]
    assert taken & set(ABOUT) == {*OFFERED, "seed"}


@pytest.mark.parametrize("name", NUMBERS)
def test_what_is_out_of_bounds_is_refused_by_runs_and_by_the_shell(name: str) -> None:
    kind, about = TYPES[name], OFFERED[name]
    for wrong in (about.least - 1, *([about.most + 1] if about.most else [])):
        with pytest.raises(RequestError, match=f"{name} cannot be"):
            control.ask("fm", **{name: kind(wrong)})
        typed = CliRunner().invoke(cli.app, ["train", "fm", *options({name: kind(wrong)})])
        assert (typed.exit_code, "should be" in typed.output) == (2, True)
    for right in (about.least, about.most or 5):
        assert getattr(control.ask("fm", **{name: kind(right)}).changes, name) == right


def test_changes_are_typed_as_options() -> None:
    assert options({"batch_size": 2, "share": None}) == ["--batch-size", "2"]


@pytest.mark.parametrize(
    ("name", "value", "way_out"),
    [
        ("epochs", "a", "a whole number"),
        ("epochs", 0, "from 1 to 1000"),
        ("epochs", 10**20, "from 1 to 1000"),
        ("batch_size", 10**30, "from 2 to 100000"),
        ("batch_size", 1.5, "a whole number"),
        ("learning_rate", float("nan"), "a number"),
        ("learning_rate", True, "a number"),
        ("optimizer", "luck", "adam"),
        ("start_from", 3, "a text"),
        ("seed", 10**20, "from 0 to"),
        ("history_length", 10**6, "from 1 to 1000"),
    ],
)
def test_a_value_that_is_no_setting_is_refused_by_name(
    name: str, value: object, way_out: str
) -> None:
    with pytest.raises(RequestError, match=f"{name} is .*{way_out}"):
        settings_for("fm", "next", **{name: value})


def test_a_model_begins_with_another_one_only_on_the_ratings_of_its_world() -> None:
    assert settings_for("dien", "next").start_from == "din"
    assert settings_for("dien", "next", data="somewhere/ml-1m.zip").start_from == "din"
    assert settings_for("afm", "next").start_from == "fm"
    for model in ("fm", "afm"):  # another world begins with what the first one has learned
        assert settings_for(model, "next", data="ml-latest-small").start_from == model
    for elsewhere in ("simulated", "ml-100k", "my-films.csv"):
        assert settings_for("dien", "next", data=elsewhere).start_from == ""
    assert settings_for("dien", "next", data="my-films.csv", start_from="fm").start_from == "fm"
