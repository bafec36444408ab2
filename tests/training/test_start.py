"""Beginning with a trained model's weights: a film's for the same film, whatever its row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from recdemo import checkpoints
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.core.session import Session, Watched
from recdemo.data.catalogue import write_catalogue
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema
from recdemo.training.start import begin_with


@pytest.fixture
def trained(
    tmp_path: Path,
    small_films: pd.DataFrame,
    make_model: Callable[..., Any],
    write_checkpoint: Callable[..., Any],
) -> Callable[[str], tuple[Path, Any]]:
    """``trained(key)``: a folder of checkpoints with such a model of the small films, and the model."""

    def made(key: str) -> tuple[Path, Any]:
        films = small_films.assign(ratings=1, likes=1)
        write_catalogue(films, tmp_path / checkpoints.CATALOGUE)
        schema = Schema(films)
        model = make_model(key, schema, seed=1)
        objective = "next"
        write_checkpoint(tmp_path / key / objective, key, model, schema, objective=objective,
                         history_length=schema.history_length)  # fmt: skip
        return tmp_path, checkpoints.load(key, objective, tmp_path).model

    return made


@pytest.fixture
def begun(
    small_films: pd.DataFrame, make_model: Callable[..., Any]
) -> Callable[[str], tuple[Any, Schema]]:
    """``begun(key)``: another model of the same films, and what they are to it."""
    schema = Schema(small_films)
    return lambda key: (make_model(key, schema, seed=2).eval(), schema)


def test_a_film_begins_with_its_own_vector(
    trained: Callable[[str], tuple[Path, Any]],
    small_films: pd.DataFrame,
    make_model: Callable[..., Any],
) -> None:
    base, old = trained("sasrec")
    others = small_films.iloc[:3].assign(movie_id=[1, 500, 501])
    films = pd.concat([small_films.iloc[20:], others]).sort_values("movie_id", ignore_index=True)
    schema = Schema(films)
    network = make_model("sasrec", schema, seed=2)
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    assert begin_with(network, schema, "sasrec", "next", base) == len(small_films) - 20
    state, theirs = network.state_dict(), old.state_dict()
    rows = [name for name, weight in state.items() if len(weight) == schema.size + 1]
    assert rows
    was = {int(movie): row for row, movie in enumerate(small_films["movie_id"], start=1)}
    for name, weight in state.items():
        if name not in rows:
            assert torch.equal(weight, theirs[name]), name
            continue
        for row, movie in enumerate(schema.movie_ids, start=1):
            wanted = theirs[name][was[movie]] if movie in was else before[name][row]
            assert torch.equal(weight[row], wanted), (name, movie)


def test_with_the_same_films_it_answers_as_the_model_it_begins_with(
    trained: Callable[[str], tuple[Path, Any]], begun: Callable[[str], tuple[Any, Schema]]
) -> None:
    base, old = trained("fm")
    network, schema = begun("fm")
    batch = encode(schema, [Session(history=[Watched(2, True), Watched(7)])], torch.arange(1, 39))
    assert not np.allclose(network(batch).detach(), old(batch))
    begin_with(network, schema, "fm", "next", base)
    torch.testing.assert_close(network(batch).detach(), old(batch))


def test_afm_begins_as_the_fm_whose_pairs_it_weighs(
    trained: Callable[[str], tuple[Path, Any]], begun: Callable[[str], tuple[Any, Schema]]
) -> None:
    base, old = trained("fm")
    network, schema = begun("afm")
    begin_with(network, schema, "fm", "next", base)
    network.outer.weight.data.zero_()  # all pairs are attended to alike
    network.projection.data.fill_(float(len(network.order)))
    disliked = Watched(int(schema.movie_ids[9]), False)
    history = [Watched(2, True), Watched(7), disliked]  # no field without a value
    session = Session(gender="F", age=25, occupation=3, history=history)
    batch = encode(schema, [session], torch.arange(1, 37))  # all with genres and a year
    torch.testing.assert_close(network(batch).detach(), old(batch))


def test_what_does_not_fit_or_is_not_there_is_said(
    trained: Callable[[str], tuple[Path, Any]],
    small_films: pd.DataFrame,
    make_model: Callable[..., Any],
) -> None:
    base, _ = trained("sasrec")
    schema = Schema(small_films)
    with pytest.raises(RequestError, match="nothing of sasrec for 'next' fits"):
        begin_with(make_model("popularity", schema), schema, "sasrec", "next", base)
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        begin_with(make_model("din", schema), schema, "din", "next", base)
