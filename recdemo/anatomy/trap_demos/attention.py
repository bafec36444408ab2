"""Traps of attention: what it may look at, and what it is shared among."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn

from recdemo.anatomy.trap_demos.case import Case, Demonstration
from recdemo.answers.explain import titles_of
from recdemo.blocks.embedding import gather
from recdemo.blocks.interaction import bi_interaction
from recdemo.blocks.transformer import MultiHeadAttention, causal, distance_from_end
from recdemo.core.batch import Batch
from recdemo.core.protocols import ShowsHeads
from recdemo.models.afm import AFM
from recdemo.models.bst import BST
from recdemo.models.dien import DIEN
from recdemo.models.din import DIN
from recdemo.models.transformer4rec import Transformer4Rec


def softmax_of_one(case: Case) -> Demonstration:
    model = cast(AFM, case.model)
    pooled = bi_interaction(model.embedding(case.batch)).unsqueeze(1)  # [C, 1, k]
    printed = torch.softmax(model.outer(torch.relu(model.inner(pooled))), dim=1).flatten()  # [C]
    right = cast(Tensor, model.field_terms(case.batch).attention)  # [C, P]
    top, pairs = right.max(1).values, (right > 0).sum(1)
    rows = tuple(
        (f"Largest weight for {title}", f"{p:.3f} of 1 thing", f"{t:.3f} of {n} pairs")
        for title, p, t, n in zip(
            case.titles, printed.tolist(), top.tolist(), pairs.tolist(), strict=True
        )
    )
    even = 1 / int(pairs[0])
    return Demonstration(
        f"Printed, the only weight is {printed[0]:.3f} for every film; done right, the strongest pair of "
        f"{case.titles[0]} gets {top[0]:.3f}, {top[0] / even:.1f} times an even share.",
        rows,
    )


def blind_attention(case: Case) -> Demonstration | None:
    if not case.read:
        return None
    model, batch = cast(DIN, case.model), case.batch
    films = model.films.catalogue()
    history, query = model.films.watched(films, batch), gather(films, batch)
    right = model.history_weights(batch)[0, :, : len(case.read)]  # [C, L]
    blind = model.attention(history, batch.history_mask, torch.zeros_like(query))
    blind = blind[0, :, : len(case.read)]
    moved = right.max(0).values - right.min(0).values  # [L]
    watched = titles_of(case.recommender, [film.movie_id for film in case.read])
    most = moved.argsort(descending=True)[:4].tolist()
    rows = tuple((watched[i], in_a_row(blind[:, i]), in_a_row(right[:, i])) for i in most)
    note = (
        f"Each row is a film watched; its weights are for {', '.join(case.titles)}, in this order."
    )
    if len(case.movie_ids) == 1:
        return Demonstration(
            "With a second film asked about, the weights can be compared.", rows, note
        )
    spread = float((blind.max(0).values - blind.min(0).values).max())
    return Demonstration(
        f"From one film asked about to another the weight of {watched[most[0]]} moves by "
        f"{moved[most[0]]:.2f}; with the film asked about left out of the same unit, no weight moves by more "
        f"than {spread:.2f}.",
        rows,
        note,
    )


def softmax_over_steps(case: Case) -> Demonstration | None:
    if len(case.read) < 2:
        return None
    model, batch = cast(DIEN, case.model), case.batch
    films = model.films.catalogue()
    states = model.extraction.states(model.films.watched(films, batch), batch.history_mask)
    scores = gather(films, batch) @ model.attention.inner(states).transpose(1, 2)  # [1, C, L]
    printed = torch.softmax(scores.unsqueeze(-1), dim=-1).squeeze(-1) * batch.history_mask
    right = model.history_weights(batch)
    rows = [
        (f"Sum of weights for {title}", f"{p:.2f}", f"{r:.2f}")
        for title, p, r in zip(
            case.titles, printed.sum(-1)[0].tolist(), right.sum(-1)[0].tolist(), strict=True
        )
    ]
    interest = [model.evolution(states, weights)[0] for weights in (printed, right)]  # [C, k] each
    apart = [float((one - one[:1]).abs().max()) for one in interest]
    rows.append(("Interests differ between films by", f"{apart[0]:.3f}", f"{apart[1]:.3f}"))
    return Demonstration(
        f"Printed, every weight is 1, and the evolved interest differs by {apart[0]:.3f} between the films asked "
        f"about; done right, by {apart[1]:.3f}.",
        tuple(rows),
    )


def masked_diagonal(case: Case) -> Demonstration | None:
    count = len(case.read)
    if count < 2:
        return None
    model, batch = cast(Transformer4Rec, case.model), case.batch
    watched = model.films.watched(model.films.catalogue(), batch)
    x = (watched + model.positions(distance_from_end(batch.history_mask)))[:, :count]
    own = cast(MultiHeadAttention, model.decoder[0].own)
    q, k = (
        layer(x).unflatten(-1, (own.heads, -1)).transpose(1, 2) for layer in (own.query, own.key)
    )
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])  # [1, H, L, L]
    before = torch.ones(count, count).tril(-1).bool()
    printed = torch.softmax(scores.masked_fill(~before, -1e9), dim=-1).mean((0, 1))
    right = torch.softmax(scores.masked_fill(~causal(count), float("-inf")), dim=-1).mean((0, 1))
    ahead = [float(weights[0, 1:].sum()) for weights in (printed, right)]
    itself = [float(weights.diagonal()[1:].mean()) for weights in (printed, right)]
    return Demonstration(
        f"Printed, the first of these {count} films spends {ahead[0]:.0%} of its attention on films that come "
        f"later; done right, {ahead[1]:.0%}.",
        (
            ("First film looks at later ones", f"{ahead[0]:.1%}", f"{ahead[1]:.1%}"),
            ("Other films look at themselves", f"{itself[0]:.1%}", f"{itself[1]:.1%}"),
        ),
    )


def no_padding_mask(case: Case) -> Demonstration:
    model = cast(BST, case.model)
    batch = _padded(case.batch, model.places - 1)  # as many places as training has
    films, mask = model.films.catalogue(), batch.history_mask
    history = model.films.watched(films, batch) + model.positions(distance_from_end(mask))
    query = gather(films + model.positions(torch.tensor(0)), batch)
    everywhere = torch.ones_like(mask)
    printed = model.encoder.attention.beside(query, history, everywhere)[1].mean((1, 2))[0]
    right = cast(ShowsHeads, model).head_weights(batch).mean((1, 2))[0]  # [L + 1]
    places = [*mask[0].tolist(), True]
    empty = [float(w[[not real for real in places]].sum()) for w in (printed, right)]
    own = [float(w[-1]) for w in (printed, right)]
    seen = [1 - e - o for e, o in zip(empty, own, strict=True)]
    count = places.count(False)
    finding = (
        f"Printed, {empty[0]:.0%} of the attention goes to {count} empty places; done right, {empty[1]:.0%}."
        if count
        else "This history fills every place, so there is nothing to mask: the trap shows with a shorter one."
    )
    names = ("On empty places", "On the films watched", "On the film asked about")
    pairs = zip(names, (empty, seen, own), strict=True)
    return Demonstration(finding, tuple((name, f"{p:.1%}", f"{r:.1%}") for name, (p, r) in pairs))


def _padded(batch: Batch, length: int) -> Batch:
    """The same batch, its histories padded to a length."""
    more = (0, length - batch.history.shape[1])
    history, feedback = (nn.functional.pad(x, more) for x in (batch.history, batch.feedback))
    return replace(batch, history=history, feedback=feedback)


def loud_positions(case: Case) -> Demonstration:
    model = cast("BST | Transformer4Rec", case.model)
    film = float(model.films.catalogue()[1:].norm(dim=1).mean())
    printed = float(model.positions.table.norm(dim=1).mean())
    right = printed * abs(float(model.positions.size))
    return Demonstration(
        f"At full size a position is {printed / film:.1f} times as long as a film's vector; with the size this model "
        f"learned, {right / film:.1f} times.",
        (
            ("Mean length of a film's vector", f"{film:.2f}", f"{film:.2f}"),
            ("Mean length of what a position adds", f"{printed:.2f}", f"{right:.2f}"),
        ),
    )


def in_a_row(values: Tensor) -> str:
    return " · ".join(f"{value:+.2f}" for value in values.tolist())
