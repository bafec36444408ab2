"""Products of fields and the factorisation machine, in plain loops over their pairs."""

from __future__ import annotations

from collections.abc import Callable

import by_hand
import numpy as np
import pytest
import torch
from by_hand import close, draw, numbers, own_candidates

from recdemo.blocks.cross_layers import CrossLayerV2
from recdemo.blocks.interaction import (
    FactorizationMachine,
    bi_interaction,
    pair_indices,
    pair_products,
)
from recdemo.core.session import Session
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema

K = 5


def test_bi_interaction_is_the_sum_over_pairs() -> None:
    fields = torch.randn(3, 4, 6, K, generator=torch.Generator().manual_seed(1))
    v = numbers(fields)
    wanted = np.zeros((3, 4, K))
    for a in range(3):
        for b in range(4):
            for i in range(6):
                for j in range(i + 1, 6):
                    for k in range(K):
                        wanted[a, b, k] += v[a, b, i, k] * v[a, b, j, k]
    close(bi_interaction(fields), wanted)


def test_pairs_come_row_by_row() -> None:
    pairs = list(zip(*(side.tolist() for side in pair_indices(4)), strict=True))
    assert pairs == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]


def test_pair_products_multiply_each_pair_in_that_order() -> None:
    fields = torch.randn(2, 5, K, generator=torch.Generator().manual_seed(2))
    v = numbers(fields)
    wanted = [
        [[v[b, i, k] * v[b, j, k] for k in range(K)] for i in range(5) for j in range(i + 1, 5)]
        for b in range(2)
    ]
    close(pair_products(fields), wanted)


@pytest.mark.parametrize("count", [1, 3])
def test_machine_is_the_loop_over_all_pairs_of_fields(
    count: int, schema: Schema, sessions: list[Session], vectors_by_hand: Callable
) -> None:
    machine = draw(FactorizationMachine(schema, embed_dim=K))
    candidates = own_candidates(schema, len(sessions), count)
    batch = encode(schema, sessions, candidates)
    found = machine(machine.fields(batch), batch)

    def logit(session: Session, film: int) -> float:
        def vectors(tables: dict) -> dict:
            return vectors_by_hand(tables, schema.movies, 6, session, film)

        return by_hand.machine(machine, vectors, "")

    wanted = [
        [logit(session, film) for film in films]
        for session, films in zip(sessions, candidates.tolist(), strict=True)
    ]
    close(found, wanted)
    linear, pairs = machine.terms(batch)
    close(machine.bias + linear.sum(1) + pairs.sum(1), np.ravel(wanted))


def test_a_cross_layer_is_the_loop_over_every_two_numbers() -> None:
    layer = draw(CrossLayerV2(4))
    first, x = by_hand.normal(3, 4, seed=4), by_hand.normal(3, 4, seed=5)
    weight, bias = numbers(layer.out.weight), numbers(layer.out.bias)
    wanted = numbers(x)
    for row in range(3):
        for i in range(4):
            read = bias[i] + sum(weight[i, j] * float(x[row, j]) for j in range(4))
            wanted[row, i] += float(first[row, i]) * read
    close(layer(first, x), wanted)


@pytest.mark.parametrize("experts", [1, 3])
def test_a_layer_of_low_rank_mixes_its_experts_by_a_softmax(experts: int) -> None:
    layer = draw(CrossLayerV2(4, rank=2, experts=experts))
    first, x = by_hand.normal(3, 4, seed=4), by_hand.normal(3, 4, seed=5)
    into, out, bias = (numbers(w) for w in (layer.into.weight, layer.out.weight, layer.out.bias))
    wanted = numbers(x)
    for row in range(3):
        gates = by_hand.softmax(into[2 * experts :] @ numbers(x)[row]) if experts > 1 else [1.0]
        for expert, gate in enumerate(gates):
            rows = slice(2 * expert, 2 * expert + 2)
            read = out[:, rows] @ (into[rows] @ numbers(x)[row])
            wanted[row] += gate * numbers(first)[row] * (read + bias)  # the gates add up to one
    close(layer(first, x), wanted)
