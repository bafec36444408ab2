"""Hashed crosses of many candidates at once; what they are is in test_models_fields.py."""

from __future__ import annotations

from itertools import combinations

import torch

from recdemo.blocks.crosses import CROSSED_FIELDS, HashedCrosses
from recdemo.core.session import Session
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema


def test_many_candidates_are_crossed_as_each_alone(schema: Schema, sessions: list[Session]) -> None:
    """Of many the few values of a field are crossed once, which changes neither a sum nor its gradient."""
    block = HashedCrosses(schema, pairs=list(combinations(CROSSED_FIELDS, 2)), buckets=5000)
    torch.manual_seed(0)
    torch.nn.init.normal_(block.weight)
    films = torch.arange(1, schema.size + 1)
    together = block(encode(schema, sessions, films))  # [U, M, pairs]
    alone = torch.cat([block(encode(schema, sessions, film.view(1))) for film in films], dim=1)
    torch.testing.assert_close(together, alone)
    ask = torch.randn(together.shape)
    ours, theirs = (torch.autograd.grad(out, block.weight, ask)[0] for out in (together, alone))
    torch.testing.assert_close(ours, theirs)
    assert ours.any()
