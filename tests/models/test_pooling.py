"""The models that weigh the films watched and add them up, against their formulas visitor by visitor."""

from __future__ import annotations

from collections.abc import Callable

import by_hand
import numpy as np
import pytest
import torch
from by_hand import weights_of
from history_models import (
    FILMS,
    WAYS,
    K,
    Visitor,
    by_films,
    close,
    interest_head,
    make,
    score,
    two_sided,
)

from recdemo.core.session import Session
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema
from recdemo.models.din import DIN
from recdemo.models.pooling import AttentionPooling, Pooling

# Pooling


@pytest.mark.parametrize("pool", ["sum", "mean"])
def test_pooling_is_its_formula(
    pool: str, schema: Schema, sessions: list[Session], visitors: Callable
) -> None:
    model = make(Pooling, schema, pool=pool)

    def logit(visitor: Visitor, film: int) -> float:
        interest = sum(visitor.watched, np.zeros(K))
        if pool == "mean" and visitor.ids:
            interest = interest / len(visitor.ids)
        return two_sided(model.head, interest, visitor.films[film])

    close(score(model, schema, sessions), by_films(visitors(model.films), logit))


def test_attention_pooling_is_its_formula(
    schema: Schema, sessions: list[Session], visitors: Callable
) -> None:
    model = make(AttentionPooling, schema)
    w = weights_of(model.attention)

    def raw(x: np.ndarray) -> float:
        return by_hand.dot(w["outer.weight"][0], by_hand.sigmoid(by_hand.layer(x, w, "inner")))

    def weights(visitor: Visitor) -> list[float]:
        return by_hand.softmax([raw(x) for x in visitor.watched])

    def logit(visitor: Visitor, film: int) -> float:
        pairs = zip(weights(visitor), visitor.watched, strict=True)
        interest = sum((a * x for a, x in pairs), np.zeros(K))
        return two_sided(model.head, interest, visitor.films[film])

    known = visitors(model.films)
    close(score(model, schema, sessions), by_films(known, logit))
    shown = model.history_weights(encode(schema, sessions, torch.tensor(FILMS)))
    assert shown.shape == (len(sessions), len(FILMS), schema.history_length)
    for u, visitor in enumerate(known):
        rest = [0.0] * (schema.history_length - len(visitor.ids))
        close(shown[u], [[*weights(visitor), *rest]] * len(FILMS))


# Attention that looks at the candidate


@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("user_fields", "item_fields"), [(True, True), (True, False), (False, True)]
)
def test_din_is_its_formula_whichever_way_it_attends(
    way: str,
    softmax: bool,
    user_fields: bool,
    item_fields: bool,
    schema: Schema,
    sessions: list[Session],
    visitors: Callable,
) -> None:
    model = make(
        DIN,
        schema,
        attention=way,
        softmax=softmax,
        user_fields=user_fields,
        item_fields=item_fields,
    )
    assert model.films.fields.fields == (("movie", "genres", "year") if item_fields else ("movie",))
    w, of_model = weights_of(model.attention), weights_of(model)

    def raw(x: np.ndarray, q: np.ndarray, visitor: Visitor) -> float:
        if way == "unit":
            hidden = by_hand.layer([*x, *q, *(x - q), *(x * q)], w, "inner")
            return by_hand.layer(by_hand.dice(hidden, w, "dice."), w, "outer")[0]
        if way == "dot":
            return float(x @ q)
        if way == "bilinear":
            return by_hand.dot(q, by_hand.linear(x, w["inner.weight"]))
        if way == "user":
            profile = visitor.profile(model.user_fields, ("gender", "age", "occupation"))
            inputs = x * by_hand.layer(profile, of_model, "user")
        else:
            inputs = x if way == "item" else x * q
        return by_hand.dot(w["outer.weight"][0], by_hand.sigmoid(by_hand.layer(inputs, w, "inner")))

    def weights(visitor: Visitor, film: int) -> list[float]:
        scores = [raw(x, visitor.films[film], visitor) for x in visitor.watched]
        return by_hand.softmax(scores) if softmax else scores

    def logit(visitor: Visitor, film: int) -> float:
        pairs = zip(weights(visitor, film), visitor.watched, strict=True)
        interest = sum((a * x for a, x in pairs), np.zeros(K))
        return interest_head(model.head, visitor, interest, film, user_fields)

    known = visitors(model.films)
    close(score(model, schema, sessions), by_films(known, logit), tolerance=1e-4)
    shown = model.history_weights(encode(schema, sessions, torch.tensor(FILMS)))
    assert shown.shape == (len(sessions), len(FILMS), schema.history_length)
    for u, visitor in enumerate(known):
        rest = [0.0] * (schema.history_length - len(visitor.ids))
        close(shown[u], [[*weights(visitor, film), *rest] for film in FILMS], tolerance=1e-4)
    same = torch.allclose(shown, shown[:, :1].expand_as(shown))
    assert same == (way in ("item", "user"))  # these two do not look at the candidate
