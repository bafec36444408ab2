"""What folding in reads of a history: which films, how much, whoever else is asked about, and in which parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from batches import padded
from folded_in import FILMS, answers_of, every_model, vectors_of
from torch import nn

from recdemo.core.protocols import TwoSided, needs_histories
from recdemo.core.session import Session, Watched
from recdemo.core.vocabulary import Objective
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS

READ_ALWAYS = ["mf", "two_tower"]  # for `next`, unless asked not to


@pytest.fixture
def model(key: str, objective: Objective, schema: Schema, make_model: Callable) -> nn.Module:
    made: nn.Module = make_model(key, schema, objective=objective)
    return made


def _watched(schema: Schema, *films: tuple[int, bool | None]) -> Session:
    history = [Watched(int(schema.movie_ids[film - 1]), liked) for film, liked in films]
    return Session("F", 25, 4, history)


@every_model
def test_what_an_objective_cannot_learn_from_is_not_read(
    model: nn.Module, objective: Objective, schema: Schema
) -> None:
    """A film disliked is no film picked; a film just watched has no opinion to learn."""
    kept = [(3, True), (20, True), (7, True)]
    visitors = [
        _watched(schema, *kept),
        _watched(schema, *kept, (11, False), (30, False)),
        _watched(schema, *kept, (11, None), (30, None)),
    ]
    plain, disliked, watched = answers_of(model, encode(schema, visitors, FILMS))
    unread, read = (disliked, watched) if objective == "next" else (watched, disliked)
    torch.testing.assert_close(unread, plain, atol=1e-5, rtol=1e-5)
    assert (read - plain).abs().max() > 1e-4


@every_model
def test_who_likes_a_film_is_shown_it_higher(
    model: nn.Module, objective: Objective, schema: Schema
) -> None:
    films = torch.tensor([3, 20, 7])
    history = [(film, True) for film in films.tolist()]
    visitors = [_watched(schema), _watched(schema, *history)]
    scores = answers_of(model, encode(schema, visitors, torch.arange(1, schema.size + 1)))
    if objective == "rating":  # nearer to the stars of a film liked
        gap = (scores[:, films - 1] - 4.39).square().sum(1)
        assert gap[1] < gap[0]
    else:
        nothing, liked = scores[:, films - 1].sum(1)
        assert liked > nothing


@every_model
def test_without_a_history_the_mean_of_the_group_is_the_answer(
    model: nn.Module, schema: Schema
) -> None:
    visitors = [
        Session("F", 25, 4),
        Session("M", 56, 20),
        Session("F"),
        _watched(schema, (3, True)),
    ]
    table = {name: value.numpy() for name, value in model.users.state_dict().items()}
    ids = [(1, 3, 5), (2, 7, 21), (1, 0, 0)]
    found = vectors_of(model, encode(schema, visitors, FILMS))
    for row, (gender, age, occupation) in zip(found[:3], ids, strict=True):
        wanted = table["mean"] + table["mean_gender"][gender]
        wanted = wanted + table["mean_age"][age] + table["mean_occupation"][occupation]
        assert np.array_equal(row.astype(np.float32), wanted)
    assert np.abs(found[3] - found[0]).max() > 0.01  # the same group, and a film


@every_model
def test_folding_in_is_the_same_however_it_is_asked(
    model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    batch = encode(schema, sessions, FILMS)
    first = vectors_of(model, batch)
    torch.manual_seed(99)
    assert np.array_equal(vectors_of(model, batch), first)
    with torch.no_grad():
        assert np.array_equal(model.users(batch, model._scorer).double().numpy(), first)
    assert all(parameter.grad is None for parameter in model.parameters())
    model.requires_grad_(False)  # as a checkpoint is loaded
    assert np.array_equal(vectors_of(model, batch), first)
    with torch.inference_mode():  # where tensors made inside know no gradients
        again = encode(schema, sessions, FILMS)
        assert np.array_equal(model.users(again, model._scorer).double().numpy(), first)


@every_model
def test_nobody_else_and_no_padding_changes_who_one_is(
    model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    batch = encode(schema, sessions, FILMS)
    together = answers_of(model, batch)
    alone = [answers_of(model, encode(schema, [session], FILMS)) for session in sessions]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(answers_of(model, padded(batch)), together, atol=1e-5, rtol=1e-5)


@every_model
def test_visitors_may_be_fitted_part_by_part(
    model: nn.Module, schema: Schema, sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = encode(schema, sessions, FILMS)
    at_once = answers_of(model, batch)
    monkeypatch.setattr("recdemo.blocks.fold_in.CHUNK", 5)
    torch.testing.assert_close(answers_of(model, batch), at_once, atol=1e-5, rtol=1e-5)


@every_model
def test_a_training_user_is_their_own_vector_beside_visitors_too(
    key: str, objective: Objective, schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    documents = {"recency": None} if objective == "next" else {}
    model = make_model(key, schema, objective=objective, **documents)
    batch = encode(schema, sessions[-3:], FILMS)
    visitors = vectors_of(model, batch)
    mixed = vectors_of(model, replace(batch, user=torch.tensor([0, 5, 0])))
    learned = model.users.vectors.weight.detach().double().numpy()
    np.testing.assert_allclose(mixed[[0, 2]], visitors[[0, 2]], atol=1e-5 if key != "mf" else 0.05)
    assert np.array_equal(mixed[1], learned[5])
    known = vectors_of(model, replace(batch, user=torch.tensor([12, 1, 12])))
    assert np.array_equal(known, learned[[12, 1, 12]])


@pytest.mark.parametrize("key", READ_ALWAYS)
def test_what_comes_next_is_asked_of_the_history_not_of_the_name(
    key: str, schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    model = make_model(key, schema, objective="next")
    batch = encode(schema, sessions[-3:], FILMS)
    named = replace(batch, user=torch.tensor([1, 5, 0]))
    assert np.array_equal(vectors_of(model, named), vectors_of(model, batch))
    assert needs_histories(model)
    model.train()
    assert not needs_histories(model)
    learned = model.users.vectors.weight[[1, 5, 3]]
    known = replace(batch, user=torch.tensor([1, 5, 3]))
    assert torch.equal(model.users(known, model._scorer), learned)
    if isinstance(model.eval(), TwoSided):
        with torch.inference_mode():
            visitors, films = model.sides(batch)
            wanted = model(batch).view(batch.users, -1)
        torch.testing.assert_close(visitors @ films[FILMS].T, wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("key", READ_ALWAYS)
def test_the_film_picked_last_counts_most_where_recency_does(
    key: str, schema: Schema, make_model: Callable
) -> None:
    films = [(film, True) for film in (3, 20, 7, 15, 11, 30)]
    first_changed, last_changed = [(4, True), *films[1:]], [*films[:-1], (4, True)]
    histories = (films, first_changed, last_changed, films[::-1])
    visitors = [_watched(schema, *history) for history in histories]
    for recency in (1.0, None):
        model = make_model(key, schema, objective="next", recency=recency)
        model.users.spread.copy_(torch.eye(len(model.users.spread)))
        plain, first, last, turned = answers_of(model, encode(schema, visitors, FILMS))
        if recency:
            assert (last - plain).norm() > (first - plain).norm() > 0
            assert (turned - plain).norm() > 1e-3
        else:
            torch.testing.assert_close(turned, plain, atol=1e-5, rtol=1e-5)
    with pytest.raises(ValueError, match="recency 0 is not above 0"):
        make_model(key, schema, objective="next", recency=0)


def test_a_liked_film_raises_its_stars_the_less_the_more_is_known(
    schema: Schema, make_model: Callable
) -> None:
    """Each film liked lifts what is predicted of it, one that is loved already hardly at all."""
    model = make_model("rating_mlp", schema, std=0.1)
    model.head.last.bias.data.fill_(3.5)
    films = torch.tensor([3])
    stars = []
    for shift in (0.0, 1.5):
        model.head.last.bias.data.fill_(3.5 + shift)
        visitors = [_watched(schema), _watched(schema, (3, False)), _watched(schema, (3, True))]
        with torch.inference_mode():
            stars.append(model(encode(schema, visitors, films)))
    for nothing, disliked, liked in stars:
        assert disliked < nothing < liked
    assert stars[1][2] - stars[1][0] < 0.5 * (stars[0][2] - stars[0][0])


def test_the_pull_grows_with_strength_and_fades_with_films(
    schema: Schema, make_model: Callable
) -> None:
    films = [(film, True) for film in (3, 20, 7, 15, 11, 30)]
    visitors = [_watched(schema, *films[:count]) for count in (1, 3, 6)]
    away = []
    for strength in (0.3, 3.0, 30.0):
        model = make_model("mf", schema, objective="like", std=0.2, strength=strength)
        model.users.spread.copy_(torch.eye(len(model.users.spread)))
        batch = encode(schema, visitors, FILMS)
        moved = vectors_of(model, batch) - model.users.group_mean(batch).double().numpy()
        away.append(np.linalg.norm(moved, axis=1))
    assert (np.diff(away, axis=0) < 0).all()
    assert (np.diff(away, axis=1) > 0).all()


def test_weights_saved_without_a_spread_find_it_from_the_users(
    schema: Schema, make_model: Callable
) -> None:
    model = make_model("mf", schema, objective="like")
    state = model.state_dict()
    del state["users.spread"]
    model.load_state_dict(state)
    y = model.users.vectors.weight[1:].detach().double().numpy()
    count, dim = y.shape
    covariance = np.cov(y.T, bias=True)
    wanted = (count * covariance + 20 * np.trace(covariance) / dim * np.eye(dim)) / (count + 20)
    found = model.users.spread.double().numpy()
    np.testing.assert_allclose(found @ found.T, wanted, atol=1e-6)
    nothing = CARDS["mf"].model(schema, users=3, objective="next")
    state = nothing.state_dict()
    del state["users.spread"]
    nothing.load_state_dict(state)
    assert torch.equal(nothing.users.spread, torch.eye(33))
