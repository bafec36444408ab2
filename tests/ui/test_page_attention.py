"""Attention between the films watched, of models with a softmax and without; and pages of models that only rank."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from app import VISITS, link_of, open_page, sound, text_of
from shipped import load

from recdemo import Session, Watched, checkpoints
from recdemo.answers import attention
from recdemo.answers.explain import titles_of
from recdemo.data.catalogue import read_catalogue
from recdemo.encoding.schema import Schema
from recdemo.ui.engine import plain

SEEN = Session(history=[Watched(movie, True) for movie in (260, 1196, 2571, 1721)])


@pytest.fixture
def untrained(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_model: Callable,
    write_checkpoint: Callable,
) -> Path:
    """A folder of checkpoints with models that answer at random."""
    shutil.copy(checkpoints.root() / checkpoints.CATALOGUE, tmp_path)
    schema = Schema(read_catalogue(tmp_path / checkpoints.CATALOGUE))
    for key in ("sasrec", "hstu"):
        model = make_model(key, schema)
        write_checkpoint(tmp_path / key / "next", key, model, schema, objective="next")
    monkeypatch.setenv(checkpoints.ROOT_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("key", ["sasrec", "hstu"])
def test_weights_are_called_what_they_are(key: str, untrained: Path) -> None:
    app = sound(open_page("attention", link_of(SEEN, key, "next")))
    said = text_of(app)
    view = app.segmented_control(key="history_view_history_layers").set_value("Who looks at whom")
    layers = text_of(sound(view.run()))
    assert ("The weights of a column add up to one" in said) == (key == "sasrec")
    assert ("A weight is not a share" in said) == (key == "hstu")
    assert ("rows add up to one" in layers) == (key == "sasrec")
    assert ("not shares" in layers) == (key == "hstu")
    assert "itself and those watched before it" in layers
    films, weights = attention.layer_weights(load(key), SEEN)
    assert bool(np.allclose(weights.sum(-1), 1)) == (key == "sasrec")
    latest = weights[-1].mean(0)[-1]
    strongest = films[int(np.abs(latest).argmax())]
    (title,) = titles_of(load(key), [strongest])
    assert f"{'looks most at' if key == 'sasrec' else 'takes most of'} **{plain(title)}**" in layers


@pytest.mark.parametrize("visit", ["empty", "200 films"])
@pytest.mark.parametrize("page", ["recommend", "attention", "embeddings", "models", "what_if"])
def test_pages_cope_with_a_model_that_only_ranks(page: str, visit: str, untrained: Path) -> None:
    app = sound(open_page(page, link_of(VISITS[visit], "hstu", "next")))
    assert [error.value for error in (*app.error, *app.warning)] == []


@pytest.mark.parametrize("key", ["sasrec", "hstu"])
def test_a_model_that_only_ranks_lacks_no_other(key: str, untrained: Path) -> None:
    model = load(key)
    assert model.problem == ""
    assert model.recommend(SEEN, 3)["p_like"].isna().all()


@pytest.mark.parametrize("key", ["din", "afm", "sasrec"])
def test_two_more_tests_of_the_weights_are_made_when_asked_for(key: str) -> None:
    app = sound(open_page("attention", link_of(VISITS["200 films"], key)))
    asked = "taken away first, the logit"
    assert not any(asked in text.value for text in app.markdown)
    app.session_state["trust_tests"] = True
    sound(app.run())
    assert any(asked in text.value for text in app.markdown)
    assert any("with all weights of the model shuffled" in text.value for text in app.markdown)
