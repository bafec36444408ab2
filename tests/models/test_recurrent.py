"""The models that read the films watched one after the other, against their formulas visitor by visitor."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import by_hand
import numpy as np
import pytest
import torch
from by_hand import numbers, weights_of
from history_models import (
    CELLS,
    FILMS,
    NOTHING_KEPT,
    Visitor,
    by_films,
    catalogue_loss,
    catch,
    close,
    interest_head,
    make,
    other_film,
    score,
)
from torch import Tensor, nn

from recdemo.core.session import Session
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema
from recdemo.models import dien as dien_file
from recdemo.models import recurrent as recurrent_file
from recdemo.models.dien import DIEN
from recdemo.models.recurrent import RNN, RNNMF, RNNJoint

# The state after the last film


def _torch_cell(layer: nn.RNNBase) -> nn.RNNBase:
    """A fresh network of torch with the weights of `layer`."""
    fresh = type(layer)(layer.input_size, layer.hidden_size, batch_first=True)
    fresh.load_state_dict(layer.state_dict())
    return fresh


def _states(layer: nn.RNNBase, x: np.ndarray) -> np.ndarray:
    """States [n, h] after each row of x."""
    if len(x) == 0:
        return np.zeros((0, layer.hidden_size))
    with torch.no_grad():
        out, _ = _torch_cell(layer)(torch.as_tensor(x, dtype=torch.float32).unsqueeze(0))
    return numbers(out[0])


def _last_state(layer: nn.RNNBase, x: np.ndarray) -> np.ndarray:
    return np.vstack([np.zeros(layer.hidden_size), _states(layer, x)])[-1]


@pytest.mark.parametrize("cell", CELLS)
def test_rnn_reads_the_candidate_last(
    cell: str, schema: Schema, sessions: list[Session], visitors: Callable
) -> None:
    model = make(RNN, schema, cell=cell)
    assert type(model.recurrence.layer).__name__.lower() == cell

    def logit(visitor: Visitor, film: int) -> float:
        sequence = np.vstack([visitor.watched, visitor.films[film]])
        state = _states(model.recurrence.layer, sequence)[-1]
        (answer,) = by_hand.mlp(state, weights_of(model.head), "")
        return answer

    close(score(model, schema, sessions), by_films(visitors(model.films), logit))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("kind", [RNNMF, RNNJoint])
def test_rnn_als_is_the_last_state_times_the_film(
    kind: type, cell: str, schema: Schema, sessions: list[Session], visitors: Callable
) -> None:
    model = make(kind, schema, cell=cell)
    base = model.base if kind is RNNJoint else model
    assert type(base.recurrence.layer).__name__.lower() == cell

    def logit(visitor: Visitor, film: int) -> float:
        state = _last_state(base.recurrence.layer, visitor.watched)
        bias = float(numbers(base.film_bias.weight)[film, 0]) + base.bias.item()
        return sum(h * q for h, q in zip(state, visitor.films[film], strict=True)) + bias

    close(score(model, schema, sessions), by_films(visitors(base.films), logit))


@pytest.mark.parametrize("kind", [RNNMF, RNNJoint])
def test_rnn_als_drops_units_of_its_states(
    kind: type, schema: Schema, sessions: list[Session]
) -> None:
    """Where nothing of a state is kept, its biases alone are left, in both tasks."""
    model = make(kind, schema, dropout=NOTHING_KEPT)
    base = model.base if kind is RNNJoint else model
    batch = encode(schema, sessions, torch.tensor(FILMS))
    bias = base.film_bias.weight[:, 0]
    close(model.train()(batch), bias[batch.target_movie] + base.bias)
    if kind is RNNJoint:
        following = batch.history[:, 1:][batch.history_mask[:, 1:]]
        close(model.joint(batch)[1], -bias[1:].log_softmax(0)[following - 1].mean())


# The next film at every step


@pytest.mark.parametrize("cell", CELLS)
def test_rnn_joint_names_the_next_film_at_every_step(
    cell: str, schema: Schema, sessions: list[Session], visitors: Callable
) -> None:
    model = make(RNNJoint, schema, cell=cell, alpha=0.7)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    logits, loss = model.joint(batch)
    close(logits, model(batch), tolerance=1e-6)
    losses = []
    for visitor in visitors(model.base.films):
        states = _states(model.base.recurrence.layer, visitor.watched)
        bias = numbers(model.base.film_bias.weight)[:, 0]
        for t in range(len(visitor.ids) - 1):
            losses.append(catalogue_loss(states[t], visitor.films, bias, visitor.ids[t + 1]))
    assert len(losses) > 20
    close(loss, 0.7 * np.mean(losses))


def test_rnn_joint_draws_steps_where_there_are_many(
    schema: Schema, sessions: list[Session]
) -> None:
    batch = encode(schema, sessions, torch.tensor(FILMS))
    model = make(RNNJoint, schema, steps=1)
    torch.manual_seed(0)
    few = {round(model.joint(batch)[1].item(), 4) for _ in range(30)}
    assert len(few) > 5  # one step at a time, drawn anew
    model = make(RNNJoint, schema)
    assert len({model.joint(batch)[1].item() for _ in range(3)}) == 1


@pytest.mark.parametrize("cell", CELLS)
def test_rnn_joint_sees_no_film_before_it_names_it(
    cell: str, schema: Schema, sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make(RNNJoint, schema, cell=cell)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    before = catch(monkeypatch, recurrent_file, model, batch)
    for place in range(1, schema.history_length):
        after = catch(monkeypatch, recurrent_file, model, other_film(batch, place))
        names = batch.history[:, place] != 0  # step place − 1 names the film at `place`
        assert torch.equal(before.following[names, place - 1], batch.history[names, place])
        assert before.mask[names, place - 1].all()
        assert torch.equal(before.states[:, :place], after.states[:, :place])
        reads = before.mask[:, place:].any(1)
        moved = (before.states - after.states)[reads, place:].abs().amax(-1)
        assert (moved[:, :1] > 1e-3).all()
    assert before.mask.sum() == (batch.history_mask.sum(1) - 1).clamp(min=0).sum()


# Interest that evolves


def test_dien_is_its_formula(schema: Schema, sessions: list[Session], visitors: Callable) -> None:
    model = make(DIEN, schema)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    with torch.inference_mode():
        shown, gates = model.history_weights(batch), model.update_gates(batch)
        over_time = model.logits_over_time(batch)
    w, evolution = numbers(model.attention.inner.weight), weights_of(model.evolution)
    found = score(model, schema, sessions)
    for u, visitor in enumerate(visitors(model.films)):
        states = _states(model.extraction.layer, visitor.watched)
        rest = [0.0] * (schema.history_length - len(visitor.ids))
        for c, film in enumerate(FILMS):
            attention = by_hand.softmax([float(visitor.films[film] @ w @ h) for h in states])
            interest, moved = by_hand.augru(states, attention, evolution)
            logit = interest_head(model.head, visitor, interest, film)
            assert float(found[u, c]) == pytest.approx(logit, abs=3e-5, rel=1e-4)
            close(shown[u, c], [*attention, *rest])
            close(gates[u, c], [*moved, *rest])
            for t in range(len(states)):
                interest, _ = by_hand.augru(states[: t + 1], attention[: t + 1], evolution)
                logit = interest_head(model.head, visitor, interest, film)
                assert float(over_time[u, c, t]) == pytest.approx(logit, abs=3e-5, rel=1e-4)
    assert (shown[-1, 0] - shown[-1, 1]).abs().max() > 0.01  # the candidate decides


def test_dien_tells_the_film_that_followed_from_one_drawn(
    schema: Schema, sessions: list[Session], visitors: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make(DIEN, schema, alpha=0.3)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    drawn: list[Tensor] = []

    def draw(*args: Any, **more: Any) -> Tensor:
        drawn.append(randint(*args, **more))
        return drawn[-1]

    randint = torch.randint
    monkeypatch.setattr(dien_file.torch, "randint", draw)
    for _ in range(60):
        logits, loss = model.joint(batch)
    close(logits, model(batch), tolerance=1e-6)
    assert {int(film) for films in drawn for film in films.flatten()} == set(
        range(1, schema.size + 1)
    )
    losses = []
    for u, visitor in enumerate(visitors(model.films)):
        states = _states(model.extraction.layer, visitor.watched)
        for t in range(len(visitor.ids) - 1):
            followed = float(states[t] @ visitor.films[visitor.ids[t + 1]])
            instead = float(states[t] @ visitor.films[drawn[-1][u, t]])
            losses.append(
                -math.log(by_hand.sigmoid(followed)) - math.log(1 - by_hand.sigmoid(instead))
            )
    close(loss, 0.3 * np.mean(losses))
