"""The models that have an answer after each film, against their formulas visitor by visitor."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from causal_by_hand import layer_by_hand
from history_models import FILMS, HEADS, K, Visitor, by_films, close, make, other_film, score
from torch import Tensor, nn
from unit_by_hand import unit_by_hand

from recdemo.core.protocols import Causal
from recdemo.core.session import Session
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema
from recdemo.models.hstu import HSTU
from recdemo.models.sasrec import SASRec

ALL = [(kind, more) for kind in (SASRec, HSTU) for more in ({}, {"layers": 1})]
every_model = pytest.mark.parametrize(
    ("kind", "more"), ALL, ids=["-".join(map(str, (k.__name__, *m.values()))) for k, m in ALL]
)
LAYER = {SASRec: layer_by_hand, HSTU: unit_by_hand}


def _base(model: nn.Module) -> nn.Module:
    return getattr(model, "base", model)


def _read(model: nn.Module, visitor: Visitor) -> tuple[Tensor, list[np.ndarray]]:
    """The states after each film [n, k], and each layer's weights [H, n, n]."""
    x, shown = torch.as_tensor(visitor.watched, dtype=torch.float32), []
    for layer in _base(model).layers:
        x, weights = LAYER[type(model)](layer, x)
        shown.append(weights)
    with torch.no_grad():
        return _base(model).norm(x), shown


@every_model
def test_it_is_its_formula(
    kind: type, more: dict, schema: Schema, sessions: list[Session], visitors: Callable
) -> None:
    model = make(kind, schema, **more)
    bias = _base(model).film_bias.weight.detach()[:, 0]

    def logit(visitor: Visitor, film: int) -> float:
        state = _read(model, visitor)[0][-1] if visitor.ids else _base(model).norm(torch.zeros(K))
        return float(state.detach().double().numpy() @ visitor.films[film] + bias[film])

    close(score(model, schema, sessions), by_films(visitors(_base(model).films), logit))


@every_model
def test_it_has_an_answer_after_each_film(
    kind: type, more: dict, schema: Schema, sessions: list[Session], visitors: Callable
) -> None:
    model = make(kind, schema, **more)
    assert isinstance(model, Causal)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    states, films = model.sides_by_step(batch)
    assert states.shape == (*batch.history.shape, K + 1)
    assert films.shape == (schema.size + 1, K + 1)
    close(states[..., -1], torch.ones(batch.history.shape))
    close(films[:, -1:], _base(model).film_bias.weight)
    for u, visitor in enumerate(visitors(_base(model).films)):
        if visitor.ids:
            close(states[u, : len(visitor.ids), :-1], _read(model, visitor)[0])
    # As many films, as many visitors: each step is the answer of somebody who has seen no more.
    for place in range(1, schema.history_length + 1):
        some = [Session(history=s.history[:place]) for s in sessions if len(s.history) >= place]
        early = encode(schema, some, torch.tensor(FILMS))
        last, _ = model.sides(early)
        close(model.sides_by_step(early)[0][:, place - 1], last)


@every_model
def test_it_never_looks_ahead(
    kind: type, more: dict, schema: Schema, sessions: list[Session]
) -> None:
    model = make(kind, schema, **more)
    full = [s for s in sessions if len(s.history) >= schema.history_length]
    batch = encode(schema, full, torch.tensor(FILMS))
    before, _ = model.sides_by_step(batch)
    for place in range(schema.history_length):
        after, _ = model.sides_by_step(other_film(batch, place))
        close(after[:, :place], before[:, :place], tolerance=1e-6)
        assert ((after - before)[:, place:].abs().amax(-1) > 1e-4).all()


@every_model
def test_it_shows_where_each_film_looks(
    kind: type, more: dict, schema: Schema, sessions: list[Session], visitors: Callable
) -> None:
    model = make(kind, schema, **more)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    shown = model.encoder_weights(batch)
    length = schema.history_length
    assert shown.shape == (len(sessions), len(_base(model).layers), HEADS, length, length)
    for u, visitor in enumerate(visitors(_base(model).films)):
        count = len(visitor.ids)
        assert (shown[u, ..., count:] == 0).all()
        assert (shown[u, ..., count:, :] == 0).all()
        if not count:
            continue
        wanted = np.array(_read(model, visitor)[1])  # [layers, H, n, n]
        close(shown[u, ..., :count, :count], wanted)
        latest = wanted[-1, :, -1].mean(0)
        looks = model.history_weights(batch)[u]
        close(looks[:, :count], np.tile(latest, (len(FILMS), 1)))
        assert (looks[:, count:] == 0).all()


@every_model
def test_a_visitor_is_where_their_films_lead(
    kind: type, more: dict, schema: Schema, sessions: list[Session]
) -> None:
    model = make(kind, schema, **more)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    with torch.no_grad():
        users, films = model.user_vectors(batch), model.film_vectors()
        wanted = users @ films[FILMS].T + _base(model).film_bias.weight[FILMS].T
    close(score(model, schema, sessions), wanted)


def test_dropout_is_on_the_films_and_on_each_branch(
    schema: Schema, sessions: list[Session]
) -> None:
    """Where nothing is kept, only the norm of nothing is left."""
    model = make(SASRec, schema, dropout=1 - 1e-7).train()
    visitors, _ = model.sides(encode(schema, sessions, torch.tensor(FILMS)))
    close(visitors[:, :-1], model.norm.bias.expand(len(sessions), -1))
    watched: list[Tensor] = []
    model = make(SASRec, schema, dropout=0.5).train()
    model.layers[0].register_forward_pre_hook(lambda _, inputs: watched.append(inputs[0]))
    model(encode(schema, sessions, torch.tensor(FILMS)))
    assert 0.3 < (watched[0] == 0).float().mean() < 0.7
