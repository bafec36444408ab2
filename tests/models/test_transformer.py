"""The models that read the films watched with a Transformer, against torch's own layers visitor by visitor."""

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
    FILMS,
    HEADS,
    NOTHING_KEPT,
    PROFILE,
    WIDE,
    K,
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
from torch import Tensor
from torch_layers import decoder_of_torch, encoder_of_torch

from recdemo.core.session import Session
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema
from recdemo.models import transformer4rec as transformer_file
from recdemo.models.bst import BST
from recdemo.models.transformer4rec import Transformer4Rec


def _placed(x: np.ndarray, places: Any, size: float) -> Tensor:
    """[1, n, k] with positions."""
    rows = [row + size * np.array(by_hand.wave(p, K)) for row, p in zip(x, places, strict=True)]
    return torch.as_tensor(np.array(rows), dtype=torch.float32).unsqueeze(0)


# The candidate among the films watched


@pytest.mark.parametrize("read", ["target", "mean", "flatten"])
def test_bst_is_its_formula(
    read: str, schema: Schema, sessions: list[Session], visitors: Callable
) -> None:
    model = make(BST, schema, read=read)
    layer, size = encoder_of_torch(model.encoder, K, HEADS, WIDE), model.positions.size.item()
    length = schema.history_length

    def leaky(x: np.ndarray, *_: Any) -> np.ndarray:
        return np.where(x > 0, x, 0.01 * x)

    def logit(visitor: Visitor, film: int) -> float:
        count = len(visitor.ids)
        sequence = np.vstack([visitor.watched, visitor.films[film]])
        with torch.no_grad():
            encoded = layer(_placed(sequence, range(count, -1, -1), size))[0]
        encoded = numbers(encoded)  # [n + 1, k]
        if read == "target":
            x = encoded[-1]
        elif read == "mean":
            x = sum(encoded) / (count + 1)
        else:
            gap = np.zeros((length - count, K))
            x = np.vstack([encoded[:-1], gap, encoded[-1:]]).ravel()
        x = [*x, *visitor.profile(model.profile, PROFILE)]
        bias = float(numbers(model.film_bias.weight)[film, 0])
        (answer,) = by_hand.mlp(x, weights_of(model.head), "", leaky)
        return answer + bias

    close(score(model, schema, sessions), by_films(visitors(model.films), logit))


def test_bst_shows_where_the_candidate_looks(
    schema: Schema, sessions: list[Session], visitors: Callable
) -> None:
    model = make(BST, schema)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    shown, mean = model.head_weights(batch), model.history_weights(batch)
    length = schema.history_length
    assert shown.shape == (len(sessions), HEADS, len(FILMS), length + 1)
    w = weights_of(model.encoder.attention)
    part = K // HEADS
    for u, visitor in enumerate(visitors(model.films)):
        count = len(visitor.ids)
        rest = [0.0] * (length - count)
        for c, film in enumerate(FILMS):
            sequence = np.vstack([visitor.watched, visitor.films[film]])
            x = numbers(_placed(sequence, range(count, -1, -1), model.positions.size.item())[0])
            keys = [by_hand.layer(row, w, "key") for row in x]
            query = by_hand.layer(x[-1], w, "query")
            by_head = []
            for h in range(HEADS):
                of = slice(h * part, (h + 1) * part)
                weights = by_hand.softmax(
                    [float(query[of] @ key[of]) / math.sqrt(part) for key in keys]
                )
                by_head.append([*weights[:-1], *rest, weights[-1]])
            close(shown[u, :, c], by_head)
            close(mean[u, c], np.mean(by_head, axis=0)[:-1])
    close(shown.sum(-1), torch.ones(shown.shape[:-1]))
    assert (mean[0] == 0).all()  # no history, nothing to look at but itself


@pytest.mark.parametrize("read", ["target", "mean"])
def test_bst_drops_units_of_its_branches(
    read: str, schema: Schema, sessions: list[Session]
) -> None:
    """Where nothing of them is kept, the candidate goes through the encoder's norms as it is."""
    model = make(BST, schema, dropout=NOTHING_KEPT, read=read).train()
    given: list[Tensor] = []
    model.head.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    nobody = [session for session in sessions if not session.history]
    model(encode(schema, nobody, torch.tensor(FILMS)))
    query = model.films.catalogue()[FILMS] + model.positions(torch.tensor(0))
    wanted = model.encoder.after_feed(model.encoder.after_attention(query))
    close(given[0][..., :K], wanted.expand(len(nobody), -1, -1))


# An encoder that answers, a decoder that writes on


@pytest.mark.parametrize("layers", [1, 2])
def test_transformer4rec_is_its_formula(
    layers: int, schema: Schema, sessions: list[Session], visitors: Callable
) -> None:
    model = make(Transformer4Rec, schema, layers=layers)
    assert len(model.encoder) == len(model.decoder) == layers
    stack = [encoder_of_torch(layer, K, HEADS, WIDE) for layer in model.encoder]

    def logit(visitor: Visitor, film: int) -> float:
        count = len(visitor.ids)
        if not count:
            return interest_head(model.head, visitor, np.zeros(K), film)
        x = _placed(visitor.watched, range(count, 0, -1), model.positions.size.item())
        with torch.no_grad():
            for layer in stack:
                x = layer(x)
        return interest_head(model.head, visitor, numbers(x[0, -1]), film)

    close(score(model, schema, sessions), by_films(visitors(model.films), logit))


@pytest.mark.parametrize("length", [6, 7])
@pytest.mark.parametrize("layers", [1, 2])
def test_transformer4rec_writes_the_second_half_from_the_first(
    layers: int, length: int, small_films: Any, sessions: list[Session], visitors: Callable
) -> None:
    """By hand: torch's encoder over the first half, torch's decoder fed the films shifted by one."""
    schema = Schema(small_films, history_length=length)
    model = make(Transformer4Rec, schema, layers=layers, alpha=0.6)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    logits, loss = model.joint(batch)
    close(logits, model(batch), tolerance=1e-6)
    encoder = [encoder_of_torch(layer, K, HEADS, WIDE) for layer in model.encoder]
    decoder = [decoder_of_torch(layer, K, HEADS, WIDE) for layer in model.decoder]
    size = model.positions.size.item()
    bias = numbers(model.film_bias.weight)[:, 0]
    losses = []
    for visitor in visitors(model.films, length):
        count = len(visitor.ids)
        half = math.ceil(count / 2)
        if count < 2:
            continue
        first, inputs = visitor.watched[:half], visitor.watched[half - 1 : count - 1]
        names = visitor.ids[half:]
        assert len(inputs) == len(names)
        x, memory = (
            _placed(inputs, range(len(inputs)), size),
            _placed(first, range(half, 0, -1), size),
        )
        ahead = torch.ones(len(inputs), len(inputs), dtype=torch.bool).triu(1)
        with torch.no_grad():
            for layer in encoder:
                memory = layer(memory)
            for layer in decoder:
                x = layer(x, memory, tgt_mask=ahead)
        for state, film in zip(numbers(x[0]), names, strict=True):
            losses.append(catalogue_loss(state, visitor.films, bias, film))
    assert len(losses) > 15
    close(loss, 0.6 * np.mean(losses))


def test_transformer4rec_never_looks_ahead(
    schema: Schema, sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever film of the second half changes, no step that names it or an earlier one moves."""
    model = make(Transformer4Rec, schema, layers=2)
    full = [s for s in sessions if len(s.history) >= schema.history_length]
    batch = encode(schema, full, torch.tensor(FILMS))
    half = schema.history_length // 2
    before = catch(monkeypatch, transformer_file, model, batch)
    assert before.mask.all()
    assert torch.equal(before.following, batch.history[:, half:])
    for place in range(half, schema.history_length):
        after = catch(monkeypatch, transformer_file, model, other_film(batch, place))
        step = place - half  # names the film at `place`
        assert torch.equal(after.states[:, : step + 1], before.states[:, : step + 1])
        moved = (after.states - before.states)[:, step + 1 :].abs().amax(-1)
        assert (moved > 1e-4).all()
    for place in range(half):  # the beginning is read by every step
        after = catch(monkeypatch, transformer_file, model, other_film(batch, place))
        assert ((after.states - before.states).abs().amax(-1) > 1e-5).all()


def test_transformer4rec_writes_for_as_many_users_as_it_may(
    schema: Schema, sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = encode(schema, sessions, torch.tensor(FILMS))
    for steps, users in ((1, 1), (3, 1), (7, 2), (1000, len(sessions))):
        model = make(Transformer4Rec, schema, steps=steps)
        caught = catch(monkeypatch, transformer_file, model, batch)
        assert caught.states.shape == (users, schema.history_length // 2, K)
        assert caught.following.shape == caught.mask.shape == caught.states.shape[:2]


def test_transformer4rec_shows_where_each_film_looks(
    schema: Schema, sessions: list[Session], visitors: Callable
) -> None:
    model = make(Transformer4Rec, schema, layers=2)
    shown = model.encoder_weights(encode(schema, sessions, torch.tensor(FILMS)))
    length = schema.history_length
    assert shown.shape == (len(sessions), 2, HEADS, length, length)
    for u, visitor in enumerate(visitors(model.films)):
        count = len(visitor.ids)
        if not count:
            assert (shown[u] == 0).all()
            continue
        x = _placed(visitor.watched, range(count, 0, -1), model.positions.size.item())
        for number, layer in enumerate(model.encoder):
            reference = encoder_of_torch(layer, K, HEADS, WIDE)
            with torch.no_grad():
                _, wanted = reference.self_attn(x, x, x, average_attn_weights=False)
                x = reference(x)
            close(shown[u, number, :, :count, :count], wanted[0])
        assert (shown[u, ..., count:] == 0).all()
        answers = shown[u, -1, :, count - 1].mean(0)  # the latest film's place, in the last layer
        close(model.history_weights(encode(schema, sessions, torch.tensor(FILMS)))[u, 0], answers)
