"""Beginning with what a trained model knows: its weights, those of a film for the same film.

Where two sets of ratings share films, the vectors learned from the larger set are a better beginning for the smaller one than
chance is. A film is the same where its MovieLens id is.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from recdemo import checkpoints
from recdemo.core.errors import RequestError
from recdemo.core.vocabulary import Objective
from recdemo.encoding.schema import Schema


def begin_with(
    network: nn.Module, schema: Schema, key: str, objective: Objective, base: Path | None = None
) -> int:
    """Take over the weights of a shipped model, as far as both have them.

    A weight of the same name and shape is taken whole; one with a row for each film, of the films that both know. All others
    stay as they are. What is a part of the trained model has the name that it has there: AFM's ``embedding`` is FM's
    ``machine.embedding``, and begins with it, as its paper has it.

    Args:
        network: just built.
        schema: of its films.
        key: of the trained model, such as ``din`` or ``din@2018``.
        objective: that it was trained for.
        base: folder of checkpoints; None for the world's of the key.

    Returns:
        The number of films that both know.

    Raises:
        RequestError: nothing of it fits.
        CheckpointError: it is missing or damaged.
    """
    model, place = checkpoints.place_of(key)
    trained = checkpoints.load(model, objective, base or place)
    known = trained.schema.index
    pairs = [(row, known[int(movie)]) for row, movie in enumerate(schema.movie_ids, start=1)
             if int(movie) in known]  # fmt: skip
    here, there = torch.tensor(pairs, dtype=torch.long).view(-1, 2).unbind(1)
    state, taken = trained.model.state_dict(), 0
    theirs = {name.removeprefix("machine."): weight for name, weight in state.items()} | state
    rows = (trained.schema.size + 1, schema.size + 1)
    for name, weight in network.state_dict().items():
        given = theirs.get(name)
        if given is None or not weight.is_floating_point():
            continue
        if given.shape == weight.shape:
            weight.copy_(given)
        elif given.shape[1:] == weight.shape[1:] and (len(given), len(weight)) == rows:
            weight[0] = given[0].to(weight.dtype)
            weight[here] = given[there].to(weight.dtype)
        else:
            continue
        taken += 1
    if not taken:
        raise RequestError(
            f"nothing of {key} for {objective!r} fits this model; begin with one of the same kind, or with none"
        )
    return len(pairs)
