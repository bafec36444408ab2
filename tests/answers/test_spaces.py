"""Which spaces a model has, and the visitor's place in them, against plain loops."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import recdemo
from recdemo import Session
from recdemo.answers.spaces import labels_of, own_rows, place_of, spaces, unit
from recdemo.core.protocols import PlacesFilms, PlacesUsers
from recdemo.core.vocabulary import LIKED
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS
from recdemo.models.popularity import Popularity

SIZES = {"genre": 18, "year": 19, "age": 7, "occupation": 21, "gender": 2}
MEANING = {  # of a visitor's vector
    key: card.model.func.user_meaning
    for key, card in CARDS.items()
    if hasattr(card.model.func, "user_meaning")
}
BY_DOT = [key for key, meaning in MEANING.items() if "dot product" in meaning]
POOLED = ["pooling", "attention_pooling", "dcn_text"]  # each in its own way


@pytest.fixture(scope="module")
def make(make_model: Callable, schema: Schema) -> Callable[[str], Any]:
    """A small model whose tensors numpy may read."""
    return lambda key: make_model(key, schema).requires_grad_(False)


@pytest.mark.parametrize("key", CARDS)
def test_every_model_has_films_first_and_rows_for_every_value(
    key: str, schema: Schema, make: Callable
) -> None:
    model = make(key)
    found = spaces(model)
    tables = [module for module in model.modules() if isinstance(module, nn.Embedding)]
    if not isinstance(model, PlacesFilms) and all(table.embedding_dim == 1 for table in tables):
        assert found == {}  # it is counted, or weighs films one by one
        return
    assert next(iter(found)) == "film", "give it `film_vectors`, see `PlacesFilms`"
    assert len({space.title for space in found.values()}) == len(found)
    for name, space in found.items():
        assert space.key == name
        directions = space.directions()
        assert len(directions) == SIZES.get(space.kind, schema.size)
        assert directions.shape[1] > 1
        something = space.make()[1:].any(1).numpy()  # a film of no genre may have no vector
        assert something.mean() > 0.9
        assert np.linalg.norm(directions, axis=1) == pytest.approx(
            something.astype(float), abs=1e-5
        )
        if space.kind != "film":
            assert len(labels_of(space.kind)) == len(directions)


def test_what_is_counted_has_no_space(schema: Schema) -> None:
    assert spaces(Popularity(schema)) == {}


def test_a_machine_has_a_table_for_each_way_of_meeting_a_film(
    schema: Schema, make: Callable
) -> None:
    model = make("deepfm")
    found = spaces(model)
    ways = {"film": "movie", **{n: n for n in ("last_five", "watched", "disliked", "liked")}}
    assert {key for key, space in found.items() if space.kind == "film"} == set(ways)
    assert set(found) - set(ways) == {
        "genres", "favourite_genre", "year", "age", "occupation", "gender"
    }  # fmt: skip
    for key, table in ways.items():
        given = model.machine.embedding.weight(table)[1:].numpy()
        assert found[key].directions() == pytest.approx(unit(given))


def test_a_film_of_a_sequence_is_the_sum_of_its_vectors(
    schema: Schema, make: Callable, small_films: pd.DataFrame, vectors_by_hand: Callable
) -> None:
    model = make("din")
    parts = {n: model.films.fields.weight(n).numpy() for n in model.films.fields.fields}
    sums = [
        sum(vectors_by_hand(parts, small_films, 6, Session(), film).values())
        for film in range(1, schema.size + 1)
    ]
    assert spaces(model)["film"].directions() == pytest.approx(unit(np.array(sums)), abs=1e-5)


def test_two_towers_have_their_films_before_and_after(schema: Schema, make: Callable) -> None:
    model = make("two_tower")
    found = spaces(model)
    assert found["movie"].directions() == pytest.approx(unit(model.films.weight[1:].numpy()))
    assert found["film"].directions() == pytest.approx(unit(model.film_vectors()[1:].numpy()))
    assert "movie" not in spaces(make("mf")), "there before and after are the same"


def test_a_title_is_read_without_its_place_in_the_catalogue(schema: Schema, make: Callable) -> None:
    model = make("textcnn_rating")
    some = torch.tensor([5, 1, 5])
    assert model.film_vectors()[some].numpy() == pytest.approx(
        torch.cat([model._encode(film[None]) for film in some]).numpy(), abs=1e-5
    )


# What a visitor's vector is


@pytest.mark.parametrize("key", BY_DOT)
def test_what_depends_on_visitor_and_film_is_their_dot_product(
    key: str, schema: Schema, make: Callable, sessions: list[Session]
) -> None:
    model = make(key)
    assert isinstance(model, PlacesUsers)
    batch = encode(schema, sessions, torch.arange(1, schema.size + 1))
    with torch.inference_mode():
        logits = model(batch).view(len(sessions), -1).double().numpy()
        users = model.user_vectors(batch).double().numpy()
        films = model.film_vectors()[1:].double().numpy()
    rest = logits.copy()
    for u, user in enumerate(users):
        for f, film in enumerate(films):
            rest[u, f] -= sum(a * b for a, b in zip(user, film, strict=True))
    # What is left is a sum of something of the visitor and something of the film.
    assert rest - rest[:1] == pytest.approx(np.tile((rest - rest[:1])[:, :1], len(films)), abs=2e-4)


@pytest.mark.parametrize("key", POOLED)
def test_a_pooled_visitor_is_a_mean_of_films(
    key: str, schema: Schema, make: Callable, sessions: list[Session]
) -> None:
    model = make(key)
    batch = encode(schema, sessions, torch.tensor([1]))
    with torch.inference_mode():
        films, users = model.film_vectors().numpy(), model.user_vectors(batch).numpy()
        weights = model.history_weights(batch)[:, 0].numpy() if key == "attention_pooling" else None
    for u in range(len(sessions)):
        total, count = np.zeros(films.shape[1]), 0.0
        for place, film in enumerate(batch.history[u].tolist()):
            feedback = int(batch.feedback[u, place])
            if film == 0 or (key == "dcn_text" and feedback != LIKED):
                continue
            weight = 1.0 if weights is None else weights[u, place]
            reaction = 0 if key == "dcn_text" else model.films.feedback.weight[feedback].numpy()
            total = total + weight * (films[film] + reaction)
            count += weight
        assert users[u] == pytest.approx(total / max(count, 1e-9), abs=1e-5)


def test_only_models_with_one_vector_for_a_visitor_place_them(
    schema: Schema, make: Callable
) -> None:
    assert set(MEANING) == {*BY_DOT, *POOLED}, "say how it scores, or test how it pools"
    for key in CARDS:
        model = make(key)
        assert isinstance(model, PlacesUsers) == (key in MEANING)
        if isinstance(model, PlacesFilms):
            assert model.film_meaning
            assert not model.film_meaning.endswith(".")


def test_nothing_known_is_no_place(schema: Schema, make: Callable) -> None:
    model = make("rnn_als")
    asked = SimpleNamespace(checkpoint=SimpleNamespace(model=model, schema=schema))
    assert place_of(asked, Session("F")) is None  # type: ignore[arg-type]
    known = place_of(asked, Session(history=[recdemo.Watched(2, True)]))  # type: ignore[arg-type]
    assert known is not None
    assert np.linalg.norm(known) == pytest.approx(1, abs=1e-5)
    asked.checkpoint.model = make("din")
    assert place_of(asked, Session(history=[recdemo.Watched(2)])) is None  # type: ignore[arg-type]


def test_own_rows_are_the_visitor_s(schema: Schema, small_films: pd.DataFrame) -> None:
    film = small_films.iloc[5]
    session = Session("M", 45, 20, [recdemo.Watched(int(film["movie_id"]), True)])
    rows = own_rows(schema, session)
    assert labels_of("gender")[rows["gender"]] == "Male"
    assert labels_of("age")[rows["age"]] == "45–49"
    assert labels_of("occupation")[rows["occupation"]] == "Writer"
    assert labels_of("genre")[rows["genre"]] == film["genres"][0]
    assert own_rows(schema, Session(gender="F")) == {"gender": 0}
